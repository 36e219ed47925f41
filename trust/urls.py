from django.urls import path

from . import views

urlpatterns = [
    path("people/<int:pk>/trust/", views.person, name="person_trust"),
    path("ledger/", views.ledger, name="ledger"),
    path("ledger.jsonl", views.export, name="ledger_export"),
]
