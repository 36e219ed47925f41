from django.urls import path

from . import circle_views, explorer_views, interim, views

urlpatterns = [
    path("people/<int:pk>/graph/", views.person, name="person_graph"),
    path("works/<int:pk>/graph/", views.work, name="work_graph"),
    path("topics/<slug:slug>/graph/", views.topic, name="topic_graph"),
    path("institutions/<int:pk>/graph/", views.institution, name="institution_graph"),
    path("graph/slice.<str:form>", views.slice_, name="slice"),
    path("graph/", explorer_views.explorer, name="explorer"),
    path("graph/find/", explorer_views.find, name="explorer_find"),
    path("people/<int:pk>/circles/", circle_views.person, name="person_circles"),
    path("people/<int:pk>/circles.json", circle_views.person_json, name="person_circles_json"),
    *interim.urlpatterns,
]
