"""The trust score and the verification level of a record: additive, capped, whole numbers that anyone can re-add.

The score rates the record, never the person: works attributed, collaborators, completeness, identifiers, control and
review. Citations, ranks, followers, votes and views count nothing. Evidence can be missing, never negative. A rule is a
function from `Facts` to a `Component`; `RULES` is the rulebook. Entry points: `assess` and `level`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, repeat
from typing import TypeVar

MODEL = "trust-3"  # trust-3: what people contradict each other about is suspended, and each coauthor attests once

BANDS = (
    (0, 19, "Unverified"),
    (20, 39, "Emerging"),
    (40, 69, "Established"),
    (70, 89, "Strong"),
    (90, 100, "Fully supported"),
)

LEVELS = (
    (0, "A name that is not yet resolved to one person."),
    (1, "Resolved by the system from a named source; nobody has claimed it."),
    (2, "Claimed by an account with a confirmed e-mail address; ownership is not proved."),
    (3, "Control is proved by one strong route, or was checked by a curator where there is none."),
    (4, "A second proof of another kind, or two proved coauthors who attest, and every work reviewed."),
    (5, "Level 4, and checked by a named curator within 24 months."),
)

CLAIMED, PROVED = range(2, 6), 3  # levels of a record that is claimed, and from where on control of it is proved

# The first three weights give what the field's pages show for any record; the others are ours.
PER_WORK, MOST_WORKS = 2, 12  # six well-attributed works already show a body of work; more is no better supported
MOST_COLLABORATORS = 4  # the reference counts four; beyond that a large group would outweigh its works
PER_AFFILIATION, MOST_AFFILIATION = 2, 5  # one printed affiliation is weak evidence
PER_IDENTIFIER, MOST_IDENTIFIERS = 7, 14  # the best evidence that takes no person
CONTROL = {0: 0, 1: 0, 2: 5, 3: 20, 4: 30, 5: 30}  # a claim is worth little until control of the record is proved
MOST_REVIEW = 20  # as much as one strong proof: the whole list looked through by someone who can know
PER_ATTESTATION, MOST_ATTESTATIONS = 2, 10  # five proven coauthors; more would let a ring buy trust


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Work:
    """One work on the record: how it is attributed, and which facts its source gives. Of one that is `disputed` some
    decided that it is this author's and others that it is not; `by_owner` says that the owner confirmed it."""

    id: int
    title: str
    strong: bool
    confirmed: bool = False
    identifier: bool = False
    date: bool = False
    abstract: bool = False
    authors: bool = False
    category: bool = False
    disputed: bool = False
    by_owner: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """All that the rules read. `collaborators` are (author id or none, name, shared works) of two works or more;
    `affiliations` are (as printed, work id), dated by their work; `identifiers` are outside iDs that sources state
    and that agree over the works; `claimed_level` is that of the claim that holds the record, and `disputed` says that
    a second account proved control too; `attestations` are the names of coauthors at level 3 or above who attest;
    `agreeing` are those of the affiliations, as printed, that agree with an address that was proved; `proofs` are the
    claim's own, in words; `conflicting` are outside iDs that sources state and that cannot all be one person's.
    `sources` names by rule, in their order, the rows behind collaborators, identifiers, control (the claim, then the
    proofs) and attestations, as `Row.source` does."""

    works: tuple[Work, ...]
    collaborators: tuple[tuple[int | None, str, int], ...] = ()
    affiliations: tuple[tuple[str, int], ...] = ()
    identifiers: tuple[str, ...] = ()
    claimed_level: int = 0
    attestations: tuple[str, ...] = ()
    agreeing: frozenset[str] = frozenset()
    disputed: bool = False
    proofs: tuple[str, ...] = ()
    conflicting: tuple[str, ...] = ()
    sources: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def sourced(self, rule: str, rows: Iterable[T]) -> Iterator[tuple[T, str]]:
        """Each of the rows of a rule with its source; that is empty where none is known."""
        return zip(rows, chain(self.sources.get(rule, ()), repeat("")), strict=False)


@dataclass(frozen=True, slots=True)
class Row:
    """One row that a component came from. `work` or `author` is the id it leads to.

    `source` names it in the ledger, which is never rewritten: "work:12", "person:7", "claim:5", "proof:3", or
    "given:a date" for what every work has. Never a name, an iD, an address or other text that somebody may take back.
    It is empty where the row carries no point.
    """

    text: str
    work: int | None = None
    author: int | None = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class Component:
    """What one rule gives: whole `points` up to `cap`, the sentence that explains them, and their rows.

    `each` is what one row gives; 0 where it takes all of them together.
    """

    rule: str
    label: str
    points: int
    cap: int
    explanation: str
    rows: tuple[Row, ...] = ()
    each: int = 0


@dataclass(frozen=True, slots=True)
class Assessment:
    """The sum of all components, and the verification level."""

    components: tuple[Component, ...]
    level: int

    @property
    def points(self) -> dict[str, int]:
        """By rule."""
        return {component.rule: component.points for component in self.components}

    @property
    def score(self) -> int:
        return sum(self.points.values())

    @property
    def band(self) -> str:
        return band(self.score)


def band(score: int) -> str:
    """The name of the band that a score from 0 to 100 falls in."""
    return next(name for low, high, name in BANDS if low <= score <= high)


def _suspended(reason: str) -> str:
    """What a component says of points that a contradiction suspends; "" where there is no reason."""
    return f"; suspended: {reason}" if reason else ""


def _by_dispute(facts: Facts) -> str:
    """Why what rests on the holder alone counts nothing now."""
    return "a second account proved control too, and a curator decides" if facts.disputed else ""


def works(facts: Facts) -> Component:
    strong = [work for work in facts.works if work.strong and not work.disputed]
    disputed = "; ".join(f"“{work.title}”" for work in facts.works if work.disputed)
    suspended = _suspended(f"{disputed}, where people decided both ways" if disputed else "")
    return Component(
        "works",
        "Works",
        min(PER_WORK * len(strong), MOST_WORKS),
        MOST_WORKS,
        f"{PER_WORK} for each work attributed by strong inference or better{suspended}",
        tuple(Row(work.title, work=work.id, source=f"work:{work.id}") for work in strong),
        PER_WORK,
    )


def collaborators(facts: Facts) -> Component:
    return Component(
        "collaborators",
        "Close collaborators",
        min(len(facts.collaborators), MOST_COLLABORATORS),
        MOST_COLLABORATORS,
        "1 for each person who shares two or more works",
        tuple(
            Row(f"{name}: {shared} works", author=author, source=source)
            for (author, name, shared), source in facts.sourced("collaborators", facts.collaborators)
        ),
        1,
    )


# What a source should give for every work, in the order of the table of the model.
_COMPLETE: tuple[tuple[str, Callable[[Work], bool]], ...] = (
    ("a source identifier", lambda work: work.identifier),
    ("a date", lambda work: work.date),
    ("an abstract", lambda work: work.abstract),
    ("the full author list", lambda work: work.authors),
    ("a category", lambda work: work.category),
)


def completeness(facts: Facts) -> Component:
    rows, points = [], 0
    for what, has in _COMPLETE:
        lacking = sum(not has(work) for work in facts.works)
        points += bool(facts.works) and not lacking
        rows.append(
            Row(f"{lacking} of {len(facts.works)} lack {what}")
            if lacking
            else Row(f"every work has {what}", source=f"given:{what}")
        )
    return Component(
        "completeness",
        "Source completeness",
        points,
        len(_COMPLETE),
        "1 for each fact that the sources give for every work",
        tuple(rows) if facts.works else (),
        1,
    )


def affiliation(facts: Facts) -> Component:
    agreeing = any(text in facts.agreeing for text, _work in facts.affiliations)
    return Component(
        "affiliation",
        "Affiliation",
        MOST_AFFILIATION if agreeing else min(PER_AFFILIATION * len(facts.affiliations), MOST_AFFILIATION),
        MOST_AFFILIATION,
        f"{PER_AFFILIATION} for each dated affiliation that a source prints, {MOST_AFFILIATION} where one agrees with "
        "an address that the owner proved",
        tuple(
            Row(f"{text}: agrees with a proved address", work=work, source=f"work:{work}")
            if text in facts.agreeing
            else Row(text, work=work, source="" if agreeing else f"work:{work}")
            for text, work in facts.affiliations
        ),
        MOST_AFFILIATION if agreeing else PER_AFFILIATION,
    )


def identifiers(facts: Facts) -> Component:
    suspended = _suspended(f"works state {' and '.join(facts.conflicting)}" if facts.conflicting else "")
    return Component(
        "identifiers",
        "Agreeing identifiers",
        min(PER_IDENTIFIER * len(facts.identifiers), MOST_IDENTIFIERS),
        MOST_IDENTIFIERS,
        f"{PER_IDENTIFIER} for each outside identifier that sources state and that agrees over the works{suspended}",
        tuple(Row(iD, source=source) for iD, source in facts.sourced("identifiers", facts.identifiers)),
        PER_IDENTIFIER,
    )


def control(facts: Facts) -> Component:
    rows = ("claimed by an account with a confirmed address", *facts.proofs) if facts.claimed_level else ()
    return Component(
        "control",
        "Control",
        0 if facts.disputed else CONTROL[facts.claimed_level],
        CONTROL[5],
        f"5 for a claim, 20 for one strong proof, 30 for two{_suspended(_by_dispute(facts))}",
        tuple(Row(text, source=source) for text, source in facts.sourced("control", rows)),
    )


def review(facts: Facts) -> Component:
    confirmed = [work for work in facts.works if work.confirmed and not (facts.disputed and work.by_owner)]
    suspended = _suspended(_by_dispute(facts) if any(work.by_owner for work in facts.works) else "")
    return Component(
        "review",
        "Review",
        MOST_REVIEW * len(confirmed) // len(facts.works) if facts.works else 0,
        MOST_REVIEW,
        f"the share of the works that the owner or a curator has confirmed, times {MOST_REVIEW}, rounded down"
        f"{suspended}",
        tuple(Row(work.title, work=work.id, source=f"work:{work.id}") for work in confirmed),
    )


def attestation(facts: Facts) -> Component:
    return Component(
        "attestation",
        "Attestation",
        0 if facts.disputed else min(PER_ATTESTATION * len(facts.attestations), MOST_ATTESTATIONS),
        MOST_ATTESTATIONS,
        f"{PER_ATTESTATION} for each coauthor with proved control who attests"
        f"{_suspended(_by_dispute(facts) if facts.attestations else '')}",
        tuple(Row(name, source=source) for name, source in facts.sourced("attestation", facts.attestations)),
        PER_ATTESTATION,
    )


RULES: tuple[Callable[[Facts], Component], ...] = (
    works,
    collaborators,
    completeness,
    affiliation,
    identifiers,
    control,
    review,
    attestation,
)

# What would raise a component, cheapest for the person first; what is said of control and review follows the level.
_REMEDIES = (
    ("control", ""),
    ("review", ""),
    ("identifiers", "Have a source state an ORCID iD on the papers"),
    ("attestation", "Ask coauthors whose control is proved to attest"),
    ("completeness", "Import a source that gives the missing facts"),
    ("affiliation", "Import a source that prints affiliations"),
    ("works", "Import more works, or support those that are weakly attributed"),
    ("collaborators", "Import more works written with the same people"),
)


def level(facts: Facts) -> int:
    """The verification level, 0 to 5: that of the claim, else 1 where a work is attributed strongly, else 0."""
    return facts.claimed_level or int(any(work.strong for work in facts.works))


def assess(facts: Facts) -> Assessment:
    """Apply every rule once."""
    return Assessment(tuple(rule(facts) for rule in RULES), level(facts))


# Parts of a domain that name no place.
_SUFFIXES = frozenset({"ac", "co", "com", "edu", "gob", "gouv", "gov", "go", "ne", "net", "nic", "or", "org"})


def agrees(address: str, affiliation: str) -> bool:
    """Whether the name of an address's domain stands as a word in an affiliation as printed.

    >>> agrees("ann@cs.ucla.edu", "Department of Computer Science, UCLA"), agrees("ann@ox.ac.uk", "UCLA")
    (True, False)
    """
    labels = address.rpartition("@")[2].casefold().split(".")[:-1]
    while len(labels) > 1 and labels[-1] in _SUFFIXES:
        labels.pop()
    name = labels[-1] if labels else ""
    words = re.findall(r"[^\W_]+(?:-[^\W_]+)*", affiliation.casefold())
    return len(name) > 1 and name not in _SUFFIXES and name in words


def remedies(assessment: Assessment) -> list[tuple[str, int]]:
    """What would raise the score, in order of effort: (what to do, the most points it can add)."""
    open_points = {component.rule: component.cap - component.points for component in assessment.components}
    texts = dict(_REMEDIES) | {
        "control": _step_of_control(assessment),
        "review": "Confirm which of the works are right"
        if assessment.level in CLAIMED
        else "Have a curator, or the owner once the record is claimed, confirm which of the works are right",
    }
    return [(texts[rule], open_points[rule]) for rule, _text in _REMEDIES if open_points[rule]]


def _step_of_control(assessment: Assessment) -> str:
    if assessment.level not in CLAIMED:
        return "Claim the record, and prove control of it in two ways"
    if not assessment.points["control"]:
        return "Let a curator settle which of two accounts controls the record"
    if assessment.level >= PROVED:
        return "Prove control of the record in a second way"
    return "Prove control of the record in two ways"
