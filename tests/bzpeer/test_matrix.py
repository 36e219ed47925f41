"""Every address × every role: who gets what, that reading changes nothing, and what stands on every answer.

The table is the specification: an address that is not in it, or answers otherwise, fails. Whatever belongs to somebody
in the world that is walked belongs to the role "owner"; the reader is the other account, who must not see it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain

import pytest
from django.conf import settings
from django.db import transaction
from pytest_django import DjangoDbBlocker

from bzpeer.middleware import SecondFactor
from bzpeer.sitemaps import SECTIONS
from papers.exports import MEDIA_TYPES
from papers.syndication import FEEDS
from tests import walking
from tests.walking import Answer, ask, session_of

pytestmark = pytest.mark.django_db

ROLES = ("visitor", "reader", "owner", "curator", "administrator")

# (what a GET gets, what an empty POST gets) by role, in the order of ROLES: addresses. 302 sends a visitor to log in.
EXPECTED: dict[tuple[str, str], list[str]] = {
    ("200 200 200 200 200", "405 405 405 405 405"): [
        "",
        "search/",
        "search/suggestions/",
        "papers/",
        "papers/date/<str:name>/",
        *(f"{page}.{suffix}" for page in ("papers", "papers/date/<str:name>", "papers/trending") for suffix in FEEDS),
        "papers/week/<str:name>/",
        "papers/month/<str:name>/",
        "names/<path:name>/",
        "healthz",
        "robots.txt",
        *(f"search.{suffix}" for suffix in (*MEDIA_TYPES, *FEEDS)),
        "sitemap.xml",
        *(f"sitemap-{section}.xml" for section in SECTIONS),
        "opensearch.xml",
        *(f"people/<int:pk>.{suffix}" for suffix in (*MEDIA_TYPES, *FEEDS)),
        *(f"works/<int:pk>.{suffix}" for suffix in (*MEDIA_TYPES, "linkset.json")),
        *(f"topics/<slug:slug>.{suffix}" for suffix in (*MEDIA_TYPES, *FEEDS)),
        *(f"institutions/<int:pk>.{suffix}" for suffix in (*MEDIA_TYPES, *FEEDS)),
        *(f"collections/<int:pk>.{suffix}" for suffix in MEDIA_TYPES),
        *(f"collections/shared/<slug:key>.{suffix}" for suffix in MEDIA_TYPES),
        "collections/<int:pk>/<slug:slug>/",
        "collections/shared/<slug:key>/",
        "people/<int:pk>/trust/",
        "ledger/",
        "ledger.jsonl",
        "graph/",
        "graph/find/",
        "people/<int:pk>/graph/",
        "graph/path/",
        "people/<int:pk>/circles/",
        "people/<int:pk>/circles.json",
        "works/<int:pk>/graph/",
        "works/<int:pk>/trend/",
        "papers/trending/",
        "topics/<slug:slug>/graph/",
        "institutions/<int:pk>/graph/",
        "institutions/<int:pk>/<slug:slug>/",
        "institutions/<int:pk>/names/",
        "institutions/<int:pk>/people/",
        "topics/<slug:slug>/people/",
        "graph/slice.json",
        "graph/slice.csv",
        "graph/slice.graphml",
        "graph/slice.gexf",
        "people/<int:pk>/coauthors/",
        "people/<int:pk>/coauthors.csv",
        "people/<int:pk>/history/",
        "people/<int:pk>/<slug:slug>/",
        "works/<int:paper>/attribution/<int:author>/",
        "accuracy/",
        "works/<int:pk>/<slug:slug>/",
        "topics/<slug:slug>/",
        "alerts/feed/<str:key>.atom",
        "api/",
        "api/schema/",
        "api/v1/people",
        "api/v1/people/<int:pk>",
        "api/v1/works",
        "api/v1/works/<int:pk>",
        "api/v1/topics",
        "api/v1/topics/<int:pk>",
        "api/v1/institutions",
        "api/v1/institutions/<int:pk>",
        "api/v1/names",
        "api/v1/names/<path:pk>",
        "api/v1/changes",
        "api/v1/changes/<int:pk>",
        "changes.atom",
        "accounts/inactive/",
        "accounts/confirm-email/",
        "accounts/password/reset/key/done/",
        "accounts/password/reset/done/",
        "accounts/3rdparty/login/cancelled/",
    ],
    ("200 200 200 200 200", "302 400 400 400 400"): [
        "works/<int:pk>/reviews/",
        "works/<int:pk>/discussion/",
    ],
    # Nobody reports what is their own.
    ("302 200 404 200 200", "302 400 404 400 400"): [
        "posts/<int:pk>/report/",
        "collections/<int:pk>/report/",
    ],
    ("302 302 302 302 302", "302 302 302 302 302"): [
        "favicon.ico",
        "accounts/password/change/",
        "accounts/login/code/confirm/",
        "accounts/2fa/authenticate/",
        "accounts/2fa/webauthn/login/",
        "accounts/3rdparty/signup/",
    ],
    ("400 400 400 400 400", "405 405 405 405 405"): [
        "graph/path.json",
    ],
    ("404 404 404 404 404", "405 405 405 405 405"): [
        ".well-known/security.txt",
    ],
    ("302 403 200 403 403", "302 403 400 403 403"): [
        "people/<int:pk>/mine/",
        "people/<int:pk>/name/",
        "people/<int:pk>/edit/",
        "people/<int:pk>/edit/affiliations/",
        "people/<int:pk>/edit/links/",
        "people/<int:pk>/works/add/",
    ],
    ("302 403 200 403 403", "302 403 302 403 403"): [
        "people/<int:pk>/edit/name/",
        "people/<int:pk>/edit/about/",
        "people/<int:pk>/edit/featured/",
        "people/<int:pk>/edit/shown/",
    ],
    ("302 403 403 200 200", "302 403 403 400 400"): [
        "imports/",
        "curate/proposals/",
        "curate/claims/<int:pk>/",
        "curate/rights/<int:pk>/",
        "curate/complaints/<int:pk>/",
    ],
    ("302 403 403 200 200", "405 405 405 405 405"): [
        "imports/<int:pk>/",
        "imports/<int:pk>/records/<int:number>/",
        "people/<int:pk>/change/merge/",
        "people/<int:pk>/change/split/",
        "people/<int:pk>/change/move/",
        "people/<int:pk>/change/name/",
        "people/<int:pk>/change/identifier/",
        "changes/",
        "changes/<int:pk>/",
        "institutions/<int:pk>/change/",
        "curate/",
        "curate/people/",
        "curate/works/",
        "curate/doubts/",
        "curate/contradictions/",
        "curate/reports/",
        "curate/reports/<int:pk>/",
        "curate/decisions/",
        "curate/decisions/<int:pk>/",
        "curate/compare/<int:one>/<int:other>/",
        "curate/journal/",
        "curate/bulk/",
        "curate/bulk/<slug:slug>/",
        "curate/claims/",
        "curate/rights/",
        "curate/complaints/",
        "curate/reviews/<int:pk>/",
        "imports/<int:pk>/progress/",
        "imports/<int:pk>/refused.csv",
        "outbox/",
    ],
    ("405 405 405 405 405", "302 403 403 302 302"): [
        "imports/<int:pk>/apply/",
        "imports/<int:pk>/discard/",
        "imports/<int:pk>/records/<int:number>/undo/",
        "imports/<int:pk>/records/<int:number>/redo/",
        "changes/<int:pk>/undo/",
        "changes/<int:pk>/redo/",
        "curate/decisions/<int:pk>/withdraw/",
    ],
    ("302 403 403 200 200", "302 403 403 302 302"): [
        "imports/<int:pk>/rollback/",
    ],
    ("405 405 405 405 405", "302 403 403 400 400"): [
        "imports/<int:pk>/records/<int:number>/retry/",
        "changes/preview/",
        "changes/apply/",
        "institutions/<int:pk>/change/preview/",
        "institutions/<int:pk>/change/apply/",
        "institutions/<int:pk>/change/undo/",
        "curate/reports/<int:pk>/close/",
        "curate/decide/",
        "curate/hold/",
        "curate/bulk/<slug:slug>/draw/",
        "curate/reviews/<int:pk>/mark/",
        "curate/reviews/<int:pk>/accept/",
    ],
    ("301 301 301 301 301", "405 405 405 405 405"): [
        "people/<int:pk>/",
        "works/<int:pk>/",
        "institutions/<int:pk>/",
        "collections/<int:pk>/",
    ],
    ("405 405 405 405 405", "302 400 400 400 400"): [
        "works/<int:paper>/attribution/<int:author>/doubt/",
        "people/<int:pk>/follow/",
        "works/<int:pk>/react/",
        "topics/<slug:slug>/follow/",
        "following/watches/",
        "following/settings/",
        "works/<int:pk>/save/",
        "alerts/stop/",
        "alerts/doubt/",
        "alerts/feed/",
        "blocks/",
    ],
    ("204 200 200 200 200", "405 405 405 405 405"): [
        "waiting/",
    ],
    # Whose watch it is tells nobody: another's and one that is gone are the same nothing.
    ("405 405 405 405 405", "302 302 302 302 302"): [
        "account/keys/<int:pk>/end/",
        "following/watches/<int:pk>/",
        "searches/<int:pk>/delete/",
        "alerts/read/",
        "conversations/objection/",
    ],
    ("302 200 302 200 200", "302 302 302 400 400"): [
        "people/<int:pk>/claim/",
    ],
    ("302 200 200 200 200", "405 405 405 405 405"): [
        "claims/",
        "attestations/",
        "conversations/",
        "following/",
        "alerts/",
        "reports/",
        "account/",
        "invitations/",
        "posts/",
    ],
    ("302 200 200 200 200", "302 400 400 400 400"): [
        "account/keys/",
        "people/<int:pk>/invite/",
        "collections/",
        "posts/<int:pk>/answer/",
    ],
    ("302 200 200 404 404", "405 405 405 405 405"): [
        "invitations/<int:pk>/",
    ],
    ("405 405 405 405 405", "302 400 400 404 404"): [
        "invitations/<int:pk>/answer/",
    ],
    ("302 404 200 404 404", "405 405 405 405 405"): [
        "conversations/<int:pk>/new/",
        "claims/<int:pk>/",
    ],
    ("302 404 200 404 404", "302 404 302 404 404"): [
        "claims/<int:pk>/works/",
        "claims/<int:pk>/release/",
        "collections/<int:pk>/delete/",
        "claims/<int:pk>/proofs/<int:proof>/",
    ],
    ("405 405 405 405 405", "302 404 302 404 404"): [
        "blocks/<int:pk>/end/",
        "collections/<int:pk>/key/",
        "posts/<int:pk>/withdraw/",
        "searches/<int:pk>/",
        "searches/<int:pk>/open/",
        "claims/<int:pk>/hold/",
        "conversations/<int:pk>/leave/",
        "claims/<int:pk>/proofs/orcid/begin/",
        "claims/<int:pk>/proofs/mail/begin/",
        "claims/<int:pk>/proofs/page/begin/",
        "claims/<int:pk>/proofs/attestation/begin/",
        "claims/<int:pk>/proofs/institution/begin/",
        "claims/<int:pk>/proofs/review/begin/",
        "claims/<int:pk>/proofs/<int:proof>/withdraw/",
        "claims/<int:pk>/proofs/<int:proof>/again/",
    ],
    ("302 404 200 404 404", "302 404 400 404 404"): [
        "conversations/<int:pk>/",
        "posts/<int:pk>/edit/",
        "invitations/<int:pk>/report/",
        "messages/<int:pk>/report/",
        "collections/<int:pk>/edit/",
    ],
    ("302 302 302 302 302", "405 405 405 405 405"): [
        "posts/<int:pk>/",
        "orcid/<str:iD>",
        "arxiv/<path:value>",
        "doi/<path:value>",
    ],
    ("405 405 405 405 405", "302 404 400 404 404"): [
        "following/questions/<int:pk>/",
        "conversations/<int:pk>/read/",
        "conversations/<int:pk>/mail/",
        "collections/<int:pk>/papers/<int:paper>/",
    ],
    ("200 200 200 200 200", "400 400 400 400 400"): [
        "graph/conflicts/",
        "subscribe/",
        "people/<int:pk>/rights/",
        "rights/<str:key>/",
        "report/person/<int:pk>/",
        "report/work/<int:pk>/",
        "report/institution/<int:pk>/",
    ],
    ("200 302 302 302 302", "200 302 302 302 302"): [
        "accounts/login/",
        "accounts/signup/",
    ],
    ("302 200 200 200 200", "302 302 302 302 302"): [
        "searches/",
        "accounts/logout/",
        "accounts/email/",
        "accounts/sessions/",
        "works/<int:pk>/collect/",  # nothing chosen changes nothing
    ],
    ("302 403 403 302 302", "302 403 403 302 302"): [
        "accounts/reauthenticate/",
        "accounts/2fa/webauthn/reauthenticate/",
    ],
    ("405 405 405 405 405", "302 200 200 302 302"): [
        "account/export/",
    ],
    ("302 200 200 200 200", "302 400 400 302 302"): [
        "account/delete/",
    ],
    ("302 200 200 200 200", "302 200 200 200 200"): [
        "subscriptions/",
        "accounts/password/set/",
        "accounts/3rdparty/",
    ],
    ("200 200 200 200 200", "200 200 200 200 200"): [
        "oai",
        "subscriptions/manage/<str:token>/",
        "subscriptions/stop/<str:token>/",
        "graph/conflicts.csv",
        "accounts/password/reset/",
        "accounts/^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
    ],
    ("200 200 200 200 200", "302 302 302 302 302"): [
        "subscriptions/confirm/<str:token>/",
        "subscriptions/digests/<str:token>/<int:pk>/",
        "accounts/confirm-email/<str:key>/",
        r"accounts/^confirm-email/(?P<key>[-:\w]+)/$",
    ],
    ("302 200 200 200 200", "302 405 405 405 405"): [
        "accounts/2fa/",
        "accounts/2fa/webauthn/",
    ],
    ("302 403 403 200 200", "302 403 403 200 200"): [
        "accounts/2fa/reauthenticate/",
    ],
    ("302 200 200 302 302", "302 200 200 302 302"): [
        "accounts/2fa/totp/activate/",
        "accounts/2fa/recovery-codes/generate/",
        "accounts/2fa/webauthn/add/",
    ],
    ("302 404 404 302 302", "302 404 404 302 302"): [
        "accounts/2fa/totp/deactivate/",
        "accounts/2fa/webauthn/keys/<int:pk>/remove/",
        "accounts/2fa/webauthn/keys/<int:pk>/edit/",
    ],
    ("302 404 404 404 404", "302 405 405 405 405"): [
        "accounts/2fa/recovery-codes/",
    ],
    ("302 404 404 404 404", "302 404 404 404 404"): [
        "attestations/<int:pk>/",
        "accounts/2fa/recovery-codes/download/",
    ],
    ("401 401 401 401 401", "405 405 405 405 405"): [
        "accounts/3rdparty/login/error/",
    ],
    ("301 301 301 301 301", "301 301 301 301 301"): [
        "accounts/social/login/cancelled/",
        "accounts/social/login/error/",
        "accounts/social/signup/",
        "accounts/social/connections/",
    ],
    ("404 404 404 404 404", "404 404 404 404 404"): [
        "api/v1/",
        "accounts/orcid/login/",
        "accounts/orcid/login/callback/",
    ],
}

# Where curators read what somebody sent them, and the mail that is kept on one's own machine.
CURATED = ("curate/claims/", "curate/complaints/", "curate/rights/", "outbox/")

# A GET may write these: that a session is alive, and what it has to remember.
ALIVE = {"usersessions_usersession", "django_session"}

Key = tuple[str, str, str]  # role, method ("HTMX" is a GET for a fragment, "FORGED" a POST without token), route


class Walk:
    """The answers, and the addresses that were asked."""

    def __init__(self, addresses: dict[str, str], sessions: dict[str, str]) -> None:
        self.addresses = addresses
        self.ours = {route: address for route, address in addresses.items() if not route.startswith("admin/")}
        self.admin = {route: address for route, address in addresses.items() if route.startswith("admin/")}
        self.answers: dict[Key, Answer] = {}
        for role, session in sessions.items():
            for route, address in self.ours.items():
                for method in ("GET", "POST"):
                    self.answers[role, method, route] = ask(session, method, address)
        # Of the admin, the roles that must not pass and the one that passes in part.
        for role in ("visitor", "owner", "curator", "unarmed"):
            for route, address in self.admin.items():
                self.answers[role, "GET", route] = ask(sessions[role], "GET", address)
        for route, address in self.ours.items():
            self.answers["owner", "HTMX", route] = ask(sessions["owner"], "GET", address, htmx=True)
        for route, address in addresses.items():
            forged = ask(sessions["curator"], "POST", address, checks=True, htmx=route.startswith("people/"))
            self.answers["curator", "FORGED", route] = forged

    def of(self, *methods: str) -> Iterator[tuple[Key, Answer]]:
        return ((key, answer) for key, answer in self.answers.items() if not methods or key[1] in methods)


@pytest.fixture(scope="module")
def walk(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Walk]:
    """One walk for all tests here, in one transaction that is rolled back."""
    with django_db_blocker.unblock(), transaction.atomic():
        objects, accounts = walking.world()
        yield Walk(walking.every_pattern(objects), {role: session_of(one) for role, one in accounts.items()})
        transaction.set_rollback(True)


def test_every_address_answers_each_role_as_the_table_says(walk: Walk):
    table = {route: answers for answers, routes in EXPECTED.items() for route in routes}
    answered = {
        route: tuple(
            " ".join(str(walk.answers[role, method, route].status) for role in ROLES) for method in ("GET", "POST")
        )
        for route in walk.ours
    }
    assert table.keys() - answered.keys() == set(), "addresses that are no more"
    wrong = [
        f"{route}: {answers}, and the table says {table.get(route, 'nothing of it')}"
        for route, answers in answered.items()
        if answers != table.get(route)
    ]
    assert not wrong, "\n".join(wrong)


def test_no_address_breaks(walk: Walk):
    assert [key for key, answer in walk.of() if answer.status >= 500] == []


def test_the_admin_opens_to_nobody_who_is_not_staff(walk: Walk):
    for role in ("visitor", "owner", "unarmed"):
        opened = {route for route in walk.admin if walk.answers[role, "GET", route].status not in {302, 403}}
        assert opened == set(), role
    opened = {route for route in walk.admin if walk.answers["curator", "GET", route].status == 200}
    private = ("admin/profiles/account", "admin/auth/", "admin/account/", "admin/mfa/", "admin/usersessions/")
    assert [route for route in opened if route.startswith((*private, "admin/socialaccount/"))] == []


def test_whoever_is_entrusted_and_has_no_second_factor_is_led_to_it_and_changes_nothing(walk: Walk):
    for (role, method, route), answer in walk.of("GET", "POST"):
        if role != "unarmed" or walk.addresses[route].startswith(SecondFactor.OPEN):
            continue
        assert answer.status == (302 if method == "GET" else 403), (method, route)
        if method == "GET":
            assert answer.headers["Location"] == "/accounts/2fa/", route
        assert answer.rows.keys() <= ALIVE, route


def test_a_get_changes_nothing(walk: Walk):
    assert {key: set(answer.rows) - ALIVE for key, answer in walk.of("GET", "HTMX") if set(answer.rows) - ALIVE} == {}


def test_a_form_without_its_token_is_refused_and_changes_nothing(walk: Walk):
    forged = dict(walk.of("FORGED"))
    assert len(forged) == len(walk.addresses)
    # The API looks at no cookie, and nothing can be sent to it. A harvester may ask by POST: nothing is written.
    refused = {key[2]: 405 if key[2].startswith("api/v1/") and key[2] != "api/v1/" else 403 for key in forged}
    # A mail program ends a subscription by its link alone, which is the proof (RFC 8058).
    exempt = "subscriptions/stop/<str:token>/"
    refused |= {"oai": 200, exempt: 200}
    assert {key[2]: answer.status for key, answer in forged.items() if answer.status != refused[key[2]]} == {}
    assert {key[2] for key, answer in forged.items() if set(answer.rows) - ALIVE} == {exempt}


def test_every_answer_says_what_a_browser_may_do_with_it(walk: Walk):
    for key, answer in walk.of():
        check_headers(answer.headers, str(key))


def check_headers(headers: Mapping[str, str], where: str) -> None:
    policy = dict(part.strip().partition(" ")[::2] for part in headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'self'", where
    assert "script-src" not in policy, where
    assert "style-src" not in policy, where
    assert "unsafe" not in headers["Content-Security-Policy"], where
    assert policy["object-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'", where
    assert policy["form-action"].split()[0] == "'self'", where
    assert headers["X-Content-Type-Options"] == "nosniff", where
    assert headers["X-Frame-Options"] == "DENY", where
    assert headers["Referrer-Policy"] in {"same-origin", "strict-origin-when-cross-origin"}, where
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin", where
    assert "camera=()" in headers["Permissions-Policy"], where


def test_what_an_account_sees_is_kept_by_no_cache(walk: Walk):
    for (role, _method, route), answer in walk.of():
        kept = {part.strip() for part in answer.headers.get("Cache-Control", "").split(",")}
        assert role == "visitor" or {"private", "no-store"} <= kept, (role, route)


def test_cookies_are_for_the_server_and_for_this_site_alone(walk: Walk):
    cookies = list(chain.from_iterable(answer.cookies.items() for _key, answer in walk.of()))
    assert {settings.CSRF_COOKIE_NAME, settings.SESSION_COOKIE_NAME} <= {name for name, _cookie in cookies}
    for name, cookie in cookies:
        if cookie["max-age"] != "0":
            assert (cookie["httponly"], cookie["samesite"]) == ("True", "Lax"), name


def test_no_address_or_code_of_somebody_else_stands_on_a_page(walk: Walk):
    """The subject of the owner's proof, the owner's addresses and messages are the owner's alone."""
    for (role, method, route), answer in walk.of("GET", "HTMX"):
        if role == "owner" or "confirm-email" in route or route.startswith(CURATED):
            continue
        for private in (b"owner@example.org", b"other@example.org", b"j@x.org", b"asks@example.org", b"Is Monday"):
            assert private not in answer.body, (role, method, route)


def test_neither_side_of_a_conversation_is_shown_the_address_of_the_other(walk: Walk):
    for (role, method, route), answer in walk.of("GET", "HTMX"):
        if not route.startswith("outbox/"):
            assert b"guest@example.org" not in answer.body, (role, method, route)


def test_who_subscribed_stands_on_no_page_but_those_of_the_subscribers_links(walk: Walk):
    for (role, method, route), answer in walk.of("GET", "HTMX"):
        if not route.startswith(("subscriptions/", "outbox/")):
            assert b"subscriber@example.org" not in answer.body, (role, method, route)
