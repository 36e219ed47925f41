from django.urls import path

from . import feed, views
from .v1 import api

urlpatterns = [
    path("api/", views.docs, name="api_docs"),
    path("api/schema/", views.schema, name="api_schema"),
    path("api/v1/", api.urls),
    path("changes.atom", feed.atom, name="changes_atom"),
]
