"""Interim: goes with the merge."""
from django.http import Http404
from django.urls import path


def none(request, **k):
    raise Http404("interim")


urlpatterns = [
    path("graph/path/", none, name="path"),
    path("works/<int:pk>/graph/", none, name="work_graph"),
    path("topics/<slug:slug>/graph/", none, name="topic_graph"),
    path("institutions/<int:pk>/graph/", none, name="institution_graph"),
]
