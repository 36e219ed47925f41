from django.urls import path

from . import views
from .providing.views import oai

urlpatterns = [
    path("works/<int:pk>/", views.work, name="work"),
    path("works/<int:pk>/<slug:slug>/", views.work, name="work"),
    path("topics/<slug:slug>/", views.topic, name="topic"),
    path("institutions/<int:pk>/", views.institution, name="institution"),
    path("institutions/<int:pk>/names/", views.institution_names, name="institution_names"),
    path("institutions/<int:pk>/<slug:slug>/", views.institution, name="institution"),
    path("arxiv/<path:value>", views.by_arxiv_id, name="arxiv"),
    path("doi/<path:value>", views.by_doi, name="doi"),
    path("oai", oai, name="oai"),
    path("imports/<int:pk>/progress/", views.batch_progress, name="batch_progress"),
    path("imports/<int:pk>/refused.csv", views.batch_refused, name="batch_refused"),
]
