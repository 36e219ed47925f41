"""Works as CSL-JSON, which citation processors read.

Reference: CSL 1.0.2, input data schema (csl-data.json). Entry point: `entries`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from . import lists
from .work import Name, Work


def entries(works: Iterable[Work]) -> Iterator[str]:
    """One list of all works."""
    return lists.written(map(_item, works))


def _item(work: Work) -> dict[str, object]:
    item: dict[str, object] = {
        "id": work.key,
        "type": "article-journal" if work.journal else "article",
        "title": work.title,
        "author": [_name(author) for author in work.authors],
    }
    if work.published:
        day = work.published
        item["issued"] = {"date-parts": [[day.year, day.month, day.day] if work.day_known else [day.year]]}
    if work.arxiv_id:
        item |= {"number": f"arXiv:{work.arxiv_id}"} | ({} if work.journal else {"publisher": "arXiv"})
    stated = {
        "container-title": work.journal,
        "DOI": work.doi,
        "URL": work.url or work.page,
        "abstract": work.abstract,
        "keyword": ", ".join(work.keywords),
    }
    return item | {name: value for name, value in stated.items() if value}


def _name(name: Name) -> dict[str, str]:
    if not name.given:
        return {"literal": name.whole}
    parts = {"family": name.family, "given": name.given, "suffix": name.suffix}
    return {part: value for part, value in parts.items() if value}
