"""Owning: mine and not mine hold through runs, imports and versions; who may not decide proposes; all can be undone."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from bzpeer import pipeline
from papers.models import JournalEntry, Signature
from profiles import changesets, decisions, owning, resolving
from profiles.models import Account, Assignment, Author, Claim, Correction, Letter, Move, WorkProposal
from tests.conftest import fact, with_role

pytestmark = pytest.mark.django_db

TRANSLATION = [
    fact("2001.00001", ["John Smith", "Ada Lovelace"], "Neural machine translation", categories=["cs.CL"]),
    fact("2001.00002", ["John Smith", "Ada Lovelace"], "Neural translation of rare words", categories=["cs.CL"]),
    fact("2001.00003", ["John Smith", "Ada Lovelace"], "Attention in neural translation", categories=["cs.CL"]),
]
GALAXIES = [
    fact("2001.00004", ["John Smith", "Vera Rubin"], "Dark matter in dwarf galaxies", categories=["astro-ph.GA"]),
    fact("2001.00005", ["John Smith", "Vera Rubin"], "Dark matter halos of galaxies", categories=["astro-ph.GA"]),
]


def held(author: Author, name: str = "rk3v9", level: int = 3) -> Claim:
    """A claim that an account holds, at that level."""
    account = Account.objects.create_user(name, f"{name}@example.org")
    Author.objects.filter(pk=author.pk).update(account=account)
    author.refresh_from_db()
    return Claim.objects.create(
        author=author, account=account, state=Claim.State.HELD, level=level, held_at=timezone.now()
    )


def smith(arxiv_id: str) -> Signature:
    return Signature.objects.select_related("assignment__author").get(paper__arxiv_id=arxiv_id, family="Smith")


def works(author: Author) -> set[str]:
    found = Assignment.objects.filter(author=author).values_list("signature__paper__arxiv_id", flat=True)
    return {str(arxiv_id)[-1] for arxiv_id in found}


def rerun() -> None:
    pipeline.rerun(set(Signature.objects.values_list("surname_key", flat=True)), lambda *_: None)


def say(claim: Claim, **verdicts: bool) -> list[int]:
    """say(claim, _1=False): by the last digit of the arXiv id."""
    return owning.review(claim, {smith(f"2001.0000{key[1:]}").pk: v for key, v in verdicts.items()}, timezone.now())


@pytest.fixture
def smiths(bring: Callable[..., Any]) -> tuple[Author, Author]:
    """The John Smith who translates (three works) and the one who watches galaxies (two)."""
    bring(*TRANSLATION, *GALAXIES)
    return smith("2001.00001").assignment.author, smith("2001.00004").assignment.author


@pytest.fixture
def claim(smiths: tuple[Author, Author]) -> Claim:
    return held(smiths[0])


def test_a_work_that_prints_another_family_name_is_proposed(claim: Claim):
    rubin = Signature.objects.get(paper__arxiv_id="2001.00004", family="Rubin")
    assert owning.review(claim, {rubin.pk: True}, timezone.now()) == []
    assert not Correction.objects.exists()
    assert WorkProposal.objects.get().signature == rubin


def test_mine_brings_a_work_here_and_not_mine_takes_it_off_through_imports_runs_and_versions(bring, claim: Claim):
    assert claim.author_id in say(claim, _4=True, _1=False, _2=True)
    assert works(claim.author) >= {"2", "3", "4"}
    assert "1" not in works(claim.author)
    for _ in range(2):
        bring(*TRANSLATION, *GALAXIES)
        rerun()
        assert works(claim.author) >= {"2", "3", "4"}
        assert "1" not in works(claim.author)
    bring(TRANSLATION[0] | {"updated": "2021-01-01", "title": "Neural machine translation, revised"})
    bring(GALAXIES[0] | {"updated": "2021-01-01", "authors": ["Vera Rubin", "John Smith"]})
    rerun()
    assert "1" not in works(claim.author)
    assert "4" in works(claim.author)
    assert smith("2001.00004").assignment.state == Assignment.State.OWNER


def test_what_the_owner_said_is_recorded_with_what_the_matcher_had_said(claim: Claim):
    say(claim, _1=True, _4=False, _2=True)
    mine = Correction.objects.get(signature=smith("2001.00001"))
    assert (mine.as_owner, mine.same, mine.kind, mine.made_by) == (True, True, "attribution", claim.account)
    assert mine.stated is not None
    assert mine.stated > 0.8
    assert mine.model
    foreign = Correction.objects.get(signature=smith("2001.00004"))
    assert foreign.stated is not None
    assert foreign.stated < 0.8


def test_said_again_it_writes_nothing_and_the_other_word_takes_its_place(claim: Claim):
    say(claim, _1=False)
    before = list(Correction.objects.values())
    journal = JournalEntry.objects.count()
    assert say(claim, _1=False) == []
    assert list(Correction.objects.values()) == before
    assert JournalEntry.objects.count() == journal
    say(claim, _1=True)
    assert [c.is_live for c in Correction.objects.order_by("pk")] == [False, True]
    assert works(claim.author) == {"1", "2", "3"}


def test_taking_it_back_puts_everything_as_it_was(claim: Claim):
    say(claim, _1=False, _4=True)
    owning.take_back(claim, [smith("2001.00001").pk, smith("2001.00004").pk])
    assert works(claim.author) == {"1", "2", "3"}
    assert not Correction.objects.live().exists()


def test_many_works_are_resolved_once(bring, monkeypatch: pytest.MonkeyPatch):
    bring(*(fact(f"2002.{n:05}", ["Mary Somerville", f"Co Author{n % 3}"], "Celestial mechanics") for n in range(40)))
    author = Author.objects.get(name="Mary Somerville", works_count__gt=1)
    claim = held(author)
    runs: list[Any] = []
    resolve = resolving.resolve

    def counted(surnames: list[str], **more: Any) -> resolving.Report:
        runs.append(surnames)
        return resolve(surnames, **more)

    monkeypatch.setattr(resolving, "resolve", counted)
    own = author.assignments.values_list("signature", flat=True)
    owning.review(claim, dict.fromkeys(own, True), timezone.now())
    assert len(runs) == 1
    assert set(author.assignments.values_list("state", flat=True)) == {Assignment.State.OWNER}


def test_the_public_never_reads_who_the_owner_is(client: Client, claim: Claim):
    say(claim, _1=False, _4=True)
    owning.take_back(claim, [smith("2001.00001").pk])
    assert Move.objects.exists()
    for reason in Move.objects.values_list("reason", flat=True):
        assert "the owner" in reason
        assert claim.account.username not in reason
    page = client.get(f"/people/{claim.author_id}/history/").content.decode()
    assert "Decided by the owner" in page
    assert "withdrawn by the owner" in page
    assert claim.account.username not in page
    assert "example.org" not in page


def test_a_former_owners_word_stays_the_owners(claim: Claim):
    say(claim, _4=True)
    Claim.objects.filter(pk=claim.pk).update(state=Claim.State.RELEASED)
    Author.objects.filter(pk=claim.author_id).update(account=None)
    rerun()
    work = smith("2001.00004").assignment
    assert (work.author, work.state) == (claim.author, Assignment.State.OWNER)


def test_a_new_owner_may_say_otherwise_than_the_former(claim: Claim):
    say(claim, _1=False)
    Claim.objects.filter(pk=claim.pk).update(state=Claim.State.RELEASED)
    new = held(claim.author, "new")
    say(new, _1=True)
    assert "1" in works(claim.author)


def test_below_level_3_it_is_a_proposal_and_nothing_moves(smiths):
    claim = held(smiths[0], level=2)
    assert say(claim, _1=False, _4=True) == []
    assert works(claim.author) == {"1", "2", "3"}
    assert not Correction.objects.exists()
    assert {p.same for p in WorkProposal.objects.all()} == {True, False}
    say(claim, _1=False)
    assert WorkProposal.objects.count() == 2
    say(claim, _1=True)  # as it is already
    assert WorkProposal.objects.count() == 1


def test_with_control_proved_what_was_proposed_is_decided(smiths):
    claim = held(smiths[0], level=2)
    say(claim, _1=False)
    Claim.objects.filter(pk=claim.pk).update(level=3)
    claim.refresh_from_db()
    say(claim, _2=True)
    assert "1" not in works(claim.author)
    assert WorkProposal.objects.get().state == WorkProposal.State.ACCEPTED


def test_while_control_is_disputed_it_is_a_proposal(claim: Claim):
    rival = Account.objects.create_user("rival")
    Claim.objects.create(author=claim.author, account=rival, state=Claim.State.DISPUTED, level=3)
    say(claim, _1=False)
    assert not Correction.objects.exists()
    assert WorkProposal.objects.exists()


def test_a_work_that_another_owner_holds_is_proposed_and_stays(smiths):
    one, other = held(smiths[0]), held(smiths[1], "galaxies")
    say(one, _4=True)
    assert works(other.author) == {"4", "5"}
    assert WorkProposal.objects.get().claim == one


def test_what_a_curator_decided_otherwise_is_proposed_and_stays(claim: Claim):
    ada = with_role("ada")
    decisions.decide(ada, smith("2001.00004"), claim.author, same=False)
    decisions.decide(ada, smith("2001.00001"), claim.author, same=True)
    say(claim, _4=True, _1=False)
    assert works(claim.author) == {"1", "2", "3"}
    assert WorkProposal.objects.filter(state="open").count() == 2
    assert not Correction.objects.filter(as_owner=True).exists()


def test_an_accepted_proposal_is_the_curators_decision_and_the_owner_hears_of_it(smiths):
    ada, claim = with_role("ada"), held(smiths[0], level=2)
    say(claim, _4=True)
    owning.accept(ada, WorkProposal.objects.get(), "The page says so.", timezone.now())
    assert "4" in works(claim.author)
    assert smith("2001.00004").assignment.state == Assignment.State.CURATOR
    letter = Letter.objects.get()
    assert letter.to == "rk3v9@example.org"
    assert "The page says so." in letter.text
    assert JournalEntry.objects.filter(verb="accepted", account_name="ada").exists()
    owning.accept(ada, WorkProposal.objects.get(), "", timezone.now())
    assert Letter.objects.count() == 1


def test_an_accepted_proposal_sets_aside_what_curators_had_decided(claim: Claim):
    ada, bob = with_role("ada"), with_role("bob")
    decisions.decide(ada, smith("2001.00001"), claim.author, same=True)
    say(claim, _1=False)
    owning.accept(bob, WorkProposal.objects.get(), "", timezone.now())
    assert "1" not in works(claim.author)


def test_what_another_owner_said_is_not_accepted_over_their_head(smiths):
    ada, one, other = with_role("ada"), held(smiths[0]), held(smiths[1], "galaxies")
    say(other, _4=True)
    say(one, _4=True)
    with pytest.raises(ValidationError, match="owner"):
        owning.accept(ada, WorkProposal.objects.get(), "", timezone.now())
    assert works(other.author) == {"4", "5"}


def test_a_refusal_needs_a_reason_and_nobody_decides_about_their_own_record(smiths):
    ada, claim = with_role("ada"), held(smiths[0], level=2)
    say(claim, _4=True)
    proposal = WorkProposal.objects.get()
    with pytest.raises(ValidationError):
        owning.refuse(ada, proposal, " ", timezone.now())
    owning.refuse(ada, proposal, "Another John Smith.", timezone.now())
    assert "Another John Smith." in Letter.objects.get().text
    say(claim, _4=True)
    Claim.objects.filter(pk=claim.pk).update(account=ada)
    with pytest.raises(PermissionDenied):
        owning.accept(ada, WorkProposal.objects.get(state="open"), "", timezone.now())


def test_the_other_name_on_the_paper_is_mine(bring):
    bring(fact("2003.00001", ["Wei Zhang", "W. Zhang"]), fact("2003.00002", ["Wei Zhang", "Li Na"]))
    first, second = Signature.objects.filter(paper__arxiv_id="2003.00001").order_by("position")
    author = Signature.objects.get(paper__arxiv_id="2003.00002", family="Zhang").assignment.author
    claim = held(author)
    owning.review(claim, {first.pk: True}, timezone.now())
    owning.review(claim, {second.pk: True}, timezone.now())
    assert set(author.assignments.filter(signature__paper=first.paper).values_list("signature", flat=True)) == {
        second.pk
    }
    with pytest.raises(ValidationError, match="Two names"):
        owning.review(claim, {first.pk: True, second.pk: True}, timezone.now())


def test_somebody_must_be_left(claim: Claim):
    with pytest.raises(ValidationError, match="every work"):
        say(claim, _1=False, _2=False, _3=False)
    assert works(claim.author) == {"1", "2", "3"}


def test_the_word_about_a_work_outlives_the_merge_that_brought_it(smiths):
    ada = with_role("ada")
    changesets.merge(ada, [(smiths[0].pk, smiths[1].pk)], "One person.")
    claim = held(Author.objects.get(works_count=5))
    say(claim, _4=True)
    assert smith("2001.00004").assignment.state == Assignment.State.OWNER


# --- the pages -------------------------------------------------------------------------------------------------------


def answer(client: Client, claim: Claim, work: str, said: str, **more: Any) -> Any:
    address = reverse("person_mine", args=[claim.author_id])
    return client.post(address, {"signature": smith(f"2001.0000{work}").pk, "answer": said}, **more)


def test_the_owner_says_not_mine_beside_a_work_and_undoes_it(client: Client, claim: Claim, sent):
    client.force_login(claim.account)
    page = client.get(claim.author.get_absolute_url()).content.decode()
    assert page.count('name="answer" value="not"') == 3
    assert "Edit this record" in page
    fragment = answer(client, claim, "1", "not", headers={"HX-Request": "true"}).content.decode()
    assert "Not yours: it is off your record" in fragment
    assert "Undo" in fragment
    assert "<html" not in fragment
    fragment = answer(client, claim, "1", "undo", headers={"HX-Request": "true"}).content.decode()
    assert "Undone." in fragment
    assert works(claim.author) == {"1", "2", "3"}


def test_without_htmx_it_leads_to_what_was_said_with_the_way_back(client: Client, claim: Claim, sent):
    client.force_login(claim.account)
    response = answer(client, claim, "1", "not", follow=True)
    assert response.redirect_chain == [(reverse("person_mine", args=[claim.author_id]), 302)]
    assert "Neural machine translation" in response.content.decode()
    assert 'value="undo"' in response.content.decode()


def test_works_that_go_along_are_named(client: Client, claim: Claim, sent):
    client.force_login(claim.account)
    say(claim, _4=True)
    fragment = answer(client, claim, "1", "not", headers={"HX-Request": "true"}).content.decode()
    gone = {"1", "2", "3"} - works(claim.author) - {"1"}
    assert gone
    assert fragment.count("other work went with it") + fragment.count("other works went with it") == 1
    for work in gone:
        assert smith(f"2001.0000{work}").paper.title_text in fragment


def test_each_work_shows_its_own_state(client: Client, claim: Claim):
    say(claim, _1=True)
    page = client.get(claim.author.get_absolute_url()).content.decode()
    assert page.count("owner-confirmed") == 1
    assert page.count("strong inference") + page.count("weak inference") == 2


def test_nobody_else_sees_or_says_it(client: Client, claim: Claim):
    address = claim.author.get_absolute_url()
    assert 'value="not"' not in client.get(address).content.decode()
    assert answer(client, claim, "1", "not").status_code == 302
    client.force_login(with_role("ada"))
    assert 'value="not"' not in client.get(address).content.decode()
    assert answer(client, claim, "1", "not").status_code == 403
    assert client.get(reverse("person_mine", args=[claim.author_id])).status_code == 403
    assert not Correction.objects.exists()


@pytest.mark.parametrize("given", [{}, {"signature": "x", "answer": "mine"}, {"signature": "1", "answer": "yes"}])
def test_what_makes_no_sense_is_refused(client: Client, claim: Claim, given: dict[str, str]):
    client.force_login(claim.account)
    assert client.post(reverse("person_mine", args=[claim.author_id]), given).status_code == 400


def test_the_receipt_and_the_page_of_the_work_have_the_buttons(client: Client, claim: Claim):
    client.force_login(claim.account)
    paper = smith("2001.00001").paper
    for address in (reverse("attribution", args=[paper.pk, claim.author_id]), paper.get_absolute_url()):
        assert client.get(address).content.decode().count('name="answer" value="not"') == 1
        assert 'value="not"' not in Client().get(address).content.decode()
    assert "It is mine" in client.get(smith("2001.00004").paper.get_absolute_url()).content.decode()


def test_where_another_decision_stands_against_it_the_owner_is_told(client: Client, claim: Claim, sent):
    ada = with_role("ada")
    other = smith("2001.00004").assignment.author
    decisions.decide(ada, claim.author, other, same=False)
    decisions.decide(ada, smith("2001.00004"), smith("2001.00005"), same=True)
    decisions.decide(ada, smith("2001.00005"), smith("2001.00001"), same=False)
    client.force_login(claim.account)
    fragment = answer(client, claim, "4", "mine", headers={"HX-Request": "true"}).content.decode()
    assert ("4" in works(claim.author)) != ("Another decision stands against it" in fragment)


def test_curators_find_what_owners_propose_and_answer_it(client: Client, smiths, sent):
    claim = held(smiths[0], level=2)
    say(claim, _4=True, _1=False)
    client.force_login(with_role("ada"))
    assert "says: mine" in client.get(reverse("curate")).content.decode()
    address = reverse("curate_proposals")
    page = client.get(address).content.decode()
    assert page.count('name="proposal"') == 2
    one, other = WorkProposal.objects.order_by("-same")
    refused = client.post(address, {"proposal": other.pk, "do": "refuse", "answer": ""})
    assert refused.status_code == 400
    assert "Say why" in refused.content.decode()
    client.post(address, {"proposal": other.pk, "do": "refuse", "answer": "It reads like yours."})
    client.post(address, {"proposal": one.pk, "do": "accept", "answer": ""})
    assert "4" in works(claim.author)
    assert 'name="proposal"' not in client.get(address).content.decode()
    client.force_login(claim.account)
    assert client.get(address).status_code == 403
    page = client.get(reverse("person_mine", args=[claim.author_id])).content.decode()
    assert "It reads like yours." in page
