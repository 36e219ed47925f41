"""The papers of a day, a week and a month: which they are, in which order, and where the next ones are."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.core.exceptions import BadRequest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from papers import daily
from papers.daily import Span, around, read
from papers.models import DailyListing, Paper, PaperTopic, Signature, Topic

TODAY = date(2026, 1, 20)
DAY = date(2025, 12, 15)  # a Monday


# --- spans -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "text", "first", "last"),
    [
        ("day", "2025-12-15", DAY, DAY),
        ("day", "2024-02-29", date(2024, 2, 29), date(2024, 2, 29)),
        ("day", "0001-01-01", date.min, date.min),
        ("day", "9999-12-31", date.max, date.max),
        ("week", "2025-W51", DAY, date(2025, 12, 21)),
        ("week", "2020-W53", date(2020, 12, 28), date(2021, 1, 3)),
        ("week", "2026-W01", date(2025, 12, 29), date(2026, 1, 4)),
        ("month", "2025-12", date(2025, 12, 1), date(2025, 12, 31)),
        ("month", "2024-02", date(2024, 2, 1), date(2024, 2, 29)),
        ("month", "9999-12", date(9999, 12, 1), date.max),
    ],
)
def test_a_span_is_read_as_it_is_written(kind: Any, text: str, first: date, last: date):
    span = read(kind, text)
    assert (span.first, span.last, span.name) == (first, last, text)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        *(("day", text) for text in ("2025-02-29", "2025-13-01", "2025-00-10", "2025-12-00", "0000-01-01", "20251215")),
        *(("day", text) for text in ("10000-01-01", "-001-01-01", "٢٠٢٥-١٢-١٥", "2025-W51-1", "2025-12-15\n", "", "x")),
        *(("week", text) for text in ("2025-W00", "2025-W53", "2025-W54", "2025-W5", "2025-51", "0000-W01", "2025W51")),
        *(("week", text) for text in ("9999-W52", "9999-W53", "2025-w51", "２０２５-W51", "2025-W51-1")),
        *(("month", text) for text in ("2025-00", "2025-13", "0000-12", "2025-1", "2025-12-01", "２０２５-12")),
    ],
)
def test_what_no_calendar_has_is_no_span(kind: Any, text: str):
    with pytest.raises(ValueError):  # noqa: PT011
        read(kind, text)


def test_a_day_lies_in_its_week_and_its_month():
    assert [around(kind, date(2025, 12, 31)).name for kind in ("day", "week", "month")] == [
        "2025-12-31",
        "2026-W01",
        "2025-12",
    ]


# --- what a span holds -----------------------------------------------------------------------------------------------


@pytest.fixture
def made(db: None) -> Any:
    """made(day, …): a paper, with its topics by name and the lists it stood on."""

    def made(
        day: date | None, *lists: tuple[date, int | None, int | None], topics: tuple[str, ...] = (), **more: Any
    ) -> Paper:
        paper = Paper.objects.create(title="T", title_text="T", fingerprint="f", source="test", created=day, **more)
        for on, votes, comments in lists:
            DailyListing.objects.create(paper=paper, day=on, votes=votes, comments=comments)
        for name in topics:
            topic = Topic.objects.get_or_create(name=name, slug=name.lower())[0]
            PaperTopic.objects.create(paper=paper, topic=topic)
        return paper

    return made


def on(span: Span, **more: Any) -> list[Paper]:
    return daily.page(span, Paper.objects.all(), **more)[0]


def after(days: int) -> date:
    return DAY + timedelta(days=days)


def test_a_day_holds_what_came_out_on_it_and_what_a_list_names_on_it(made: Any):
    born, listed = made(DAY), made(after(-3), (DAY, 1, None))
    made(after(1)), made(after(-1), (after(1), 5, 5)), made(None)
    assert on(around("day", DAY)) == [listed, born]
    assert daily.count(around("day", DAY)) == 2


def test_a_paper_whose_day_is_not_known_belongs_to_no_day_but_that_of_a_list(made: Any):
    made(DAY, day_known=False)
    listed = made(DAY, (after(1), None, None), day_known=False)
    assert on(around("day", DAY)) == []
    assert on(around("day", after(1))) == [listed]
    assert daily.all_days(TODAY) == [after(1)]


def test_a_paper_that_is_met_several_times_stands_once(made: Any):
    """The reference list of 161 hits has 154 papers."""
    twice = [made(DAY, (DAY, n, 0), (after(1), n, 1)) for n in range(7)]
    once = [made(DAY) for _ in range(3)]
    for kind in ("day", "week", "month"):
        found = on(around(kind, DAY))
        assert len(found) == len(set(found)) == len(twice) + len(once) == daily.count(around(kind, DAY))


def test_most_votes_and_comments_come_first_and_among_equals_what_came_in_last(made: Any):
    few, none, most, same, other = (
        made(DAY, (DAY, 2, None)),
        made(DAY),
        made(DAY, (DAY, 5, 4)),
        made(DAY, (DAY, None, 2)),
        made(DAY, (DAY, None, None)),
    )
    assert on(around("day", DAY)) == [most, same, few, other, none]


def test_what_readers_said_here_is_added(made: Any):
    first, second = made(DAY, (DAY, 3, 0)), made(DAY, (DAY, 1, 0))
    said = f"SELECT {second.pk}, 10::bigint"
    found, cursor = daily.page(around("day", DAY), Paper.objects.all(), said, size=1)
    assert (found, cursor) == ([second], f"11~{second.pk}")
    assert daily.page(around("day", DAY), Paper.objects.all(), said, cursor=cursor) == ([first], "")


def test_of_several_lists_of_a_span_that_counts_which_states_most(made: Any):
    made(DAY, (DAY, 1, 1), (after(1), 9, None), (after(40), 50, 50))
    (paper,) = on(around("week", DAY))
    assert (paper.listed_votes, paper.listed_comments) == (9, None)
    (paper,) = on(around("day", DAY))
    assert (paper.listed_votes, paper.listed_comments) == (1, 1)


def test_counts_as_large_as_a_row_can_hold_add_up(made: Any):
    large = 2**31 - 1
    made(DAY, (DAY, large, large))
    assert on(around("day", DAY), cursor=f"{2 * large}~999999") != []


def test_pages_follow_each_other_without_a_gap_or_a_repetition(made: Any):
    papers = [made(DAY, (DAY, n % 3, None)) for n in range(11)]
    found, cursor = daily.page(around("day", DAY), Paper.objects.all(), size=4)
    while cursor:
        more, cursor = daily.page(around("day", DAY), Paper.objects.all(), cursor=cursor, size=4)
        found += more
    assert found == sorted(papers, key=lambda paper: (papers.index(paper) % 3, paper.pk), reverse=True)


@pytest.mark.parametrize(
    "cursor", ["x", "~", "1~", "~1", "1~1~1", "-1~5", "1.~1", "١~١", "9" * 20 + "~1", "1~" + "9" * 30]
)
def test_a_cursor_that_was_not_made_here_is_refused(made: Any, cursor: str):
    with pytest.raises(BadRequest):
        on(around("day", DAY), cursor=cursor)


def test_a_topic_narrows_and_is_counted(made: Any):
    both, one = made(DAY, topics=("Optics", "Botany")), made(DAY, topics=("Optics",))
    made(DAY), made(after(1), topics=("Botany",))
    optics, botany = Topic.objects.get(slug="optics"), Topic.objects.get(slug="botany")
    assert on(around("day", DAY), topic=botany) == [both]
    assert on(around("day", DAY), topic=optics) == [one, both]
    assert daily.topics(around("day", DAY)) == [(optics, 2), (botany, 1)]


def test_a_week_and_a_month_name_their_days_with_papers(made: Any):
    made(DAY), made(DAY), made(after(-100), (after(3), None, None)), made(after(9))
    assert daily.days(around("week", DAY)) == [DAY, after(3)]
    assert daily.days(around("month", DAY)) == [DAY, after(3), after(9)]


def test_rows_come_with_their_people_and_topics_by_four_queries_however_many(made: Any):
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            for paper in on(around("month", DAY)):
                [*paper.topics.all(), *paper.signatures.all()]
        return len(captured)

    def signed(n: int) -> None:
        for day in range(n):
            paper = made(after(day % 5), (after(day % 7), day, None), topics=(f"T{day % 3}",))
            for at in range(n):
                Signature.objects.create(paper=paper, position=at, printed="A. B", family="B", family_key="b")

    signed(2)
    few = queries()
    signed(12)
    assert queries() == few == 4


# --- between spans ---------------------------------------------------------------------------------------------------


def test_neighbours_are_the_nearest_spans_that_have_papers(made: Any):
    made(after(-30)), made(DAY), made(after(-90), (after(9), 1, 1))
    assert daily.neighbours(around("day", DAY), TODAY) == (around("day", after(-30)), around("day", after(9)))
    assert daily.neighbours(around("week", DAY), TODAY) == (around("week", after(-30)), around("week", after(9)))
    assert daily.neighbours(around("month", DAY), TODAY) == (around("month", after(-30)), None)
    assert daily.neighbours(around("day", after(-90)), TODAY) == (None, around("day", after(-30)))


def test_neighbours_of_a_topic_are_those_that_have_it(made: Any):
    made(after(-2), topics=("Optics",)), made(after(-1))
    made(after(1)), made(after(-9), (after(2), 1, 1), topics=("Optics",))
    optics = Topic.objects.get()
    assert daily.neighbours(around("day", DAY), TODAY, optics) == (around("day", after(-2)), around("day", after(2)))


def test_nothing_after_today_is_led_to(made: Any):
    made(DAY), made(TODAY + timedelta(days=3)), made(DAY, (TODAY + timedelta(days=1), 1, 1))
    assert daily.latest(TODAY) == DAY
    assert daily.neighbours(around("day", DAY), TODAY) == (None, None)
    assert daily.all_days(TODAY) == [DAY]


@pytest.mark.parametrize(
    ("about", "found"), [(after(5), after(4)), (after(2), DAY), (after(-9), DAY), (date.min, DAY), (TODAY, after(4))]
)
def test_the_nearest_day_is_the_last_one_before_or_else_the_first(made: Any, about: date, found: date):
    made(DAY), made(after(4))
    assert daily.nearest(about, TODAY) == found


@pytest.mark.django_db
def test_without_papers_there_is_no_day():
    assert daily.latest(TODAY) is daily.nearest(DAY, TODAY) is None
    assert daily.all_days(TODAY) == daily.days(around("month", DAY)) == on(around("day", DAY)) == []


def test_all_days_are_each_there_once_and_in_order(made: Any):
    made(after(2)), made(DAY), made(DAY), made(None, (after(2), 1, 1), (after(1), 1, 1))
    assert daily.all_days(TODAY) == [DAY, after(1), after(2)]
