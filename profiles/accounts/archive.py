"""Everything of an account in one archive: `bzpeer.json`, and `works.bib` of the works on its record.

Entry point: `archive`.
"""

from __future__ import annotations

import json
import zipfile
from datetime import datetime
from tempfile import SpooledTemporaryFile
from typing import IO, Any

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder

from papers.exports import FORMATS, streamed
from papers.models import Paper, PaperQuerySet
from profiles.models import Account, Author

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
        made.writestr("works.bib", "".join(FORMATS["bib"].write(streamed(works_of(author)))) if author else "")
    file.seek(0)
    return file


def works_of(author: Author) -> PaperQuerySet:
    """The works on the author's record."""
    return Paper.objects.filter(pk__in=author.assignments.standing().values("signature__paper"))
