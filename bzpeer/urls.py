"""Addresses. Each app brings its own; what shows several rooms at once stands here."""

from django.contrib import admin
from django.contrib.auth.views import LoginView, LogoutView
from django.templatetags.static import static
from django.urls import include, path
from django.views.generic import RedirectView

from . import imports, views

admin.site.site_header = admin.site.site_title = "BZPEER"

urlpatterns = [
    path("", views.home, name="home"),
    path("search/", views.search, name="search"),
    path("names/<path:name>/", views.name, name="name"),
    path("healthz", views.healthz, name="healthz"),
    path("favicon.ico", RedirectView.as_view(url=static("favicon.svg"))),  # asked for by the admin's pages
    path("robots.txt", views.robots, name="robots"),
    path("imports/", imports.imports, name="imports"),
    path("imports/<int:pk>/", imports.batch, name="batch"),
    path("imports/<int:pk>/apply/", imports.apply, name="batch_apply"),
    path("imports/<int:pk>/discard/", imports.discard, name="batch_discard"),
    path("imports/<int:pk>/rollback/", imports.roll_back, name="batch_roll_back"),
    path("imports/<int:pk>/records/<int:number>/", imports.record, name="batch_record"),
    path("imports/<int:pk>/records/<int:number>/undo/", imports.undo_record, name="batch_record_undo"),
    path("imports/<int:pk>/records/<int:number>/redo/", imports.redo_record, name="batch_record_redo"),
    path("imports/<int:pk>/records/<int:number>/retry/", imports.retry_record, name="batch_record_retry"),
    path("", include("trust.urls")),
    path("", include("graph.urls")),
    path("", include("profiles.urls")),
    path("", include("papers.urls")),
    path("accounts/login/", LoginView.as_view(), name="login"),
    path("accounts/logout/", LogoutView.as_view(), name="logout"),
    path("admin/", admin.site.urls),
]
