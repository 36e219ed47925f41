"""What django-allauth asks of the site: opaque names, mail through the queue of letters, secrets kept encrypted.

Problem: a name derived from an address shows the address beside public decisions, mail sent from a request is lost
with the mail server, and a link made from the Host header leads where the sender of the request wants. Idea: a random
name, `profiles.letters.keep`, and links to `settings.SITE_URL`. Entry points are named in the settings.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from typing import Any
from urllib.parse import urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailAddress
from allauth.account.stages import EmailVerificationStage
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialApp, SocialLogin
from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings
from django.http import Http404, HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _

from profiles import letters
from profiles.models import Account, Author

NAME_BYTES = 10  # 80 bits: nobody meets another's by chance


def new_name() -> str:
    """A name that says nothing: it stands beside public decisions."""
    return f"r-{secrets.token_hex(NAME_BYTES)}"


def display(account: Account) -> str:
    """How an account is addressed on its own pages: the author's name, else the address before the @, else its name."""
    author = Author.objects.filter(account=account).only("name").first()
    return author.name if author else account.email.partition("@")[0] or account.get_username()


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Sign-up, mail and addresses."""

    def populate_username(self, request: HttpRequest, user: Account) -> None:
        user.username = user.username or new_name()

    def get_login_stages(self) -> list[str]:
        verification = f"{EmailVerificationStage.__module__}.{EmailVerificationStage.__name__}"
        ours = f"{ConfirmAddress.__module__}.{ConfirmAddress.__name__}"
        return [ours if stage == verification else stage for stage in super().get_login_stages()]

    def is_safe_url(self, url: str) -> bool:
        """An address that cannot be taken apart leads nowhere, and breaks nothing."""
        try:
            return bool(super().is_safe_url(url))
        except ValueError:
            return False

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        site = urlsplit(settings.SITE_URL)
        links = {
            name: urlsplit(value)._replace(scheme=site.scheme, netloc=site.netloc).geturl()
            for name, value in context.items()
            if name.endswith("_url") and value
        }
        given = context | links | {"email": email, "site": settings.SITE_URL}
        subject = render_to_string(f"{template_prefix}_subject.txt", given)
        letters.keep(email, subject, render_to_string(f"{template_prefix}_message.txt", given))


class ConfirmAddress(EmailVerificationStage):  # type: ignore[misc]
    """An account that an administrator made without an address has none to confirm: it may log in by its name."""

    def handle(self) -> Any:
        account = self.login.user
        if account is not None and not account.email and not EmailAddress.objects.filter(user=account).exists():
            return None, True
        return super().handle()


class SecondFactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Secrets of one-time codes are kept encrypted under the secret key, or one of its predecessors."""

    def encrypt(self, text: str) -> str:
        encrypted: bytes = _cipher().encrypt(text.encode())
        return encrypted.decode()

    def decrypt(self, encrypted_text: str) -> str:
        text: bytes = _cipher().decrypt(encrypted_text.encode())
        return text.decode()


def _cipher() -> MultiFernet:
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    digests = (hashlib.sha256(f"profiles.accounts second factor {key!s}".encode()).digest() for key in keys)
    return MultiFernet([Fernet(base64.urlsafe_b64encode(digest)) for digest in digests])


class ConnectionAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """Sign-in through another site: nothing but its identifier is taken over, and no account is found by an address."""

    def populate_user(self, request: HttpRequest, sociallogin: SocialLogin, data: dict[str, Any]) -> Any:
        sociallogin.account.extra_data = {}  # a whole public record, with names and addresses
        sociallogin.email_addresses.clear()
        return sociallogin.user

    def get_app(self, request: HttpRequest, provider: str, client_id: str | None = None) -> SocialApp:
        """The site that is set up. Where none is, its pages are not there; what was connected can be disconnected."""
        try:
            return super().get_app(request, provider, client_id)
        except SocialApp.DoesNotExist:
            if request.path == reverse("socialaccount_connections"):
                return SocialApp(provider=provider)
            raise Http404(_("This site is not connected with ORCID.")) from None
