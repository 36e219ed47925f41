"""The neighbourhood of an author as a `networks.Slice`: the strongest of each kind, read by index, and what there is.

Entry point: `around`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from django.db.models import Count, Max, Min, QuerySet
from django.urls import reverse
from django.utils.text import slugify

from papers.models import Paper, PaperTopic, Signature, Topic
from profiles.models import Assignment, Author

from .models import Coauthorship
from .networks import LIMITS, Edge, Kind, Node, Slice

# A page of its own has room for half as many people again as the panel before most names would cover one another.
EXPLORER: Mapping[Kind, int] = {"person": 36, "paper": 14, "topic": 9, "institution": 6}


def around(author: Author, limits: Mapping[Kind, int] = LIMITS) -> Slice:
    """The slice around `author`: people by shared works, papers newest first, topics and institutions by works.

    Eight queries whatever the author's size. An institution leads to the newest paper that prints it.
    """
    held = Assignment.objects.filter(author=author).standing()
    known = Coauthorship.objects.listed().filter(author=author)
    ties = list(known.strongest_first().select_related("coauthor")[: limits["person"]])
    written = Paper.objects.filter(signatures__assignment__in=held)
    papers = list(written.newest_first()[: limits["paper"]])
    topics = list(
        Topic.objects.filter(papers__in=written.values("pk")).annotate(works=Count("papers")).order_by("-works", "name")
    )
    institutions = list(_institutions(held))
    people = {tie.coauthor_id for tie in ties}
    focus = _person(author, author.works_count)
    nodes = [
        focus,
        *(_person(tie.coauthor, tie.works) for tie in ties),
        *(Node("paper", _paper_id(p.pk), p.title_text, p.get_absolute_url(), float(p.year or 0)) for p in papers),
        *(Node("topic", f"topic-{t.pk}", t.name, t.get_absolute_url(), t.works) for t in topics[: limits["topic"]]),
        *(node for node, _ in institutions[: limits["institution"]]),
    ]
    edges = [
        *(Edge(focus.id, _person_id(t.coauthor_id), "wrote with", t.weight, t.first_year, t.last_year) for t in ties),
        *_ties_among(people),
        *_wrote(papers, people | {author.pk}),
        *_about(papers, topics[: limits["topic"]]),
        *(edge for _, edge in institutions[: limits["institution"]]),
    ]
    # Counts are refreshed a moment after the rows they count: never state less than what is shown.
    totals: dict[Kind, int] = {
        "person": max(known.count(), len(ties)),
        "paper": max(author.works_count, len(papers)),
        "topic": len(topics),
        "institution": len(institutions),
    }
    return Slice(tuple(nodes), tuple(edges), focus.id, totals)


def _person_id(pk: int) -> str:
    return f"person-{pk}"


def _paper_id(pk: int) -> str:
    return f"paper-{pk}"


def _person(author: Author, weight: float) -> Node:
    return Node("person", _person_id(author.pk), author.name, author.get_absolute_url(), weight)


def _ties_among(people: set[int]) -> Iterator[Edge]:
    """Each pair once."""
    for tie in Coauthorship.objects.filter(author__in=people, coauthor__in=people):
        if tie.author_id < tie.coauthor_id:
            ends = _person_id(tie.author_id), _person_id(tie.coauthor_id)
            yield Edge(*ends, "wrote with", tie.weight, tie.first_year, tie.last_year)


def _wrote(papers: list[Paper], people: set[int]) -> Iterator[Edge]:
    years = {paper.pk: paper.year for paper in papers}
    rows = Signature.objects.filter(paper__in=papers, assignment__author__in=people)
    for author, paper in sorted(set(rows.values_list("assignment__author", "paper"))):
        yield Edge(_person_id(author), _paper_id(paper), "wrote", 1, years[paper], years[paper])


def _about(papers: Sequence[Paper], topics: Sequence[Topic]) -> Iterator[Edge]:
    through = PaperTopic.objects.filter(paper__in=papers, topic__in=topics)
    for paper, topic in through.order_by("paper", "topic").values_list("paper", "topic"):
        yield Edge(_paper_id(paper), f"topic-{topic}", "about", 1)


def _institutions(held: QuerySet[Assignment]) -> Iterator[tuple[Node, Edge]]:
    """Affiliations as printed beside this author's name, most works first."""
    rows = (
        held.exclude(signature__affiliations=[])
        .values_list("author_id", "signature__affiliations", "signature__paper_id")
        .annotate(first=Min("signature__paper__created__year"), last=Max("signature__paper__updated__year"))
        .order_by("-signature__paper__updated", "-signature__paper_id")
    )
    found: dict[str, list[tuple[int, int, int | None, int | None]]] = {}
    for author, affiliations, paper, first, last in rows:
        for printed in affiliations:
            found.setdefault(printed, []).append((author, paper, first, last))
    for printed, works in sorted(found.items(), key=lambda item: (-len(item[1]), item[0])):
        author, newest, *_ = works[0]
        id_ = f"institution-{slugify(printed)}-{newest}"
        years = [year for _, _, *pair in works for year in pair if year]
        yield (
            Node("institution", id_, printed, reverse("work", args=[newest]), len(works)),
            Edge(_person_id(author), id_, "at", len(works), min(years, default=None), max(years, default=None)),
        )
