"""What disambiguation knows of one printed name: a `Signature`, a plain value without any database behind it."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

from papers.names import fold


@dataclass(frozen=True, slots=True)
class Signature:
    """One printed name on one paper, with what the paper says around it.

    `id` orders and identifies signatures; `paper` is equal for the names of one paper. `coauthors` are the keys
    (see `coauthor_key`) of the paper's other names. `topics` are category codes, `team` the number of authors.
    `orcid` is set only where it was authenticated, never where it was merely typed. Texts are shared between the
    signatures of a paper, not copied.
    """

    id: int
    paper: Hashable
    family: str
    given: str
    suffix: str = ""
    coauthors: tuple[str, ...] = ()
    title: str = ""
    year: int | None = None
    topics: tuple[str, ...] = ()
    abstract: str = ""
    affiliations: tuple[str, ...] = ()
    orcid: str | None = None
    venue: str = ""
    team: int = 1

    @property
    def name(self) -> str:
        """The name in reading order: "Ada B. Lovelace"."""
        return f"{self.given} {self.family}".strip()


def coauthor_key(family: str, given: str) -> str:
    """The key of a coauthor's printed name, the same for "Guo-qing Jiang" and "Guoqing Jiang": "jiang|guoqing"."""
    return f"{fold(family)}|{fold(given).replace(' ', '')}"
