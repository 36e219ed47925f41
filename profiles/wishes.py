"""Wishes: works that an author misses here, asked for by arXiv identifier or DOI.

Problem: the record may not be here, fetching takes a while or fails, and a paper that is here says nothing of which
name on it is whose. Idea: a wish is kept until it is answered; how far it is follows from whether the paper is here and
what became of its import, so that nothing can be lost in between. Which name it is, is a word like any other
(`owning.review`). Entry points: `wish`, `standing`, `again`; `begin` for the worker, who fetches (`bzpeer.wishing`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from celery import current_app
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from papers import identifiers
from papers.models import Batch, Paper, Signature
from papers.names import fold, surname_key

from .models import Author, Claim, WishedWork

MOST_OPEN = 20  # wishes of a claim
SENT_AGAIN = timedelta(minutes=5)  # after which a message to a worker counts as lost
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


def standing(made: WishedWork) -> Standing:
    """How far it is now."""
    if (paper := paper_of(made)) is not None:
        if made.batch and made.batch.is_running:
            return Standing(made)  # its names are being worked out
        return Standing(made, paper, names_on(paper, made.claim.author))
    batch = made.batch
    if batch is None or batch.stage not in _ENDED:
        return Standing(made)
    where = {"where": "arXiv" if made.scheme == "arxiv" else "OpenAlex"}
    if batch.problem:
        problem = _("It could not be fetched. %(why)s") % {"why": batch.problem}
    elif refused := batch.records.exclude(reason="").values_list("reason", flat=True).first():
        problem = _("%(where)s sent a record that cannot be read: %(why)s") % {**where, "why": refused}
    else:
        problem = _("%(where)s does not know it. Look whether it is typed right.") % where
    return Standing(made, problem=problem)


def names_on(paper: Paper, author: Author) -> tuple[Name, ...]:
    """The names on a paper, those that agree with one of the author's first."""
    forms = set(author.variants.values_list("folded", "family_key", "surname_key"))
    folded, families = {form[0] for form in forms} | {fold(author.name)}, {form[1] for form in forms}
    surnames = {form[2] for form in forms} | {surname_key(author.name.split(" ")[-1])}
    initials = {form[0][:1] for form in forms} | {fold(author.name)[:1]}

    def agreement(signature: Signature) -> int:
        whole = " ".join(filter(None, (signature.given_key, signature.family_key))) in folded
        family = signature.family_key in families or signature.surname_key in surnames
        return 3 * whole + 2 * family + (family and signature.given_key[:1] in initials)

    found = list(paper.signatures.select_related("assignment__author").order_by("position"))
    found.sort(key=lambda signature: (-agreement(signature), signature.position))
    return tuple(Name(signature, agreement(signature) > 1) for signature in found)


@transaction.atomic
def close(made: WishedWork, state: str) -> None:
    """It is answered, or dropped."""
    WishedWork.objects.filter(pk=made.pk, state=WishedWork.State.OPEN).update(state=state)
