"""Differences: what a record changed in its paper, field by field, as a curator reads it.

A record keeps only what it overwrote. What it wrote instead is what the next record on the same paper overwrote, or
else what stands there now. Entry points: `afters`, then `differences`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext, gettext_lazy

from .models import BatchRecord
from .reversal import State, states_of

# Names of a list that is shown whole; of a longer one only what changed.
SHOWN_WHOLE = 30
# Words that are compared one by one: the comparison takes the square of it.
COMPARED = 400
# Texts less alike than this are shown as a whole, old and new: marks in every other word help nobody.
ALIKE = 0.5

_LABELS: dict[str, str | Promise] = {
    "title": gettext_lazy("Title"),
    "abstract": gettext_lazy("Abstract"),
    "categories": gettext_lazy("Categories"),
    "created": gettext_lazy("First version"),
    "updated": gettext_lazy("Latest version"),
    "versions": gettext_lazy("Versions"),
    "arxiv_id": "arXiv",
    "doi": "DOI",
    "journal_ref": gettext_lazy("Published in"),
    "comments": gettext_lazy("Authors’ comments"),
    "license": gettext_lazy("Licence"),
    "withdrawn": gettext_lazy("Withdrawn"),
    "source": gettext_lazy("Read from"),
    "listings": gettext_lazy("Daily lists"),
}
# Computed from what is shown, or the names once more.
_UNSAID = frozenset({"title_text", "fingerprint", "source_authors", "topics", "day_known", "signatures", "digest"})


@dataclass(frozen=True, slots=True)
class Name:
    """One name of a list: `mark` is "kept", "added", "removed" or "changed"; `note` says what changed beside it."""

    name: str
    mark: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Difference:
    """One field: texts before and after, or for the names of a paper the list of both with marks."""

    label: str
    before: str = ""
    after: str = ""
    names: tuple[Name, ...] = ()
    unchanged: int = 0  # names that are not listed

    @property
    def pieces(self) -> list[tuple[str, str]]:
        """(mark, text): the text before and after in one, as far as they are alike."""
        old, new = (re.findall(r"\S+\s*", text) for text in (self.before, self.after))
        matcher = SequenceMatcher(None, old[:COMPARED], new[:COMPARED], autojunk=False)
        if len(old) > COMPARED or len(new) > COMPARED or matcher.ratio() < ALIKE:
            return [(mark, text) for mark, text in (("removed", self.before), ("added", self.after)) if text]
        found: list[tuple[str, str]] = []
        for operation, a, b, c, d in matcher.get_opcodes():
            if operation == "equal":
                found.append(("kept", "".join(new[c:d])))
                continue
            found += [("removed", "".join(old[a:b]))] if a < b else []
            found += [("added", "".join(new[c:d]))] if c < d else []
        return found

    def __str__(self) -> str:
        if not self.names:
            return f"{self.label}: {self.before or '–'} → {self.after or '–'}"
        marks = {"added": "+", "removed": "−", "changed": "~"}
        return f"{self.label}: {', '.join(marks[n.mark] + n.name for n in self.names if n.mark in marks)}"


def afters(records: Sequence[BatchRecord]) -> dict[int, State]:
    """By record id, what each record wrote where it overwrote something; of a new paper everything."""
    told = {record.pk: record.after for record in records if record.after is not None}
    open_ = [r for r in records if r.after is None and r.paper_id and r.fate in {r.Fate.NEW, r.Fate.UPDATED}]
    papers = {record.paper_id for record in open_ if record.paper_id}
    current = states_of(papers)
    later: defaultdict[int, list[BatchRecord]] = defaultdict(list)
    met = BatchRecord.objects.filter(paper__in=papers, fate=BatchRecord.Fate.UPDATED, after__isnull=True)
    for other in met.order_by("pk").only("paper", "before"):
        later[other.paper_id or 0].append(other)
    for record in open_:
        state = dict(current.get(record.paper_id or 0, {}))
        for other in reversed(later[record.paper_id or 0]):
            if other.pk > record.pk:
                state |= other.before or {}
        keys = state.keys() if record.fate == record.Fate.NEW else (record.before or {}).keys()
        told[record.pk] = {key: state[key] for key in keys if key in state}
    return told


def differences(before: State | None, after: State | None) -> list[Difference]:
    """What differs, in the order in which a paper is read; of a new paper what it says."""
    was, now = before or {}, after or {}
    found = [
        Difference(str(_LABELS.get(key, key.replace("_", " "))), _text(was.get(key)), _text(now.get(key)))
        for key in sorted(now, key=lambda key: (list(_LABELS).index(key) if key in _LABELS else len(_LABELS), key))
        if key not in _UNSAID and _text(was.get(key)) != _text(now.get(key))
    ]
    if "signatures" in now:
        if before is None:
            names = [Name(row["printed"], "kept") for row in now["signatures"]]
            shown = names[:SHOWN_WHOLE]
        else:
            names = _names(was.get("signatures", ()), now["signatures"])
            shown = names if len(names) <= SHOWN_WHOLE else [name for name in names if name.mark != "kept"]
        place = min(1, len(found))  # after the title
        found.insert(
            place, Difference(gettext("Authors"), names=tuple(shown[:200]), unchanged=len(names) - len(shown[:200]))
        )
    return found


def _text(value: Any) -> str:
    if value is None or value is False:
        return ""
    if value is True:
        return gettext("yes")
    if isinstance(value, list):
        return ", ".join(map(_entry, value))
    return str(value)


def _entry(value: Any) -> str:
    """A version, a place on a daily list, or a text."""
    if not isinstance(value, dict):
        return str(value)
    if "day" not in value:
        return f"v{value['number']} {value['created']}"
    votes = value["votes"]
    return value["day"] if votes is None else f"{value['day']} ({votes:,})"


def _names(was: Sequence[State], now: Sequence[State]) -> list[Name]:
    """The new list in its order, each lost name after the one that it followed."""
    old = {row["id"]: row for row in was}
    kept = {row["id"] for row in now} & old.keys()
    lost: defaultdict[int | None, list[Name]] = defaultdict(list)
    previous: int | None = None
    for row in was:
        if row["id"] in kept:
            previous = row["id"]
        else:
            lost[previous].append(Name(row["printed"], "removed"))
    names = list(lost[None])
    for row in now:
        if row["id"] not in kept:
            names.append(Name(row["printed"], "added"))
            continue
        note = _note(old[row["id"]], row)
        names.append(Name(row["printed"], "changed" if note else "kept", note))
        names += lost[row["id"]]
    return names


def _note(was: State, now: State) -> str:
    found = [place for place in now["affiliations"] if place not in was["affiliations"]]
    return "; ".join([*found, *([f"ORCID {now['orcid']}"] if now["orcid"] != was["orcid"] else [])])
