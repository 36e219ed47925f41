"""Accounts and corrections in the admin. Authors are computed: they are looked at on their own pages."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.http import HttpRequest

from .models import Account, Correction, Suggestion

admin.site.register(Account, UserAdmin)


@admin.register(Correction)
class CorrectionAdmin(admin.ModelAdmin[Correction]):
    """Decisions of people, which the matcher holds to."""

    list_display = ("signature", "other", "same", "made_by", "made_at")
    raw_id_fields = ("signature", "other")


@admin.register(Suggestion)
class SuggestionAdmin(admin.ModelAdmin[Suggestion]):
    """Pairs of authors who may be one person, the likeliest first."""

    list_display = ("left", "right", "probability", "sentence")
    list_select_related = ("left", "right")
    ordering = ("-probability",)
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Suggestion | None = None) -> bool:
        return False
