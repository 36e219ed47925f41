"""Accounts and roles, and what is decided, changed, contradicted, moved, suggested and reported, in the admin.

Authors are computed: they are looked at on their own pages. What is done to accounts and roles goes into the journal.
"""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import HttpRequest

from papers import journal
from papers.admin import ReadOnlyAdmin

from .models import Account, ChangeSet, Contradiction, Correction, Move, Report, Suggestion


def _journal(request: HttpRequest, verb: str, subject: Account | Group, message: Any = "") -> None:
    """Write what an administrator did to an account or a role, and what it may do since."""
    parts = [part.get("changed", {}) for part in message if isinstance(part, dict)]
    changed = [field for part in parts for field in part.get("fields", [])]
    if isinstance(subject, Group):
        may = {"permissions": sorted(subject.permissions.values_list("codename", flat=True)) if subject.pk else []}
    else:
        may = {
            "roles": sorted(subject.groups.values_list("name", flat=True)) if subject.pk else [],
            "permissions": sorted(subject.user_permissions.values_list("codename", flat=True)) if subject.pk else [],
        } | {field: getattr(subject, field) for field in ("is_active", "is_staff", "is_superuser")}
    assert isinstance(request.user, Account)
    journal.write(request.user, verb, subject, changed=changed, **may)


class Journalled:
    """Mixin of an admin: the journal gets a row for each addition, change and deletion, in the same transaction."""

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        _journal(request, "added", obj, message)
        return super().log_addition(request, obj, message)  # type: ignore[misc]

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        _journal(request, "changed", obj, message)
        return super().log_change(request, obj, message)  # type: ignore[misc]

    def log_deletions(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        for obj in queryset:
            _journal(request, "deleted", obj)
        return super().log_deletions(request, queryset)  # type: ignore[misc]


@admin.register(Account)
class AccountAdmin(Journalled, UserAdmin[Account]):
    """Accounts. Who is no superuser neither makes one nor touches one, and gives permissions by roles alone."""

    def get_readonly_fields(self, request: HttpRequest, obj: Account | None = None) -> Any:
        fields = super().get_readonly_fields(request, obj)
        return fields if _is_superuser(request) else (*fields, "is_superuser", "user_permissions")

    def has_change_permission(self, request: HttpRequest, obj: Account | None = None) -> bool:
        return _may_touch(request, obj) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Account | None = None) -> bool:
        return _may_touch(request, obj) and super().has_delete_permission(request, obj)


def _is_superuser(request: HttpRequest) -> bool:
    return isinstance(request.user, Account) and request.user.is_superuser


def _may_touch(request: HttpRequest, account: Account | None) -> bool:
    return account is None or not account.is_superuser or _is_superuser(request)


admin.site.unregister(Group)


@admin.register(Group)
class RoleAdmin(Journalled, GroupAdmin):
    """Roles: what their accounts may do."""


@admin.register(Correction)
class CorrectionAdmin(ReadOnlyAdmin[Correction]):
    """Decisions of people, which the matcher holds to, the newest first. They are made and withdrawn on the pages."""

    list_display = ("__str__", "made_by", "made_at", "reason", "stated", "withdrawn_by", "withdrawn_at")
    list_filter = ("kind", "same", ("withdrawn_at", admin.EmptyFieldListFilter))
    list_select_related = (
        "signature__assignment__author",
        "other__assignment__author",
        "author",
        "other_author",
        "made_by",
        "withdrawn_by",
    )
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


@admin.register(ChangeSet)
class ChangeSetAdmin(ReadOnlyAdmin[ChangeSet]):
    """What curators changed in one step, the newest first. It is undone on its own page."""

    list_display = ("__str__", "made_by", "made_at", "reason")
    list_filter = ("kind",)
    list_select_related = ("made_by",)
    ordering = ("-pk",)


@admin.register(Report)
class ReportAdmin(ReadOnlyAdmin[Report]):
    """What readers said is wrong, the newest first. Reports are answered on the curators' pages."""

    list_display = ("__str__", "text", "reporter", "made_at", "state", "answer")
    list_filter = ("state", "kind")
    list_select_related = ("author", "paper", "reporter")
    ordering = ("-pk",)
