"""The cast, and ways to bring records in without a file."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from celery import current_app
from django.conf import settings
from django.contrib.auth.models import Group
from django.core.cache import cache
from django.db import connection
from django.test import Client
from playwright.sync_api import Page
from pytest_django import DjangoDbBlocker

from bzpeer import pipeline
from papers.models import Batch
from profiles.models import Account, Author
from tests.emptying import Emptying, without_triggers

REPO_ROOT = Path(__file__).resolve().parent.parent
SHARED = REPO_ROOT.parent / "shared"
ROOMS = ("papers", "profiles", "graph", "trust", "bzpeer")
PARITY = REPO_ROOT / "tests" / "data" / "xiangning_chen.jsonl"


def fact(id: str, authors: list[str], title: str = "", **more: Any) -> dict[str, Any]:
    """A line of bibliographic facts; what is not given is plain."""
    given = {"title": title or f"On the matter of {id}", "categories": ["cs.LG"], "created": "2020-01-01"}
    return {"id": id, "authors": authors} | given | {"updated": more.get("created", "2020-01-01")} | more


def with_role(username: str, role: str = "Curators", **more: Any) -> Account:
    """An account of a role."""
    account = Account.objects.create_user(username, is_staff=True, **more)
    account.groups.add(Group.objects.get(name=role))
    return with_second_factor(account)


def with_second_factor(account: Account) -> Account:
    """The account, with one-time codes: without them an entrusted one is led to set them up."""
    Authenticator.objects.create(user=account, type=Authenticator.Type.TOTP, data={})
    return account


@pytest.fixture(autouse=True)
def empty_cache() -> None:
    """What was counted for the last test, such as sign-ins, counts no more."""
    cache.clear()


@pytest.fixture(scope="session", autouse=True)
def patient() -> Iterator[None]:
    """A statement may take as long as a busy machine makes it: a test of the limit sets one of its own."""
    import_module(settings.ROOT_URLCONF)  # and with it all that answers requests
    with pytest.MonkeyPatch.context() as patch:
        for name, room in sorted(sys.modules.items()):
            if name.partition(".")[0] in ROOMS:
                for limit in [each for each in vars(room) if each.endswith("_MS")]:
                    patch.setattr(room, limit, 120_000)
        yield


@pytest.fixture(scope="session")
def django_db_setup(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, pytestconfig: pytest.Config
) -> Iterator[None]:
    """Tests that commit leave the database as it was made, whatever test the process is given next."""
    emptying = Emptying(django_db_blocker)
    pytestconfig.pluginmanager.register(emptying)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(connection.ops), "sql_flush", emptying.empty)  # Playwright's loop has its own connection
        yield


def without_ledger() -> None:
    """Empty the ledger, which holds on to its authors, for a test that begins anew with others."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        without_triggers("TRUNCATE trust_ledgerentry, trust_ledgerhead")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def logged_in(page: Page, site: str, account: Account) -> None:
    """The browser of the page has the account's session, as after a login with both factors."""
    client = Client()
    client.force_login(account)
    name = settings.SESSION_COOKIE_NAME
    page.context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": site}])


@pytest.fixture
def curator(client: Client, db: None) -> Account:
    """A curator, signed in with `client`."""
    account = with_role("curator")
    client.force_login(account)
    return account


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """The authors that a worker was asked to refresh, which it has done at once."""
    asked: list[list[int]] = []

    def send_task(name: str, arguments: list[list[int]]) -> None:
        assert name == "bzpeer.refresh_authors"
        asked.append(arguments[0])
        pipeline.refresh(arguments[0])

    monkeypatch.setattr(current_app, "send_task", send_task)
    return asked


@pytest.fixture
def bring(db: None) -> Callable[..., Batch]:
    """bring(fact(...), ...) or bring(b"bytes", source="listing"): the whole pipeline, in this process."""

    def bring(*records: dict[str, Any] | bytes, source: str = "") -> Batch:
        lines = [r if isinstance(r, bytes) else json.dumps(r).encode() for r in records]
        batch = Batch.objects.create(label="test", source=source)
        return pipeline.process(batch.pk, io.BytesIO(b"\n".join(lines) + b"\n"))

    return bring


@pytest.fixture
def xiangning_chen(bring: Callable[..., Batch]) -> Author:
    """The author of the seven papers of the reference profile: facts of the real papers, abstracts of our own."""
    bring(PARITY.read_bytes())
    return Author.objects.get(name="Xiangning Chen")
