"""Attestation: a coauthor whose own control is proved says that the account of the claimant wrote a work with them.

Problem: whoever can make accounts can make witnesses. Idea: only coauthors by the records are asked, by one letter with
a fixed text, and their word counts while they hold their own record at level 3 or above, which no attestation gives:
a strong proof or a curator does. The bound: of k accounts without such a proof, whatever they attest to each other,
every one stays at level 2, without a badge, and adds nothing to trust; of accounts with one, attestations add at most
10 points of trust (2 each) and lift level 3 to 4, where two of them speak of two different papers. An attester may take
the word back at any time. Entry points: `KIND`; `asked_of`, `attest`, `decline`, `take_back` for the coauthor.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from papers import limits
from papers.models import Signature

from .. import letters, powers, resolving
from ..models import Account, Assignment, Author, Claim, Proof
from .kind import Kind, Offer, Route, offered

SLUG = "attestation"
MOST_WAITING = 10  # coauthors asked at a time and not heard yet: two are enough
AGAIN = timedelta(days=90)  # nobody is asked twice in that time by one account, nor is an open question older
MOST_OFFERED = 100  # coauthors to choose from
MOST_SHARED = 2_000  # names on shared papers that these are looked for among, the newest first


# --- the claimant ----------------------------------------------------------------------------------------------------


def _offers(claim: Claim) -> Sequence[Offer]:
    """Each coauthor with control of their own record, by the newest paper that no coauthor before them is asked about:
    two words about different papers count more than about one."""
    told = claim.proofs.filter(kind=SLUG, state__in=(Proof.State.BEGUN, Proof.State.VALID))
    used = set(told.values_list("paper", flat=True))
    papers: dict[Author, list[Assignment]] = {}
    for assignment in _beside(claim)[:MOST_SHARED]:
        papers.setdefault(assignment.author, []).append(assignment)
    offers = []
    for author, shared in list(papers.items())[:MOST_OFFERED]:
        chosen = next((each for each in shared if each.signature.paper_id not in used), shared[0]).signature.paper
        used.add(chosen.pk)
        offers.append(Offer(str(author.pk), author.name, chosen))
    return offers


def _beside(claim: Claim) -> QuerySet[Assignment]:
    """Names beside the claimant's on papers, both surely attributed, of people who can attest; newest paper first."""
    shared = Assignment.objects.filter(author=claim.author_id).surely().values("signature__paper")
    able = Claim.objects.controlling().filter(account__is_active=True)
    beside = (
        Assignment.objects.surely()
        .filter(
            signature__paper__in=shared,
            author__in=able.exclude(account=claim.account_id).values("author"),
            author__visibility=Author.Visibility.PUBLIC,
        )
        .exclude(author=claim.author_id)
    )
    newest = Coalesce("signature__paper__updated", "signature__paper__created").desc(nulls_last=True)
    return beside.select_related("author", "signature__paper").order_by(newest, "-signature__paper", "author")


@transaction.atomic
def _begin(claim: Claim, subject: str, now: datetime) -> Proof:
    """Ask the coauthor (an author's id) by a letter. Raises ValidationError where that is not, or not yet, possible."""
    claim = Claim.objects.select_for_update(of=("self",), no_key=True).select_related("author").get(pk=claim.pk)
    offer = offered(_offers(claim), subject)
    if offer is None or offer.paper is None:
        raise ValidationError(_("Only coauthors who proved control of their own record can be asked."))
    coauthor = Author.objects.select_related("account").get(pk=int(subject))
    asked = Proof.objects.filter(kind=SLUG, claim__account=claim.account_id)
    last = asked.filter(author=coauthor, begun_at__gt=now - AGAIN).order_by("begun_at").last()
    if last is not None:
        when = date_format((last.begun_at + AGAIN).date(), "DATE_FORMAT")
        raise ValidationError(
            _("You have asked %(name)s already. You can ask again from %(when)s.") % {"name": coauthor, "when": when}
        )
    waiting = asked.filter(state=Proof.State.BEGUN)
    waiting.filter(claim=claim, begun_at__lte=now - AGAIN).update(state=Proof.State.WITHDRAWN, ended_at=now)
    if waiting.count() >= MOST_WAITING:
        raise ValidationError(_("%(n)s coauthors have not answered yet. Wait for one of them.") % {"n": MOST_WAITING})
    if (wait := limits.take("attestation", f"account {claim.account_id}")) is not None:
        raise ValidationError(
            _("You have asked enough people for now. Try again %(when)s.") % {"when": limits.words(wait)}
        )
    proof = Proof.objects.create(claim=claim, kind=SLUG, subject=subject, author=coauthor, paper=offer.paper)
    context = {"proof": proof, "path": reverse("attestation", args=[proof.pk])}
    if coauthor.account is not None:
        letters.write(coauthor.account, "attestation_asked", context)
    return proof


def _complete(proof: Proof, sent: Mapping[str, str], now: datetime) -> bool:
    """Nothing that the claimant sends proves it: the coauthor's word does."""
    raise ValidationError(_("%(name)s has not answered yet.") % {"name": proof.author})


# --- the coauthor ----------------------------------------------------------------------------------------------------


def asked_of(account: Account) -> QuerySet[Proof]:
    """What the account is asked to attest, and what it answered: nothing else of anybody's claim."""
    open_now = Q(state=Proof.State.BEGUN, author__account=account, claim__state__in=Claim.LIVE)
    found = Proof.objects.filter(open_now | Q(by=account), kind=SLUG).exclude(claim__account=account)
    return found.select_related("claim__author", "claim__account", "author", "paper")


def attest(proof: Proof, account: Account, now: datetime) -> None:
    """The coauthor says so. Raises PermissionDenied for who does not control the record of the one who is asked, and
    ValidationError where there is nothing to attest any more."""
    from .. import claims  # it knows all kinds

    with transaction.atomic():
        _answering(proof, account)
        if not _beside(proof.claim).filter(author=proof.author, signature__paper=proof.paper).exists():
            raise ValidationError(_("The records do not show this paper as a work of you both any more."))
        claims.prove(proof, now, account)
        _resolved(proof)


def decline(proof: Proof, account: Account, now: datetime) -> None:
    """The coauthor does not say so. Raises as `attest` does."""
    from .. import claims

    if proof.state != Proof.State.BEGUN:
        raise ValidationError(_("You have answered already."))
    with transaction.atomic():
        _answering(proof, account)
        claims.refuse(proof, account, now)


def take_back(proof: Proof, account: Account, now: datetime) -> None:
    """Who gave the word takes it back, also without control of a record. Twice, nothing changes."""
    from .. import claims

    if proof.by_id != account.pk:
        raise PermissionDenied(_("Only who gave this word can take it back."))
    with transaction.atomic():
        claims.withdraw(proof, account, now)
        _resolved(proof)


def _answering(proof: Proof, account: Account) -> None:
    """Raises PermissionDenied for who may not answer."""
    if proof.author is None:
        raise ValidationError(_("There is nothing to attest any more."))
    powers.owner(account, proof.author)


def _resolved(proof: Proof) -> None:
    """Let the state of the attested work follow (`rulings.Rulings.confirmed`), and what is computed of it."""
    from .. import claims

    mine = Signature.objects.filter(assignment__author=proof.claim.author_id, paper=proof.paper)
    for unit in resolving.related(mine.values_list("surname_key", flat=True)):
        resolving.resolve(unit)
    claims.refresh_soon([proof.claim.author_id])


KIND = Kind(
    slug=SLUG,
    label=pgettext_lazy("proof", "The word of a coauthor"),
    about=gettext_lazy("A coauthor who proved control of their own record says that you wrote a paper with them."),
    route=Route.ATTESTED,
    offers=_offers,
    begin=_begin,
    complete=_complete,
    template="profiles/proofs/attestation.html",
    without=gettext_lazy("None of your coauthors has proved control of their own record yet."),
)
