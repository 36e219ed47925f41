"""All of one's data in one archive, and an account that ends: nothing forgotten in either."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.apps import apps
from django.contrib.auth.models import Group
from django.core.cache import cache
from django.db.models import ForeignObject
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from papers.models import JournalEntry, Signature
from papers.sources import bibtex
from profiles import decisions, letters, reports
from profiles.accounts import records
from profiles.accounts.leaving import delete
from profiles.models import (
    Account,
    Author,
    CaseHolder,
    Claim,
    ClaimEvent,
    ClaimMark,
    Follow,
    Letter,
    OwnWords,
    Proof,
    Subscriber,
)
from tests.conftest import with_second_factor
from tests.profiles.test_accounts import PASSWORD, ada, log_in

pytestmark = pytest.mark.django_db

SECRET = "a-page-that-only-ada-knows.example"


@pytest.fixture(autouse=True)
def _no_limits_of_earlier_tests() -> None:
    cache.clear()


def come_in(client: Client) -> None:
    """Log in, and show the password once more."""
    log_in(client)
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})


@pytest.fixture
def holder(client: Client, xiangning_chen: Author) -> Account:
    """Ada holds the parity profile, has done something of each kind, and is logged in with `client`."""
    account = ada()
    account.groups.add(Group.objects.get(name="Curators"))
    come_in(client)
    claim = Claim.objects.create(
        author=xiangning_chen, account=account, state=Claim.State.HELD, level=3, note=SECRET, held_at=timezone.now()
    )
    Author.objects.filter(pk=xiangning_chen.pk).update(account=account, bio="I make engines.")
    OwnWords.objects.create(author=xiangning_chen, pronouns="she")
    signature = Signature.objects.filter(assignment__author=xiangning_chen).earliest("pk")
    ClaimMark.objects.create(claim=claim, signature=signature, answer="mine")
    Proof.objects.create(claim=claim, kind="page", state=Proof.State.VALID, subject=SECRET, note=SECRET)
    ClaimEvent.objects.create(claim=claim, what="held", level_before=0, level_after=3, by=account)
    other = Author.objects.exclude(pk=xiangning_chen.pk).first()
    assert other
    Follow.objects.create(account=account, author=other)
    CaseHolder.objects.create(kind="pairs", object_id=1, curator=account)
    decisions.decide(account, xiangning_chen, other, same=False)
    reports.submit(other, "fact", "The year is wrong.", account)
    SocialAccount.objects.create(user=account, provider="orcid", uid="0000-0002-1825-0097")
    letters.keep(account.email, "A letter for Ada", "Good day.")
    with_second_factor(account)
    return account


# Nothing forgotten


def leading_to(*models: Any) -> set[str]:
    """ "app.Model.field" of every relation that leads to one of these models, of all apps that are installed."""
    return {
        f"{model._meta.label}.{field.name}"
        for model in apps.get_models(include_auto_created=True)
        for field in model._meta.get_fields()
        if isinstance(field, ForeignObject) and field.related_model in models
    }


def test_every_table_that_leads_to_an_account_has_its_part():
    assert leading_to(Account, Claim, SocialAccount, Subscriber) == set(records.PARTS)


def test_each_part_has_a_section_of_its_own_and_hides_and_empties_columns_that_are_there():
    sections = [part.section for part in records.PARTS.values() if part.section]
    assert len(sections) == len(set(sections))
    for path, part in records.PARTS.items():
        columns = set(records.columns_of(apps.get_model(path.rpartition(".")[0])))
        assert {*part.hidden, *part.emptied} <= columns, path


def taken(client: Client) -> zipfile.ZipFile:
    answer: Any = client.post(reverse("account_export"))
    assert answer["Content-Type"] == "application/zip"
    return zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content)))


def test_the_archive_holds_what_every_part_leads_to(client: Client, holder: Account):
    known = json.loads(taken(client).read("bzpeer.json"))
    assert known["account"]["email"] == "ada@example.org"
    for path, part in records.PARTS.items():
        if part.section:
            assert len(known[part.section]) == records.rows_of(path, holder).count(), path
    filled = {section for section, rows in known.items() if rows}
    assert filled >= {
        *("addresses", "second_factors", "sessions", "connections", "roles", "record", "decisions", "follows"),
        *("cases_held", "reports", "claims", "marks", "proofs", "events_of_claims", "journal", "letters", "ownwords"),
    }
    assert known["record"][0]["bio"] == "I make engines."
    assert known["proofs"][0]["subject"] == SECRET
    assert known["letters"][0]["subject"] == "A letter for Ada"


def test_the_archive_holds_no_secret_by_which_one_gets_in(client: Client, holder: Account):
    text = taken(client).read("bzpeer.json").decode()
    assert holder.password not in text
    assert str(client.session.session_key) not in text
    assert '"data"' not in text


def test_the_archive_holds_nothing_of_another(client: Client, holder: Account):
    bob = Account.objects.create_user("bob", "bob@example.org", PASSWORD)
    EmailAddress.objects.create(user=holder, email="bob@example.org", verified=False)  # Ada says that it is hers
    letters.keep(bob.email, "A letter for Bob", "Good day.")
    assert "A letter for Bob" not in taken(client).read("bzpeer.json").decode()


def test_the_works_of_the_archive_can_be_imported_again(client: Client, holder: Account):
    found = list(bibtex.read(io.BytesIO(taken(client).read("works.bib"))))
    titles = {item.record.title.strip("{}") for item in found}  # type: ignore[union-attr]
    assert len(titles) == len(found) == 7
    ids = {item.record.arxiv_id for item in found}  # type: ignore[union-attr]
    assert "2106.00221" not in ids or None not in ids


def test_who_changed_the_name_is_not_written_by_the_old_one(client: Client, holder: Account):
    Author.objects.filter(account=holder).update(name="Xiangning Neu", hides_printed=True)
    text = taken(client).read("works.bib").decode()
    assert text.count("Neu, Xiangning") == 7
    assert "Chen, Xiangning" not in text


def test_an_account_without_a_record_has_an_archive_too(client: Client):
    ada()
    come_in(client)
    archive = taken(client)
    assert json.loads(archive.read("bzpeer.json"))["claims"] == []
    assert archive.read("works.bib") == b""


@pytest.mark.parametrize("page", ["account_export", "account_delete"])
def test_both_ask_who_it_is_once_more(client: Client, page: str):
    client.force_login(ada())
    answer = client.post(reverse(page), {"word": "delete"})
    assert answer["Location"].startswith(reverse("account_reauthenticate"))
    assert Account.objects.filter(is_active=True).exists()
    assert client.get(reverse("account_export")).status_code == 405


# The end


def test_the_page_says_beforehand_what_happens_and_changes_nothing(client: Client, holder: Account):
    page = client.get(reverse("account_delete")).content.decode()
    assert "Xiangning Chen" in page
    assert f"deleted-{holder.pk}" in page
    assert client.post(reverse("account_delete"), {"word": "yes"}).status_code == 400
    assert Account.objects.get(pk=holder.pk).is_active


def test_the_end_leaves_what_others_rely_on_and_nothing_else(client: Client, holder: Account):
    before = {path: records.rows_of(path, holder).count() for path in records.PARTS}
    other = Client()
    other.force_login(holder)
    client.post(reverse("account_delete"), {"word": " Delete "})
    left = Account.objects.get(pk=holder.pk)
    assert (left.username, left.email, left.first_name, left.last_name) == (f"deleted-{holder.pk}", "", "", "")
    assert not any((left.is_active, left.is_staff, left.is_superuser, left.has_usable_password()))
    for path, part in records.PARTS.items():
        rows = records.rows_of(path, left)
        if not part.stays:
            assert not rows.exists(), path
        for row in rows.values(*part.emptied) if part.emptied else ():
            assert not any(row.values()), path
    kept = ("profiles.Correction.made_by", "profiles.Report.reporter", "profiles.Claim.account", "profiles.Proof.claim")
    for path in kept:
        assert records.rows_of(path, left).count() == before[path] > 0, path
    assert not Letter.objects.exists()
    for browser in (client, other):
        assert browser.get(reverse("account"))["Location"].startswith(reverse("account_login"))
    assert log_in(Client()).status_code == 200  # refused, as for an address that nobody has


def test_a_held_record_is_free_again(client: Client, holder: Account):
    author = Author.objects.get(account=holder)
    client.post(reverse("account_delete"), {"word": "delete"})
    author.refresh_from_db()
    assert author.account_id is None
    assert author.bio == ""
    assert author.works_count == 7
    assert Claim.objects.get(author=author).state == Claim.State.RELEASED


def test_nothing_that_was_private_is_left_in_any_table(client: Client, holder: Account):
    client.post(reverse("account_delete"), {"word": "delete"})
    for model in apps.get_models(include_auto_created=True):
        text = str(list(model._default_manager.values()))
        for word in ("ada@example.org", SECRET, "0000-0002-1825-0097"):
            assert word not in text, model


def test_the_address_can_sign_up_again(client: Client):
    delete(ada(), timezone.now())
    client.post(reverse("account_signup"), {"email": "ada@example.org", "password1": PASSWORD})
    assert EmailAddress.objects.filter(email="ada@example.org").exists()


def test_the_end_is_in_the_journal(client: Client, holder: Account):
    name = holder.get_username()
    client.post(reverse("account_delete"), {"word": "delete"})
    entry = JournalEntry.objects.get(verb="deleted the account")
    assert (entry.account_name, entry.subject_id) == (name, holder.pk)
