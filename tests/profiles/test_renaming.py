"""An owner's name: who may choose it, how it is checked, what goes on working, and that it can be taken back."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from bzpeer import pipeline
from papers import journal
from papers.models import JournalEntry, Paper, Signature
from profiles import changesets, decisions, renaming, shown
from profiles.models import Account, Assignment, Author, Claim
from profiles.proposals import CorrectName, Merge
from profiles.search import find_people
from tests.conftest import fact, with_role, without_ledger

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("sent")]

OLD, NEW = "Rosa Smith", "Iris Novák"
NOW = timezone.now()


def translation(n: int, name: str = OLD) -> dict:
    return fact(f"2001.{n:05}", [name, "Ada Lovelace", "Alan Turing"], f"Neural translation {n}", categories=["cs.CL"])


@pytest.fixture
def rosa(bring) -> Author:
    bring(translation(1), translation(2), translation(3, "R. Smith"))
    return signature(1).assignment.author


@pytest.fixture
def claim(rosa: Author) -> Claim:
    rosa.account = Account.objects.create_user("owner")
    rosa.save()
    return Claim.objects.create(author=rosa, account=rosa.account, state=Claim.State.HELD, level=3)


@pytest.fixture
def owner(client: Client, claim: Claim) -> Client:
    client.force_login(claim.account)
    return client


def signature(n: int) -> Signature:
    return Signature.objects.select_related("assignment__author").get(paper__arxiv_id=f"2001.{n:05}", position=0)


def rename(claim: Claim, name: str = NEW, hide: bool = True) -> Author:
    renaming.rename(claim, name, hide, NOW)
    return Author.objects.get(pk=claim.author_id)


def found(query: str) -> list[int]:
    return [author.pk for author in find_people(query).people]


def test_an_owner_changes_the_name_on_the_page(owner: Client, claim: Claim):
    address = reverse("person_name", args=[claim.author_id])
    assert address in owner.get(reverse("person_edit", args=[claim.author_id])).content.decode()
    page = owner.get(address).content.decode()
    assert "nobody is to see the old one" in page
    assert not re.search(r'name="hide"[^>]* checked', page)
    response = owner.post(address, {"name": f"  {NEW} ", "hide": "1"})
    assert response["Location"] == f"/people/{claim.author_id}/iris-novak/"
    assert (a := Author.objects.get(pk=claim.author_id)).name == a.preferred_name == NEW
    assert a.hides_printed


def test_the_choice_is_the_owners_and_a_get_changes_nothing(owner: Client, claim: Claim):
    address = reverse("person_name", args=[claim.author_id])
    assert owner.post(address, {"name": NEW}).status_code == 400
    owner.get(address, {"name": NEW, "hide": "1"})
    assert Author.objects.get(pk=claim.author_id).name == OLD


@pytest.mark.parametrize("level", [2, None])
def test_only_an_owner_with_proved_control_may(client: Client, claim: Claim, level: int | None):
    address = reverse("person_name", args=[claim.author_id])
    assert client.post(address, {"name": NEW, "hide": "1"})["Location"].startswith(reverse("account_login"))
    Claim.objects.update(level=level or 3)
    client.force_login(claim.account if level else Account.objects.create_user("another"))
    assert client.get(address).status_code == client.post(address, {"name": NEW, "hide": "1"}).status_code == 403
    assert Author.objects.get(pk=claim.author_id).name == OLD


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("", "Type the name"),
        ("Rosa Smіth", "look alike"),  # a Cyrillic і
        ("Αda Lovelace", "look alike"),  # a Greek Alpha
        ("Ro\u200bsa", "cannot be seen"),
        ("<b>Rosa</b>", "without markup"),
        ("x" * 201, "At most 200"),
        (OLD, "shown already"),
    ],
)
def test_what_is_no_name_is_refused(claim: Claim, name: str, part: str):
    renaming.rename(claim, OLD, False, NOW)
    with pytest.raises(ValidationError, match=part):
        rename(claim, name, hide=False)


@pytest.mark.parametrize("name", ["Роза Смит", "王伟", "محمد علي", "O’Neill-Łuk Ş. Jr."])
def test_a_name_is_written_in_any_script(claim: Claim, name: str):
    assert rename(claim, name).name == name


def test_a_name_is_changed_three_times_in_thirty_days(claim: Claim):
    for name in ("One Name", "Two Names", "Three Names"):
        rename(claim, name)
    with pytest.raises(ValidationError, match="3 times in 30 days"):
        rename(claim, "Four Names")
    renaming.restore(claim, NOW)  # the way back is always open
    assert Author.objects.get(pk=claim.author_id).name == OLD
    renaming.rename(claim, "Four Names", True, NOW + timedelta(days=30, seconds=1))
    assert Author.objects.get(pk=claim.author_id).name == "Four Names"


def test_a_form_of_the_name_leaves_what_is_printed(client: Client, claim: Claim):
    author = rename(claim, "Rosa María Smith", hide=False)
    page = client.get(author.get_absolute_url()).content.decode()
    assert "Rosa María Smith" in page
    assert "R. Smith" in page
    assert signature(1).shown_name == OLD
    assert found(OLD) == found("rosa maria smith") == [author.pk]


def test_a_hidden_name_finds_nobody_and_the_new_one_does(client: Client, claim: Claim):
    author = rename(claim)
    for query in (OLD, "smith rosa", "r. smith", "smith", "rosa", "Roza Smith", "Rosa Smyth"):
        assert found(query) == [], query
    for query in (NEW, "novak iris", "iris", "i novak", "Iriss Novak"):
        assert found(query) == [author.pk], query
    assert client.get("/names/Rosa%20Smith/").status_code == 404
    assert f"/people/{author.pk}/" in client.get("/names/iris%20novak/").content.decode()


def test_titles_are_what_others_printed(client: Client, bring, claim: Claim):
    bring(fact("2001.00050", ["Ada Lovelace"], "A life of Rosa Smith"))
    rename(claim)
    paper = Paper.objects.get(arxiv_id="2001.00050")
    assert "A life of Rosa Smith" in client.get(paper.get_absolute_url()).content.decode()


def test_later_papers_under_the_old_name_join_and_show_the_new_one(client: Client, bring, claim: Claim):
    author = rename(claim)
    bring(translation(4))
    assert signature(4).assignment.author == author
    assert signature(4).printed == OLD
    page = client.get(signature(4).paper.get_absolute_url()).content.decode()
    assert NEW in page
    assert "Smith" not in page
    assert found(OLD) == []
    assert Author.objects.get(pk=author.pk).works_count == 4


def test_later_papers_under_the_new_name_join_by_the_owners_word(bring, claim: Claim):
    author = rename(claim)
    bring(translation(4, NEW))
    decisions.decide(with_role("curator"), signature(4), author, same=True)
    pipeline.rerun(set(Signature.objects.values_list("surname_key", flat=True)), lambda *_: None)
    author.refresh_from_db()
    assert signature(4).assignment.author == author
    assert (author.name, author.hides_printed) == (NEW, True)
    assert {signature(n).shown_name for n in (1, 2, 3, 4)} == {NEW}
    assert found(OLD) == []


def test_what_is_printed_comes_back(owner: Client, claim: Claim):
    author = rename(claim)
    owner.post(reverse("person_name", args=[author.pk]), {"restore": "1"})
    author.refresh_from_db()
    assert (author.name, author.preferred_name, author.hides_printed) == (OLD, "", False)
    assert found(OLD) == found("r. smith") == [author.pk]
    assert found(NEW) == []
    assert signature(3).shown_name == "R. Smith"


def test_a_curator_does_not_overrule_the_owner(claim: Claim):
    curator = with_role("curator")
    earlier = changesets.apply(curator, CorrectName(claim.author_id, "Rosa B. Smith"), "Seen.")
    rename(claim)
    with pytest.raises(ValidationError, match="only the owner"):
        changesets.apply(curator, CorrectName(claim.author_id, OLD), "Seen.")
    with pytest.raises(ValidationError, match="only the owner"):
        changesets.undo(curator, earlier)
    assert Author.objects.get(pk=claim.author_id).name == NEW


def test_the_journal_does_not_hold_the_old_name(claim: Claim):
    rename(claim)
    assert not [entry for entry in JournalEntry.objects.all() if "Smith" in f"{entry.subject} {entry.details}"]


def test_curators_see_what_is_printed_marked_as_private(client: Client, claim: Claim):
    other, author = Author.objects.get(name="Ada Lovelace"), rename(claim)
    address = reverse("curate_compare", args=[author.pk, other.pk])
    assert client.get(address).status_code in {302, 403}
    curator = with_role("curator")
    journal.write(curator, "looked at", claim.author)  # it is called by the old name here, and by the new one there
    client.force_login(curator)
    page = client.get(address, follow=True).content.decode()
    assert "private, the name was changed" in page
    assert "R. Smith" in page
    page = client.get(reverse("curate_journal"), {"kind": "profiles.author"}).content.decode()
    assert NEW in page
    assert OLD not in page


def test_who_is_merged_into_a_record_that_hides_a_name_is_shown_by_the_new_one(client: Client, bring, claim: Claim):
    bring(*(fact(f"2001.0006{n}", [OLD, "Vera Rubin"], f"Galaxies {n}", categories=["astro-ph.GA"]) for n in range(6)))
    author, other = rename(claim), signature(60).assignment.author
    assert other != author
    assert other.works_count > author.works_count
    Claim.objects.update(state=Claim.State.RELEASED)
    Author.objects.update(account=None)
    curator = with_role("curator")
    change_set = changesets.apply(curator, Merge(((author.pk, other.pk),)), "Seen.")
    author.refresh_from_db()
    assert author.merged_into is None
    assert author.works_count == 9
    assert "Smith" not in client.get(reverse("person_history", args=[other.pk])).content.decode()
    changesets.undo(curator, change_set)
    other.refresh_from_db()
    assert (other.name, other.hides_printed) == (OLD, False)
    assert Author.objects.get(pk=author.pk).name == NEW


def test_what_the_machine_splits_off_goes_on_hiding_the_name(bring, claim: Claim):
    author = rename(claim)
    bring(*(fact(f"2001.0006{n}", [OLD, "Vera Rubin"], f"Galaxies {n}", categories=["astro-ph.GA"]) for n in range(2)))
    stranger = signature(60).assignment.author
    Assignment.objects.filter(author=stranger).update(author=author)
    without_ledger()
    stranger.delete()
    pipeline.rerun({"smith"}, lambda *_: None)
    split_off = signature(60).assignment.author
    assert split_off != author
    assert signature(60).shown_name == NEW


def test_exports_get_the_shown_names(claim: Claim):
    rename(claim)
    names = shown.names(Paper.objects.filter(arxiv_id="2001.00001"))
    assert list(names.values()) == [NEW, "Ada Lovelace", "Alan Turing"]


def redated(do) -> set[str | None]:
    """The papers that `do` dates anew: what harvesters are told of."""
    before = dict(Paper.objects.values_list("arxiv_id", "changed_at"))
    do()
    return {paper for paper, at in Paper.objects.values_list("arxiv_id", "changed_at") if at != before[paper]}


def test_a_name_that_is_hidden_dates_the_papers_that_show_another_now(bring, claim: Claim):
    bring(fact("2002.00001", ["Ada Lovelace"]))
    own = {f"2001.{n:05}" for n in (1, 2, 3)}
    assert redated(lambda: rename(claim, hide=False)) == set()  # the papers go on showing what is printed
    assert redated(lambda: rename(claim, "Iris Nova")) == own
    assert redated(lambda: renaming.restore(claim, NOW)) == own


def test_a_work_that_goes_to_somebody_who_hides_the_printed_name_is_dated_anew(bring, claim: Claim):
    rename(claim)
    bring(fact("2003.00001", [OLD, "Edith Clarke"], "Transmission lines", categories=["eess.SP"]))
    other = Signature.objects.get(paper__arxiv_id="2003.00001", position=0).assignment
    assert other.author_id != claim.author_id
    Claim.objects.update(state=Claim.State.RELEASED)
    Author.objects.update(account=None)
    merger, pairs = with_role("merger"), ((claim.author_id, other.author_id),)
    assert redated(lambda: changesets.apply(merger, Merge(pairs), "Seen.")) == {"2003.00001"}
