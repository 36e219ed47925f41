"""Finding people by a printed name, a variant, initials, or with typing errors.

A ladder, cheapest step first: the folded name in either order; then every word as the beginning of a word of the name
("x chen"); and only when nothing matched, names that are near by trigrams. Entry point: `find_people`.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.postgres.search import TrigramSimilarity
from django.db.models import F, Q

from papers.bounded import within
from papers.names import fold

from .models import Author, NameVariant, NameVariantQuerySet

SHOWN = 20
LONGEST_QUERY = 100  # characters; no name that anyone types is longer, and trigrams of a page of text cost seconds
SIMILAR = 0.45  # on the demo's names: finds one wrong or missing letter in eight, and not every namesake's neighbour
TIMEOUT_MS = 2_000  # a search that costs more serves nobody
_INDEXED = 3  # shortest word that the trigram index can look up


@dataclass(frozen=True, slots=True)
class Found:
    """People found, best first, each with `matched`, the form that matched. `fuzzy`: nobody is printed quite so."""

    people: list[Author]
    fuzzy: bool = False


def find_people(query: str, limit: int = SHOWN) -> Found:
    """People whose printed name fits `query`. Finds nobody for a query without a letter or digit."""
    words = fold(query[:LONGEST_QUERY]).split()
    if not words:
        return Found([])
    with within(TIMEOUT_MS) as cursor:
        cursor.execute("SELECT set_config('pg_trgm.similarity_threshold', %s, true)", [str(SIMILAR)])
        exact = _people(NameVariant.objects.filter(folded__in=_orders(words)), limit)
        if len(exact) >= limit:
            return Found(exact)
        beginning = _people(NameVariant.objects.filter(_begins(words)), limit)
        known = {author.pk for author in exact}
        people = (exact + [author for author in beginning if author.pk not in known])[:limit]
        if people:
            return Found(people)
        name = " ".join(words)
        near = NameVariant.objects.filter(folded__trigram_similar=name).annotate(near=TrigramSimilarity("folded", name))
        return Found(_people(near, limit, "-near"), fuzzy=True)


def _orders(words: list[str]) -> list[str]:
    """ "chen xiangning" also as "xiangning chen": the family name may be typed first."""
    return [" ".join(words), " ".join(words[1:] + words[:1]), " ".join(words[-1:] + words[:-1])]


def _begins(words: list[str]) -> Q:
    condition = Q()
    for word in words:
        condition &= Q(folded__startswith=word) | Q(folded__contains=f" {word}")
    if max(map(len, words)) < _INDEXED:
        condition &= Q(family_key__in=words)
    return condition


def _people(variants: NameVariantQuerySet, limit: int, *order: str) -> list[Author]:
    """The authors of these variants, each once, by `order` and then most works first."""
    rows = variants.public().select_related("author", "author__trust")
    people: dict[int, Author] = {}
    # An author rarely has more than a handful of forms; four times the limit leaves room for them.
    for variant in rows.order_by(*order, F("author__works_count").desc(), "author_id", "-works")[: 4 * limit]:
        author = people.setdefault(variant.author_id, variant.author)
        if not hasattr(author, "matched"):
            author.matched = variant.printed  # type: ignore[attr-defined]
    return list(people.values())[:limit]
