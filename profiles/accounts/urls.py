from django.urls import path

from . import keys, views

urlpatterns = [
    path("", views.account, name="account"),
    path("export/", views.export, name="account_export"),
    path("delete/", views.delete, name="account_delete"),
    path("keys/", keys.keys, name="account_keys"),
    path("keys/<int:pk>/end/", keys.end_key, name="account_key_end"),
]
