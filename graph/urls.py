from django.urls import path

from . import coauthor_views, conflict_views, views

urlpatterns = [
    path("people/<int:pk>/graph/", views.person, name="person_graph"),
    path("graph/slice.<str:form>", views.slice_, name="slice"),
    path("graph/conflicts/", conflict_views.conflicts_page, name="conflicts"),
    path("graph/conflicts.csv", conflict_views.conflicts_csv, name="conflicts_csv"),
    path("people/<int:pk>/coauthors/", coauthor_views.table, name="coauthor_table"),
    path("people/<int:pk>/coauthors.csv", coauthor_views.table_csv, name="coauthor_table_csv"),
]
