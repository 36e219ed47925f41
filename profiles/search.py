"""Finding people by what somebody types: a name in any order, script or spelling, an ORCID iD, a name and a topic.

Problem: "ding broad nas", "chen x", "Mueller", "Петров" and "xiangnign chen" are all somebody's way to name a person.

Idea: a ladder, cheapest step first, whose later steps are taken only where the earlier ones found nobody or too few:
an ORCID iD; the folded name in any order, with umlauts spelt or not, and Cyrillic and Greek letters written in Latin
ones; the beginnings of words ("x chen"); the same name otherwise spelt, by the family name and given names that agree
(`profiles.disambiguation.names`); a family name with words from the person's work (`profiles.search_context`), after
whole names with a misprint; names that are near by trigrams. All of it within one timeout a statement, and a constant
number of queries.

Entry point: `find_people`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import permutations

from django.contrib.postgres.search import TrigramSimilarity, TrigramWordSimilarity
from django.db.models import F, Q
from django.db.models.functions import Greatest

from papers import identifiers
from papers.bounded import within
from papers.names import fold, split_name, surname_key

from . import search_context
from .disambiguation.names import Agreement, compare
from .identifiers import holders
from .latin import latin
from .models import Author, NameVariant, NameVariantQuerySet, OwnWords

SHOWN = 20
LONGEST_QUERY = 100  # characters; no name that anyone types is longer, and trigrams of a page of text cost seconds
MOST_WORDS = 8
SIMILAR = 0.45  # on the demo's names: finds one wrong or missing letter in eight, and not every namesake's neighbour
# As near is a whole name of as many words in which a letter is wrong. It comes before people whose work has the words:
# "Xiangning Cheng" is rather Xiangning Chen than a Cheng who wrote with a Xiangning.
MISPRINT = 0.7
TIMEOUT_MS = 2_000  # a search that costs more serves nobody
READ = 300  # forms of one family name whose given names are compared
_INDEXED = 3  # shortest word that the trigram index can look up

_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})
_SPELT_UMLAUT = re.compile("([aou])e")
_ONLY_CONSONANTS = re.compile("[b-df-hj-np-tv-xz]{2,3}")  # "jp": initials that were typed without points


@dataclass(frozen=True, slots=True)
class Found:
    """People found, best first, each with `matched`, the form that matched, and `context`, what else of the query is
    in their work (`search_context.Reason`s). `fuzzy`: nobody is printed quite so, and names that are near are among
    them."""

    people: list[Author]
    fuzzy: bool = False


def find_people(query: str, limit: int = SHOWN) -> Found:
    """People whom `query` names, at most `limit`. Finds nobody for a query without a letter or digit.

    Raises `TooSlow`.
    """
    query = query[:LONGEST_QUERY]
    if iD := identifiers.orcid(query.strip()):
        with within(TIMEOUT_MS):
            return Found([_with(author) for author in holders({iD})["orcid", iD]][:limit])
    forms = _forms(query)
    if not forms:
        return Found([])
    with within(TIMEOUT_MS) as cursor:
        cursor.execute("SELECT set_config('pg_trgm.similarity_threshold', %s, true)", [str(SIMILAR)])
        exact = _people(
            NameVariant.objects.filter(folded__in={order for form in forms for order in _orders(form)}), limit
        )
        people = _once([*exact, *_in_own_script(query, limit)], limit)
        if len(people) < limit:
            beginning = NameVariant.objects.filter(_any(map(_begins, forms)))
            people = _once([*people, *_people(beginning, limit)], limit)
        if len(people) < limit:
            least = Agreement.SPELT if people else Agreement.INITIALS
            people = _once([*people, *_spelt_otherwise(forms, least, limit)], limit)
        if people:
            return Found(people)
        explained = search_context.find(forms[0], limit) if len(forms[0]) > 1 else []
        if not explained:
            return Found(_people(_near(forms), limit, "-near"), fuzzy=True)
        misprinted = [
            author
            for author in _people(_near(forms, MISPRINT), limit, "-near")
            if len(fold(author.matched).split()) == len(forms[0])  # type: ignore[attr-defined]
        ]
        return Found(_once([*misprinted, *explained], limit), fuzzy=bool(misprinted))


def _forms(query: str) -> list[list[str]]:
    """The words of the query, in each of the ways in which papers may print them: each once, as typed first."""
    text = unicodedata.normalize("NFC", query).casefold()
    family, given, _suffix = split_name(query)
    folded = fold(text)
    texts = [folded, fold(text.translate(_UMLAUTS)), _SPELT_UMLAUT.sub(r"\1", folded), latin(text)]
    if len(folded.split()) == 1 and given:  # "王伟" is two names in one word
        texts.append(fold(f"{given} {family}"))
    return [words[:MOST_WORDS] for words in map(str.split, dict.fromkeys(texts)) if words]


def _orders(words: Sequence[str]) -> set[str]:
    """In the order of given and family names, whichever was typed first; two given names also as one word."""
    if len(words) <= 3:
        orders = {" ".join(order) for order in permutations(words)}
    else:
        orders = {" ".join(words), " ".join([*words[1:], words[0]]), " ".join([words[-1], *words[:-1]])}
    if len(words) > 2:
        orders |= {f"{''.join(words[:-1])} {words[-1]}", f"{''.join(words[1:])} {words[0]}"}
    return orders


def _any(conditions: Iterable[Q]) -> Q:
    whole = Q()
    for condition in conditions:
        whole |= condition
    return whole


def _begins(words: Sequence[str]) -> Q:
    """Every word begins a word of the name."""
    condition = Q()
    for word in words:
        condition &= Q(folded__startswith=word) | Q(folded__contains=f" {word}")
    if max(map(len, words)) < _INDEXED:
        condition &= Q(family_key__in=words)
    return condition


def _near(forms: Sequence[Sequence[str]], least: float = 0.0) -> NameVariantQuerySet:
    """Names that are near by trigrams, with `near`, `least` to 1; to a word alone, names with a word that is near."""
    names = [" ".join(form) for form in forms]
    alone = len(forms[0]) == 1
    near = [TrigramWordSimilarity(name, "folded") if alone else TrigramSimilarity("folded", name) for name in names]
    lookup = "folded__trigram_word_similar" if alone else "folded__trigram_similar"
    rows = NameVariant.objects.filter(_any(Q(**{lookup: name}) for name in names))
    return rows.annotate(near=Greatest(*near) if len(near) > 1 else near[0]).filter(near__gte=least)


def _spelt_otherwise(forms: Sequence[Sequence[str]], least: Agreement, limit: int) -> list[Author]:
    """People of a family name that was typed whose given names agree: "Guoqing" and "Guo-Qing", "JP" and "Jean-Pierre".

    Of a frequent family name those of most works are looked at.
    """
    readings = [reading for form in forms for reading in _readings(form)]
    initials = _any(Q(folded__startswith=given[:1]) for _key, given in readings)
    rows = NameVariant.objects.filter(initials, surname_key__in={key for key, _given in readings})
    best: list[tuple[int, NameVariant]] = []
    for variant in _ordered(rows)[:READ]:
        given = split_name(variant.printed)[1]
        typed = [mine for key, mine in readings if key == variant.surname_key]
        agreement = max((compare(mine, given) if mine else Agreement.INITIALS for mine in typed), default=0)
        if agreement >= least:
            best.append((agreement, variant))
    best.sort(key=lambda row: -row[0])  # stable: then by works
    return _once((_with(variant.author, variant.printed) for _agreement, variant in best), limit)


def _readings(words: Sequence[str]) -> list[tuple[str, str]]:
    """(surname key, given names) with the family name last or first, of up to three words."""
    readings = []
    for many in range(1, min(3, len(words)) + 1):
        for family, given in ((words[-many:], words[:-many]), (words[:many], words[many:])):
            initials = [word.upper() if _ONLY_CONSONANTS.fullmatch(word) else word for word in given]
            readings.append((surname_key(" ".join(family)), " ".join(initials)))
    return [reading for reading in dict.fromkeys(readings) if reading[0]]


def _in_own_script(query: str, limit: int) -> list[Author]:
    """Owners who state the name in a script of its own that has every word of the query."""
    words = fold(query).split()
    if query.isascii() or not words:
        return []
    rows = OwnWords.objects.filter(author__in=Author.objects.listed(), author__account__isnull=False)
    for word in words:
        rows = rows.filter(native_name__icontains=word)
    rows = rows.exclude(hidden__contains=[OwnWords.Hidden.NATIVE_NAME]).select_related("author__trust")
    return [_with(row.author, row.native_name) for row in rows.order_by("-author__works_count", "author")[:limit]]


def _ordered(variants: NameVariantQuerySet, *order: str) -> NameVariantQuerySet:
    rows = variants.public().select_related("author", "author__trust")
    return rows.order_by(*order, F("author__works_count").desc(), "author_id", "-works")


def _people(variants: NameVariantQuerySet, limit: int, *order: str) -> list[Author]:
    """The authors of these variants, each once, by `order` and then most works first."""
    # An author rarely has more than a handful of forms; four times the limit leaves room for them.
    return _once((_with(row.author, row.printed) for row in _ordered(variants, *order)[: 4 * limit]), limit)


def _with(author: Author, matched: str = "") -> Author:
    author.matched, author.context = matched, ()  # type: ignore[attr-defined]
    return author


def _once(people: Iterable[Author], limit: int) -> list[Author]:
    """The first `limit`, each by the form that came first."""
    first: dict[int, Author] = {}
    for author in people:
        first.setdefault(author.pk, author)
    return list(first.values())[:limit]
