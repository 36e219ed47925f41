"""The curators' inbox: all that waits for a person, in queues, and whose case each is.

Problem: imports stop, records are refused, the matcher doubts, decisions contradict each other and readers complain,
each in a table of its own; and two curators must not work on one case unawares. Idea: a queue is a query with an order,
and says which columns name a case for good (`Kind.key`), whatever a later run recomputes; a curator who takes a case
has a row with that name. A decided case leaves its query, and so the inbox; nothing is copied. Counts stop at
`COUNTED`, so that they cost as much in a large database as in a small one. Adding a queue is a `Kind` and its name in
`KINDS`.
Entry points: `overview`, `Filters.rows`, `with_holders`, `give`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import Exists, Model, OuterRef, Q, QuerySet
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext_lazy

from papers import journal
from papers.models import Batch, BatchRecord
from papers.names import fold

from . import disputes, doubts, moderation, queue
from .decisions import curator
from .models import (
    Account,
    CaseHolder,
    Claim,
    Complaint,
    Contradiction,
    NameVariant,
    Report,
    RightsRequest,
    WorkProposal,
)

COUNTED = 1_000  # cases are counted so far; beyond, "1,000+" says enough
FIRST = 3  # cases of each queue on the overview
LISTED = 30  # cases of one queue on a page of lines
# Whose cases are shown: the words of the address.
ALL, MINE, FREE = "all", "mine", "free"


@dataclass(frozen=True, slots=True)
class Line:
    """A case in one line: what it is, what more there is to say, and where it is decided."""

    title: str
    detail: str
    address: str


@dataclass(frozen=True, slots=True)
class Kind:
    """A queue. `cases` gives the open ones, `order` what comes first, `key` the columns that name a case for good.

    `address` names the page on which they are decided one after another, "" where `line` leads to each case's own.
    `by_name` and `by_topic` narrow the cases, where that makes sense.
    """

    slug: str
    label: str | Promise
    about: str | Promise
    cases: Callable[[], QuerySet[Any]]
    line: Callable[[Any], Line]
    order: queue.Order = ("-pk", "-pk")
    key: tuple[str, ...] = ("pk",)
    address: str = ""
    by_name: Callable[[str], Q] | None = None
    by_topic: Callable[[str], Q] | None = None

    def key_of(self, case: Model) -> tuple[int, int]:
        """What names the case in `CaseHolder`: one id and 0, or two."""
        one, *other = (int(getattr(case, column)) for column in self.key)
        return one, other[0] if other else 0

    def held(self, curator: Account | None = None) -> Exists:
        """Whether a case is held, by this curator or by any."""
        columns = dict(zip(("object_id", "other_id"), map(OuterRef, self.key), strict=False))
        holders = CaseHolder.objects.filter(kind=self.slug, **columns)
        return Exists(holders.filter(curator=curator) if curator else holders)

    def find(self, one: int, other: int) -> Model | None:
        """The open case of that name, or None where it is decided."""
        return self.cases().filter(**dict(zip(self.key, (one, other), strict=False))).first()


@dataclass(frozen=True, slots=True)
class Filters:
    """What a curator wants to see. `kind` is a slug or "" for all; `held` is ALL, MINE or FREE; `name` is
    part of a person's name, `topic` the name of a topic."""

    curator: Account
    kind: str = ""
    held: str = ALL
    name: str = ""
    topic: str = ""

    @staticmethod
    def of(curator: Account, given: Mapping[str, Any], kind: str = "") -> Filters:
        """As an address gives them; what it does not know is left aside."""
        held, kind = str(given.get("held", "")), kind or str(given.get("kind", ""))
        name, topic = (str(given.get(word, "")).replace("\0", "").strip()[:200] for word in ("name", "topic"))
        return Filters(
            curator, kind if kind in BY_SLUG else "", held if held in (MINE, FREE) else ALL, fold(name) and name, topic
        )

    @property
    def words(self) -> dict[str, str]:
        """What an address needs to say of them."""
        given = {"kind": self.kind, "held": "" if self.held == ALL else self.held}
        return {key: value for key, value in (given | {"name": self.name, "topic": self.topic}).items() if value}

    @property
    def kinds(self) -> list[Kind]:
        """The queues that they speak of: one that knows no names has no case of a name."""
        wanted = [kind for kind in KINDS if self.kind in ("", kind.slug)]
        return [kind for kind in wanted if (kind.by_name or not self.name) and (kind.by_topic or not self.topic)]

    def rows(self, kind: Kind) -> QuerySet[Any]:
        """The cases of a queue that pass."""
        rows = kind.cases()
        if self.name and kind.by_name:
            rows = rows.filter(kind.by_name(fold(self.name)))
        if self.topic and kind.by_topic:
            rows = rows.filter(kind.by_topic(self.topic))
        if self.held == MINE:
            return rows.filter(kind.held(self.curator))
        return rows.exclude(kind.held()) if self.held == FREE else rows


@dataclass(slots=True)
class Case:
    """An open case on a page, and who holds it."""

    kind: Kind
    row: Any
    line: Line
    holder: CaseHolder | None = None

    @property
    def key(self) -> str:
        """As a form sends it: "34" or "12-34"."""
        one, other = self.kind.key_of(self.row)
        return f"{one}-{other}" if other else str(one)


@dataclass(slots=True)
class Section:
    """A queue on the overview: how many cases pass (at most `COUNTED`, and `more` where there are more), and some."""

    kind: Kind
    count: int
    more: bool
    cases: list[Case] = field(default_factory=list)
    following: str = ""


def overview(filters: Filters, cursor: str = "") -> list[Section]:
    """Each queue with its count and first cases, or a page of the one queue that `filters` name.

    Three queries a queue. Raises BadRequest for a cursor not made here.
    """
    sections, alone = [], bool(filters.kind)
    for kind in filters.kinds:
        rows = filters.rows(kind)
        count = rows.order_by()[: COUNTED + 1].count()
        found, following = queue.page(rows, kind.order, cursor if alone else "", LISTED if alone else FIRST)
        cases = [Case(kind, row, kind.line(row)) for row in found]
        sections.append(Section(kind, min(count, COUNTED), count > COUNTED, cases, following if alone else ""))
    with_holders(case for section in sections for case in section.cases)
    return sections


def cases_of(kind: Kind, rows: Iterable[Any]) -> list[Case]:
    """Rows of a queue as cases with their holders: one query."""
    cases = [Case(kind, row, kind.line(row)) for row in rows]
    with_holders(cases)
    return cases


def with_holders(cases: Iterable[Case]) -> None:
    """Fill in who holds the cases: one query for all of them."""
    named: defaultdict[str, dict[tuple[int, int], Case]] = defaultdict(dict)
    for case in cases:
        named[case.kind.slug][case.kind.key_of(case.row)] = case
    if not named:
        return
    wanted = Q()
    for slug, keys in named.items():
        wanted |= Q(kind=slug, object_id__in=[one for one, _other in keys])
    for holder in CaseHolder.objects.filter(wanted).select_related("curator"):
        if held := named[holder.kind].get((holder.object_id, holder.other_id)):
            held.holder = holder


def curators() -> QuerySet[Account]:
    """The accounts that a case can be given to."""
    return Account.objects.with_perm("profiles.add_correction").order_by("username")


@transaction.atomic
def give(account: Account | AnonymousUser, case: Case, to: Account | None) -> CaseHolder | None:
    """The case is `to`'s from now on, or nobody's. Returns who holds it then.

    A free case may be taken or given by any curator; a held one is given on or back by its holder, or by who may change
    accounts. Raises PermissionDenied, and ValidationError where somebody else holds it or `to` is no curator.
    """
    account = curator(account)
    if to is not None:
        try:
            curator(to)
        except PermissionDenied:
            raise ValidationError(_("%(name)s is not a curator.") % {"name": to.get_username()}) from None
    one, other = case.kind.key_of(case.row)
    named = {"kind": case.kind.slug, "object_id": one, "other_id": other}
    held = CaseHolder.objects.select_for_update(of=("self",)).select_related("curator").filter(**named).first()
    if (held.curator if held else None) == to:
        return held
    if held and held.curator != account and not account.has_perm("profiles.change_account"):
        raise ValidationError(_("%(name)s holds this case.") % {"name": held.curator.get_username()})
    if held:
        held.delete()
    made = None
    if to is not None:
        made, is_new = CaseHolder.objects.get_or_create(**named, defaults={"curator": to})
        if not is_new:  # in the moment between the two queries
            raise ValidationError(_("%(name)s holds this case.") % {"name": made.curator.get_username()})
    journal.write(
        account,
        "took" if to == account else "gave back" if to is None else "gave",
        case.row,
        case=case.line.title[:200],
        **({"to": to.get_username()} if to and to != account else {}),
    )
    return made


# --- the queues ------------------------------------------------------------------------------------------------------


def _waiting() -> QuerySet[Batch]:
    return Batch.objects.filter(stage__in=(Batch.Stage.PROPOSED, Batch.Stage.WAITING, Batch.Stage.FAILED))


def _batch(batch: Batch) -> Line:
    said = batch.problem or str(batch.get_stage_display())
    return Line(str(batch), said, reverse("batch", args=[batch.pk]))


def _refused() -> QuerySet[BatchRecord]:
    # Through the few batches that refused any: the index of records begins with the batch. What is only proposed has
    # nothing to be fixed yet.
    refusing = BatchRecord.objects.filter(batch__refused__gt=0, fate=BatchRecord.Fate.REFUSED)
    return refusing.exclude(batch__stage__in=Batch.UNAPPLIED).select_related("batch")


def _record(record: BatchRecord) -> Line:
    title = _("Record %(number)s of %(batch)s") % {"number": record.number, "batch": record.batch.label}
    return Line(title, record.reason, record.get_absolute_url())


def _pair(suggestion: Any) -> Line:
    title = _("%(one)s and %(other)s: one person?") % {"one": suggestion.left.name, "other": suggestion.right.name}
    return Line(title, suggestion.sentence, reverse("curate_compare", args=[suggestion.left_id, suggestion.right_id]))


def _printed_as(name: str) -> QuerySet[Any]:
    """Authors of whose printed names one contains `name` (folded): read from the trigram index."""
    return NameVariant.objects.filter(folded__contains=name).values("author")


def _doubtful(assignment: Any) -> Line:
    paper, author = assignment.signature.paper, assignment.author
    title = _("“%(work)s”: is it %(name)s’s?") % {"work": paper.title_text, "name": author.name}
    detail = _("printed “%(name)s”") % {"name": assignment.signature.name}
    return Line(title, detail, reverse("attribution", args=[paper.pk, author.pk]))


def _readers(assignment: Any) -> Line:
    line = _doubtful(assignment)
    said = ngettext("%(n)s reader says no", "%(n)s readers say no", assignment.readers) % {"n": assignment.readers}
    return Line(line.title, f"{said} · {line.detail}", line.address)


def _contradiction(contradiction: Contradiction) -> Line:
    # The page that begins with it: the newest come first.
    page = f"{reverse('curate_contradictions')}?after={contradiction.pk + 1}~{contradiction.pk + 1}"
    return Line(str(contradiction.get_kind_display()), contradiction.sentence, page)


def _waiting_rights() -> QuerySet[RightsRequest]:
    return RightsRequest.objects.waiting().select_related("author", "account")


def _asked(request: RightsRequest) -> Line:
    title = _("%(want)s: %(name)s") % {"want": request.get_kind_display(), "name": request.author.name}
    proof = _("proved by %(proof)s") % {"proof": request.get_proof_display()} if request.proved_at else _("not proved")
    detail = " · ".join(filter(None, (proof, request.text[:200])))
    return Line(title, detail, reverse("curate_rights_request", args=[request.pk]))


def _open_reports() -> QuerySet[Report]:
    return Report.objects.filter(state=Report.State.OPEN).select_related("author", "paper", "institution", "reporter")


def _complaints() -> QuerySet[Complaint]:
    return Complaint.objects.filter(state=Complaint.State.OPEN)


def _complaint(complaint: Complaint) -> Line:
    # Without a word of it: the inbox is read by whoever it is about, too, where that is a curator.
    about = str(moderation.ABOUT[complaint.column].said)
    return Line(str(complaint.get_kind_display()), about, reverse("curate_complaint", args=[complaint.pk]))


def _claim(claim: Claim, detail: str) -> Line:
    return Line(claim.author.name, detail, reverse("curate_claim", args=[claim.pk]))


def _report(report: Report) -> Line:
    return Line(str(report), report.text[:200], reverse("curate_report", args=[report.pk]))


def _proposals() -> QuerySet[WorkProposal]:
    waiting = WorkProposal.objects.filter(state=WorkProposal.State.OPEN, claim__state__in=Claim.LIVE)
    return waiting.select_related("claim__author", "signature__paper", "signature__assignment__author")


def _proposal(proposal: WorkProposal) -> Line:
    about = {"work": proposal.signature.paper.title_text, "name": proposal.claim.author.name}
    said = _("%(name)s says: mine, “%(work)s”") if proposal.same else _("%(name)s says: not mine, “%(work)s”")
    detail = _("printed “%(name)s”") % {"name": proposal.signature.shown_name}
    # The page that begins with it: the newest come first.
    page = f"{reverse('curate_proposals')}?after={proposal.pk + 1}~{proposal.pk + 1}"
    return Line(said % about, detail, page)


BATCHES = Kind(
    "batches",
    pgettext_lazy("inbox", "Imports"),
    gettext_lazy("Imports that wait for a decision or for a worker, or stopped before their end."),
    _waiting,
    _batch,
)
REFUSED = Kind(
    "refused",
    pgettext_lazy("inbox", "Refused records"),
    gettext_lazy("Records that no paper could be read from, of the newest imports first."),
    _refused,
    _record,
    order=("-batch_id", "number"),
)
PAIRS = Kind(
    "pairs",
    pgettext_lazy("inbox", "People"),
    gettext_lazy("Two records that may be one person, the most useful decision first."),
    queue.suggested,
    _pair,
    order=queue.BY_USEFULNESS,
    key=("left_id", "right_id"),
    address="curate_people",
    by_name=lambda name: Q(left__in=_printed_as(name)) | Q(right__in=_printed_as(name)),
)
WORKS = Kind(
    "works",
    pgettext_lazy("inbox", "Works"),
    gettext_lazy("Works that only a weak link ties to a record and that may have to be split off."),
    queue.doubtful,
    _doubtful,
    order=queue.BY_DOUBT,
    key=("signature_id",),
    address="curate_works",
    by_name=lambda name: Q(author__in=_printed_as(name)),
    by_topic=lambda topic: Q(signature__paper__topics__slug=slugify(topic)),
)
DOUBTS = Kind(
    "doubts",
    pgettext_lazy("inbox", "Doubted"),
    gettext_lazy("Works that readers say are another person’s, and that nobody has confirmed."),
    doubts.unanswered,
    _readers,
    order=queue.BY_READERS,
    key=("signature_id",),
    address="curate_doubts",
    by_name=WORKS.by_name,
    by_topic=WORKS.by_topic,
)
CONTRADICTIONS = Kind(
    "contradictions",
    pgettext_lazy("inbox", "Contradictions"),
    gettext_lazy("Statements that cannot all hold."),
    Contradiction.objects.all,
    _contradiction,
    address="curate_contradictions",
    by_name=lambda name: Q(surnames__overlap=[name, *name.split()]),
)
REPORTS = Kind(
    "reports",
    pgettext_lazy("inbox", "Reports"),
    gettext_lazy("What readers say is wrong."),
    _open_reports,
    _report,
    address="curate_reports",
    by_name=lambda name: Q(author__in=_printed_as(name)),
)
DISPUTES = Kind(
    "disputes",
    pgettext_lazy("inbox", "Disputed records"),
    gettext_lazy("Records that a second account claims: compare the proofs of both sides."),
    disputes.disputed,
    lambda claim: _claim(claim, _("claimed by a second account, which stands at L%(level)s") % {"level": claim.level}),
    by_name=lambda name: Q(author__in=_printed_as(name)),
)
CHECKS = Kind(
    "checks",
    pgettext_lazy("inbox", "Claims to check"),
    gettext_lazy("Claimants who wrote what shows that the record is theirs, and wait for a curator’s check."),
    disputes.checks,
    lambda proof: _claim(proof.claim, proof.note[:200]),
    by_name=lambda name: Q(claim__author__in=_printed_as(name)),
)
REQUESTS = Kind(
    "requests",
    pgettext_lazy("inbox", "Merges asked for"),
    gettext_lazy("Accounts that hold a record and say that a second one is theirs too."),
    disputes.requests,
    lambda claim: _claim(claim, claim.note[:200]),
    by_name=lambda name: Q(author__in=_printed_as(name)),
)
PROPOSALS = Kind(
    "proposals",
    pgettext_lazy("inbox", "Owners’ words"),
    gettext_lazy("What owners say of works and may not decide alone."),
    _proposals,
    _proposal,
    address="curate_proposals",
    by_name=lambda name: Q(claim__author__in=_printed_as(name)),
)
RIGHTS = Kind(
    "rights",
    pgettext_lazy("inbox", "Rights"),
    gettext_lazy("People who ask to have their record corrected, hidden or removed."),
    _waiting_rights,
    _asked,
    order=("pk", "pk"),
    address="curate_rights",
    by_name=lambda name: Q(author__in=_printed_as(name)),
)
COMPLAINTS = Kind(
    "complaints",
    pgettext_lazy("inbox", "Complaints"),
    gettext_lazy("Invitations, messages, reviews, comments and collections that somebody reports."),
    _complaints,
    _complaint,
    order=("pk", "pk"),
    address="curate_complaints",
)
KINDS: tuple[Kind, ...] = (
    BATCHES,
    REFUSED,
    PAIRS,
    WORKS,
    DOUBTS,
    CONTRADICTIONS,
    REPORTS,
    PROPOSALS,
    DISPUTES,
    CHECKS,
    REQUESTS,
    RIGHTS,
    COMPLAINTS,
)
BY_SLUG = {kind.slug: kind for kind in KINDS}
