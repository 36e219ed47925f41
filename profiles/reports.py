"""Reports: a reader says what is wrong on a page, and a curator answers.

Problem: who sees a mistake is seldom who may correct it, and an open door invites floods. Idea: anyone may report, a
visitor a few times an hour from one address (an IPv6 network of 64 bits counts as one), and nothing on the page changes
until a curator acts; closing a report needs a sentence, which the reporter can read. Entry points: `allow`, `submit`,
`close`; `kinds_of` says what can be wrong with what.
"""

from __future__ import annotations

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from papers import journal, limits
from papers.models import Institution, Paper

from .models import Account, Author, Report

LONGEST = 2_000  # characters of a report and of its answer

Subject = Author | Paper | Institution
_OF_PLACES = (Report.Kind.WRONG_FORM, Report.Kind.SAME_PLACE)
_OF_ALL = (Report.Kind.WRONG_FACT, Report.Kind.OTHER)


def kinds_of(subject: Subject) -> list[Report.Kind]:
    """What can be wrong there."""
    if isinstance(subject, Institution):
        return [*_OF_PLACES, *_OF_ALL]
    return [kind for kind in Report.Kind if kind not in _OF_PLACES]


def limit_of(account: Account | AnonymousUser) -> int:
    """Reports an hour that this one may send."""
    return limits.LIMITS["report" if account.is_authenticated else "report_visitor"][0].most


def allow(request: HttpRequest) -> float | None:
    """Count one report of whoever asks: None, or the seconds to wait where the hour's are used up."""
    return limits.take("report" if request.user.is_authenticated else "report_visitor", limits.who(request))


def submit(subject: Subject, kind: str, text: str, reporter: Account | AnonymousUser | None) -> Report:
    """Keep a report about what a page shows, for the inbox; a visitor's has no reporter."""
    return Report.objects.create(
        author=subject if isinstance(subject, Author) else None,
        paper=subject if isinstance(subject, Paper) else None,
        institution=subject if isinstance(subject, Institution) else None,
        kind=kind,
        text=text,
        reporter=reporter if isinstance(reporter, Account) else None,
    )


@transaction.atomic
def close(report: Report, account: Account | AnonymousUser, answer: str) -> Report:
    """Close it with an answer. Raises PermissionDenied, and ValidationError without an answer or where it is closed."""
    if not (isinstance(account, Account) and account.has_perm("profiles.change_report")):
        raise PermissionDenied("Only curators answer reports.")
    answer = answer.strip()
    if not answer:
        raise ValidationError(_("Say in a sentence what was done, or why nothing was: the reporter reads it."))
    if len(answer) > LONGEST:
        raise ValidationError(_("An answer has at most %(n)d characters.") % {"n": LONGEST})
    report = Report.objects.select_for_update(of=("self",)).get(pk=report.pk)
    if not report.is_open:
        raise ValidationError(_("This report was closed meanwhile."))
    report.state, report.answer = Report.State.CLOSED, answer
    report.closed_by, report.closed_at = account, timezone.now()
    report.save(update_fields=["state", "answer", "closed_by", "closed_at"])
    journal.write(account, "closed", report, answer=answer)
    return report
