"""Who of one list should not judge who of another: works, places, steps, and what bounds the cost."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from graph import conflicts, listed
from graph.conflicts import Comparison, Pair, Question, compare
from papers.bounded import TooSlow
from papers.institutions import link
from papers.models import Batch, Signature
from profiles.models import Account, Assignment, Author, OwnAffiliation, OwnWords
from tests.conftest import fact

Bring = Callable[..., Batch]
TODAY = date(2026, 6, 1)


def person(name: str) -> Author:
    return Author.objects.get(name=name)


def asked(author: str | list[str], reviewer: str | list[str], **more: Any) -> Comparison:
    names = [[one] if isinstance(one, str) else one for one in (author, reviewer)]
    authors, reviewers = ([person(name) for name in people] for people in names)
    return compare(authors, reviewers, Question(TODAY, **more))


def only(comparison: Comparison) -> Pair:
    [pair] = comparison.pairs
    return pair


@pytest.fixture
def chain(bring: Bring) -> None:
    """Ada – Bob (2025) – Carl (2015) – Dora (2024) – Emil; nobody knows Fritz."""
    bring(
        fact("2501.00001", ["Ada Aal", "Bob Baum"], "First", created="2025-03-01"),
        fact("1501.00001", ["Bob Baum", "Carl Coy"], "Second", created="2015-03-01"),
        fact("2401.00001", ["Carl Coy", "Dora Dix"], "Third", created="2024-03-01"),
        fact("2401.00002", ["Dora Dix", "Emil Ernst"], "Fourth", created="2024-03-01"),
        fact("2401.00003", ["Fritz Frei", "Gustav Groß"], "Fifth", created="2024-03-01"),
    )


def test_coauthors_within_the_years_are_told_with_the_paper_that_shows_it(chain: None) -> None:
    pair = only(asked("Ada Aal", "Bob Baum"))
    assert (pair.recent, pair.ever, pair.distance, pair.is_conflict, pair.weak) == (1, 1, 1, True, False)
    [work] = pair.works
    assert (work.paper.title_text, work.paper.year, work.names) == ("First", 2025, 2)
    assert work.paper.get_absolute_url().startswith("/works/")


def test_older_coauthors_are_near_and_no_conflict(chain: None) -> None:
    pair = only(asked("Bob Baum", "Carl Coy"))
    assert (pair.recent, pair.ever, pair.distance, pair.is_conflict) == (0, 1, 1, False)
    assert [work.paper.year for work in pair.works] == [2015]


@pytest.mark.parametrize(("years", "recent"), [(1, 0), (2, 1), (50, 1)])
def test_the_years_are_counted_back_from_the_day_given(chain: None, years: int, recent: int) -> None:
    comparison = compare([person("Ada Aal")], [person("Bob Baum")], Question(date(2026, 12, 1), years))
    assert only(comparison).recent == recent


def test_works_after_the_day_given_do_not_count(chain: None) -> None:
    pair = only(compare([person("Ada Aal")], [person("Bob Baum")], Question(date(2024, 1, 1))))
    assert (pair.recent, pair.distance) == (0, 1)


def test_an_undated_work_is_not_held_to_be_old(chain: None) -> None:
    paper = Signature.objects.get(printed="Ada Aal").paper
    paper.created = paper.updated = None
    paper.save()
    assert only(asked("Ada Aal", "Bob Baum")).recent == 1


def test_a_common_coauthor_is_two_steps_and_named_with_the_works(chain: None) -> None:
    pair = only(asked("Ada Aal", "Carl Coy"))
    assert (pair.distance, pair.commons, pair.is_conflict) == (2, 1, False)
    [common] = pair.common
    assert common.with_author
    assert common.with_reviewer
    assert (common.person.name, common.with_author.paper.title_text, common.with_reviewer.paper.title_text) == (
        "Bob Baum", "First", "Second",
    )  # fmt: skip


@pytest.mark.parametrize("turned", [False, True])
def test_three_steps_are_found_from_either_side_and_four_are_not(chain: None, turned: bool) -> None:
    far = ["Dora Dix", "Emil Ernst", "Fritz Frei"]
    comparison = asked(*((far, "Ada Aal") if turned else ("Ada Aal", far)), steps=3)
    pair = only(comparison)
    assert (pair.distance, pair.reviewer.name if not turned else pair.author.name) == (3, "Dora Dix")
    assert (comparison.total, comparison.farthest) == (3, 3)


def test_pairs_farther_than_asked_are_not_listed(chain: None) -> None:
    assert asked("Ada Aal", "Carl Coy", steps=1).pairs == []


def test_the_same_person_on_both_lists_is_told_and_is_no_coauthor_of_theirs(chain: None) -> None:
    pair = only(asked(["Ada Aal"], ["Ada Aal", "Fritz Frei"]))
    assert (pair.same, pair.distance, pair.recent, pair.places) == (True, 0, 0, ())


def test_rejected_attributions_tie_nobody_and_weak_ones_are_marked(chain: None) -> None:
    ada = Assignment.objects.filter(signature__printed="Ada Aal")
    ada.update(state="weak")
    pair = only(asked("Ada Aal", "Bob Baum"))
    assert (pair.recent, pair.weak, pair.works[0].weak) == (1, True, True)
    ada.update(state="rejected")
    assert asked("Ada Aal", "Bob Baum", steps=0).pairs == []


def test_a_list_of_many_names_is_told_apart_and_left_out_on_demand(bring: Bring) -> None:
    names = [f"{chr(65 + n // 26)}{chr(97 + n % 26)}x Name{chr(97 + n // 26)}{chr(97 + n % 26)}" for n in range(60)]
    bring(fact("2501.00001", names, created="2025-03-01"))
    everybody = list(Author.objects.order_by("pk"))
    pair = only(compare(everybody[:1], everybody[1:2], Question(TODAY)))
    assert (pair.recent, pair.works[0].names) == (1, 60)
    assert compare(everybody[:1], everybody[1:2], Question(TODAY, largest=60)).pairs[0].recent == 1
    assert compare(everybody[:1], everybody[1:2], Question(TODAY, largest=59)).pairs == []


def test_a_hidden_person_between_connects_nobody(chain: None) -> None:
    Author.objects.filter(name="Bob Baum").update(visibility="notice")
    assert asked("Ada Aal", "Carl Coy").pairs == []
    assert asked("Ada Aal", ["Dora Dix"], steps=3).pairs == []


@pytest.fixture
def places(bring: Bring) -> None:
    bring(
        fact("2501.00001", ["Ada Aal"], "Here", created="2025-03-01"),
        fact("2402.00001", ["Bob Baum"], "There", created="2024-03-01"),
        fact("1402.0001", ["Carl Coy"], "Long ago", created="2014-03-01"),
    )
    at("Ada Aal", "University of X, Paris")
    at("Bob Baum", "University of X; Paris")
    at("Carl Coy", "University of X, Paris")


def at(name: str, institution: str) -> None:
    """As an import does it."""
    signature = Signature.objects.get(printed=name)
    Signature.objects.filter(pk=signature.pk).update(affiliations=[institution])
    link([signature.paper_id])


def test_the_same_printed_place_within_the_years_is_told_with_both_papers(places: None) -> None:
    [pair] = asked("Ada Aal", ["Bob Baum", "Carl Coy"]).pairs
    [place] = pair.places
    assert pair.is_conflict
    assert place.author.paper
    assert place.reviewer.paper
    assert (place.author.paper.title_text, place.reviewer.paper.title_text) == ("Here", "There")


def stated(name: str, **years: Any) -> Author:
    author = person(name)
    author.account = Account.objects.create_user(name.split()[0])
    author.save()
    OwnAffiliation.objects.create(author=author, institution="university of x - Paris", **years)
    return author


@pytest.mark.parametrize(
    ("years", "told"),
    [({}, True), ({"to_year": 2023}, True), ({"to_year": 2022}, False), ({"from_year": 2027}, False)],
)
def test_what_an_owner_states_counts_as_far_as_it_reaches_into_the_years(
    places: None, years: dict[str, int], told: bool
) -> None:
    stated("Carl Coy", **years)
    found = asked("Ada Aal", "Carl Coy").pairs
    assert bool(found) is told
    if told:
        assert found[0].places[0].reviewer.paper is None


def test_what_an_owner_hides_is_not_told(places: None) -> None:
    OwnWords.objects.create(author=stated("Carl Coy"), hidden=["affiliation"])
    assert asked("Ada Aal", "Carl Coy").pairs == []


def test_what_somebody_says_who_holds_the_record_no_more_is_not_told(places: None) -> None:
    stated("Carl Coy")
    Author.objects.filter(name="Carl Coy").update(account=None)
    assert asked("Ada Aal", "Carl Coy").pairs == []


def test_the_number_of_queries_does_not_grow_with_the_lists(chain: None) -> None:
    def queries(authors: list[Author], reviewers: list[Author]) -> int:
        with CaptureQueriesContext(connection) as seen:
            compare(authors, reviewers, Question(TODAY, steps=3))
        return len(seen)

    everybody = list(Author.objects.all())
    assert queries(everybody, everybody) == queries([person("Ada Aal")], [person("Carl Coy")])


def test_a_list_cut_to_the_most_telling_says_how_many_there_were(chain: None) -> None:
    everybody = list(Author.objects.all())
    comparison = compare(everybody, everybody, Question(TODAY), most=3)
    assert (len(comparison.pairs), comparison.total) == (3, 49)
    assert comparison.told > 3
    assert all(pair.same for pair in comparison.pairs)


@pytest.mark.parametrize("order", ["strongest", "author", "reviewer", "distance"])
def test_pairs_are_ordered_as_asked_and_always_alike(chain: None, order: str) -> None:
    everybody = list(Author.objects.order_by("pk"))
    keys = [
        [(pair.author.pk, pair.reviewer.pk) for pair in compare(people, people, Question(TODAY, order=order)).pairs]  # type: ignore[arg-type]
        for people in (everybody, everybody[::-1])
    ]
    assert keys[0] == keys[1]


def test_three_steps_that_take_too_long_are_said_not_to_have_been_looked(
    chain: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conflicts, "_THREE", "SELECT 1, 2 FROM pg_sleep(5)")
    monkeypatch.setattr(conflicts, "THREE_STEPS_MS", 20)
    comparison = asked("Ada Aal", ["Bob Baum", "Dora Dix"], steps=3)
    assert comparison.farthest == 2
    assert [pair.reviewer.name for pair in comparison.pairs] == ["Bob Baum"]


def test_a_comparison_that_takes_too_long_says_so(chain: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conflicts, "_COMMON", "SELECT 1, 2, 3, ARRAY[4] FROM pg_sleep(5)")
    monkeypatch.setattr(conflicts, "TIMEOUT_MS", 50)
    with pytest.raises(TooSlow):
        asked("Ada Aal", "Carl Coy")


def test_a_pasted_list_says_each_person_once_and_every_line(chain: None) -> None:
    ada = person("Ada Aal")
    found = listed.read(f"Ada Aal\nAda Aal; {ada.pk}\n\nnobody\n{ada.pk},{person('Bob Baum').pk}", {}, "a")
    assert [author.name for author in found.people] == ["Ada Aal", "Bob Baum"]
    assert [(line.meant.text, line.times) for line in found.repeated] == [("Ada Aal", 2), (str(ada.pk), 2)]
    assert [line.meant.text for line in found.problems] == ["nobody"]


def test_ten_thousand_lines_of_junk_are_all_answered_for(chain: None) -> None:
    junk = "\n".join(f"{n}. \u202e!? <{n}@x.example> 🎉 line {n}, of, nowhere (at all)" for n in range(10_000))
    with CaptureQueriesContext(connection) as seen:
        found = listed.read(junk, {}, "a")
    assert (len(found.lines), found.unread) == (listed.LINES, 10_000 - listed.LINES)
    assert all(line.meant.problem for line in found.lines)
    assert len(seen) < 120


def test_people_beyond_the_most_that_are_compared_are_counted(chain: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listed, "PEOPLE", 1)
    found = listed.read("Ada Aal\nBob Baum\nCarl Coy", {}, "a")
    assert (len(found.people), found.beyond) == (1, 2)


def test_only_somebody_who_was_offered_can_be_chosen(chain: None) -> None:
    line = listed.read("Ada Aaal", {}, "a").to_choose[0]
    ada, fritz = person("Ada Aal"), person("Fritz Frei")
    assert listed.read("Ada Aaal", {line.key: str(ada.pk)}, "a").people == [ada]
    assert listed.read("Ada Aaal", {line.key: str(fritz.pk)}, "a").people == []
