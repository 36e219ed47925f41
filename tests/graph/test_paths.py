"""How two people are connected: sentences that the record bears out, whatever happened since the snapshot."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from graph import paths, snapshots
from graph.evidence import shared
from graph.paths import Answer, Wanted, connect
from papers.models import Batch, Paper
from profiles.models import Assignment, Author
from tests.conftest import fact

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("folder")]

Bring = Callable[..., Batch]


@pytest.fixture
def people(bring: Bring) -> dict[str, Author]:
    """Ada – Charles – Mary, and Ada – Grace – Hedy – Mary; Nikola alone; Marie with Pierre. By first name."""
    bring(
        fact("2001.00001", ["Ada Lovelace", "Charles Babbage"], "Engines", created="2020-03-01"),
        fact("2001.00002", ["Charles Babbage", "Mary Somerville"], "Tides", created="2021-01-01"),
        fact("2001.00003", ["Ada Lovelace", "Grace Hopper"], "Compilers", created="2022-01-01"),
        fact("2001.00004", ["Grace Hopper", "Hedy Lamarr"], "Frequencies", created="2022-01-01"),
        fact("2001.00005", ["Hedy Lamarr", "Mary Somerville"], "Waves", created="2022-01-01"),
        fact("2001.00006", ["Nikola Tesla"], "Coils"),
        fact("2001.00007", ["Marie Curie", "Pierre Curie"], "Rays"),
    )
    # One work says nothing of a person: all are held to be sure here, but where a test says otherwise.
    Assignment.objects.update(state=Assignment.State.STRONG)
    snapshots.build()
    return {author.name.split()[0]: author for author in Author.objects.all()}


def asked(people: dict[str, Author], one: str, other: str, **wanted: object) -> Answer:
    return connect(people[one], people[other], Wanted(**wanted))  # type: ignore[arg-type]


def said(answer: Answer) -> list[str]:
    return [chain.said for chain in answer.chains]


def of(author: Author, title: str) -> Assignment:
    return Assignment.objects.get(author=author, signature__paper__title=title)


def test_a_chain_is_said_paper_by_paper_and_another_shares_no_middle_person(people: dict[str, Author]):
    answer = asked(people, "Ada", "Mary")
    assert said(answer) == [
        "Ada Lovelace wrote “Engines” with Charles Babbage in 2020;"
        " Charles Babbage wrote “Tides” with Mary Somerville in 2021.",
        "Ada Lovelace wrote “Compilers” with Grace Hopper in 2022; Grace Hopper wrote “Frequencies” with Hedy Lamarr"
        " in 2022; Hedy Lamarr wrote “Waves” with Mary Somerville in 2022.",
    ]
    assert answer.built_at == snapshots.built_at()
    assert answer.problem == ""


def test_the_chain_as_links_is_the_same_and_escaped(people: dict[str, Author]):
    Author.objects.filter(pk=people["Charles"].pk).update(name="<b>{Charles}</b>")
    html = asked(people, "Ada", "Mary").chains[0].linked
    assert f'<a href="/people/{people["Ada"].pk}/ada-lovelace/">Ada Lovelace</a> wrote' in html
    assert "&lt;b&gt;{Charles}&lt;/b&gt;</a> wrote" in html


def test_years_are_kept_to(people: dict[str, Author]):
    assert [len(chain.steps) for chain in asked(people, "Ada", "Mary", first_year=2022).chains] == [3]
    answer = asked(people, "Ada", "Mary", last_year=2020)
    assert answer.problem == "No chain of papers of these years leads from Ada Lovelace to Mary Somerville."
    assert [(way.label, way.wanted) for way in answer.ways] == [("Papers of all years", Wanted())]


def test_weak_attributions_tie_only_where_asked_and_it_is_said(people: dict[str, Author]):
    for name, title in (("Charles", "Tides"), ("Hedy", "Waves")):
        assignment = of(people[name], title)
        assignment.state = Assignment.State.WEAK
        assignment.save()
    snapshots.build()
    answer = asked(people, "Ada", "Mary")
    assert answer.problem == "Only weak attributions connect Ada Lovelace and Mary Somerville."
    assert [way.wanted for way in answer.ways] == [Wanted(weak=True)]
    answer = asked(people, "Ada", "Mary", weak=True)
    assert said(answer)[0].endswith("with Mary Somerville in 2021 (attributed weakly).")
    shown = answer.chains[0].steps[1].best
    assert (shown.to_one.state, shown.to_one.sure, shown.to_other.sure) == ("weak inference", False, True)
    answer = asked(people, "Ada", "Mary", first_year=2022)
    assert [way.wanted for way in answer.ways] == [Wanted(first_year=2022, weak=True)]


@pytest.mark.parametrize("visibility", [Author.Visibility.NOTICE, Author.Visibility.GONE])
def test_nobody_who_was_hidden_since_the_snapshot_stands_between(people: dict[str, Author], visibility: str):
    Author.objects.filter(pk=people["Charles"].pk).update(visibility=visibility)
    answer = asked(people, "Ada", "Mary")
    assert [[person.name for person in chain.people] for chain in answer.chains] == [
        ["Ada Lovelace", "Grace Hopper", "Hedy Lamarr", "Mary Somerville"]
    ]
    Author.objects.filter(pk=people["Hedy"].pk).update(visibility=visibility)
    answer = asked(people, "Ada", "Mary")
    assert answer.chains == ()
    assert answer.problem == "No chain of papers leads from Ada Lovelace to Mary Somerville as the record is now."


def test_a_work_rejected_since_the_snapshot_leads_nowhere(people: dict[str, Author]):
    Assignment.objects.filter(pk=of(people["Charles"], "Tides").pk).update(state=Assignment.State.REJECTED)
    assert [len(chain.steps) for chain in asked(people, "Ada", "Mary").chains] == [3]


def test_a_work_moved_since_the_snapshot_leads_nowhere(people: dict[str, Author]):
    Assignment.objects.filter(pk=of(people["Charles"], "Tides").pk).update(author=people["Nikola"])
    assert [len(chain.steps) for chain in asked(people, "Ada", "Mary").chains] == [3]


def test_a_work_that_became_weak_since_the_snapshot_is_no_sure_one(people: dict[str, Author]):
    Assignment.objects.filter(pk=of(people["Charles"], "Tides").pk).update(state=Assignment.State.WEAK)
    assert [len(chain.steps) for chain in asked(people, "Ada", "Mary").chains] == [3]
    assert [len(chain.steps) for chain in asked(people, "Ada", "Mary", weak=True).chains] == [2, 3]


def test_a_work_dated_anew_since_the_snapshot_counts_where_it_is_now(people: dict[str, Author]):
    Paper.objects.filter(title="Compilers").update(created="1990-01-01", updated="1990-01-01")
    assert asked(people, "Ada", "Mary", first_year=2022).chains == ()


def test_together_is_one_step_with_the_newest_papers_and_the_rest_counted(bring: Bring, people: dict[str, Author]):
    bring(
        *(
            fact(f"2101.0000{n}", ["Ada Lovelace", "Charles Babbage"], f"Engine {n}", created=f"200{n}-01-01")
            for n in range(1, 6)
        )
    )
    Assignment.objects.update(state=Assignment.State.STRONG)
    snapshots.build()
    answer = asked(people, "Ada", "Charles")
    (step,) = answer.chains[0].steps
    assert [found.paper.title for found in step.shared.papers] == ["Engines", "Engine 5", "Engine 4"]
    assert (step.shared.total, step.shared.more) == (6, 3)
    assert [len(chain.steps) for chain in answer.chains] == [1, 4]


def test_a_long_list_is_said_and_costs_more_than_two_short_ones(bring: Bring, people: dict[str, Author]):
    crowd = [f"Person{chr(97 + n // 26)}{chr(97 + n % 26)} Number{chr(97 + n % 26)}{n // 26}" for n in range(60)]
    bring(fact("2102.00001", ["Ada Lovelace", "Mary Somerville", *crowd], "Detector", created="2023-01-01"))
    Assignment.objects.update(state=Assignment.State.STRONG)
    snapshots.build()
    answer = asked(people, "Ada", "Mary")
    assert [len(chain.steps) for chain in answer.chains][:2] == [2, 3]
    assert said(answer)[-1] == "Ada Lovelace wrote “Detector” with Mary Somerville in 2023 (two of 62 names)."


@pytest.mark.parametrize(
    ("one", "other", "problem"),
    [
        ("Ada", "Ada", "Both are one person: Ada Lovelace."),
        ("Ada", "Nikola", "Nikola Tesla has no coauthor here."),
        (
            "Ada",
            "Marie",
            "No chain of papers leads from Ada Lovelace to Marie Curie: they stand in separate parts of the graph,"
            " one of 5 people, the other of 2 people.",
        ),
    ],
)
def test_where_there_is_no_chain_it_is_said_why(people: dict[str, Author], one: str, other: str, problem: str):
    answer = asked(people, one, other)
    assert (answer.chains, answer.problem) == ((), problem)


def test_before_the_first_snapshot_nothing_is_known(bring: Bring):
    bring(fact("2001.00001", ["Ada Lovelace", "Charles Babbage"]))
    ada, charles = Author.objects.order_by("pk")
    answer = connect(ada, charles, Wanted())
    assert answer.slow
    assert "not been read yet" in answer.problem


def test_who_came_after_the_snapshot_is_not_in_it(bring: Bring, people: dict[str, Author]):
    bring(fact("2101.00001", ["Rosalind Franklin", "Ada Lovelace"]))
    rosalind = Author.objects.get(name="Rosalind Franklin")
    assert connect(people["Ada"], rosalind, Wanted()).problem.startswith("Rosalind Franklin has no work in the graph")


def test_a_search_that_may_look_at_no_more_says_so(people: dict[str, Author], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(paths, "LOOKED_AT", 2)
    answer = asked(people, "Ada", "Mary")
    assert answer.slow
    assert answer.problem.startswith("The search looked at 2 authorships")


def test_a_database_that_takes_too_long_is_a_sentence(people: dict[str, Author], monkeypatch: pytest.MonkeyPatch):
    def slow(*_: object, **__: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(30)")

    monkeypatch.setattr(paths, "TIMEOUT_MS", 20)
    monkeypatch.setattr(paths, "shared", slow)
    answer = asked(people, "Ada", "Mary")
    assert (answer.slow, answer.problem) == (True, "This took too long. Try again in a moment.")


def test_the_number_of_queries_does_not_grow_with_the_chains(people: dict[str, Author]):
    with CaptureQueriesContext(connection) as one_step:
        assert len(asked(people, "Ada", "Charles").chains) == 2
    with CaptureQueriesContext(connection) as many:
        assert len(asked(people, "Ada", "Mary").chains) == 2
    assert len(many) == len(one_step) <= 11


def test_what_two_share_follows_the_record(people: dict[str, Author]):
    pair = people["Ada"].pk, people["Charles"].pk
    assert shared({pair: None})[pair].total == 1
    assert shared({pair: None}, last_year=2019) == {}
    Assignment.objects.filter(pk=of(people["Ada"], "Engines").pk).update(state=Assignment.State.REJECTED)
    assert shared({pair: None}, weak=True) == {}
    assert shared({}) == {}


def test_sentences_are_translated_as_wholes(people: dict[str, Author]):
    with translation.override("de"):
        assert said(asked(people, "Ada", "Mary"))
