from django.urls import path

from . import circle_views, path_views, views

urlpatterns = [
    path("people/<int:pk>/graph/", views.person, name="person_graph"),
    path("graph/slice.<str:form>", views.slice_, name="slice"),
    path("graph/path/", path_views.page, name="path"),
    path("graph/path.json", path_views.as_json, name="path_json"),
    path("people/<int:pk>/circles/", circle_views.person, name="person_circles"),
    path("people/<int:pk>/circles.json", circle_views.person_json, name="person_circles_json"),
]
