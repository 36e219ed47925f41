"""Addresses. Each app brings its own; what shows several rooms at once stands here."""

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.templatetags.static import static
from django.urls import include, path, register_converter
from django.views.generic import RedirectView

from profiles.accounts.confirming import ConfirmEmail

from . import changing, dailies, exporting, imports, outbox, searching, sitemaps, trends, views

admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
admin.site.site_header = admin.site.site_title = "BZPEER"

register_converter(exporting.Suffix, "suffix")
register_converter(exporting.FeedSuffix, "feed")

urlpatterns = [
    path("", views.home, name="home"),
    path("search/", searching.search, name="search"),
    path("search/suggestions/", searching.suggestions, name="search_suggestions"),
    path("papers/", dailies.latest, name="papers_today"),
    path("papers.<feed:suffix>", dailies.latest_feed, name="papers_today_feed"),
    path("papers/date/<str:name>.<feed:suffix>", dailies.day_feed, name="papers_day_feed"),
    path("papers/date/<str:name>/", dailies.of, {"kind": "day"}, name="papers_day"),
    path("papers/week/<str:name>/", dailies.of, {"kind": "week"}, name="papers_week"),
    path("papers/month/<str:name>/", dailies.of, {"kind": "month"}, name="papers_month"),
    path("papers/trending.<feed:suffix>", trends.feed, name="trending_feed"),
    path("papers/trending/", trends.trending, name="trending"),
    path("works/<int:pk>/trend/", trends.work, name="work_trend"),
    path("names/<path:name>/", views.name, name="name"),
    path("healthz", views.healthz, name="healthz"),
    path("favicon.ico", RedirectView.as_view(url=static("favicon.svg"))),  # asked for by the admin's pages
    path("robots.txt", views.robots, name="robots"),
    path("sitemap.xml", sitemaps.index, name="sitemap"),
    path("sitemap-<slug:section>.xml", sitemaps.section, name="sitemap_section"),
    path("opensearch.xml", views.opensearch, name="opensearch"),
    path("search.<suffix:suffix>", exporting.search, name="search_as"),
    path("search.<feed:suffix>", exporting.search, name="search_feed"),
    path("people/<int:pk>.<suffix:suffix>", exporting.person, name="person_as"),
    path("people/<int:pk>.<feed:suffix>", exporting.person, name="person_feed"),
    path("works/<int:pk>.<suffix:suffix>", exporting.work, name="work_as"),
    path("works/<int:pk>.linkset.json", exporting.linkset, name="work_linkset"),
    path("topics/<slug:slug>.<suffix:suffix>", exporting.topic, name="topic_as"),
    path("topics/<slug:slug>.<feed:suffix>", exporting.topic, name="topic_feed"),
    path("institutions/<int:pk>.<suffix:suffix>", exporting.institution, name="institution_as"),
    path("collections/<int:pk>.<suffix:suffix>", exporting.collection, name="collection_as"),
    path("collections/shared/<slug:key>.<suffix:suffix>", exporting.shared_collection, name="collection_shared_as"),
    path("institutions/<int:pk>.<feed:suffix>", exporting.institution, name="institution_feed"),
    path(".well-known/security.txt", views.security_txt, name="security_txt"),
    path("imports/", imports.imports, name="imports"),
    path("imports/<int:pk>/", imports.batch, name="batch"),
    path("imports/<int:pk>/apply/", imports.apply, name="batch_apply"),
    path("imports/<int:pk>/discard/", imports.discard, name="batch_discard"),
    path("imports/<int:pk>/rollback/", imports.roll_back, name="batch_roll_back"),
    path("imports/<int:pk>/records/<int:number>/", imports.record, name="batch_record"),
    path("imports/<int:pk>/records/<int:number>/undo/", imports.undo_record, name="batch_record_undo"),
    path("imports/<int:pk>/records/<int:number>/redo/", imports.redo_record, name="batch_record_redo"),
    path("imports/<int:pk>/records/<int:number>/retry/", imports.retry_record, name="batch_record_retry"),
    path("people/<int:pk>/change/<str:kind>/", changing.choose, name="change"),
    path("changes/", changing.listed, name="changes"),
    path("changes/preview/", changing.previewed, name="change_preview"),
    path("changes/apply/", changing.applied, name="change_apply"),
    path("changes/<int:pk>/", changing.shown, name="change_set"),
    path("changes/<int:pk>/undo/", changing.undone, name="change_undo"),
    path("changes/<int:pk>/redo/", changing.redone, name="change_redo"),
    path("", include("bzpeer.api.urls")),
    path("", include("trust.urls")),
    path("", include("graph.urls")),
    path("", include("profiles.urls")),
    path("", include("papers.urls")),
    path("outbox/", outbox.outbox, name="outbox"),
    path("account/", include("profiles.accounts.urls")),
    path("accounts/confirm-email/<str:key>/", ConfirmEmail.as_view(), name="account_confirm_email"),
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
]
