"""The curators' queue: what comes first, what a case shows, and what a page costs."""

from __future__ import annotations

import pytest
from django.core.exceptions import BadRequest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from profiles import queue
from profiles.models import Assignment, Author, Suggestion
from tests.conftest import fact

pytestmark = pytest.mark.django_db


def suggestion(probability: float, works: int) -> Suggestion:
    left, right = Author.objects.create(name="J. Smith"), Author.objects.create(name="John Smith")
    made = Suggestion.objects.create(left=left, right=right, probability=probability, works=works, sentence="names")
    made.refresh_from_db()
    return made


def test_usefulness_is_the_number_of_works_expected_to_be_put_right():
    assert suggestion(0.5, works=4).usefulness == 2.0
    assert suggestion(0.25, works=1).usefulness == 0.25


def test_the_nearest_to_the_boundary_with_most_works_come_first_and_ties_are_stable():
    one_work, far, many, tie = suggestion(0.6, 1), suggestion(0.1, 1), suggestion(0.5, 9), suggestion(0.6, 1)
    found, following = queue.pairs()
    assert [pair.suggestion for pair in found] == [many, one_work, tie, far]
    assert following == ""


def test_every_pair_is_met_once_by_paging():
    made = [suggestion((1 + n % 5) / 10, 1 + n % 3) for n in range(27)]
    seen: list[int] = []
    cursor = ""
    while True:
        found, cursor = queue.pairs(cursor, size=4)
        seen += [pair.suggestion.pk for pair in found]
        if not cursor:
            break
    assert seen == [s.pk for s in sorted(made, key=lambda s: (-s.usefulness, s.pk))]


def test_the_page_is_read_from_the_index():
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_sort = off")
        order = Suggestion.objects.order_by("-usefulness", "pk")[:10]
        assert "suggestion_most_useful" in order.explain()
        weak = Assignment.objects.filter(state="weak", compared_with__isnull=False).order_by("probability", "pk")
        assert "assignment_most_doubtful" in weak[:10].explain()


@pytest.mark.parametrize("cursor", ["x", "0.5", "~1", "0.5~x"])
def test_a_cursor_that_was_not_made_here_is_refused(cursor: str):
    with pytest.raises(BadRequest):
        queue.pairs(cursor)
    with pytest.raises(BadRequest):
        queue.page(queue.doubtful(), queue.BY_DOUBT, cursor, 1)


def two_smiths(bring) -> tuple[Author, Author]:
    """Two J. Smiths who must never merge, both of whom write with an Ann Aard."""
    bring(
        fact("2001.00001", ["John Smith", "Ann Aard", "Bob Bern"], title="Quark notes", categories=["hep-ph"]),
        fact("2001.00002", ["John Smith", "Bob Bern"], title="Quark notes, continued", categories=["hep-ph"]),
        fact("2001.00003", ["Jane Smith", "Ann Aard", "Carl Dahl"], title="On cells", categories=["q-bio.NC"]),
    )
    return Author.objects.get(name="John Smith"), Author.objects.get(name="Jane Smith")


def test_a_pair_shows_both_sides_and_what_they_share(bring):
    john, jane = two_smiths(bring)
    left, right = sorted((john, jane), key=lambda author: author.pk)
    Suggestion.objects.all().delete()
    Suggestion.objects.create(left=left, right=right, probability=0.5, sentence="names")
    (pair,), _ = queue.pairs()
    sides = {side.author.name: side for side in (pair.left, pair.right)}
    assert sides["John Smith"].coauthors == ["Bob Bern", "Ann Aard"]  # two works before one
    assert sides["Jane Smith"].topics == ["Neurons and Cognition"]
    assert sides["John Smith"].variants == ["John Smith"]
    assert {a.signature.paper.title for a in sides["John Smith"].newest} == {"Quark notes", "Quark notes, continued"}
    assert pair.shared == ["Ann Aard"]


def test_a_full_page_costs_as_many_queries_as_one_case(bring):
    john, jane = two_smiths(bring)

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            queue.pairs()
        return len(captured)

    Suggestion.objects.create(left=john, right=jane, probability=0.5, sentence="names")
    few = queries()
    for _ in range(queue.SHOWN):
        suggestion(0.5, 1)
    assert queries() == few <= 6


def test_weak_works_come_the_least_probable_first_and_a_pair_of_works_asks_once(bring):
    two_smiths(bring)
    mine = Assignment.objects.filter(author__name="John Smith")
    first, second = mine.order_by("signature")
    assert first.compared_with_id == second.signature_id
    mine.update(state=Assignment.State.WEAK, probability=0.7)
    assert list(queue.doubtful()) == [first]  # each hangs on the other
    mine.filter(pk=first.pk).update(state=Assignment.State.STRONG)
    assert list(queue.doubtful()) == [second]


def test_a_suggestion_of_the_matcher_counts_the_works_of_the_smaller_record(bring):
    bring(
        *[
            fact(f"20{n + 1:02}.00001", ["Guo-qing Jiang", "Zixiang Ding", "Dongbin Zhao"], categories=["cs.LG"])
            for n in range(3)
        ],
        *[
            fact(f"21{n + 1:02}.00002", ["Zixiang Ding", "Dongbing Zhao", "Guo-qing Jiang"], categories=["cs.LG"])
            for n in range(2)
        ],
    )
    found = Suggestion.objects.get(left__name__startswith="Dongbin", right__name__startswith="Dongbin")
    assert {found.left.works_count, found.right.works_count} == {2, 3}
    assert found.works == 2
