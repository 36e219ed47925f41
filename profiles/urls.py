from django.urls import path

from . import bulk_views, curation, report_views, views

urlpatterns = [
    path("people/<int:pk>/", views.person, name="person"),
    path("people/<int:pk>/follow/", views.follow, name="person_follow"),
    path("people/<int:pk>/<slug:slug>/", views.person, name="person"),
    path("works/<int:paper>/attribution/<int:author>/", views.attribution, name="attribution"),
    path("report/person/<int:pk>/", report_views.person, name="report_person"),
    path("report/work/<int:pk>/", report_views.work, name="report_work"),
    path("reports/", report_views.mine, name="reports"),
    path("curate/", curation.overview, name="curate"),
    path("curate/people/", curation.people, name="curate_people"),
    path("curate/works/", curation.works, name="curate_works"),
    path("curate/contradictions/", curation.contradictions, name="curate_contradictions"),
    path("curate/reports/", report_views.open_reports, name="curate_reports"),
    path("curate/reports/<int:pk>/", report_views.report, name="curate_report"),
    path("curate/reports/<int:pk>/close/", report_views.close, name="curate_report_close"),
    path("curate/decisions/", curation.decided, name="curate_decided"),
    path("curate/decisions/<int:pk>/", curation.decision, name="curate_decision"),
    path("curate/decisions/<int:pk>/withdraw/", curation.withdraw, name="curate_withdraw"),
    path("curate/decide/", curation.decide, name="curate_decide"),
    path("curate/hold/", curation.hold, name="curate_hold"),
    path("curate/compare/<int:one>/<int:other>/", curation.side_by_side, name="curate_compare"),
    path("curate/journal/", curation.journal_page, name="curate_journal"),
    path("curate/bulk/", bulk_views.rules, name="curate_bulk"),
    path("curate/bulk/<slug:slug>/", bulk_views.rule, name="curate_rule"),
    path("curate/bulk/<slug:slug>/draw/", bulk_views.draw, name="curate_draw"),
    path("curate/reviews/<int:pk>/", bulk_views.review, name="curate_review"),
    path("curate/reviews/<int:pk>/mark/", bulk_views.mark, name="curate_mark"),
    path("curate/reviews/<int:pk>/accept/", bulk_views.accept, name="curate_accept"),
    path("accuracy/", views.accuracy, name="accuracy"),
]
