"""Confirming an address by the link of a letter: looking at the page changes nothing, the button on it does."""

from __future__ import annotations

from typing import Any

from allauth.account.views import ConfirmEmailView


class ConfirmEmail(ConfirmEmailView):  # type: ignore[misc]
    """allauth's, which would log out whoever opens another account's link, wherever it stands."""

    def logout_other_user(self, confirmation: Any) -> None:
        if self.request.method == "POST":
            super().logout_other_user(confirmation)
