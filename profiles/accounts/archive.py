"""Everything of an account in one archive: `bzpeer.json`, and `works.bib` of the works on its record.

Entry point: `archive`.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from datetime import datetime
from tempfile import SpooledTemporaryFile
from typing import IO, Any

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder

from papers.bibtex import Name, Work, entries
from papers.models import Paper, Signature
from profiles.models import Account, Assignment, Author

from .records import gathered

IN_MEMORY = 4_000_000  # bytes; a larger archive goes through the disk


class _Encoder(DjangoJSONEncoder):
    """Bytes, such as a digest, in hexadecimal."""

    def default(self, value: Any) -> Any:
        return bytes(value).hex() if isinstance(value, bytes | memoryview) else super().default(value)


def archive(account: Account, now: datetime) -> IO[bytes]:
    """A zip file, at its beginning; closing it removes it."""
    known = {"site": settings.SITE_URL, "written": now, **gathered(account)}
    file = SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 - who sends it closes it
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("bzpeer.json", json.dumps(known, cls=_Encoder, ensure_ascii=False, indent=1))
        author = Author.objects.filter(account=account).first()
        made.writestr("works.bib", "\n".join(entries(works_of(author))) if author else "")
    file.seek(0)
    return file


def works_of(author: Author) -> Iterator[Work]:
    """The works on the author's record, the newest first, with readable names."""
    own = Assignment.objects.filter(author=author).standing()
    papers = Paper.objects.filter(signatures__assignment__in=own).distinct().newest_first().with_people()
    for paper in papers:
        yield Work(
            number=paper.pk,
            title=paper.title_text,
            authors=tuple(_name(signature) for signature in paper.signatures.all()),
            published=paper.created or paper.updated,
            day_known=paper.day_known,
            arxiv_id=paper.arxiv_id or "",
            primary_class=paper.categories[0] if paper.arxiv_id and paper.categories else "",
            doi=paper.doi or "",
            journal=paper.journal_ref,
            url=paper.arxiv_url or paper.doi_url or "",
        )


def _name(signature: Signature) -> Name:
    """As printed; whoever changed the name is written by the one they chose."""
    assignment = getattr(signature, "assignment", None)
    if assignment and assignment.author.hides_printed:
        return Name(assignment.author.name)
    return Name(signature.family, signature.given, signature.suffix)
