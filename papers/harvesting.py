"""Harvesting: records over the network become papers, page by page, and a schedule keeps them current.

Problem: all of arXiv is two thousand pages of a minute each. Whatever ends a harvest in the middle must cost a page and
no more; the repository's token for the next page dies at midnight; and a repository may send its tokens in a circle.

Idea: a page's records and the token that follows it are written in one transaction (`papers.importing` stores them like
those of a file), so that a harvest is always exactly as far as its row says. A token that has died is given up for the
last datestamp met, where those only grew, and otherwise for the start of the pass. A pass that has ended sets the next
one's start: the day it began by the repository's own clock, less a day of overlap. Circles of any length are noticed by
keeping one earlier token (Brent 1980). Every run is a batch of at most `PAGES_A_BATCH` pages, which then goes through
the pipeline; a run that fails keeps what came, says why, and is followed by another, later and later.

Nothing here begins by itself: a harvest is configured by a person or asked for by a command.
Entry points: `run` (OAI-PMH), `complete` (what records here lack, from arXiv's API), `by_ids` and `search` (its
papers), `works` (OpenAlex).
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, QuerySet
from django.utils import timezone

from . import fetching, importing
from .fetching import Fetcher, Unfetched
from .importing import Losing, nobody
from .models import Batch, BatchRecord, Harvest, Paper, Unanswered
from .records import Numbered, Refusal
from .sources import atom, oai, openalex
from .streams import Refused, UnreadableFile

# Some 130,000 records of arXiv: what came is resolved and shown every few hours, well within a task's time limit.
PAGES_A_BATCH = 100
# All of arXiv is 2,200 pages; a list without end is stopped.
MOST_PAGES = 50_000
IDS_A_REQUEST = 100
# An id that arXiv does not know today may be announced tomorrow, but hardly after that.
ASK_AGAIN = timedelta(days=90)
_OVERLAP = timedelta(days=1)
_FIRST_REST, _LONGEST_REST = timedelta(minutes=5), timedelta(hours=12)
# arXiv's hosts redirect to each other.
_ARXIV_HOSTS = frozenset({"oaipmh.arxiv.org", "export.arxiv.org", "arxiv.org"})

_PROGRESS = (
    "token", "landmark", "since", "begun_on", "reached", "in_order", "pages", "records", "expected", "complete_until",
    "failures", "problem",
)  # fmt: skip

Report = Callable[[Batch], None]


def fetcher(endpoint: str) -> Fetcher:
    """A fetcher for the host of `endpoint` alone, at the pace that all processes share. Raises `Unfetched`."""
    host = fetching.parse(endpoint).host
    here = settings.HARVEST_LOOPBACK and fetching.is_loopback_host(host)
    return Fetcher(
        hosts=_ARXIV_HOSTS if host in _ARXIV_HOSTS else {host},
        turn=take_turn,
        allows=fetching.is_public_or_loopback if here else fetching.is_public,
    )


def take_turn(host: str) -> None:
    """Wait until `host` may be asked again, and reserve the time after that, in the row that all processes share.

    A row far in the future is a clock that was set back, and not believed.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO papers_host AS h (name, free_at)
            VALUES (%(host)s, clock_timestamp() + make_interval(secs => %(pace)s))
            ON CONFLICT (name) DO UPDATE
               SET free_at = greatest(least(h.free_at, clock_timestamp() + make_interval(secs => 20 * %(pace)s)),
                                      clock_timestamp()) + make_interval(secs => %(pace)s)
            RETURNING extract(epoch FROM free_at - clock_timestamp()) - %(pace)s
            """,
            {"host": host, "pace": settings.HARVEST_PACE},
        )
        (seconds,) = cursor.fetchone() or (0,)
    if seconds > 0:
        time.sleep(float(seconds))


# --- OAI-PMH ---------------------------------------------------------------------------------------------------------


@transaction.atomic
def begin(harvest_id: int, account: AbstractBaseUser | None = None) -> Batch:
    """The batch that goes on with a harvest: a new one, or the one that runs."""
    harvest = Harvest.objects.select_for_update().get(pk=harvest_id)
    running = harvest.batches.running().first()
    return running or Batch.objects.create(
        label=str(harvest)[:200], source="oai", harvest=harvest, created_by_id=account.pk if account else None
    )


def run(
    batch: Batch,
    report: Report = lambda batch: None,
    fetch: Fetcher | None = None,
    losing: Losing = nobody,
) -> None:
    """Go on with the batch's harvest for at most `PAGES_A_BATCH` pages; `report` is called after each.

    Raises `Unfetched` or `Refused`, with what came before kept and the next attempt set where one is worth while. A
    person's Ctrl-C counts as the former; then nothing goes on by itself but what is on a schedule.
    """
    harvest = batch.harvest
    assert harvest is not None
    batch.stage = Batch.Stage.READING
    batch.save(update_fields=["stage"])
    try:
        _pages(batch, harvest, fetch or fetcher(harvest.endpoint), report, losing)
    except (Unfetched, Refused) as error:
        again = error.transient if isinstance(error, Unfetched) else False
        _stopped(batch, str(error), again, error.pause if isinstance(error, Unfetched) else None)
        raise
    except KeyboardInterrupt:
        problem = "It was stopped by hand; the same command goes on where it was."
        _stopped(batch, problem, again=False, pause=None)
        raise Unfetched(problem) from None


def _pages(batch: Batch, harvest: Harvest, fetch: Fetcher, report: Report, losing: Losing) -> None:
    if not harvest.is_under_way:
        _begin_pass(harvest)
    given_up: set[date | None] = set()
    for _ in range(PAGES_A_BATCH):
        if harvest.until and harvest.since and harvest.since > harvest.until:
            _end_pass(harvest, timezone.now().date())
            return
        page = fetch.get(_address(harvest), lambda body: oai.page(body, timezone.now().date()))
        codes = {code for code, _message in page.errors}
        if "badResumptionToken" in codes and harvest.token:
            _without_token(harvest)
            if harvest.since in given_up:  # a token from there has died before, and it is not a day further
                raise Unfetched("The repository takes none of its own resumption tokens.", transient=True)
            given_up.add(harvest.since)
            continue
        if codes - {"noRecordsMatch"}:
            raise Refused(oai.told(page.errors))
        # The landmark is set at 1, 2, 4, 8 … pages, so that a circle of n is noticed within 3n.
        endless = bool(page.token) and page.token in (harvest.token, harvest.landmark)
        _take(batch, harvest, page, losing)
        report(batch)
        if not harvest.is_under_way:
            return
        if endless or harvest.pages >= MOST_PAGES:
            _without_token(harvest)
            raise Refused(
                f"The repository sends its resumption tokens in a circle; it was stopped after {harvest.pages:,} pages."
            )
    harvest.next_attempt = timezone.now()
    harvest.save(update_fields=["next_attempt"])


def _address(harvest: Harvest) -> str:
    asked = {"verb": "ListRecords"}
    if harvest.token:
        asked["resumptionToken"] = harvest.token  # which says all the rest, and is encoded once more on the way
    else:
        asked |= {
            "metadataPrefix": harvest.prefix,
            "set": harvest.set_spec,
            "from": harvest.since.isoformat() if harvest.since else "",
            "until": harvest.until.isoformat() if harvest.until else "",
        }
    return f"{harvest.endpoint}?{urlencode({key: value for key, value in asked.items() if value})}"


def _begin_pass(harvest: Harvest) -> None:
    """From where the last one is complete, in memory only: the first page makes it real."""
    days = [harvest.start, harvest.complete_until and harvest.complete_until - _OVERLAP]
    harvest.since = max((day for day in days if day), default=None)
    harvest.token = harvest.landmark = ""
    harvest.reached, harvest.in_order, harvest.expected = None, True, None
    harvest.pages = harvest.records = 0


@transaction.atomic
def _take(batch: Batch, harvest: Harvest, page: oai.Page, losing: Losing) -> None:
    """Store a page, and with it where the harvest then is."""
    today = timezone.now().date()
    _store(batch, page.items, losing)
    harvest.begun_on = harvest.begun_on or min(page.answered or today, today)  # their clock may be ahead of ours
    if page.first and page.last:
        harvest.in_order &= page.in_order and (harvest.reached is None or page.first >= harvest.reached)
        harvest.reached = max(filter(None, (harvest.reached, min(page.last, today))))
    harvest.pages += 1
    harvest.records += len(page.items)
    harvest.expected = page.total or harvest.expected
    harvest.failures, harvest.problem = 0, ""
    if not page.token:
        _end_pass(harvest, harvest.begun_on)
        batch.stage = Batch.Stage.RESOLVING  # so that who takes the batch up again begins no further pass
        batch.save(update_fields=["stage"])
        return
    if harvest.pages & (harvest.pages - 1) == 0:
        harvest.landmark = page.token
    harvest.token = page.token
    _save(harvest)


def _without_token(harvest: Harvest) -> None:
    """Ask by date again: from the last datestamp met, if all before it has come."""
    if harvest.in_order and harvest.reached:
        harvest.since = harvest.reached
    harvest.token = harvest.landmark = ""
    _save(harvest)


def _end_pass(harvest: Harvest, complete_until: date) -> None:
    harvest.complete_until, harvest.begun_on = complete_until, None
    harvest.token = harvest.landmark = harvest.problem = ""
    harvest.failures = 0
    harvest.refresh_from_db(fields=["every_hours"])
    harvest.next_attempt = timezone.now() + timedelta(hours=harvest.every_hours) if harvest.every_hours else None
    _save(harvest, "next_attempt")


def _save(harvest: Harvest, *more: str) -> None:
    """Write where it is; what staff may be editing meanwhile is theirs."""
    harvest.save(update_fields=[*_PROGRESS, *more])


def _stopped(batch: Batch, problem: str, again: bool, pause: float | None) -> None:
    """Note why, and when to try again; what the page that failed had changed in memory is forgotten."""
    batch.refresh_from_db()
    harvest = batch.harvest
    assert harvest is not None
    rest = min(_FIRST_REST * 2 ** min(harvest.failures, 10), _LONGEST_REST)
    rest = max(rest, timedelta(seconds=min(pause or 0, 86_400)))  # no longer than a day, whatever was asked for
    regular = timedelta(hours=harvest.every_hours) if harvest.every_hours else None
    # Without a schedule, only what has begun to come is gone after: an address that never answered may be mistyped.
    wait = rest if again and (regular or harvest.is_under_way) else regular
    Harvest.objects.filter(pk=harvest.pk).update(
        problem=problem, failures=F("failures") + 1, next_attempt=timezone.now() + wait if wait else None
    )


def _store(batch: Batch, items: Iterable[Numbered | Refusal], losing: Losing) -> None:
    """Store items that are numbered from 1, after those that the batch has."""
    before = batch.checkpoint
    importing.store(batch, [replace(item, number=before + item.number) for item in items], losing)


# --- arXiv's API -----------------------------------------------------------------------------------------------------


def lacking() -> QuerySet[Paper]:
    """Papers of arXiv whose abstract is not known here and that the API was not asked about in vain lately."""
    in_vain = Unanswered.objects.filter(paper=OuterRef("pk"), asked_at__gt=timezone.now() - ASK_AGAIN)
    return Paper.objects.filter(~Exists(in_vain), abstract="", arxiv_id__isnull=False)


def complete(batch: Batch, report: Report, fetch: Fetcher, first: str = "", losing: Losing = nobody) -> None:
    """Ask arXiv's API about everything that `lacking` finds, the papers of batches labelled `first` before the others.

    Each answer is stored with the note of which papers it did not complete, so that nothing is asked twice whenever it
    is ended. Raises `Unfetched`.
    """
    with _by_hand(batch):
        for papers in _hundreds(first):
            found = _answers(fetch, list(papers.values()))
            with transaction.atomic():
                _store(batch, found, losing)
                _note_unanswered(papers)
            report(batch)


def by_ids(batch: Batch, report: Report, fetch: Fetcher, ids: list[str], losing: Losing = nobody) -> None:
    """The papers of these arXiv identifiers, as far as the API knows them. Raises `Unfetched`."""
    with _by_hand(batch):
        for at in range(0, len(ids), IDS_A_REQUEST):
            _store(batch, _answers(fetch, ids[at : at + IDS_A_REQUEST]), losing)
            report(batch)


def search(batch: Batch, report: Report, fetch: Fetcher, query: str, losing: Losing = nobody) -> None:
    """All papers that a query of the API finds, the first sent in first. Raises `Unfetched` or `Refused`."""
    with _by_hand(batch):
        start, total = 0, 1
        while start < total:
            asked = {"search_query": query, "sortBy": "submittedDate", "sortOrder": "ascending", "start": str(start)}
            page = _ask(fetch, asked | {"max_results": str(IDS_A_REQUEST)})
            _store(batch, page.items, losing)
            start, total = start + IDS_A_REQUEST, page.total
            report(batch)


@contextmanager
def _by_hand(batch: Batch) -> Iterator[None]:
    """Ctrl-C ends the reading, not what is to become of what was read."""
    batch.stage = Batch.Stage.READING
    batch.save(update_fields=["stage"])
    try:
        yield
    except KeyboardInterrupt:
        batch.refresh_from_db()
        raise Unfetched("It was stopped by hand; the same command goes on where it was.") from None


def _hundreds(first: str) -> Iterator[dict[int, str]]:
    """What is lacking, as arXiv identifiers by paper, a request's worth at a time."""
    of_first = BatchRecord.objects.filter(batch__label=first, paper__isnull=False)
    for papers in (lacking().filter(pk__in=of_first.values("paper")), lacking()):
        last = 0
        while found := dict(papers.filter(pk__gt=last).order_by("pk").values_list("pk", "arxiv_id")[:IDS_A_REQUEST]):
            last = max(found)
            yield {pk: arxiv_id for pk, arxiv_id in found.items() if arxiv_id}


def _note_unanswered(papers: dict[int, str]) -> None:
    now = timezone.now()
    still = Paper.objects.filter(pk__in=papers, abstract="").values_list("pk", flat=True)
    Unanswered.objects.bulk_create(
        [Unanswered(paper_id=pk, asked_at=now) for pk in still],
        update_conflicts=True,
        unique_fields=["paper"],
        update_fields=["asked_at"],
    )


def _answers(fetch: Fetcher, ids: list[str]) -> list[Numbered | Refusal]:
    """What the API has of these papers. It refuses a list as a whole for one id, so a refused list is halved."""
    try:
        return list(_ask(fetch, {"id_list": ",".join(ids), "max_results": str(len(ids))}).items)
    except Refused:
        if len(ids) == 1:
            return []
    half = len(ids) // 2
    found = [*_answers(fetch, ids[:half]), *_answers(fetch, ids[half:])]
    return [replace(item, number=number) for number, item in enumerate(found, 1)]


def _ask(fetch: Fetcher, asked: dict[str, str]) -> atom.Page:
    def read(body: bytes) -> atom.Page:
        page = atom.page(body, timezone.now().date())
        if not page.items and page.total > int(asked.get("start", "0")):
            raise UnreadableFile("arXiv's API sent an empty page of a list that is longer.")  # it does, now and then
        return page

    # Status 400 comes with the reason.
    return fetch.get(f"{settings.HARVEST_ATOM}?{urlencode(asked)}", read, also={400})


# --- OpenAlex --------------------------------------------------------------------------------------------------------


def works(batch: Batch, report: Report, fetch: Fetcher, wanted: str, losing: Losing = nobody) -> None:
    """All works that a filter of OpenAlex finds. Raises `Unfetched` or `Refused`.

    A list cuts the authors of large teams; each such work is asked for by itself, which gives all of them.
    """
    with _by_hand(batch):
        cursor = "*"
        for _ in range(MOST_PAGES):
            asked = urlencode({"filter": wanted, "per-page": str(IDS_A_REQUEST), "cursor": cursor})
            page = fetch.get(f"{settings.HARVEST_OPENALEX}?{asked}", _works, also={400})
            items = [
                _uncut(fetch, item, page.cut[item.number]) if item.number in page.cut else item for item in page.items
            ]
            _store(batch, items, losing)
            report(batch)
            cursor = page.following
            if not cursor or not items:
                return


def _works(body: bytes) -> openalex.Page:
    return openalex.page(body, timezone.now().date())


def _uncut(fetch: Fetcher, refused: Numbered | Refusal, work: str) -> Numbered | Refusal:
    """The whole work in place of the cut one, or its refusal where it does not come."""

    def read(body: bytes) -> Numbered | Refusal:
        return next(openalex.read(io.BytesIO(body), timezone.now().date()), refused)

    try:
        return replace(fetch.get(f"{settings.HARVEST_OPENALEX}/{work}", read), number=refused.number)
    except Unfetched as error:
        if error.transient:
            raise
        return refused
