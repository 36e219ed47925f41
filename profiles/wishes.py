"""Wishes: works that an author misses here, asked for by arXiv identifier or DOI.

Problem: the record may not be here, fetching takes a while or fails, and a paper that is here says nothing of which
name on it is whose. Idea: a wish is kept until it is answered; how far it is follows from whether the paper is here and
what became of its import, so that nothing can be lost in between. Which name it is, is a word like any other
(`owning.review`). Entry points: `wish`, `standings`, `again`; `begin` for the worker, who fetches (`bzpeer.wishing`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from celery import current_app
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Prefetch, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from papers import identifiers
from papers.models import Batch, BatchRecord, Paper, Signature
from papers.names import fold, surname_key

from .models import Author, Claim, WishedWork

MOST_OPEN = 20  # wishes of a claim
SENT_AGAIN = timedelta(minutes=5)  # after which a message to a worker counts as lost
_COLUMNS = {"arxiv": "arxiv_id", "doi": "doi"}
_ENDED = (Batch.Stage.FAILED, Batch.Stage.DONE, Batch.Stage.UNDONE)


def read(text: str) -> tuple[str, str]:
    """(scheme, value) of what was typed: an identifier or an address that holds one. Raises ValidationError."""
    text = text.strip()
    if value := identifiers.arxiv_id(text):
        return "arxiv", value
    if value := identifiers.doi(text):
        if set(value) & set(",|!"):  # which would be operators of what OpenAlex is asked
            raise ValidationError(_("This DOI holds a sign that cannot be asked for. Try the arXiv identifier."))
        return "doi", value
    raise ValidationError(
        _("This is no arXiv identifier and no DOI. Type one such as 2106.00221 or 10.1109/5.771073, or its address.")
    )


def paper_of(wish: WishedWork) -> Paper | None:
    """The paper, where it is here."""
    papers = Paper.objects.order_by("pk")
    return (
        papers.filter(arxiv_id=wish.value).first() if wish.scheme == "arxiv" else papers.filter(doi=wish.value).first()
    )


@transaction.atomic
def wish(claim: Claim, text: str) -> WishedWork:
    """Keep the wish, and have it fetched where the paper is not here; wished twice, it is one.

    Raises ValidationError for what is no identifier, and beyond `MOST_OPEN`.
    """
    scheme, value = read(text)
    if (known := claim.wishes.filter(scheme=scheme, value=value, state=WishedWork.State.OPEN).first()) is not None:
        return known
    if claim.wishes.filter(state=WishedWork.State.OPEN).count() >= MOST_OPEN:
        raise ValidationError(
            _("At most %(n)s works can wait at a time. Answer or drop some first.") % {"n": MOST_OPEN}
        )
    made = WishedWork.objects.create(claim=claim, scheme=scheme, value=value)
    if paper_of(made) is None:
        _send(made)
    return made


@transaction.atomic
def again(made: WishedWork) -> None:
    """Have it fetched once more, where the last try has ended."""
    made = WishedWork.objects.select_for_update(of=("self",)).select_related("batch").get(pk=made.pk)
    if made.state == WishedWork.State.OPEN and not (made.batch and made.batch.is_running) and paper_of(made) is None:
        made.batch = None
        made.save(update_fields=["batch"])
        _send(made)


def unsent() -> QuerySet[WishedWork]:
    """Those that no worker has taken up and whose message may be lost."""
    return WishedWork.objects.filter(state=WishedWork.State.OPEN, batch=None, made_at__lt=timezone.now() - SENT_AGAIN)


@transaction.atomic
def begin(pk: int) -> WishedWork | None:
    """Give the wish the batch that fetches it; None where another worker did, or nothing is to be fetched."""
    made = WishedWork.objects.select_for_update().filter(pk=pk, state=WishedWork.State.OPEN, batch=None).first()
    if made is None or paper_of(made) is not None:
        return None
    made.batch = Batch.objects.create(
        label=f"a missing work: {made}"[:200], source="atom" if made.scheme == "arxiv" else "openalex"
    )
    made.save(update_fields=["batch"])
    return made


def _send(made: WishedWork) -> None:
    # By name: the pipeline stands above this app.
    transaction.on_commit(lambda: current_app.send_task("bzpeer.fetch_work", [made.pk]))


@dataclass(frozen=True, slots=True)
class Name:
    """A printed name that may be the wisher's; `likely` where it agrees with a name of theirs."""

    signature: Signature
    likely: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a wish is: the `paper` with its `names`, or a `problem` as a sentence, or neither while it is fetched."""

    wish: WishedWork
    paper: Paper | None = None
    names: tuple[Name, ...] = ()
    problem: str = ""


def standings(claim: Claim) -> list[Standing]:
    """How far the open wishes are, the newest first: as many queries for twenty as for one."""
    made = list(claim.wishes.filter(state=WishedWork.State.OPEN).select_related("batch").order_by("-pk"))
    names = Prefetch("signatures", Signature.objects.select_related("assignment__author").order_by("position"))
    papers: dict[tuple[str, str], Paper] = {}
    for scheme, column in _COLUMNS.items():
        wanted = [wish.value for wish in made if wish.scheme == scheme]
        # Of several papers with one DOI the first counts, as in `paper_of`.
        for paper in Paper.objects.filter(**{f"{column}__in": wanted}).order_by("-pk").prefetch_related(names):
            papers[scheme, getattr(paper, column)] = paper
    told = BatchRecord.objects.filter(batch__in=[wish.batch_id for wish in made if wish.batch_id]).exclude(reason="")
    refused = dict(told.order_by("-pk").values_list("batch", "reason"))
    agreement = _agreement(claim.author)
    return [
        _standing(wish, papers.get((wish.scheme, wish.value)), refused.get(wish.batch_id or 0, ""), agreement)
        for wish in made
    ]


def _standing(made: WishedWork, paper: Paper | None, refused: str, agreement: Callable[[Signature], int]) -> Standing:
    batch = made.batch
    if batch is not None and batch.is_running:
        return Standing(made)  # its names are being worked out
    if paper is not None:
        ranked = sorted(paper.signatures.all(), key=lambda signature: (-agreement(signature), signature.position))
        return Standing(made, paper, tuple(Name(signature, agreement(signature) > 1) for signature in ranked))
    if batch is None or batch.stage not in _ENDED:
        return Standing(made)
    where = {"where": "arXiv" if made.scheme == "arxiv" else "OpenAlex"}
    if batch.problem:
        problem = _("It could not be fetched. %(why)s") % {"why": batch.problem}
    elif refused:
        problem = _("%(where)s sent a record that cannot be read: %(why)s") % {**where, "why": refused}
    else:
        problem = _("%(where)s does not know it. Look whether it is typed right.") % where
    return Standing(made, problem=problem)


def _agreement(author: Author) -> Callable[[Signature], int]:
    """How well a printed name agrees with those of the author: 0 not at all, above 1 by the family name."""
    forms = set(author.variants.values_list("folded", "family_key", "surname_key"))
    folded, families = {form[0] for form in forms} | {fold(author.name)}, {form[1] for form in forms}
    surnames = {form[2] for form in forms} | {surname_key(author.name.split(" ")[-1])}
    initials = {form[0][:1] for form in forms} | {fold(author.name)[:1]}

    def agreement(signature: Signature) -> int:
        whole = " ".join(filter(None, (signature.given_key, signature.family_key))) in folded
        family = signature.family_key in families or signature.surname_key in surnames
        return 3 * whole + 2 * family + (family and signature.given_key[:1] in initials)

    return agreement


@transaction.atomic
def close(made: WishedWork, state: str) -> None:
    """It is answered, or dropped."""
    WishedWork.objects.filter(pk=made.pk, state=WishedWork.State.OPEN).update(state=state)
