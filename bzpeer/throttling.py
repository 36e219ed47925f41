"""Rate limits of the pages that are not ours to decorate: allauth's, the admin's, and the search.

Problem: whoever may try passwords, codes or addresses often enough finds one. Idea: a table of what each address takes
of `papers.limits` before its view runs. What a stranger can use up for others (an account's name, the sum of all) comes
last, so that a client that has had its share takes nothing more of it. Entry points: `RateLimits`, `TABLE`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from allauth.account.internal.stagekit import unstash_login
from django.http import HttpRequest, HttpResponse

from papers.limits import client, refused, take, who

SAFE = {"GET", "HEAD", "OPTIONS", "TRACE"}
Takes = Iterator[tuple[str, str]]  # (name of a limit, key)


def signing_in(field: str) -> Callable[[HttpRequest], Takes]:
    """With a name and a password: of the client, of the name typed, of all."""

    def takes(request: HttpRequest) -> Takes:
        yield "sign_in", f"client {client(request)}"
        if typed := request.POST.get(field, ""):
            yield "sign_in", f"name {typed}"
        yield "sign_in_all", ""

    return takes


def password_again(request: HttpRequest) -> Takes:
    """An open session asks for the password that its account has."""
    yield "sign_in", who(request)


def second_factor(request: HttpRequest) -> Takes:
    """Of the account, whether it is signing in or confirms that it is still there."""
    pending = unstash_login(request, peek=True)
    yield "second_factor", f"account {pending.user.pk}" if pending and pending.user else who(request)


def sign_up(request: HttpRequest) -> Takes:
    yield "sign_up", client(request)
    if typed := request.POST.get("email", ""):
        yield "code_sent", typed


def password_reset(request: HttpRequest) -> Takes:
    yield "password_reset_client", client(request)
    if typed := request.POST.get("email", ""):
        yield "password_reset", typed


def addresses(request: HttpRequest) -> Takes:
    """A new address gets a letter, and so does one that is to be confirmed again."""
    typed = request.POST.get("email", "")
    if "action_add" in request.POST:
        yield "add_email", who(request)
    if typed and ("action_add" in request.POST or "action_send" in request.POST):
        yield "code_sent_account", who(request)
        yield "code_sent", typed


def code(request: HttpRequest) -> Takes:
    yield "code_try", who(request)


def searching(request: HttpRequest) -> Takes:
    yield "search", client(request)


def connecting(request: HttpRequest) -> Takes:
    yield "path", client(request)


# By the name of the address: what a request that may change something takes, and what one that only reads takes.
TABLE: dict[str, Callable[[HttpRequest], Takes]] = {
    "account_login": signing_in("login"),
    "admin:login": signing_in("username"),
    "mfa_login_webauthn": signing_in("login"),
    "account_reauthenticate": password_again,
    "account_change_password": password_again,
    "mfa_authenticate": second_factor,
    "mfa_reauthenticate": second_factor,
    "mfa_reauthenticate_webauthn": second_factor,
    "mfa_activate_totp": code,
    "account_confirm_login_code": code,
    "account_email_verification_sent": code,
    "account_reset_password_from_key": code,
    "account_signup": sign_up,
    "socialaccount_signup": sign_up,
    "account_reset_password": password_reset,
    "account_email": addresses,
}
READING: dict[str, Callable[[HttpRequest], Takes]] = {
    "search": searching,
    "search_feed": searching,
    "search_suggestions": searching,
    "explorer_find": searching,
    "path": connecting,
    "path_json": connecting,
}


class RateLimits:
    """Answers 429 instead of the view where a limit of its address is used up."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *view: object) -> HttpResponse | None:
        """Before the view is called. None: go on."""
        assert request.resolver_match is not None
        table = READING if request.method in SAFE else TABLE
        takes = table.get(request.resolver_match.view_name)
        for name, key in takes(request) if takes else ():
            if (wait := take(name, key)) is not None:
                return refused(request, wait)
        return None
