"""Who signs in: allauth's, which asks the password of an address twice and that of no address once."""

from __future__ import annotations

from allauth.account.auth_backends import AuthenticationBackend
from django.http import HttpRequest

from profiles.models import Account


class OnceEach(AuthenticationBackend):  # type: ignore[misc]
    """Checks a password against an account once, also where the address is tried as an address and as a name.

    Hashing takes long enough to be heard over a network: by twice the time a stranger would learn who has an account.
    """

    _refused: set[int]

    def authenticate(self, request: HttpRequest | None, **credentials: str) -> Account | None:
        self._refused = set()
        found: Account | None = super().authenticate(request, **credentials)
        return found

    def _check_password(self, user: Account | None, password: str) -> Account | None:
        if user is None or user.pk in self._refused:
            return None
        found: Account | None = super()._check_password(user, password)
        if found is None:
            self._refused.add(user.pk)
        return found
