"""How many people may carry a printed name.

Problem: two papers by "Wei Zhang" say little, two by "Zixiang Ding" much, and the difference must not depend on which
records happen to be in the database, or profiles would change with the order of import. Idea: a fixed table of how
often names stand in arXiv's author lists (facts counted from 588,231 records, 1986 to 2019), shipped in
`name_counts.tsv.gz`. A full name that is too rare for the table is estimated from its parts, as if given and family
names met by chance. Entry point: `NameCounts.shipped()`.
"""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

from papers.names import fold

TABLE = "name_counts.tsv.gz"
# Below these counts a row says no more than the estimate from the parts does; they keep the table near 300 KB.
LEAST = {"full": 8, "family": 60, "given": 60}
# arXiv prints names in Latin letters, so of "王伟" the table knows nothing, and must not call it rare: a name in
# another script is taken to be about as frequent as "Wei Wang" (264), and its family name as "Smith" (2,008).
UNCOUNTED = {"full": 250, "family": 2_000}


@dataclass(frozen=True, slots=True)
class NameCounts:
    """Occurrences in author lists: `full` by "family|given", `family` and `given` by folded name, `total` of all."""

    full: dict[str, int]
    family: dict[str, int]
    given: dict[str, int]
    total: int

    @staticmethod
    @cache
    def shipped() -> NameCounts:
        """The table of this package."""
        return NameCounts.read(resources.files(__package__).joinpath(TABLE).read_bytes())

    @staticmethod
    def read(packed: bytes) -> NameCounts:
        """Parse the gzipped table: lines of kind, name, count, separated by tabs. Raises ValueError on other
        content."""
        counts: dict[str, dict[str, int]] = {"full": {}, "family": {}, "given": {}, "total": {}}
        for line in gzip.decompress(packed).decode("utf-8").splitlines():
            kind, name, count = line.split("\t")
            counts[kind][name] = int(count)
        return NameCounts(counts["full"], counts["family"], counts["given"], counts["total"][""])

    def people(self, family: str, given: str) -> float:
        """Expected occurrences of a folded name among `total`: as counted, or estimated from its parts.

        An initial, and any middle name, is taken to be shared by 1 in 12 (initials are uneven: the effective number of
        first letters in the table is near 12). A name without given part is as frequent as the family name. A name in
        letters that the table does not cover is taken to be frequent.
        """
        if not (family.isascii() and given.isascii()):
            return float(UNCOUNTED["full" if given else "family"])
        if (known := self.full.get(f"{family}|{given}")) is not None:
            return float(known)
        by_family = float(self.family.get(family, LEAST["family"] // 4))
        first = given.partition(" ")[0]
        if not first:
            return by_family
        if len(first) == 1:
            return by_family / 12.0 ** len(given.split())
        joined = given.replace(" ", "")
        by_given = max(self.given.get(first, 0), self.given.get(joined, 0)) or LEAST["given"] // 4
        # A full name under the table's limit occurs fewer than LEAST["full"] times, whatever the parts say.
        middle = 12 if " " in given and joined not in self.given else 1
        return min(by_family * by_given / self.total, LEAST["full"] / 2) / middle


def count_names(names: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Lines of the table for (family, given) as printed, the most frequent first; initials are not counted as given
    names."""
    full: Counter[str] = Counter()
    families: Counter[str] = Counter()
    givens: Counter[str] = Counter()
    for family, given in names:
        family, given = fold(family), fold(given)
        full[f"{family}|{given}"] += 1
        families[family] += 1
        givens[given.partition(" ")[0]] += 1
        if " " in given:
            givens[given.replace(" ", "")] += 1
    yield f"total\t\t{families.total()}"
    for kind, counter in (("full", full), ("family", families), ("given", givens)):
        for name, count in sorted(counter.items(), key=lambda item: (-item[1], item[0])):
            if count < LEAST[kind]:
                break
            if (
                len(name.partition(" ")[0]) > 1
                and "\t" not in name
                and (kind != "full" or len(name.split("|")[1].split(" ")[0]) > 1)
            ):
                yield f"{kind}\t{name}\t{count}"


def write_table(names: Iterable[tuple[str, str]], path: Path) -> None:
    """Count `names` and write the gzipped table, the same bytes for the same names."""
    text = "\n".join(count_names(names)) + "\n"
    path.write_bytes(gzip.compress(text.encode("utf-8"), 9, mtime=0))
