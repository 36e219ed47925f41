from django.urls import path

from . import views

urlpatterns = [path("people/<int:pk>/graph/", views.person, name="person_graph")]
