"""Bulk accept: what the rules find, what is left out, the sample that must be looked at, and what is joined then."""

from __future__ import annotations

from typing import Any

import pytest
from celery import current_app
from django.core.exceptions import PermissionDenied, ValidationError
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from papers.models import JournalEntry, Signature
from profiles import bulk, changesets, decisions
from profiles.models import Account, Assignment, Author, BulkReview, Correction, Suggestion
from tests.conftest import fact, with_role

FIELDS = [("hep-ph", "Quarks"), ("cs.CV", "Segmentation"), ("q-bio.NC", "Neurons"), ("math.NT", "Primes")]


@pytest.fixture
def ada(db: None) -> Account:
    return with_role("ada")


@pytest.fixture
def wangs(bring) -> list[Author]:
    """Four people printed "Wei Wang", in four fields, apart; all pairs of them are suggested."""
    bring(
        *[
            fact(f"20{n + 1:02}.00001", ["Wei Wang", f"Friend {chr(97 + n) * 4}"], title, categories=[category])
            for n, (category, title) in enumerate(FIELDS)
        ]
    )
    people = list(Author.objects.filter(name="Wei Wang", works_count__gt=0).order_by("pk"))
    assert len(people) == 4
    Suggestion.objects.all().delete()
    for n, left in enumerate(people):
        for right in people[n + 1 :]:
            Suggestion.objects.create(left=left, right=right, probability=0.5, sentence="names")
    return people


def write_on_papers_of(authors: list[Author], given: str, family: str) -> None:
    """One more name on a paper of each of these authors."""
    for author in authors:
        paper = Signature.objects.get(assignment__author=author).paper
        paper.signatures.create(
            position=paper.signatures.count(),
            printed=f"{given} {family}",
            given=given,
            family=family,
            given_key=given.casefold(),
            family_key=family.casefold(),
            surname_key=family.casefold(),
        )


def rows(*pairs: tuple[Author, Author]) -> list[bulk.Row]:
    return [(left.pk, right.pk, "the test says so") for left, right in pairs]


@pytest.fixture
def rule(wangs, monkeypatch: pytest.MonkeyPatch) -> bulk.Rule:
    """A rule of which two pairs are: the first with the second, the third with the fourth."""
    made = bulk.Rule("test", "A rule", "About it", lambda most: rows((wangs[0], wangs[1]), (wangs[2], wangs[3]))[:most])
    monkeypatch.setattr(bulk, "RULES", (made,))
    monkeypatch.setattr(bulk, "BY_SLUG", {"test": made})
    return made


# --- rules -----------------------------------------------------------------------------------------------------------


def test_the_same_iD_on_papers_of_both(wangs):
    for author in (wangs[1], wangs[3]):
        Signature.objects.filter(assignment__author=author).update(orcid="0000-0002-1825-0097")
    ((left, right, sentence),) = bulk.same_orcid(10)
    assert (left, right) == (wangs[1].pk, wangs[3].pk)
    assert "0000-0002-1825-0097" in sentence


def test_one_full_name_and_two_coauthors_by_full_name(wangs):
    write_on_papers_of([wangs[0], wangs[2]], "Ann", "Aard")
    write_on_papers_of([wangs[0], wangs[1], wangs[2]], "B.", "Bern")  # an initial tells nobody
    assert bulk.same_coauthors(10) == []
    write_on_papers_of([wangs[0], wangs[2]], "Carla", "Cole")
    ((left, right, sentence),) = bulk.same_coauthors(10)
    assert (left, right) == (wangs[0].pk, wangs[2].pk)
    assert sentence == "both are printed “Wei Wang”, and both wrote with Ann Aard, Carla Cole"


def test_a_name_of_initials_is_no_full_name(wangs):
    write_on_papers_of(wangs[:2], "Ann", "Aard")
    write_on_papers_of(wangs[:2], "Carla", "Cole")
    assert len(bulk.same_coauthors(10)) == 1
    wangs[0].variants.update(folded="w wang")
    wangs[1].variants.update(folded="w wang")
    assert bulk.same_coauthors(10) == []


def test_a_misprint_with_two_coauthors(bring):
    team = ["Zixiang Ding", "Yaran Chen"]
    bring(
        fact("2001.00001", ["Dongbin Zhao", *team], "Search of architectures", categories=["cs.LG"]),
        fact("2001.00002", ["Dongbing Zhao", *team], "Broad search", categories=["cs.LG"]),
    )
    ((_left, _right, sentence),) = bulk.misprint(10)
    assert "“Dongbin" in sentence
    assert "both wrote with Yaran Chen, Zixiang Ding" in sentence
    assert bulk.same_coauthors(10) == []
    assert bulk.misprint(0) == []
    Signature.objects.filter(family="Ding", paper__arxiv_id="2001.00002").delete()
    assert bulk.misprint(10) == []  # one coauthor is not enough


def test_a_number_on_one_side_only(wangs):
    write_on_papers_of(wangs[:2], "Ann", "Aard")
    assert bulk.only_a_number(10) == []
    mine = Signature.objects.filter(assignment__author=wangs[0])
    mine.update(printed="Wei Wang 0001")
    ((left, right, _sentence),) = bulk.only_a_number(10)
    assert (left, right) == (wangs[0].pk, wangs[1].pk)
    Signature.objects.filter(assignment__author=wangs[1]).update(printed="Wei Wang 0002")
    assert bulk.only_a_number(10) == []


def test_no_rule_gives_more_than_asked(wangs):
    write_on_papers_of(wangs, "Ann", "Aard")
    write_on_papers_of(wangs, "Carla", "Cole")
    Signature.objects.filter(assignment__author__in=wangs).update(orcid="0000-0002-1825-0097")
    assert len(bulk.same_coauthors(10)) == 6
    assert len(bulk.same_orcid(10)) == 3  # each with the first
    assert len(bulk.same_orcid(2)) == len(bulk.same_coauthors(2)) == 2


# --- what is left out ------------------------------------------------------------------------------------------------


def test_what_must_not_be_joined_is_left_out_with_the_reason(wangs, ada: Account):
    one, two, three, four = wangs
    pairs = [(one.pk, two.pk), (one.pk, three.pk), (one.pk, four.pk), (two.pk, three.pk), (two.pk, four.pk)]
    assert bulk.left_out(pairs) == {}
    for author in (one, two):
        Author.objects.filter(pk=author.pk).update(account=Account.objects.create_user(f"owner of {author.pk}"))
    decisions.decide(ada, one, four, same=False)
    signature = Signature.objects.filter(assignment__author=two).first()
    assert signature is not None
    decisions.decide(ada, signature, four, same=False)
    write_on_papers_of([three], "Wei", "Wang")
    Assignment.objects.create(
        signature=Signature.objects.latest("pk"), author=one, state="strong", probability=1, model="test"
    )
    found = bulk.left_out(pairs)
    assert found == {
        (one.pk, two.pk): "Both are claimed, by two accounts.",
        (one.pk, three.pk): "Both names are printed on one paper.",
        (one.pk, four.pk): "A decision says that they differ.",
        (two.pk, four.pk): "A decision says that they differ.",
    }


def test_who_has_no_works_any_more_is_left_out(wangs, ada: Account):
    decisions.decide(ada, wangs[0], wangs[1], same=True)
    ((_pair, why),) = bulk.left_out([(wangs[0].pk, wangs[1].pk)]).items()
    assert why == "One of them has no works any more."


# --- sample and estimate ---------------------------------------------------------------------------------------------


@given(st.integers(0, 300), st.integers(0, 2**31))
def test_a_sample_is_drawn_without_repeats_and_the_same_again(size: int, seed: int):
    found = bulk.sample(range(size), seed)
    assert len(set(found)) == len(found) == min(size, bulk.SAMPLE)
    assert set(found) <= set(range(size))
    assert bulk.sample(range(size), seed) == found


@given(st.integers(1, 500), st.data())
def test_the_interval_holds_what_was_seen_and_narrows(marked: int, data: Any):
    wrong = data.draw(st.integers(0, marked))
    low, high = bulk.wilson(wrong, marked)
    assert 0 <= low <= wrong / marked + 1e-9
    assert wrong / marked - 1e-9 <= high <= 1
    narrower = bulk.wilson(10 * wrong, 10 * marked)
    assert narrower[1] - narrower[0] < high - low


def test_with_nothing_marked_nothing_is_known():
    assert bulk.wilson(0, 0) == (0.0, 1.0)


# --- the way through -------------------------------------------------------------------------------------------------


def test_nothing_is_joined_before_the_whole_sample_is_marked(wangs, ada: Account, rule):
    review = bulk.draw(ada, rule, seed=7)
    with pytest.raises(ValidationError, match="Look at every pair"):
        bulk.accept(review, ada, "one person each")
    bulk.mark(review, ada, 0, right=True)
    with pytest.raises(ValidationError, match="Look at every pair"):
        bulk.accept(review, ada, "one person each")
    assert not Correction.objects.exists()


def test_the_rest_is_joined_as_one_unit_with_its_reason(wangs, ada: Account, rule):
    review = bulk.draw(ada, rule, seed=7)
    for place in (0, 1):
        bulk.mark(review, ada, place, right=True)
    with pytest.raises(ValidationError, match="Give the reason"):
        bulk.accept(review, ada, " ")
    touched = bulk.accept(review, ada, "one person each")
    assert {author.pk for author in wangs} & set(touched)
    review.refresh_from_db()
    assert review.change_set
    assert (review.change_set.kind, review.change_set.reason) == ("bulk", "one person each")
    assert review.change_set.rows.count() == 2
    printed = Assignment.objects.filter(signature__family="Wang").order_by("signature__paper__arxiv_id")
    owners = list(printed.values_list("author", flat=True))
    assert owners[0] == owners[1] != owners[2] == owners[3]
    review.refresh_from_db()
    assert (review.applied, review.reason) == (2, "one person each")
    verbs = JournalEntry.objects.order_by("pk").values_list("verb", flat=True)
    assert list(verbs) == ["drew a sample of", "marked", "marked", "apply", "accepted"]
    entry = JournalEntry.objects.get(verb="accepted")
    assert (entry.account_name, entry.details["pairs"], entry.details["wrong"]) == ("ada", 2, 0)
    with pytest.raises(ValidationError, match="applied already"):
        bulk.accept(review, ada, "once more")


def test_a_pair_marked_wrong_is_two_people_and_counts_as_the_rules_error(wangs, ada: Account, rule):
    review = bulk.draw(ada, rule, seed=7)
    bulk.mark(review, ada, 0, right=False)
    said = Correction.objects.get()
    assert (said.same, {said.author_id, said.other_author_id}) == (False, {wangs[0].pk, wangs[1].pk})
    bulk.mark(review, ada, 1, right=True)
    review.refresh_from_db()
    found = bulk.estimate(review)
    assert (found.marked, found.wrong, found.share) == (2, 1, 0.5)
    assert (found.low, found.high) == bulk.wilson(1, 2)
    bulk.accept(review, ada, "the other one")
    review.refresh_from_db()
    assert review.applied == 1


def test_what_was_decided_between_sample_and_accept_is_left_out(wangs, ada: Account, rule):
    review = bulk.draw(ada, rule, seed=7)
    for place in (0, 1):
        bulk.mark(review, ada, place, right=True)
    decisions.decide(with_role("bob"), wangs[0], wangs[1], same=False)
    bulk.accept(review, ada, "one person each")
    review.refresh_from_db()
    assert review.applied == 1
    assert [wangs[0].pk, wangs[1].pk, "A decision says that they differ."] in review.left_out


def test_of_a_chain_of_people_one_pair_is_joined_and_the_rest_is_asked_about_again(ada: Account, rule, wangs):
    review = bulk.draw(ada, rule, seed=7)
    other = review.pairs[0][1]
    third = review.pairs[1][0]
    review.pairs = [review.pairs[0], [other, third, "chained"]]
    review.marks = {"0": True, "1": True}
    review.save()
    bulk.accept(review, ada, "one person each")
    review.refresh_from_db()
    assert review.applied == 1
    assert [row[:2] for row in review.left_out] == [[other, third]]


def test_a_unit_that_fails_changes_nothing(wangs, ada: Account, rule, monkeypatch: pytest.MonkeyPatch):
    review = bulk.draw(ada, rule, seed=7)
    for place in (0, 1):
        bulk.mark(review, ada, place, right=True)

    def fails(*args: Any, **kwargs: Any) -> None:
        raise ValidationError("This cannot be decided.")

    monkeypatch.setattr(changesets, "_settle", fails)
    with pytest.raises(ValidationError, match="cannot be decided"):
        bulk.accept(review, ada, "one person each")
    assert not Correction.objects.exists()
    review.refresh_from_db()
    assert review.applied_at is None


def test_the_sample_can_be_drawn_again_by_anybody(wangs, ada: Account, rule, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bulk, "SAMPLE", 1)
    drawn = {seed: bulk.sample(bulk.draw(ada, rule, seed).pairs, seed) for seed in range(20)}
    assert len({tuple(places) for places in drawn.values()}) == 2  # chance decides
    for review in BulkReview.objects.all():
        assert bulk.sample(review.pairs, review.seed) == drawn[review.seed]


def test_only_curators_and_only_what_was_sampled(wangs, ada: Account, rule, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bulk, "SAMPLE", 1)
    review = bulk.draw(ada, rule, seed=7)
    (place,) = bulk.sample(review.pairs, 7)
    with pytest.raises(ValidationError, match="not in the sample"):
        bulk.mark(review, ada, 1 - place, right=True)
    reader = Account.objects.create_user("reader")
    for forbidden in (
        lambda: bulk.draw(reader, rule, 7),
        lambda: bulk.mark(review, reader, place, right=True),
        lambda: bulk.accept(review, reader, "x"),
    ):
        with pytest.raises(PermissionDenied):
            forbidden()


def test_a_curator_goes_through_it_by_the_pages(client: Client, wangs, ada: Account, rule, monkeypatch):
    sent: list[Any] = []
    monkeypatch.setattr(current_app, "send_task", lambda name, arguments: sent.append(arguments))
    client.force_login(ada)
    assert reverse("curate_rule", args=["test"]) in client.get(reverse("curate_bulk")).content.decode()
    preview = " ".join(client.get(reverse("curate_rule", args=["test"])).content.decode().split())
    for shown in ("<b>2</b> <span>pairs", "<b>4</b> <span>people", "<b>2</b> <span>works that would move"):
        assert shown in preview, shown
    assert not BulkReview.objects.exists()
    assert client.post(reverse("curate_draw", args=["test"]), {"seed": "x"}).status_code == 400
    page = client.post(reverse("curate_draw", args=["test"]), {"seed": "42"})["Location"]
    html = client.get(page).content.decode()
    assert "with seed 42" in html
    assert "disabled" in html
    accept, mark = page + "accept/", page + "mark/"
    assert client.post(accept, {"reason": "one person each"}).status_code == 400
    for place in (0, 1):
        assert client.post(mark, {"place": place, "right": "1"})["Location"] == f"{page}#pair-{place}"
    html = client.get(page).content.decode()
    assert "disabled" not in html
    assert "0 of 2 marked pairs are wrong: 0.0 %, and with 95 % confidence between 0.0 % and 65.8 %" in html
    assert client.post(accept, {"reason": "one person each"})["Location"] == page
    assert "2 pairs were joined" in client.get(page).content.decode()
    assert Correction.objects.filter(same=True).count() == 2
    assert client.post(mark, {"place": "0", "right": "perhaps"}).status_code == 400
    assert client.get(reverse("curate_rule", args=["nonsense"])).status_code == 404


def test_a_rule_with_nothing_to_join_draws_nothing(client: Client, ada: Account):
    client.force_login(ada)
    assert client.post(reverse("curate_draw", args=["orcid"])).status_code == 400
    assert "has no pair" in client.get(reverse("curate_rule", args=["orcid"])).content.decode()
