"""What the pages of a claim show: where it stands, the works to answer, the proofs that are open. Nothing is written.

Entry points: `around` for every page, `standing` for the status page, `works_page` and `rest` for step 1.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from papers.models import Signature
from papers.paging import newest

from . import claims, grounds, levels, powers, proofs
from .models import Assignment, Author, Claim, ClaimMark, Correction, Proof
from .proofs.coded import masked
from .proofs.kind import Kind, Offer

PAGE = 50  # works of step 1 on a page
COAUTHORS = 4  # named under a work
MOST_REST = 20_000  # works that "all the rest are mine" answers at once


@dataclass(slots=True)
class Way:
    """A kind of proof as the status page shows it: what it is worth, what can be used, and the proofs of it."""

    kind: Kind
    worth: str
    offers: list[tuple[str, Offer]] = field(default_factory=list)  # the key that a form sends, and the offer
    given: list[Proof] = field(default_factory=list)


def around(claim: Claim, step: int = 0) -> dict[str, Any]:
    """What each page of a claim says: the claim, its author, and the step bar. `step` is the one shown."""
    step = step or {Claim.State.BEGUN: 1}.get(Claim.State(claim.state), 3 if claim.level >= levels.CONTROLLED else 2)
    held = claim.state in (Claim.State.HELD, Claim.State.DISPUTED)
    done = {1: held, 2: held and claim.level >= levels.CONTROLLED}
    names = ((1, _("Which works are mine?")), (2, _("Prove it")), (3, _("Result")))
    steps = [{"number": n, "name": name, "done": done.get(n, False), "here": n == step} for n, name in names]
    return {"claim": claim, "author": claim.author, "steps": steps}


def standing(claim: Claim, now: datetime) -> dict[str, Any]:
    """The status page: the level and what is missing for more, each way to prove it, the history, and dates."""
    is_live, on_it = claim.is_live, claim.state in (Claim.State.HELD, Claim.State.DISPUTED)
    left = grounds.unreviewed(claim.author_id) if on_it else 0
    found = list(claim.proofs.select_related("paper", "author", "by").order_by("pk"))
    events = list(claim.events.select_related("proof", "by").order_by("-pk"))
    for event in events:
        event.label = claims.VERBS.get(event.what, event.what)  # type: ignore[attr-defined]
        event.kind = proofs.BY_SLUG.get(event.proof.kind) if event.proof else None  # type: ignore[attr-defined]
        event.by_curator = event.by_id is not None and event.by_id != claim.account_id  # type: ignore[attr-defined]
    return {
        "meaning": _MEANING.get(claim.level, ""),
        "missing": levels.missing(grounds.given(claim, now), left) if on_it else [],
        "unreviewed": left,
        "marked": claim.marks.count(),
        "ways": [_way(kind, claim, found) for kind in proofs.KINDS] if on_it else [],
        "ended_proofs": [shown(proof) for proof in found if proof.state in _ENDED],
        "events": events,
        "frozen": claim.state == Claim.State.HELD and powers.is_frozen(claim),
        "free": claim.state == Claim.State.DISPUTED and claim.author.account_id is None,
        "other": claims.other_of(claim.account, claim.author) if is_live else None,
        "lapses_at": _lapses_at(claim, found),
        "orcid_is_on": bool(getattr(settings, "ORCID_CLIENT_ID", "")),
    }


_MEANING = {
    levels.HELD: "Held by an account with a confirmed address. Nothing proves yet that the record is yours.",
    levels.CONTROLLED: "You proved control of this record. What you say of its works holds at once.",
    levels.REVIEWED: "Proved twice, and every work is reviewed.",
    levels.CHECKED: "Proved twice, every work reviewed, and checked by a curator.",
}
_WORTH = {
    levels.Route.STRONG: "Strong: proves control by itself (level 3).",
    levels.Route.WEAK: "Weak: supports the record, raises no level.",
    levels.Route.ATTESTED: "Beside a strong proof, two of these give level 4.",
    levels.Route.CHECKED: "Stands in for a strong proof where you have none; needed for level 5.",
}
_ENDED = (Proof.State.REFUSED, Proof.State.WITHDRAWN, Proof.State.EXPIRED)


def _way(kind: Kind, claim: Claim, found: list[Proof]) -> Way:
    given = [shown(proof) for proof in found if proof.kind == kind.slug and proof.state not in _ENDED]
    used = {proof.subject for proof in given}
    offers = [(key_of(offer), offer) for offer in kind.offers(claim) if offer.subject not in used]
    return Way(kind, _WORTH[kind.route], offers, given)


def shown(proof: Proof) -> Proof:
    """The proof with its kind and with what it rests on, for the claimant's page: a printed address is masked."""
    kind = proofs.BY_SLUG.get(proof.kind)
    proof.of_kind = kind  # type: ignore[attr-defined]
    hides = "@" in proof.subject and not (kind and kind.typed)
    proof.shown = masked(proof.subject) if hides else proof.subject  # type: ignore[attr-defined]
    return proof


def key_of(offer: Offer) -> str:
    """What a form sends for an offer: its subject may be an address that the page only shows masked."""
    return salted_hmac("profiles.claimed offer", offer.subject, algorithm="sha256").hexdigest()[:24]


def _lapses_at(claim: Claim, found: list[Proof]) -> datetime | None:
    """When the claim ends if nothing proves it."""
    if claim.state != Claim.State.HELD or claim.held_at is None:
        return None
    if any(proof.state == Proof.State.VALID for proof in found):
        return None
    ended: list[datetime] = [proof.ended_at for proof in found if proof.ended_at is not None]
    since: timedelta = claims.UNPROVED
    return max([claim.held_at, *ended]) + since


# --- step 1 -----------------------------------------------------------------------------------------------------------


def works_page(claim: Claim, cursor: str, perhaps: bool) -> dict[str, Any]:
    """A page of works with their answers: the record's, or those of records that may be the claimant's too."""
    rows = perhaps_yours(claim) if perhaps else on_record(claim)
    found, following = newest(
        rows.select_related("signature__paper", "author"), cursor, path="signature__paper__", size=PAGE
    )
    signatures = [row.signature_id for row in found]
    marks = dict(claim.marks.filter(signature__in=signatures).values_list("signature", "answer"))
    decided = claim.author.corrections.live().filter(signature__in=signatures, kind=Correction.Kind.ATTRIBUTION)
    said = {
        signature: ClaimMark.Answer.MINE if same else ClaimMark.Answer.NOT_MINE
        for signature, same in decided.values_list("signature", "same")
    }
    beside: dict[int, list[str]] = {}
    others = Signature.objects.filter(paper__in=[row.signature.paper_id for row in found]).exclude(pk__in=signatures)
    for signature in others.select_related("assignment__author").order_by("paper", "position"):
        beside.setdefault(signature.paper_id, []).append(signature.shown_name)
    for row in found:
        names = beside.get(row.signature.paper_id, [])
        row.coauthors, row.more_coauthors = names[:COAUTHORS], max(len(names) - COAUTHORS, 0)  # type: ignore[attr-defined]
        row.answer = marks.get(row.signature_id, said.get(row.signature_id, ""))  # type: ignore[attr-defined]
    total = on_record(claim).count()
    return {
        "works": found,
        "following": following,
        "cursor": cursor,
        "perhaps": perhaps,
        "answers": ClaimMark.Answer.choices,
        "total": total,
        "answered": total - unanswered(claim).count(),
        "others": perhaps_yours(claim).count(),
    }


def on_record(claim: Claim) -> QuerySet[Assignment]:
    """The works that stand on the record."""
    return Assignment.objects.filter(author=claim.author_id).standing()


def perhaps_yours(claim: Claim) -> QuerySet[Assignment]:
    """Works of unclaimed records that may be the claimant's too."""
    near = Author.objects.filter(grounds.perhaps(claim))
    return Assignment.objects.filter(author__in=near).standing()


def unanswered(claim: Claim) -> QuerySet[Assignment]:
    """The record's works of which the claimant has said nothing."""
    marked = ClaimMark.objects.filter(claim=claim, signature=OuterRef("signature"))
    return on_record(claim).exclude(Exists(marked)).exclude(grounds.reviewed(claim.author_id))


def rest(claim: Claim) -> dict[int, str]:
    """All the rest are mine: that answer for every work of the record that has none."""
    found = unanswered(claim).values_list("signature", flat=True)[:MOST_REST]
    return dict.fromkeys(found, ClaimMark.Answer.MINE.value)
