from django.urls import path

from . import views

urlpatterns = [
    path("people/<int:pk>/graph/", views.person, name="person_graph"),
    path("graph/slice.<str:form>", views.slice_, name="slice"),
]
