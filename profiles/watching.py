"""Watched names: which printed names a watch waits for, and on which papers.

Problem: an account waits for "Zixiang Ding", and a paper prints "Ding, Zixiang", "Z. Ding" or "Zixiang Ding" of another
field. Idea: a printed name fits a watched one as the matcher compares names (`disambiguation.names` for the given
names, `disambiguation.variants` for another order of the same words); then every condition of the watch must hold. The
watches of a name are found by surname keys, so that a million watches cost what the names on the papers cost. A name
that its bearer hides, or of a record that is not public, never fits: a notice would tell it. Entry points: `fits`,
`matches`, `found`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from django.db.models import QuerySet

from papers.models import Paper, PaperTopic, Signature
from papers.names import fold, split_name, surname_key
from papers.text import plain

from .arrays import ids, texts
from .disambiguation.names import compare
from .disambiguation.variants import MOST_WORDS, Kinship, Name, kinship, words
from .models import Author, NameWatch

# The same words, all of them; who leaves one out may be somebody else.
_SAME_WORDS = frozenset({Kinship.DIVIDED, Kinship.SWAPPED})
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")


@dataclass(frozen=True, slots=True)
class Byline:
    """What the conditions of a watch are held against: a paper's topics by id, what it says, and the names on it that
    may be told, by signature."""

    topics: frozenset[int]
    text: str
    names: Mapping[int, Name]


def parts(name: str) -> Name:
    """(family, given) of a name as typed or printed."""
    family, given, _suffix = split_name(name)
    return family, given


def fits(watched: Name, printed: Name) -> bool:
    """Whether a printed name may be the watched one: initials, accents, order and cut may differ; symmetric.

    >>> fits(parts("Ding, Zixiang"), parts("Z. Ding")), fits(parts("Zixiang Ding"), parts("Ding Zixiang"))
    (True, True)
    >>> fits(parts("Zixiang Ding"), parts("Zhi Ding")), fits(parts("Zixiang Ding"), parts("Ding"))
    (False, False)
    """
    if surname_key(watched[0]) == surname_key(printed[0]) and compare(watched[1], printed[1]).joins:
        return True
    # Of a name with so many words the rest may be cut off: then it is not known whether they are the same.
    return len(words(*watched)) < MOST_WORDS and kinship(watched, printed) in _SAME_WORDS


def matches(watch: NameWatch, signature: Signature, byline: Byline) -> bool:
    """Whether the name fits and all conditions hold; False where the name is none of those that may be told."""
    if signature.pk not in byline.names or not fits(parts(watch.name), byline.names[signature.pk]):
        return False
    if watch.topic_id is not None and watch.topic_id not in byline.topics:
        return False
    if watch.coauthor:
        sought = parts(watch.coauthor)
        if not any(fits(sought, name) for pk, name in byline.names.items() if pk != signature.pk):
            return False
    return says(f"{byline.text} {' '.join(signature.affiliations)}", watch.words)


def says(text: str, sought: str) -> bool:
    """Whether each of the words begins a word of the text; in scripts without spaces, stands in it.

    >>> says("Graph neural networks", "network Graph"), says("Graph networks", "work"), says("图神经网络", "神经")
    (True, False, True)
    """
    folded = f" {fold(text)}"
    return all((word if _UNSPACED.search(word) else f" {word}") in folded for word in fold(sought).split())


def keys(name: Name) -> set[str]:
    """The surname keys of all watches that may fit a printed name: of its family name, and of each run of its words,
    for the same words in another order or cut otherwise."""
    read = words(*name)
    runs = {" ".join(read[at:end]) for at in range(len(read)) for end in range(at + 1, len(read) + 1)}
    return {surname_key(name[0]), *map(surname_key, runs)} - {""}


def found(papers: Collection[int]) -> list[tuple[NameWatch, Signature]]:
    """Each watch with each name on these papers that it waits for, by their ids; at most six queries.

    The signatures come with their papers. Call it once the papers are resolved: a name that is nobody's yet may be of
    somebody who hides it.
    """
    watched = set(NameWatch.objects.order_by().values_list("surname_key", flat=True).distinct())
    if not watched:
        return []
    bearing: defaultdict[str, list[tuple[int, Name]]] = defaultdict(list)
    for pk, family, given in _told(papers).values_list("pk", "family", "given").iterator():
        for key in keys((family, given)) & watched:
            bearing[key].append((pk, (family, given)))
    pairs = [
        (watch, pk)
        for watch in NameWatch.objects.filter(surname_key__in=texts(bearing)).order_by("pk")
        for pk, name in bearing[watch.surname_key]
        if fits(parts(watch.name), name)
    ]
    signatures = Signature.objects.select_related("paper").in_bulk({pk for _watch, pk in pairs})
    bylines = _bylines({signature.paper_id: signature.paper for signature in signatures.values()})
    return [
        (watch, signatures[pk])
        for watch, pk in sorted(pairs, key=lambda pair: (pair[0].pk, pair[1]))
        if pk in signatures and matches(watch, signatures[pk], bylines[signatures[pk].paper_id])
    ]


def _told(papers: Iterable[int]) -> QuerySet[Signature]:
    """The names on these papers that may be told: of public records whose bearers hide no printed name."""
    public = {"assignment__author__visibility": Author.Visibility.PUBLIC, "assignment__author__hides_printed": False}
    return Signature.objects.filter(paper__in=ids(papers), **public)


def _bylines(papers: Mapping[int, Paper]) -> dict[int, Byline]:
    names: defaultdict[int, dict[int, Name]] = defaultdict(dict)
    topics: defaultdict[int, set[int]] = defaultdict(set)
    if papers:
        for paper, pk, family, given in _told(papers).values_list("paper", "pk", "family", "given"):
            names[paper][pk] = (family, given)
        for paper, topic in PaperTopic.objects.filter(paper__in=ids(papers)).values_list("paper", "topic"):
            topics[paper].add(topic)
    return {
        pk: Byline(frozenset(topics[pk]), f"{paper.title_text} {plain(paper.abstract)}", names[pk])
        for pk, paper in papers.items()
    }
