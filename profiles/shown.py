"""What is shown instead of a printed name, where its owner lets nobody see that (`Author.hides_printed`), or hid all.

Problem: a name stands not only in bylines but in sentences that were written before it was hidden - evidence, reasons,
decisions - printed in full, folded, with initials. Idea: whatever prints a signature prints `Signature.shown_name`; a
sentence is read for the forms that the hidden names may take, by those people alone who can stand in it, so that nobody
else of that name is renamed. Titles and abstracts are what others printed, and stay. Entry points: `around` for the
people whom sentences about an author may name, `Redaction` for the sentences, `evidence` for receipts; `LABEL` in SQL.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _

from papers.models import Paper, Signature
from papers.names import fold, split_name

from .addresses import heir_of
from .models import Assignment, Author, Change, Correction, Move, Renaming

# A name as a page prints it, in SQL: `h` is the signature, joined by `JOIN`.
JOIN = """
      LEFT JOIN (profiles_assignment hs JOIN profiles_author ha ON ha.id = hs.author_id AND ha.hides_printed)
        ON hs.signature_id = h.id
"""
LABEL = "coalesce(ha.name, concat_ws(' ', nullif(h.given, ''), h.family))"
KEY = "coalesce(lower(ha.name), concat_ws(' ', nullif(h.given_key, ''), h.family_key))"

# What a receipt of somebody who hides the printed names says by these rules instead of naming them.
_OF_THE_NAMES = {"name": "how well the two names agree", "family name": "how frequent the family name is"}

_WORD = re.compile(r"[^\W_]+")
_GAP, _BETWEEN = r"[\W_]{0,3}", r"[\W_]{1,3}"
Name = tuple[str, str, str]  # family, given, suffix


def names(papers: Iterable[Paper]) -> dict[int, str]:
    """The shown name of each signature of these papers, by its id: for exports."""
    signatures = Signature.objects.filter(paper__in=[paper.pk for paper in papers])
    return {signature.pk: signature.shown_name for signature in signatures.select_related("assignment__author")}


def private_forms(authors: Iterable[int]) -> list[tuple[int, str, int]]:
    """(author, name as printed, works) of those who hide them: for curators alone, who could not work otherwise."""
    rows = Assignment.objects.filter(author__in=list(authors), author__hides_printed=True)
    rows = rows.standing().select_related("signature").order_by("signature")
    counted = Counter((row.author_id, row.signature.name) for row in rows)
    return [(author, name, works) for (author, name), works in counted.most_common()]


class Redaction:
    """Reads sentences for the hidden names of some people, and puts the shown ones in their place."""

    do_not_call_in_templates = True  # it is an argument of {{ …|redacted:redact }}

    def __init__(self, hidden: Mapping[Author, Iterable[Name]]) -> None:
        self._patterns: list[tuple[re.Pattern[str], str]] = []
        for author, known in hidden.items():
            now = re.escape(author.name)
            quoted, forms = _forms(set(known), author.name)
            if forms:
                self._patterns.append((re.compile(rf"(?<!\w)(?:{now}|{'|'.join(forms)})(?!\w)"), author.name))
            if quoted:
                self._patterns.append((re.compile(rf"“(?:{'|'.join(quoted)})”"), "the family name"))

    def __bool__(self) -> bool:
        return bool(self._patterns)

    def __call__(self, sentence: str) -> str:
        """The sentence as it may be shown."""
        for pattern, shown in self._patterns:
            sentence = pattern.sub(shown, sentence)
        return sentence

    def finds(self, sentence: str) -> bool:
        """Whether a hidden name stands in it."""
        return self(sentence) != sentence


def of(people: Iterable[Author]) -> Redaction:
    """The redaction of the hidden names of those among `people` who hide any, or whose record is hidden: two queries,
    none where there is nobody of them."""
    hiding = {heir.pk: heir for heir in map(heir_of, people) if heir.hides_printed or not heir.is_public}
    known: defaultdict[int, set[Name]] = defaultdict(set)
    for pk, heir in hiding.items():
        if not heir.is_public:
            known[pk].add(split_name(heir.name))
            hiding[pk] = Author(pk=pk, name=_("a person whose record is hidden"))
    if hiding:
        printed = Assignment.objects.filter(author__in=hiding).values_list(
            "author", "signature__family", "signature__given", "signature__suffix"
        )
        for author, *name in printed.distinct():
            known[author].add((name[0], name[1], name[2]))
        for author, old in Renaming.objects.filter(author__in=hiding).values_list("author", "old"):
            known[author].add(split_name(old))
    return Redaction({author: known[pk] for pk, author in hiding.items()})


def around(author: Author) -> Redaction:
    """The redaction for sentences about an author: its own hidden names and those of whom such sentences may name."""
    on_papers = Signature.objects.filter(assignment__author=author).values("paper")
    decided = Correction.objects.about(author).order_by()
    beside = [
        Assignment.objects.filter(signature__paper__in=on_papers).values("author"),
        Move.objects.filter(source=author).values("target"),
        Move.objects.filter(target=author).values("source"),
        Change.objects.filter(Q(source=author) | Q(target=author)).values("source"),
        Change.objects.filter(Q(source=author) | Q(target=author)).values("target"),
        *(decided.values(end) for end in ("author", "other_author")),
        *(decided.values(f"{end}__assignment__author") for end in ("signature", "other")),
    ]
    concerned = Q(pk=author.pk)
    for ids in beside:
        concerned |= Q(pk__in=ids)
    silent = Q(hides_printed=True) | ~Q(visibility=Author.Visibility.PUBLIC)
    return of(Author.objects.filter(concerned & silent).select_related("merged_into"))


def evidence(items: Sequence[Mapping[str, Any]], author: Author, redact: Redaction) -> list[dict[str, Any]]:
    """Items of {rule, weight, sentence}, also in their `parts`, as the receipt of the author's work may show them."""
    found = []
    for item in items:
        said = item["sentence"]
        if item["rule"] not in _OF_THE_NAMES:
            said = redact(said)
        elif author.hides_printed:
            said = _OF_THE_NAMES[item["rule"]]
        shown = dict(item) | {"sentence": said}
        if "parts" in item:
            shown["parts"] = evidence(item["parts"], author, redact)
        found.append(shown)
    return found


def _forms(known: Iterable[Name], now: str) -> tuple[list[str], list[str]]:
    """(family names as they stand alone, whole names) as patterns; what the name now shown says itself is none."""
    shown = {fold(word) for word in _WORD.findall(now)}
    quoted: set[str] = set()
    forms: set[str] = set()
    for family, given, suffix in known:
        if fold(" ".join((given, family, suffix))) == fold(now):
            continue
        if family and not {fold(word) for word in _WORD.findall(family)} <= shown:
            quoted |= {re.escape(family), re.escape(fold(family))}
        forms.update(_whole(family, given))
    # The longest first: "Jane M. Old" before "Jane Old".
    return sorted(quoted), sorted(forms, key=lambda form: (-len(form), form))


def _whole(family: str, given: str) -> Iterator[str]:
    """Patterns of a name in either order: all of it in any case, or initials, which count only as names are written."""
    last, first = _WORD.findall(family), _WORD.findall(given)
    if not last:
        return
    surname = _GAP.join(map(_spelt, last))
    if not first:
        yield rf"(?i:{surname})"
        return
    # Only scripts with capitals need a space between the two.
    between, comma = (_BETWEEN, ",? ") if family.lower() != family.upper() else (_GAP, _GAP)
    rest = "".join(rf"(?:{_GAP}(?:{_spelt(word)}|{re.escape(word[0])}\.?))?" for word in first[1:])
    if len(first[0]) > 1:
        yield rf"(?i:{_spelt(first[0])}{rest}{between}{surname})"
        yield rf"(?i:{surname}{between}{_spelt(first[0])}{rest})"
    initials = rf"{re.escape(first[0][0].upper())}\.?{rest}"
    cases = (map(re.escape, (word, fold(word).title(), word.upper())) for word in last)
    written = _GAP.join(f"(?:{'|'.join(spelt)})" for spelt in cases)
    yield rf"{initials}{between}{written}"
    yield rf"{written}{comma}{initials}"


def _spelt(word: str) -> str:
    """As printed or folded."""
    folded = fold(word)
    return re.escape(word) if folded in {word, ""} else rf"(?:{re.escape(word)}|{re.escape(folded)})"
