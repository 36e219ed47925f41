"""Addresses. Each app brings its own; what shows several rooms at once stands here."""

from django.contrib import admin
from django.contrib.auth.views import LoginView, LogoutView
from django.templatetags.static import static
from django.urls import include, path
from django.views.generic import RedirectView

from . import views

admin.site.site_header = admin.site.site_title = "BZPEER"

urlpatterns = [
    path("", views.home, name="home"),
    path("search/", views.search, name="search"),
    path("names/<path:name>/", views.name, name="name"),
    path("healthz", views.healthz, name="healthz"),
    path("favicon.ico", RedirectView.as_view(url=static("favicon.svg"))),  # asked for by the admin's pages
    path("robots.txt", views.robots, name="robots"),
    path("", include("trust.urls")),
    path("", include("graph.urls")),
    path("", include("profiles.urls")),
    path("", include("papers.urls")),
    path("accounts/login/", LoginView.as_view(), name="login"),
    path("accounts/logout/", LogoutView.as_view(), name="logout"),
    path("admin/", admin.site.urls),
]
