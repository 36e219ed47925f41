"""The inbox: what waits, how it is narrowed and counted, and whose case is whose."""

from __future__ import annotations

import re
from uuid import uuid4

import pytest
from django.core.cache import cache
from django.core.exceptions import BadRequest, PermissionDenied, ValidationError
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from papers.models import Batch, BatchRecord, JournalEntry
from profiles import decisions, doubts, inbox, reports
from profiles.models import (
    Account,
    Assignment,
    Author,
    CaseHolder,
    Claim,
    Complaint,
    Contradiction,
    Invitation,
    RightsRequest,
    Suggestion,
)
from tests.conftest import fact, with_role
from tests.walking import with_address

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada() -> Account:
    return with_role("ada")


@pytest.fixture
def bob() -> Account:
    return with_role("bob")


@pytest.fixture
def smiths(bring) -> tuple[Author, Author]:
    """Two J. Smiths, whom the matcher suggests to a curator, and a record that is refused."""
    bring(
        fact("2001.00001", ["John Smith", "Ann Aard"], "Quark notes", categories=["hep-ph"]),
        fact("2001.00002", ["John Smith", "Ann Aard"], "Quark notes, continued", categories=["hep-ph"]),
        fact("2001.00003", ["Jane Smith", "Carl Dahl"], "On cells", categories=["q-bio.NC"]),
        {"id": "not an id", "title": "Refused"},
    )
    Suggestion.objects.all().delete()
    left, right = Author.objects.filter(name__in=["John Smith", "Jane Smith"]).order_by("pk")
    Suggestion.objects.create(left=left, right=right, probability=0.5, sentence="names")
    return left, right


def counts(account: Account, **given: str) -> dict[str, int]:
    return {s.kind.slug: s.count for s in inbox.overview(inbox.Filters.of(account, given)) if s.count}


def the_pair() -> inbox.Case:
    (case,) = inbox.cases_of(inbox.PAIRS, inbox.PAIRS.cases())
    return case


def holder() -> Account | None:
    held = the_pair().holder
    return held.curator if held else None


def test_every_kind_of_case_is_there_and_leads_somewhere(ada: Account, smiths):
    Batch.objects.create(label="half.jsonl", stage=Batch.Stage.FAILED, problem="The file ends in a record.")
    Assignment.objects.filter(author__name="John Smith").update(state="weak", probability=0.6)
    doubted = Assignment.objects.filter(author__name="John Smith").earliest("pk")
    reader = with_address("reader")
    Account.objects.filter(pk=reader.pk).update(date_joined=timezone.now() - doubts.AGE)
    doubts.say(reader, doubted.signature, doubted.author, timezone.now())
    Contradiction.objects.create(kind="decisions", surnames=["smith"], sentence="these cannot all hold")
    reports.submit(smiths[0], "fact", "The year is wrong.", ada)
    Author.objects.filter(pk=smiths[0].pk).update(account=ada)
    held = Claim.objects.create(author=smiths[0], account=ada, state=Claim.State.HELD)
    held.proposals.create(signature=smiths[1].assignments.get().signature, same=True)
    held.proofs.create(kind="review", note="Ask the dean.")
    Claim.objects.create(author=smiths[1], account=ada, note="Both are mine.")
    Claim.objects.create(author=smiths[0], account=Account.objects.create_user("eve"), state=Claim.State.DISPUTED)
    RightsRequest.objects.create(author=smiths[0], kind="hide", proof="curator", state="waiting", text="It is me.")
    invitation = Invitation.objects.create(author=smiths[0], purpose="talk", text="Come.", token=uuid4())
    Complaint.objects.create(invitation=invitation, kind="spam", text="A word in private.")
    sections = inbox.overview(inbox.Filters.of(ada, {}))
    assert [section.kind for section in sections] == list(inbox.KINDS)
    assert all(section.count == len(section.cases) == 1 for section in sections)
    assert all(section.cases[0].line.title and section.cases[0].line.address for section in sections)


def test_an_import_waits_for_its_decision_and_its_refused_records_for_the_import(ada: Account):
    batch = Batch.objects.create(label="new.jsonl", stage=Batch.Stage.PROPOSED, refused=1)
    BatchRecord.objects.create(batch=batch, number=1, fate="refused", reason="The record has no authors.")
    found = counts(ada)
    assert (found["batches"], "refused" in found) == (1, False)


def test_a_decided_case_leaves_the_inbox(ada: Account, smiths):
    assert counts(ada)["pairs"] == 1
    decisions.decide(ada, *smiths, same=False)
    assert "pairs" not in counts(ada)


def test_counts_stop_where_more_would_say_no_more(ada: Account, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(inbox, "COUNTED", 2)
    for number in range(3):
        Contradiction.objects.create(kind="decisions", surnames=["x"], sentence=f"{number}")
    section = next(s for s in inbox.overview(inbox.Filters.of(ada, {})) if s.kind == inbox.CONTRADICTIONS)
    assert (section.count, section.more) == (2, True)


def test_refused_records_are_read_through_the_batches_that_refused_any(smiths):
    large = Batch.objects.create(label="all taken", stage="done", new=5_000)
    BatchRecord.objects.bulk_create(BatchRecord(batch=large, number=n + 1, fate="new") for n in range(5_000))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE papers_batch, papers_batchrecord")
    plan = inbox.REFUSED.cases().order_by(*inbox.REFUSED.order)[:31].explain()
    assert "Seq Scan on papers_batchrecord" not in plan
    assert "batchrecord_fate" in plan
    assert inbox.REFUSED.cases().get().reason
    BatchRecord.objects.filter(fate=BatchRecord.Fate.REFUSED).update(fate=BatchRecord.Fate.NEW)  # retried
    assert not inbox.REFUSED.cases().exists()


def test_a_contradiction_leads_to_the_page_that_begins_with_it(client: Client, ada: Account):
    for number in range(3):
        Contradiction.objects.create(kind="decisions", surnames=["x"], sentence=f"these are number {number}")
    (section,) = inbox.overview(inbox.Filters.of(ada, {"kind": "contradictions"}))
    client.force_login(ada)
    html = client.get(section.cases[1].line.address).content.decode()
    assert "number 2" not in html
    assert html.index("number 1") < html.index("number 0")


def test_cases_are_narrowed_by_name_topic_and_kind(ada: Account, smiths):
    Assignment.objects.filter(author__name="John Smith").update(state="weak", probability=0.6)
    assert counts(ada, name="Jóhn") == {"pairs": 1, "works": 1}
    assert counts(ada, name="Lovelace") == {}
    assert counts(ada, topic="High energy physics - phenomenology") == {"works": 1}
    assert counts(ada, topic="Machine Learning") == {}
    assert counts(ada, kind="pairs") == {"pairs": 1}
    assert counts(ada, kind="nonsense", held="nonsense") == counts(ada)


def test_a_case_is_taken_given_and_given_back(ada: Account, bob: Account, smiths):
    made = inbox.give(ada, the_pair(), ada)
    assert made is not None
    assert (counts(ada, held="mine"), counts(bob, held="mine")) == ({"pairs": 1}, {})
    assert "pairs" not in counts(bob, held="free")
    assert "pairs" in counts(bob)
    with pytest.raises(ValidationError, match="ada holds this case"):
        inbox.give(bob, the_pair(), bob)
    inbox.give(ada, the_pair(), bob)
    assert holder() == bob
    inbox.give(bob, the_pair(), None)
    assert not CaseHolder.objects.exists()
    verbs = list(JournalEntry.objects.order_by("pk").values_list("account_name", "verb", "details__to"))
    assert verbs == [("ada", "took", None), ("ada", "gave", "bob"), ("bob", "gave back", None)]


def test_taking_twice_says_nothing_twice(ada: Account, smiths):
    inbox.give(ada, the_pair(), ada)
    inbox.give(ada, the_pair(), ada)
    assert CaseHolder.objects.count() == JournalEntry.objects.count() == 1


def test_an_administrator_frees_the_case_of_a_curator_who_is_away(ada: Account, smiths):
    inbox.give(ada, the_pair(), ada)
    assert inbox.give(with_role("root", "Administrators"), the_pair(), None) is None


def test_only_curators_hold_cases(ada: Account, smiths):
    reader = Account.objects.create_user("reader")
    with pytest.raises(PermissionDenied):
        inbox.give(reader, the_pair(), reader)
    with pytest.raises(ValidationError, match="reader is not a curator"):
        inbox.give(ada, the_pair(), reader)


def test_a_pair_stays_whose_it_is_when_a_run_makes_its_suggestion_anew(ada: Account, smiths):
    inbox.give(ada, the_pair(), ada)
    old = Suggestion.objects.get()
    old.delete()
    Suggestion.objects.create(left=old.left, right=old.right, probability=0.6, sentence="names")
    assert counts(ada, held="mine") == {"pairs": 1}


@pytest.mark.parametrize("kind", [kind.slug for kind in inbox.KINDS])
def test_a_cursor_that_was_not_made_here_is_refused(ada: Account, kind: str):
    with pytest.raises(BadRequest):
        inbox.overview(inbox.Filters.of(ada, {"kind": kind}), "x")


def test_every_refused_record_is_met_once_by_paging(ada: Account):
    for refused in (40, 3):
        batch = Batch.objects.create(label="b", stage="done", refused=refused)
        BatchRecord.objects.bulk_create(
            BatchRecord(batch=batch, number=n + 1, fate="refused", reason="why") for n in range(refused)
        )
    seen: list[tuple[int, int]] = []
    cursor = ""
    while True:
        (section,) = inbox.overview(inbox.Filters.of(ada, {"kind": "refused"}), cursor)
        seen += [(case.row.batch_id, case.row.number) for case in section.cases]
        if not (cursor := section.following):
            break
    assert len(seen) == len(set(seen)) == 43
    assert seen == sorted(seen, key=lambda key: (-key[0], key[1]))


def test_the_next_page_of_one_queue_is_of_that_queue(client: Client, ada: Account):
    batch = Batch.objects.create(label="b", stage="done", refused=40)
    BatchRecord.objects.bulk_create(BatchRecord(batch=batch, number=n + 1, fate="refused") for n in range(40))
    client.force_login(ada)
    html = client.get(reverse("curate"), {"kind": "refused", "held": "free"}).content.decode()
    following = re.search(r'href="([^"]*)" rel="next"', html)
    assert following
    rest = client.get(following[1].replace("&amp;", "&")).content.decode()
    assert re.findall(r"Record (\d+) of b</a>", rest) == [str(number) for number in range(31, 41)]


def test_the_page_costs_the_same_whatever_waits(client: Client, ada: Account, smiths):
    client.force_login(ada)

    def queries() -> int:
        cache.clear()
        with CaptureQueriesContext(connection) as captured:
            assert client.get(reverse("curate")).status_code == 200
        return len(captured)

    queries()  # what the account may do is asked once
    few = queries()
    for number in range(20):
        Batch.objects.create(label=f"{number}", stage="failed")
        Contradiction.objects.create(kind="decisions", surnames=["x"], sentence=f"{number}")
        reports.submit(smiths[number % 2], "fact", "Wrong.", None if number % 2 else ada)
    assert queries() == few <= 40


def test_taking_by_the_page_in_place_and_without_javascript(client: Client, ada: Account, smiths):
    client.force_login(ada)
    form = {"kind": "pairs", "case": the_pair().key, "to": "me", "next": "/curate/people/?held=mine"}
    answer = client.post(reverse("curate_hold"), form, headers={"HX-Request": "true"}).content.decode()
    assert "Your case" in answer
    assert "<html" not in answer
    response = client.post(reverse("curate_hold"), form | {"to": "nobody"})
    assert response["Location"] == "/curate/people/?held=mine"
    assert not CaseHolder.objects.exists()


def test_what_somebody_else_holds_is_shown_as_such_and_not_taken(client: Client, ada: Account, bob: Account, smiths):
    inbox.give(ada, the_pair(), ada)
    client.force_login(bob)
    assert "ada holds it since" in client.get(reverse("curate_people")).content.decode()
    form = {"kind": "pairs", "case": the_pair().key, "to": "me"}
    answer = client.post(reverse("curate_hold"), form, headers={"HX-Request": "true"}).content.decode()
    assert "ada holds this case." in answer
    assert holder() == ada


def test_a_case_that_is_gone_is_said_to_be(client: Client, ada: Account):
    client.force_login(ada)
    form = {"kind": "pairs", "case": "1-2", "to": "me"}
    answer = client.post(reverse("curate_hold"), form, headers={"HX-Request": "true"}).content.decode()
    assert "decided already, or gone" in answer


@pytest.mark.parametrize(
    "form",
    [
        {"kind": "x", "case": "1", "to": "me"},
        {"kind": "pairs", "case": "1-x", "to": "me"},
        {"kind": "pairs", "case": "1-2", "to": "x"},
        {"kind": "pairs", "case": "9" * 30, "to": "me"},
    ],
)
def test_nonsense_is_refused(client: Client, ada: Account, form: dict[str, str]):
    client.force_login(ada)
    assert client.post(reverse("curate_hold"), form).status_code == 400


def test_filters_stay_with_the_next_page_and_the_skip(client: Client, ada: Account, smiths):
    client.force_login(ada)
    html = client.get(reverse("curate_people"), {"name": "Smith", "held": "free"}).content.decode()
    assert 'value="Smith"' in html
    assert "?held=free&amp;name=Smith&amp;after=" in html
    assert "No pair waits" in client.get(reverse("curate_people"), {"name": "Nobody"}).content.decode()
