"""The pages of imports: who may see them, and what a curator does there without JavaScript."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from celery import current_app
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from bzpeer import tasks
from papers.models import Batch, JournalEntry, Paper, Signature
from profiles import decisions
from profiles.models import Account
from tests.conftest import fact, with_role, with_second_factor

pytestmark = pytest.mark.django_db

Bring = Callable[..., Batch]


@pytest.fixture
def curator(db: None) -> Account:
    return with_role("carol")


@pytest.fixture
def carol(client: Client, curator: Account) -> Client:
    client.force_login(curator)
    return client


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any) -> Callable[[], Any]:
    """with worker(): what is sent is done at the end, in this process."""
    known = {
        "bzpeer.process_batch": tasks.process_batch,
        "bzpeer.resolve_surnames": tasks.resolve_surnames,
        "bzpeer.refresh_authors": tasks.refresh_authors,
        "bzpeer.build_graph": lambda *_: None,
    }
    monkeypatch.setattr(
        current_app._get_current_object(), "send_task", lambda name, given, *_, **__: known[name](*given)
    )
    return lambda: django_capture_on_commit_callbacks(execute=True)


@pytest.fixture
def batch(bring: Bring) -> Batch:
    bring(fact("2001.00001", ["Ada Lovelace", "Charles Babbage"], title="Engines"))
    return bring(
        fact("2001.00001", ["Ada Lovelace"], title="Better engines", updated="2021-01-01"),
        fact("2001.00002", ["Ada Lovelace", "<script>alert(1)</script>"], title="Notes <b>bold</b>"),
        b"{broken",
    )


def address(name: str, batch: Batch, *more: int) -> str:
    return reverse(name, args=[batch.pk, *more])


def upload(client: Client, *records: dict[str, Any], **form: str) -> Batch:
    content = b"\n".join(json.dumps(record).encode() for record in records)
    client.post(reverse("imports"), {"file": SimpleUploadedFile("new.jsonl", content), **form})
    return Batch.objects.order_by("-pk")[0]


PAGES = ["imports", "batch", "batch_progress", "batch_refused", "batch_roll_back", "batch_record"]
ACTIONS = [
    "batch_apply",
    "batch_discard",
    "batch_roll_back",
    "batch_record_undo",
    "batch_record_redo",
    "batch_record_retry",
]


def of(name: str, batch: Batch) -> str:
    args = [] if name == "imports" else [batch.pk, 1] if "record" in name else [batch.pk]
    return reverse(name, args=args)


@pytest.mark.parametrize("name", PAGES)
def test_a_visitor_is_led_to_the_log_in_and_others_are_refused(client: Client, batch: Batch, name: str):
    assert client.get(of(name, batch)).status_code == 302
    client.force_login(with_second_factor(Account.objects.create_user("sam", is_staff=True)))
    assert client.get(of(name, batch)).status_code == 403


@pytest.mark.parametrize("name", ACTIONS)
def test_actions_are_posts_of_those_who_may(client: Client, batch: Batch, curator: Account, name: str):
    client.force_login(with_second_factor(Account.objects.create_user("sam", is_staff=True)))
    assert client.post(of(name, batch)).status_code == 403
    client.force_login(curator)
    if name != "batch_roll_back":  # its GET is the page that says what would happen
        assert client.get(of(name, batch)).status_code == 405
    assert not JournalEntry.objects.exists()


@pytest.mark.parametrize("name", PAGES)
def test_looking_changes_nothing(carol: Client, batch: Batch, name: str):
    before = list(Batch.objects.values()), list(batch.records.values())
    assert carol.get(of(name, batch)).status_code == 200
    assert (list(Batch.objects.values()), list(batch.records.values())) == before
    assert not JournalEntry.objects.exists()


def test_an_upload_is_previewed_first_then_applied(carol: Client, worker: Any):
    with worker():
        found = upload(carol, fact("2001.00001", ["Ada Lovelace"], title="Engines"))
    page = carol.get(found.get_absolute_url()).content.decode()
    assert "Nothing is written yet" in page
    assert "Engines" in page
    assert not Paper.objects.exists()
    with worker():
        carol.post(address("batch_apply", found))
    found.refresh_from_db()
    assert (found.stage, found.new) == ("done", 1)
    assert Paper.objects.get().title == "Engines"
    assert list(JournalEntry.objects.order_by("pk").values_list("verb", "account_name")) == [
        ("uploaded", "carol"),
        ("applied", "carol"),
    ]


def test_a_preview_can_be_thrown_away_once(carol: Client, worker: Any):
    with worker():
        found = upload(carol, fact("2001.00001", ["Ada Lovelace"]))
    carol.post(address("batch_discard", found))
    with worker():
        carol.post(address("batch_apply", found))
    found.refresh_from_db()
    assert (found.stage, found.total) == ("discarded", 0)
    assert not Paper.objects.exists()
    assert list(JournalEntry.objects.order_by("pk").values_list("verb", flat=True)) == ["uploaded", "threw away"]


def test_an_upload_can_be_imported_at_once(carol: Client, worker: Any):
    with worker():
        found = upload(carol, fact("2001.00001", ["Ada Lovelace"]), at_once="1")
    found.refresh_from_db()
    assert found.stage == "done"


def test_a_form_without_a_file_says_so(carol: Client):
    response = carol.post(reverse("imports"), {})
    assert response.status_code == 400
    assert "This field is required." in response.content.decode()


def test_the_differences_of_a_record_are_read_as_text(carol: Client, batch: Batch):
    page = carol.get(f"{batch.get_absolute_url()}?show=updated").content.decode()
    assert "<del>" in page
    assert "Better engines" in page
    assert "Charles Babbage</del>" in page


def test_hostile_names_are_only_text(carol: Client, batch: Batch):
    for page in (f"{batch.get_absolute_url()}?show=new", address("batch_record", batch, 2)):
        content = carol.get(page).content.decode()
        assert "<script>alert" not in content
        assert "<b>bold" not in content


def test_a_proposed_change_shows_who_would_be_made(carol: Client, worker: Any):
    with worker():
        found = upload(carol, fact("2001.00001", ["Ada Lovelace", "Charles Babbage"]))
    page = carol.get(f"{found.get_absolute_url()}?show=people").content.decode()
    assert "New people" in page
    assert "Charles Babbage" in page


def test_one_record_is_rolled_back_and_brought_back(carol: Client, batch: Batch, worker: Any):
    with worker():
        carol.post(address("batch_record_undo", batch, 1))
    assert Paper.objects.get(arxiv_id="2001.00001").title == "Engines"
    assert "Bring back" in carol.get(address("batch_record", batch, 1)).content.decode()
    with worker():
        carol.post(address("batch_record_redo", batch, 1))
    assert Paper.objects.get(arxiv_id="2001.00001").title == "Better engines"
    assert list(JournalEntry.objects.order_by("pk").values_list("verb", flat=True)) == [
        "rolled back a record",
        "brought back a record",
    ]


def test_the_whole_import_is_rolled_back_and_the_paper_is_gone(carol: Client, batch: Batch, worker: Any):
    taken = Paper.objects.get(arxiv_id="2001.00002")
    page = carol.get(address("batch_roll_back", batch)).content.decode()
    assert "<b>2</b> <span>records go back" in page
    with worker():
        carol.post(address("batch_roll_back", batch))
    batch.refresh_from_db()
    assert (batch.stage, batch.undone) == ("undone", 2)
    response = carol.get(taken.get_absolute_url())
    assert response.status_code == 410
    assert "This paper was taken away" in response.content.decode()
    assert carol.get("/works/999999/").status_code == 404


def test_what_forbids_is_listed_with_a_link(carol: Client, batch: Batch, curator: Account):
    one, other = Signature.objects.filter(family="Lovelace").order_by("pk")
    correction = decisions.decide(curator, one, other, same=True).correction
    link = reverse("curate_decision", args=[correction.pk])
    assert link in carol.get(address("batch_record", batch, 2)).content.decode()
    assert link in carol.get(address("batch_roll_back", batch)).content.decode()
    carol.post(address("batch_record_undo", batch, 2))
    assert Paper.objects.filter(arxiv_id="2001.00002").exists()


def test_a_refused_record_is_fixed_on_its_page(carol: Client, batch: Batch, worker: Any):
    here, line = address("batch_record", batch, 3), fact("2001.00003", ["Mary Somerville"], title="Fixed")
    assert "{broken</textarea>" in carol.get(here).content.decode()
    response = carol.post(address("batch_record_retry", batch, 3), {"raw": "{still broken"})
    assert response.status_code == 400
    assert "The line is not JSON" in response.content.decode()
    with worker():
        carol.post(address("batch_record_retry", batch, 3), {"raw": json.dumps(line)})
    assert Signature.objects.get(family="Somerville").assignment.author.works_count == 1
    page = carol.get(here).content.decode()
    assert "It brought this paper" in page
    assert "Refused until then:" in page


def test_pages_take_a_constant_number_of_queries(
    carol: Client, bring: Bring, django_assert_max_num_queries: Any, monkeypatch: pytest.MonkeyPatch
):
    bring(*[fact(f"2001.{n:05}", ["Ada Lovelace", "Charles Babbage"], title=f"Notes {n}") for n in range(25)])
    large = bring(
        *[fact(f"2001.{n:05}", ["Ada Lovelace"], title=f"Notes, {n}", updated="2021-01-01") for n in range(25)]
    )
    for page in ("?show=updated", "?show=new", "?show=people"):
        with django_assert_max_num_queries(18):
            carol.get(large.get_absolute_url() + page)
    with django_assert_max_num_queries(16):
        carol.get(reverse("imports"))
    with django_assert_max_num_queries(26):
        carol.get(address("batch_roll_back", large))


def test_records_page_by_key(carol: Client, bring: Bring):
    found = bring(*[fact(f"2001.{n:05}", ["Ada Lovelace"], title=f"Notes {n}") for n in range(25)])
    first = carol.get(found.get_absolute_url()).content.decode()
    assert "after=20" in first
    assert "Notes 24" not in first
    assert "Notes 24" in carol.get(f"{found.get_absolute_url()}?show=new&after=20").content.decode()
    assert carol.get(f"{found.get_absolute_url()}?after=x").status_code == 400


def test_imports_are_filtered_by_stage(carol: Client, batch: Batch, worker: Any):
    with worker():
        upload(carol, fact("2001.00009", ["Ada Lovelace"]))
    page = carol.get(reverse("imports"), {"stage": "decide"}).content.decode()
    assert "new.jsonl" in page
    assert ">test<" not in page
