from django.urls import path

from . import explorer_views, interim, views

urlpatterns = [
    path("people/<int:pk>/graph/", views.person, name="person_graph"),
    path("graph/", explorer_views.explorer, name="explorer"),
    path("graph/find/", explorer_views.find, name="explorer_find"),
    *interim.urlpatterns,
]
