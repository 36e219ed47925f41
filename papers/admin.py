"""Imports in the admin: upload a file, and the worker takes it from there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from celery import current_app
from django import forms
from django.contrib import admin
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from . import journal, sources
from .models import Batch, Paper


class UploadForm(forms.ModelForm[Batch]):
    """A file, and what it is where that cannot be recognised from its content."""

    source = forms.ChoiceField(
        required=False,
        choices=[("", "Recognise from the content"), *((source.slug, source.label) for source in sources.SOURCES)],
    )

    class Meta:
        model = Batch
        fields = ("file", "source")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["file"].required = True


@admin.register(Batch)
class BatchAdmin(admin.ModelAdmin[Batch]):
    """Batches are made here and looked at on their own page; what they did is never edited."""

    form = UploadForm
    list_display = ("label", "stage", "new", "updated", "unchanged", "refused", "created_by", "created_at")
    list_filter = ("stage", "source")
    date_hierarchy = "created_at"

    def save_model(self, request: HttpRequest, obj: Batch, form: Any, change: bool) -> None:
        obj.label = Path(str(obj.file)).name[:200]
        obj.created_by_id = request.user.pk
        super().save_model(request, obj, form, change)
        journal.write(request.user, "uploaded", obj, at_once=True)  # type: ignore[arg-type]
        # By name: the pipeline stands above this app.
        transaction.on_commit(lambda: current_app.send_task("bzpeer.process_batch", [obj.pk]))

    def response_add(self, request: HttpRequest, obj: Batch, post_url_continue: str | None = None) -> HttpResponse:
        return redirect(obj)

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        """The batch's own page shows more than a form could."""
        batch = self.get_object(request, object_id)
        return redirect(batch) if batch else super().change_view(request, object_id, *args, **kwargs)

    def has_delete_permission(self, request: HttpRequest, obj: Batch | None = None) -> bool:
        return False


@admin.register(Paper)
class PaperAdmin(admin.ModelAdmin[Paper]):
    """Papers as their sources state them, to look at."""

    list_display = ("title_text", "arxiv_id", "doi", "updated", "source")
    search_fields = ("=arxiv_id", "=doi", "title_text")
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Paper | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Paper | None = None) -> bool:
        return False
