"""How two people are connected: chains of papers, each borne out by the record as it is now.

Problem: the search runs over a snapshot, and since it was taken a person was hidden, a work rejected, moved or dated
anew; a path that the pages contradict must not be shown. Idea: each step is looked up in the database; what it does not
bear out is left out of the search, which is done again. Where nothing is found, it is said why, and what would help.
Entry point: `connect`.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise

from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from numpy import intersect1d

from papers.bounded import TooSlow, within
from profiles.models import Author

from . import snapshots
from .evidence import Shared, SharedPaper, shared
from .networks import Incidence
from .networks.searching import Exhausted, Path, Terms, alternatives, shortest

ALTERNATIVES = 5
LOOKED_AT = 10_000_000  # authorships in one search: a second's work
ROUNDS = 4  # searches after what the record does not bear out was left out
TIMEOUT_MS = 3_000
LONG = 20  # names; a longer list is said


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked: years inclusive (None: open), and whether weak attributions count too."""

    first_year: int | None = None
    last_year: int | None = None
    weak: bool = False

    @property
    def ranged(self) -> bool:
        return self.first_year is not None or self.last_year is not None


@dataclass(frozen=True, slots=True)
class Step:
    """Two people and the papers that they share; the first of these is what connects them best."""

    one: Author
    other: Author
    shared: Shared

    @property
    def best(self) -> SharedPaper:
        return self.shared.papers[0]


@dataclass(frozen=True, slots=True)
class Chain:
    """People, each of whom wrote with the next."""

    people: tuple[Author, ...]
    steps: tuple[Step, ...]
    cost: int

    @property
    def said(self) -> str:
        """As sentences, without markup."""
        return self._said(lambda text, url: text, str.format)

    @property
    def linked(self) -> str:
        """As sentences, with links; escaped."""
        return self._said(lambda text, url: format_html('<a href="{}">{}</a>', url, text), format_html)

    def _said(self, link: Callable[[str, str], str], put: Callable[..., str]) -> str:
        said = [_said(step, link, put) for step in self.steps]
        return put("{}.", put("; ".join(["{}"] * len(said)), *said))


@dataclass(frozen=True, slots=True)
class Way:
    """What may help where nothing was found: words for a link, and what it asks."""

    label: str
    wanted: Wanted


@dataclass(frozen=True, slots=True)
class Answer:
    """The cheapest chain and others that share no middle person; or else a `problem`, in a sentence.

    `built_at` is when the graph that was searched was read. `slow`: it may go better another time.
    """

    chains: tuple[Chain, ...] = ()
    built_at: datetime | None = None
    problem: str = ""
    ways: tuple[Way, ...] = ()
    slow: bool = False


def connect(one: Author, other: Author, wanted: Wanted) -> Answer:
    """How two public authors are connected. It never fails: whatever stands in the way is said in the answer."""
    if one == other:
        return Answer(problem=_("Both are one person: %(name)s.") % {"name": one.name})
    graph = snapshots.current()
    if graph is None:
        return Answer(problem=_("The graph has not been read yet. Try again in some minutes."), slow=True)
    at = snapshots.built_at()
    ends = graph.position(one.pk), graph.position(other.pk)
    for author, end in zip((one, other), ends, strict=True):
        if end is None:
            unknown = _("%(name)s has no work in the graph yet. It is read again within the hour.")
            return Answer(built_at=at, problem=unknown % {"name": author.name})
    assert ends[0] is not None
    assert ends[1] is not None
    terms = Terms(wanted.first_year, wanted.last_year, wanted.weak, most=LOOKED_AT)
    try:
        chains = _chains(graph, (ends[0], ends[1]), terms)
        problem, ways = ("", ()) if chains else _why_not(graph, (one, other), (ends[0], ends[1]), wanted)
    except Exhausted:
        seen = _("The search looked at %(n)s authorships and found nothing. Fewer years make it shorter.")
        return Answer(built_at=at, problem=seen % {"n": intcomma(LOOKED_AT)}, slow=True)
    except TooSlow:
        return Answer(built_at=at, problem=_("This took too long. Try again in a moment."), slow=True)
    return Answer(tuple(chains), at, problem, ways)


def _chains(graph: Incidence, ends: tuple[int, int], terms: Terms) -> list[Chain]:
    """The cheapest chain first. Raises `Exhausted` where not even that is found, and `TooSlow`."""
    chains: list[Chain] = []
    for _round in range(ROUNDS):
        first = shortest(graph, *ends, terms)
        if first is None:
            return []
        paths = [first]
        with suppress(Exhausted):
            for path in alternatives(graph, first, terms, ALTERNATIVES):
                paths.append(path)
        chains, people, papers = _borne_out(graph, paths, terms)
        if not (people or papers):
            break
        terms = replace(
            terms, without_authors=terms.without_authors | people, without_papers=terms.without_papers | papers
        )
    return chains


def _borne_out(graph: Incidence, paths: list[Path], terms: Terms) -> tuple[list[Chain], frozenset[int], frozenset[int]]:
    """(the paths that the record bears out, positions of people and of papers that it does not)."""
    listed = Author.objects.listed().only("pk", "name", "visibility")
    people = listed.in_bulk([int(graph.authors[author]) for path in paths for author in path.authors])
    steps = {
        (int(graph.authors[one]), int(graph.authors[other])): int(graph.papers[paper])
        for path in paths
        for (one, other), paper in zip(pairwise(path.authors), path.papers, strict=True)
    }
    with within(TIMEOUT_MS):
        known = shared(steps, first_year=terms.first_year, last_year=terms.last_year, weak=terms.weak)
    chains: list[Chain] = []
    nobody: set[int] = set()
    nothing: set[int] = set()
    for path in paths:
        gone = {author for author in path.between if int(graph.authors[author]) not in people}
        found: list[Step] = []
        for (one, other), paper in zip(pairwise(path.authors), path.papers, strict=True):
            pair = int(graph.authors[one]), int(graph.authors[other])
            evidence = known.get(pair)
            if evidence is None or evidence.papers[0].paper.pk != graph.papers[paper]:
                nothing |= {paper} if evidence else set(_common(graph, one, other))
            elif pair[0] in people and pair[1] in people:
                found.append(Step(people[pair[0]], people[pair[1]], evidence))
        nobody |= gone
        if len(found) == len(path.papers):
            chains.append(Chain((found[0].one, *(step.other for step in found)), tuple(found), path.cost))
    return chains, frozenset(nobody), frozenset(nothing)


def _common(graph: Incidence, one: int, other: int) -> list[int]:
    papers: list[int] = intersect1d(graph.papers_of(one), graph.papers_of(other), assume_unique=True).tolist()
    return papers


def _why_not(
    graph: Incidence, authors: tuple[Author, Author], ends: tuple[int, int], wanted: Wanted
) -> tuple[str, tuple[Way, ...]]:
    """Why there is no chain, and what else to ask. Raises `Exhausted`."""
    parts = [snapshots.part_of(author.pk) for author in authors]
    names = {"one": authors[0].name, "other": authors[1].name}
    if parts[0] and parts[1] and parts[0][0] != parts[1][0]:
        for author, part in zip(authors, parts, strict=True):
            if part and part[1] == 1:
                return _("%(name)s has no coauthor here.") % {"name": author.name}, ()
        sizes = {"first": _people(parts[0][1]), "second": _people(parts[1][1])}
        apart = _(
            "No chain of papers leads from %(one)s to %(other)s: they stand in separate parts of the graph, one of"
            " %(first)s, the other of %(second)s."
        )
        return apart % (names | sizes), ()
    if wanted.ranged:
        anytime = replace(wanted, first_year=None, last_year=None)
        if _reached(graph, ends, anytime):
            no_year = _("No chain of papers of these years leads from %(one)s to %(other)s.")
            return no_year % names, (Way(_("Papers of all years"), anytime),)
    if not wanted.weak and _reached(graph, ends, replace(wanted, weak=True)):
        only_weak = _("Only weak attributions connect %(one)s and %(other)s.")
        return only_weak % names, (Way(_("Count weak attributions too"), replace(wanted, weak=True)),)
    if wanted.ranged and not wanted.weak:
        anything = Wanted(weak=True)
        if _reached(graph, ends, anything):
            neither = _("No chain of sure papers of these years leads from %(one)s to %(other)s.")
            return neither % names, (Way(_("All years, and weak attributions too"), anything),)
    nothing = _("No chain of papers leads from %(one)s to %(other)s as the record is now.")
    return nothing % names, ()


def _reached(graph: Incidence, ends: tuple[int, int], wanted: Wanted) -> bool:
    """Whether the record bears out a chain on these terms."""
    return bool(_chains(graph, ends, Terms(wanted.first_year, wanted.last_year, wanted.weak, most=LOOKED_AT)))


def _people(number: int) -> str:
    return ngettext("%(n)s person", "%(n)s people", number) % {"n": intcomma(number)}


def _said(step: Step, link: Callable[[str, str], str], put: Callable[..., str]) -> str:
    """ "A wrote X with B in 2021", and what is to be known of that."""
    best = step.best
    told = _("{one} wrote {title} with {other} in {year}") if best.paper.year else _("{one} wrote {title} with {other}")
    remarks = []
    if best.names > LONG:
        remarks.append(_("two of {names} names"))
    if not best.sure:
        remarks.append(_("attributed weakly"))
    return put(
        f"{told} ({', '.join(remarks)})" if remarks else told,
        one=link(step.one.name, step.one.get_absolute_url()),
        other=link(step.other.name, step.other.get_absolute_url()),
        title=link(_("“%(title)s”") % {"title": best.paper.title_text}, best.paper.get_absolute_url()),
        year=best.paper.year,
        names=intcomma(best.names),
    )
