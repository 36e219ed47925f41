from django.urls import path

from . import views

urlpatterns = [
    path("people/<int:pk>/", views.person, name="person"),
    path("people/<int:pk>/follow/", views.follow, name="person_follow"),
    path("people/<int:pk>/<slug:slug>/", views.person, name="person"),
    path("works/<int:paper>/attribution/<int:author>/", views.attribution, name="attribution"),
]
