"""Every address of the project, asked as each role, and what came back.

Problem: a page that nobody thought of is the one that leaks, and a test of each page cannot know that. Idea: a small
world in which everything there is belongs to one account, and a walk over all patterns of the resolver as everybody,
each request rolled back. How many rows a request touched is PostgreSQL's own count, so that a write that is taken back
or changes nothing is seen too. Entry points: `world`, `walk`, `every_pattern`.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.models import AnonymousUser
from django.core.cache import cache
from django.db import connection, transaction
from django.test import Client, RequestFactory
from django.test.client import ClientHandler
from django.urls import get_resolver

from bzpeer import pipeline
from papers import institutions
from papers.models import Batch, Institution, Paper, Signature, Topic
from profiles import changesets, conversing, decisions, inviting, moderation, reports, rights
from profiles.accounts import keys
from profiles.feedback import collecting, posting
from profiles.models import (
    Account,
    AlertSettings,
    Author,
    Block,
    BulkReview,
    Claim,
    Collection,
    Digest,
    Follow,
    FollowQuestion,
    Invitation,
    NameWatch,
    Proof,
    PublishedChange,
    RightsRequest,
    Subscription,
    Suggestion,
)
from profiles.proposals import Merge, SetIdentifier
from profiles.subscriptions import letterboxes, links, searches, subjects, subscribing
from tests.addresses import LEFT_OUT, every_address, routes
from tests.conftest import fact, with_role

ROLES = ("visitor", "reader", "owner", "curator", "administrator", "unarmed")
ORCID = "0000-0002-1825-0097"


@dataclass(frozen=True)
class Answer:
    """What a request got: `rows` are the numbers of rows that it inserted, changed or deleted, by table."""

    status: int
    headers: Mapping[str, str]
    cookies: Mapping[str, Mapping[str, str]]
    body: bytes
    rows: Mapping[str, int]


def world() -> tuple[dict[str, Any], dict[str, Account | None]]:
    """(objects for `every_address`, account by role). Whatever has an owner belongs to the account "owner"."""
    shared = ["Ann Aard", "Bob Bern"]
    records = [
        fact("2001.00001", ["John Smith", *shared], "Quark notes", categories=["hep-ph"], doi="10.1000/1"),
        fact("2001.00002", ["John Smith", *shared], "More quark notes", categories=["hep-ph"]),
        fact("2001.00003", ["Jane Smith", "Carl Dahl"], "On cells", categories=["q-bio.NC"]),
        fact("2001.00004", ["Eve Falk"], "On eels"),
        fact("2001.00005", ["Eva Falk"], "On eels again"),
    ]
    curator = with_role("curator")
    batch = Batch.objects.create(label="walked.jsonl", created_by=curator)
    pipeline.process(batch.pk, io.BytesIO("\n".join(map(json.dumps, records)).encode() + b"\n"))
    people = {name: Author.objects.get(name=name) for name in ("John Smith", "Jane Smith", "Eve Falk", "Eva Falk")}
    author, other = people["John Smith"], people["Jane Smith"]

    owner = with_address("owner")
    waiting = EmailAddress.objects.create(user=owner, email="other@example.org")
    now = datetime.now(UTC)
    claim = Claim.objects.create(author=author, account=owner, state=Claim.State.HELD, level=3, held_at=now)
    Author.objects.filter(pk=author.pk).update(account=owner)
    author.refresh_from_db()
    proof = Proof.objects.create(claim=claim, kind="mail", state=Proof.State.VALID, subject="j@x.org", proved_at=now)
    decision = decisions.decide(curator, other, people["Eve Falk"], same=False).correction
    report = reports.submit(author, "fact", "Wrong.", owner)
    pairs = [[people["Eve Falk"].pk, people["Eva Falk"].pk, "names"]]
    review = BulkReview.objects.create(rule="coauthors", seed=1, pairs=pairs, made_by=curator)
    Suggestion.objects.get_or_create(left=author, right=other, defaults={"probability": 0.5, "sentence": "names"})
    changesets.apply(curator, SetIdentifier(author.pk, "orcid", ORCID), "Typed from the paper.")
    change_set = changesets.apply(
        curator, Merge(((people["Eve Falk"].pk, people["Eva Falk"].pk),)), "One and the same."
    )
    question = FollowQuestion.objects.create(account=owner, old_author=author, new_author=other, change_set=change_set)
    guest = with_address("guest")
    accepted = Invitation.objects.create(
        author=author, sender=guest, recipient=owner, purpose="talk", text="Come.", token=uuid4(), state="accepted"
    )
    conversation = conversing.begin(accepted, now)
    message = conversing.send(conversation, guest, "Is Monday good?", uuid4(), now)
    complaint = moderation.complain(owner, message, "other", "It is not.")
    Follow.objects.create(account=owner, author=other)
    followed = json.dumps(fact("2001.00006", ["Jane Smith", "Carl Dahl"], "More on cells", categories=["q-bio.NC"]))
    pipeline.process(Batch.objects.create(label="followed.jsonl").pk, io.BytesIO(followed.encode() + b"\n"))
    assert owner.alerts.exists()
    AlertSettings.objects.create(account=owner, feed_key="feed")
    way = next(way for way in rights.ways(other, AnonymousUser()) if way.proof == RightsRequest.Proof.CURATOR)
    reader = with_address("reader")
    invitation = inviting.send(reader, author, "talk", "Would you give a talk about quarks here?", uuid4(), now)
    asked, key = rights.begin(other, RightsRequest.Kind.CORRECT, way, now, text="Wrong.", contact="asks@example.org")
    paper = Paper.objects.get(arxiv_id="2001.00001")
    post = posting.write(owner, paper, "comment", {"text": "We used two clocks."}, uuid4(), now)
    kept = collecting.make(owner, "Quarks to read", "What began it.", "public", now)
    collecting.put_back(kept, paper.pk, "Read this first.", now)
    by_link = collecting.make(owner, "Quarks for friends", "", "link", now)
    Collection.objects.filter(pk=by_link.pk).update(key="shared")
    collecting.put_back(by_link, Paper.objects.get(arxiv_id="2001.00002").pk, "", now)
    subscribing.for_account(owner, "trending", "daily")
    saved = searches.save(owner, "q=quark+notes", "Quarks", "never")
    subject, daily = subjects.Subject(Subscription.Kind.TRENDING), Subscription.Frequency.DAILY
    subscribing.ask(letterboxes.read("subscriber@example.org"), subject, daily, now, write=True)
    subscribed = Subscription.objects.latest("pk")
    connection.check_constraints()  # publishes the changes, as a commit does it
    objects: dict[str, Any] = {
        "author": author,
        "other": other,
        "paper": paper,
        "post": post,
        "institution": place_of(paper, "Quark House"),
        "topic": Topic.objects.order_by("pk").first(),
        "orcid": ORCID,
        "api_key": keys.make(owner, "weekly copy")[0],
        "batch": batch,
        "change_told": PublishedChange.objects.order_by("seq")[0].seq,
        "block": Block.objects.create(account=owner, blocked=with_address("blocked")),
        "collection": kept,
        "collection_key": "shared",
        "complaint": complaint,
        "conversation": conversation,
        "invitation": invitation,
        "message": message,
        "change_set": change_set,
        "decision": decision,
        "question": question,
        "watch": NameWatch.objects.create(account=owner, name="Zora Quill", surname_key="quill"),
        "report": report,
        "feed": "feed",
        "review": review,
        "saved": saved,
        "token": links.token(subscribed.subscriber, subscribed),
        "digest": Digest.objects.create(subscriber=subscribed.subscriber, frequency="daily", period=now.date()),
        "claim": claim,
        "proof": proof,
        "confirmation": EmailConfirmationHMAC(waiting).key,
        "asked": asked,
        "key": key,
        "passkey": Authenticator.objects.create(
            user=with_address("keyholder"), type=Authenticator.Type.WEBAUTHN, data={"name": "key", "credential": {}}
        ),
    }
    accounts: dict[str, Account | None] = {
        "visitor": None,
        "reader": reader,
        "owner": owner,
        "curator": curator,
        "administrator": with_role("administrator", "Administrators"),
        "unarmed": with_role("unarmed"),
    }
    Authenticator.objects.filter(user=accounts["unarmed"]).delete()
    return objects, accounts


def place_of(paper: Paper, name: str) -> Institution:
    """The institution of that name, printed beside the first name on the paper."""
    Signature.objects.filter(paper=paper, position=0).update(affiliations=[name])
    institutions.link([paper.pk])
    return Institution.objects.get(name=name)


def with_address(name: str) -> Account:
    """An account with a confirmed address, as after signing up."""
    account = Account.objects.create_user(name, f"{name}@example.org")
    EmailAddress.objects.create(user=account, email=account.email, verified=True, primary=True)
    return account


def every_pattern(objects: Mapping[str, Any]) -> dict[str, str]:
    """Addresses by route: our own, allauth's and the admin's. Fails for a pattern whose arguments are not known."""
    found = every_address(**objects)
    theirs = {
        "<path:object_id>": str(objects["author"].pk),
        "<id>": str(objects["author"].pk),
        "<path:content_type_id>": "1",
        "<int:pk>": str(objects["passkey"].pk),
        r"(?P<app_label>account|": "",
        r"(?P<url>.*)$": "nowhere/",
        "<str:key>": objects["confirmation"],
        r"^confirm-email/(?P<key>[-:\w]+)/$": f"confirm-email/{objects['confirmation']}/",
        r"^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$": "password/reset/key/1-set-password/",
    }
    for route in routes(get_resolver()):
        if not route.startswith(LEFT_OUT):
            continue
        address = route
        for argument, value in theirs.items():
            address = address.replace(argument, value)
        if "(?P<app_label>" in route:
            route, address = "admin/<app_label>/", "admin/papers/"
        assert not set("<>^$") & set(address), f"tests/walking.py does not know what stands in {route}"
        found[route] = f"/{address}"
    return found


def session_of(account: Account | None) -> str:
    """The key of a new session of the account, which has just shown its password; "" for a visitor."""
    client = Client()
    if account is None:
        return ""
    client.force_login(account)
    session = client.session
    session["account_authentication_methods"] = [{"method": "password", "at": datetime.now(UTC).timestamp()}]
    session.save()
    assert session[SESSION_KEY] == str(account.pk)
    return str(session.session_key)


_REQUESTS = RequestFactory()
_HANDLERS = {checks: ClientHandler(enforce_csrf_checks=checks) for checks in (False, True)}


def ask(session: str, method: str, address: str, htmx: bool = False, checks: bool = False) -> Answer:
    """One request, rolled back. `checks`: with the check for cross-site requests that the test client leaves out.

    The client itself would copy each template's context, which takes longer than the page.
    """
    cache.clear()
    headers = {"Cookie": f"{settings.SESSION_COOKIE_NAME}={session}"} if session else {}
    request = _REQUESTS.generic(method, address, headers=headers | ({"HX-Request": "true"} if htmx else {}))
    with transaction.atomic():
        before = _rows()
        response: Any = _HANDLERS[checks](request.environ)
        body = b"".join(response) if response.streaming else response.content
        after = _rows()
        transaction.set_rollback(True)
    return Answer(
        response.status_code,
        dict(response.headers),
        {name: {k: str(v) for k, v in cookie.items()} for name, cookie in response.cookies.items()},
        body,
        {table: count - before.get(table, 0) for table, count in after.items() if count != before.get(table, 0)},
    )


def _rows() -> dict[str, int]:
    """Rows that this transaction touched, by table."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_xact_user_tables"
            " WHERE schemaname = 'public' AND n_tup_ins + n_tup_upd + n_tup_del > 0"
        )
        return dict(cursor.fetchall())
