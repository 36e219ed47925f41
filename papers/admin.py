"""Imports in the admin: upload a file, and the worker takes it from there."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any, TypeVar, cast

from celery import current_app
from django import forms
from django.contrib import admin
from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from . import fetching, harvesting, journal, sources
from .models import Batch, Harvest, JournalEntry, Paper

T = TypeVar("T", bound=Model)


class ReadOnlyAdmin(admin.ModelAdmin[T]):
    """Rows that are looked at here and written elsewhere."""

    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: T | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: T | None = None) -> bool:
        return False


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


class HarvestForm(forms.ModelForm[Harvest]):
    """Which repository, what of it, and how often."""

    class Meta:
        model = Harvest
        fields = ("endpoint", "prefix", "set_spec", "start", "until", "every_hours")

    def clean_endpoint(self) -> str:
        endpoint = str(self.cleaned_data["endpoint"]).strip()
        try:
            target = fetching.parse(endpoint)
        except fetching.Unfetched as error:
            raise ValidationError(str(error)) from None
        if "?" in target.target:
            raise ValidationError(_("Leave out the question mark and what follows it."))
        return endpoint

    def clean(self) -> dict[str, Any]:
        fields: dict[str, Any] = super().clean() or self.cleaned_data
        start, until = fields.get("start"), fields.get("until")
        if start and until and until < start:
            raise ValidationError(_("The last day is before the first."))
        if self.asks_for_another_thing and self.instance.pk and self.instance.batches.running().exists():
            raise ValidationError(_("It is being harvested now; what it asks for can be changed when that has ended."))
        return fields

    @property
    def asks_for_another_thing(self) -> bool:
        """Whether more than the schedule was changed."""
        return bool(set(self.changed_data) - {"every_hours"})


@admin.register(Harvest)
class HarvestAdmin(admin.ModelAdmin[Harvest]):
    """Harvests are configured here and begun by hand or by their schedule; where one is, nobody edits."""

    form = HarvestForm
    list_display = ("__str__", "every_hours", "complete_until", "pages", "records", "next_attempt", "problem")
    readonly_fields = ("complete_until", "begun_on", "reached", "pages", "records", "next_attempt", "problem")
    actions = ("harvest_now",)

    def save_model(self, request: HttpRequest, obj: Harvest, form: Any, change: bool) -> None:
        if "every_hours" in form.changed_data or not change:
            obj.next_attempt = timezone.now() if obj.every_hours else None
        if change and form.asks_for_another_thing:
            obj.start_over()
        super().save_model(request, obj, form, change)
        said = {key: str(form.cleaned_data[key] or "") for key in form.changed_data}
        journal.write(cast(AbstractBaseUser, request.user), "configured", obj, **said)

    @admin.action(description=_("Harvest now"), permissions=["change"])
    @transaction.atomic
    def harvest_now(self, request: HttpRequest, chosen: QuerySet[Harvest]) -> None:
        """Begin the chosen harvests, or go on with them; the worker takes it from there."""
        for harvest in chosen:
            user = cast(AbstractBaseUser, request.user)
            batch = harvesting.begin(harvest.pk, user)
            journal.write(user, "harvested", harvest, batch=batch.pk)
            # By name: the pipeline stands above this app.
            transaction.on_commit(partial(current_app.send_task, "bzpeer.process_batch", [batch.pk]))

    def has_delete_permission(self, request: HttpRequest, obj: Harvest | None = None) -> bool:
        return False


@admin.register(Paper)
class PaperAdmin(ReadOnlyAdmin[Paper]):
    """Papers as their sources state them, to look at."""

    list_display = ("title_text", "arxiv_id", "doi", "updated", "source")
    search_fields = ("=arxiv_id", "=doi", "title_text")


@admin.register(JournalEntry)
class JournalEntryAdmin(ReadOnlyAdmin[JournalEntry]):
    """What staff did, the newest first; rows are only ever added."""

    list_display = ("at", "account_name", "verb", "subject")
    list_filter = ("verb",)
    ordering = ("-pk",)
