from django.urls import path

from . import circle_views, coauthor_views, conflict_views, explorer_views, path_views, portrait_views, views

urlpatterns = [
    path("people/<int:pk>/graph/", views.person, name="person_graph"),
    path("works/<int:pk>/graph/", views.work, name="work_graph"),
    path("topics/<slug:slug>/graph/", views.topic, name="topic_graph"),
    path("institutions/<int:pk>/graph/", views.institution, name="institution_graph"),
    path("topics/<slug:slug>/people/", portrait_views.topic_people, name="topic_people"),
    path("institutions/<int:pk>/people/", portrait_views.institution_people, name="institution_people"),
    path("graph/slice.<str:form>", views.slice_, name="slice"),
    path("graph/", explorer_views.explorer, name="explorer"),
    path("graph/path/", path_views.page, name="path"),
    path("graph/path.json", path_views.as_json, name="path_json"),
    path("graph/find/", explorer_views.find, name="explorer_find"),
    path("people/<int:pk>/circles/", circle_views.person, name="person_circles"),
    path("people/<int:pk>/circles.json", circle_views.person_json, name="person_circles_json"),
    path("graph/conflicts/", conflict_views.conflicts_page, name="conflicts"),
    path("graph/conflicts.csv", conflict_views.conflicts_csv, name="conflicts_csv"),
    path("people/<int:pk>/coauthors/", coauthor_views.table, name="coauthor_table"),
    path("people/<int:pk>/coauthors.csv", coauthor_views.table_csv, name="coauthor_table_csv"),
]
