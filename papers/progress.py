"""How far an import is, how fast it goes and how long it will take: for the terminal and the batch's page alike.

The batch keeps how far its present step was when it began and when that was, so that any process can tell the pace, and
a run that goes on after a kill is measured from where it went on. Entry point: `progress`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.humanize.templatetags.humanize import intcomma
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from .models import Batch

# A pace measured over less time than this jumps too much to be told.
_SETTLED = 1.0


@dataclass(frozen=True, slots=True)
class Progress:
    """`done` and `total` of the present step (`total` 0: not known), for people; `rate` is a second; `left` in seconds.

    None where nothing can be said yet.
    """

    done: str
    total: str
    rate: int | None
    left: timedelta | None

    @property
    def time_left(self) -> str:
        """As a phrase; "" where it is not known."""
        if self.left is None:
            return ""
        minutes = round(self.left.total_seconds() / 60)
        if minutes < 1:
            return _("less than a minute left")
        if minutes < 90:
            return ngettext("%(count)s minute left", "%(count)s minutes left", minutes) % {"count": minutes}
        hours = round(minutes / 60)
        return ngettext("%(count)s hour left", "%(count)s hours left", hours) % {"count": hours}

    @property
    def pace(self) -> str:
        """As a phrase; "" where it is not known."""
        return _("%(count)s a second") % {"count": intcomma(self.rate)} if self.rate else ""


def progress(batch: Batch, now: datetime) -> Progress:
    """How far the present step of the batch is.

    Reading is counted in bytes of the file where its size is known, and its pace is told in records: those met so far
    are taken to be as long as the ones to come.
    """
    in_bytes = batch.stage == Batch.Stage.READING and batch.step_total > 0
    shown = filesizeformat if in_bytes else intcomma
    seconds = (now - batch.step_began).total_seconds() if batch.step_began else 0.0
    moved = batch.step_done - batch.step_from
    pace = moved / seconds if seconds >= _SETTLED and moved > 0 else None
    records = batch.total / batch.step_done if in_bytes and batch.step_done else 1.0
    to_go = max(batch.step_total - batch.step_done, 0)
    return Progress(
        done=shown(batch.step_done),
        total=shown(batch.step_total) if batch.step_total else "",
        rate=round(pace * records) if pace else None,
        left=timedelta(seconds=to_go / pace) if pace and batch.step_total else None,
    )
