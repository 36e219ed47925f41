"""Accounts, and what is decided, contradicted, moved and suggested, in the admin.

Authors are computed: they are looked at on their own pages.
"""

from __future__ import annotations

from typing import TypeVar

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.db.models import Model
from django.http import HttpRequest

from .models import Account, Contradiction, Correction, Move, Suggestion

admin.site.register(Account, UserAdmin)


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


@admin.register(Correction)
class CorrectionAdmin(ReadOnlyAdmin[Correction]):
    """Decisions of people, which the matcher holds to, the newest first. They are made and withdrawn on the pages."""

    list_display = ("__str__", "made_by", "made_at", "reason", "stated", "withdrawn_by", "withdrawn_at")
    list_filter = ("kind", "same", ("withdrawn_at", admin.EmptyFieldListFilter))
    list_select_related = ("signature", "other", "author", "other_author", "made_by", "withdrawn_by")
    ordering = ("-pk",)


@admin.register(Contradiction)
class ContradictionAdmin(ReadOnlyAdmin[Contradiction]):
    """What cannot all hold."""

    list_display = ("sentence", "kind", "found_at")
    list_filter = ("kind",)
    ordering = ("-pk",)


@admin.register(Move)
class MoveAdmin(ReadOnlyAdmin[Move]):
    """Works that went from one author to another, and why, the newest first."""

    list_display = ("source", "target", "kind", "count", "reason", "batch", "made_at")
    list_filter = ("kind",)
    list_select_related = ("source", "target", "batch")
    ordering = ("-pk",)


@admin.register(Suggestion)
class SuggestionAdmin(ReadOnlyAdmin[Suggestion]):
    """Pairs of authors who may be one person, the likeliest first."""

    list_display = ("left", "right", "probability", "sentence")
    list_select_related = ("left", "right")
    ordering = ("-probability",)
