"""manage.py harvest, the schedule and the admin: doors to the same services."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from celery import current_app
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from bzpeer import demo, pipeline, tasks
from papers import harvesting
from papers.models import Batch, Harvest, JournalEntry, Paper
from profiles.models import Account, Author
from tests.conftest import fact, with_second_factor
from tests.papers.http_server import Answer, Repository, error, local, scripted, serving
from tests.papers.test_harvesting import KNOWN, RECORDS, entry, feed, work, works

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nobody_waits(settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.HARVEST_LOOPBACK, settings.HARVEST_PACE = True, 0
    monkeypatch.setattr(harvesting, "fetcher", lambda endpoint: local())


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The batches that workers were called to."""
    found: list[int] = []
    monkeypatch.setattr(tasks.process_batch, "delay", found.append)
    monkeypatch.setattr(current_app, "send_task", lambda name, arguments: found.extend(arguments))
    return found


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("harvest", *arguments, stdout=out)
    return out.getvalue()


def test_a_repository_is_harvested_resolved_and_kept_for_the_next_time():
    with serving(Repository(RECORDS)) as server:
        output = run("oai", "--endpoint", server.url, "--set", "cs:cs:LG", "--from", "2026-09-01", "--every", "24")
    assert "7 new" in output
    assert "every 24 hours" in output
    assert Author.objects.get(name="Ada Lovelace").works_count == 7
    harvest = Harvest.objects.get()
    assert (harvest.set_spec, harvest.every_hours, harvest.problem) == ("cs:cs:LG", 24, "")
    assert harvest.next_attempt
    assert harvest.next_attempt > timezone.now()


def test_the_command_goes_on_batch_after_batch(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(harvesting, "PAGES_A_BATCH", 2)
    with serving(Repository(RECORDS)) as server:
        run("oai", "--endpoint", server.url)
    assert [batch.new for batch in Batch.objects.order_by("pk")] == [4, 3]
    assert Harvest.objects.get().next_attempt is None


def test_a_repository_that_refuses_is_a_sentence():
    with (
        serving(scripted(error("badArgument", "no such set"))) as server,
        pytest.raises(CommandError, match="no such set"),
    ):
        run("oai", "--endpoint", server.url)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "Say one of"),
        (["--known", "oai"], "Say one of"),
        (["oai", "--endpoint", "file:///etc/passwd"], "only http and https"),
        (["oai", "--prefix", "marc"], "invalid choice"),
        (["oai", "--from", "yesterday"], "invalid"),
        (["atom"], "required"),
        (["atom", "--ids", "2106.01548", "abc"], "Not an arXiv identifier: abc"),
    ],
)
def test_what_makes_no_sense_is_a_sentence(arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]):
    with pytest.raises((CommandError, SystemExit)) as refused:
        run(*arguments)
    assert sentence in str(refused.value) + capsys.readouterr().err


def test_known_papers_get_their_abstracts_once(bring: Callable[..., Batch], settings):
    bring(*(fact(id, ["Ada Lovelace"]) for id in KNOWN))
    with serving(scripted(feed(*map(entry, KNOWN[:2])))) as server:
        settings.HARVEST_ATOM = server.url
        assert "2 updated" in run("--known")
        assert "Every paper" in run("--known")
        assert len(server.requests) == 1
    assert Paper.objects.filter(abstract="").count() == 1


def test_papers_are_fetched_by_identifier_author_or_query(settings):
    with serving(scripted(feed(*map(entry, KNOWN)))) as server:
        settings.HARVEST_ATOM = server.url
        assert "arXiv does not know 2106.01548." in run("atom", "--ids", *KNOWN, "2106.01548v2")
        assert Paper.objects.count() == 3
        assert "3 unchanged" in run("atom", "--author", 'Ada "Lovelace')
        assert "3 unchanged" in run("atom", "--query", "cat:cs.LG")
        assert "search_query=au%3A%22Ada++Lovelace%22" in server.requests[1]


def nobody(host: str, port: int) -> list[str]:
    raise OSError("no network")


def test_a_network_that_is_not_there_is_a_sentence_and_nothing_else(bring, monkeypatch, settings):
    bring(fact(KNOWN[0], ["Ada Lovelace"]))
    monkeypatch.setattr(harvesting, "fetcher", lambda endpoint: local(find=nobody))
    settings.HARVEST_ATOM = "http://127.0.0.1/api/query"
    with pytest.raises(CommandError, match="cannot be resolved: is this machine connected to the network"):
        run("--known")
    assert Paper.objects.get().abstract == ""


def test_ctrl_c_ends_with_what_came_resolved(monkeypatch: pytest.MonkeyPatch):
    pages: list[str] = []

    def answer(path: str) -> Answer:
        pages.append(path)
        return Repository(RECORDS)(path)

    take = harvesting._take

    def interrupt(*args) -> None:
        if len(pages) > 2:
            raise KeyboardInterrupt
        take(*args)

    monkeypatch.setattr(harvesting, "_take", interrupt)
    with serving(answer) as server, pytest.raises(CommandError, match="stopped by hand"):
        run("oai", "--endpoint", server.url)
    assert Author.objects.get(name="Ada Lovelace").works_count == 4
    assert not Author.objects.filter(stale=True).exists()


def test_the_first_start_tells_where_abstracts_come_from_and_no_later_one(monkeypatch, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    monkeypatch.setattr(current_app, "send_task", lambda name, arguments: pipeline.process(arguments[0]))
    short = tmp_path / "demo.jsonl"
    short.write_bytes(demo.RECORDS.read_bytes().splitlines()[0] + b"\n")
    monkeypatch.setattr(demo, "RECORDS", short)
    said: list[str] = []
    demo.ensure(said.append)
    demo.ensure(said.append)
    assert sum("harvest --known" in line for line in said) == 1


# --- the schedule ----------------------------------------------------------------------------------------------------


def test_nothing_is_harvested_that_nobody_asked_for(sent: list[int]):
    Harvest.objects.create()
    tasks.harvest()
    assert sent == []
    assert Harvest._meta.get_field("every_hours").default != 24


def test_what_is_due_is_begun_once_and_what_was_left_is_sent_again(sent: list[int]):
    Harvest.objects.create(every_hours=24, next_attempt=timezone.now())
    tasks.harvest()
    tasks.harvest()
    batch = Batch.objects.get()
    assert sent == [batch.pk]
    tasks.resume_batches()
    assert sent == [batch.pk] * 2
    assert batch.is_running


# --- the admin -------------------------------------------------------------------------------------------------------


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(with_second_factor(Account.objects.create_superuser("curator")))
    return client


FORM = {"endpoint": "https://oaipmh.arxiv.org/oai", "prefix": "arXivRaw", "set_spec": "cs:cs:LG", "every_hours": ""}


def test_staff_configure_a_harvest_and_begin_it_by_a_post(
    staff: Client, sent: list[int], django_capture_on_commit_callbacks
):
    assert staff.post(reverse("admin:papers_harvest_add"), FORM).status_code == 302
    harvest = Harvest.objects.get()
    assert (harvest.set_spec, harvest.next_attempt) == ("cs:cs:LG", None)
    changelist = reverse("admin:papers_harvest_changelist")
    with django_capture_on_commit_callbacks(execute=True):
        staff.post(changelist, {"action": "harvest_now", "_selected_action": [harvest.pk]})
    batch = Batch.objects.get()
    assert (sent, batch.harvest, str(batch.created_by)) == ([batch.pk], harvest, "curator")
    assert list(JournalEntry.objects.order_by("pk").values_list("verb", flat=True)) == ["configured", "harvested"]
    assert "oaipmh.arxiv.org" in staff.get(changelist).content.decode()
    assert staff.get(f"{changelist}?action=harvest_now").status_code in {200, 302}
    assert Batch.objects.count() == 1


@pytest.mark.parametrize(
    "changed",
    [
        {"endpoint": "file:///etc/passwd"},
        {"endpoint": "http://user@arxiv.org/"},
        {"endpoint": "https://arxiv.org/oai?verb=x"},
        {"start": "2026-02-01", "until": "2026-01-01"},
    ],
)
def test_what_cannot_be_harvested_is_not_saved(staff: Client, changed: dict[str, str]):
    assert staff.post(reverse("admin:papers_harvest_add"), FORM | changed).status_code == 200
    assert not Harvest.objects.exists()


def test_another_question_starts_from_the_beginning(staff: Client):
    staff.post(reverse("admin:papers_harvest_add"), FORM)
    Harvest.objects.update(token="x", complete_until="2026-01-01", begun_on="2026-01-01")
    address = reverse("admin:papers_harvest_change", args=[Harvest.objects.get().pk])
    staff.post(address, FORM | {"every_hours": "24"})
    assert Harvest.objects.get().token == "x"
    staff.post(address, FORM | {"every_hours": "24", "set_spec": "math"})
    harvest = Harvest.objects.get()
    assert (harvest.token, harvest.complete_until, harvest.is_under_way) == ("", None, False)
    harvesting.begin(harvest.pk)
    page = staff.post(address, FORM | {"every_hours": "24", "set_spec": "cs"}).content.decode()
    assert "It is being harvested now" in page
    assert staff.post(address, FORM | {"every_hours": "12", "set_spec": "math"}).status_code == 302


def test_harvests_are_for_staff(client: Client):
    client.force_login(Account.objects.create_user("reader"))
    assert client.post(reverse("admin:papers_harvest_add"), FORM).status_code == 302
    assert not Harvest.objects.exists()


def test_works_of_openalex_become_profiles(settings):
    with serving(scripted(works(work(1, "Ada Lovelace")))) as server:
        settings.HARVEST_OPENALEX = server.url
        assert "1 new" in run("openalex", "--filter", "author.id:A1")
    assert Author.objects.get(name="Ada Lovelace").affiliation == "Ockham Park"
