from django.urls import path

from . import curation, following, history, views

urlpatterns = [
    path("people/<int:pk>/", views.person, name="person"),
    path("people/<int:pk>/follow/", views.follow, name="person_follow"),
    path("people/<int:pk>/history/", history.person_history, name="person_history"),
    path("people/<int:pk>/<slug:slug>/", views.person, name="person"),
    path("orcid/<str:iD>", views.orcid, name="orcid"),
    path("following/", following.following, name="following"),
    path("following/questions/<int:pk>/", following.answer_question, name="follow_answer"),
    path("works/<int:paper>/attribution/<int:author>/", views.attribution, name="attribution"),
    path("curate/", curation.people, name="curate"),
    path("curate/works/", curation.works, name="curate_works"),
    path("curate/contradictions/", curation.contradictions, name="curate_contradictions"),
    path("curate/decisions/", curation.decided, name="curate_decided"),
    path("curate/decisions/<int:pk>/", curation.decision, name="curate_decision"),
    path("curate/decisions/<int:pk>/withdraw/", curation.withdraw, name="curate_withdraw"),
    path("curate/decide/", curation.decide, name="curate_decide"),
    path("accuracy/", views.accuracy, name="accuracy"),
]
