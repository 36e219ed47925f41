"""Rights without an account: whoever a record is about can have it corrected, hidden or removed.

Problem: who wants to be taken off does not want an account first, and nobody may take off somebody else. Idea: the
asker reads an address that a paper prints as theirs, or controls a page that a paper links to as theirs, or holds the
record; then it is hidden at once, since nothing is lost by it and it can be taken back. All else waits for a curator:
corrections, who can prove nothing, and a record that another account holds. A secret link stands for the account, and
only its hash is kept. Once a code was typed the link is a new one, which who had only asked does not have.
Entry points: `ways`, `begin`, `find`, `send_code`, `prove_by_code`, `prove_by_page`, `withdraw`; `decide` and `reverse`
for curators.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from papers import journal
from papers.models import Paper

from . import anchors, codes, letters, powers
from .addresses import heir_of
from .decisions import curator
from .models import Account, Author, RightsRequest
from .proofs import page, printed

LONGEST = 2_000  # characters of a text and of an answer
Proof, State = RightsRequest.Proof, RightsRequest.State


@dataclass(frozen=True, slots=True)
class Way:
    """A way to prove it, as the form offers it. `token` names `subject` there, which is not shown but as `label`."""

    proof: RightsRequest.Proof
    token: str = ""
    subject: str = ""
    label: str = ""
    paper: Paper | None = None

    @property
    def value(self) -> str:
        return f"{self.proof.value} {self.token}".strip()


def ways(author: Author, account: Account | AnonymousUser) -> list[Way]:
    """How this one can prove that the record is theirs, the surest first. Who holds it need prove nothing."""
    if is_owner(account, author):
        return [Way(Proof.OWNER)]
    found = [
        Way(proof, _token(author, p.value), p.value, masked(p.value) if proof == Proof.CODE else p.value, p.paper)
        for proof, look in ((Proof.CODE, printed.addresses), (Proof.PAGE, printed.links))
        for p in look(author)
        if p.own
    ]
    return [*found, Way(Proof.CURATOR)]


def is_owner(account: Account | AnonymousUser, author: Author) -> bool:
    """Whether the account holds the record with control proved, and undisputed."""
    try:
        powers.owner(account, author)
    except PermissionDenied:
        return False
    return True


def masked(address: str) -> str:
    """
    >>> masked("ada.lovelace@example.org")
    'a•••@example.org'
    """
    name, _at, host = address.partition("@")
    return f"{name[:1]}•••@{host}"


def _token(author: Author, subject: str) -> str:
    return salted_hmac("profiles.rights subject", f"{author.pk} {subject}", algorithm="sha256").hexdigest()[:20]


@transaction.atomic
def begin(
    author: Author,
    kind: RightsRequest.Kind,
    way: Way,
    now: datetime,
    *,
    text: str = "",
    contact: str = "",
    account: Account | AnonymousUser | None = None,
) -> tuple[RightsRequest, str]:
    """A new request, with its secret key. `way` is one of `ways`. Raises ValidationError, in sentences."""
    text, contact = _text(text), contact.strip()
    if not text and (kind == RightsRequest.Kind.CORRECT or way.proof == Proof.CURATOR):
        raise ValidationError(_("Say what is wrong, or why you ask, and how a curator can see that it is about you."))
    if way.proof == Proof.CURATOR and not contact:
        raise ValidationError(_("Give an address for the answer."))
    asker = account if isinstance(account, Account) else None
    if way.proof == Proof.OWNER:
        contact = asker.email if asker else ""
    request = RightsRequest(
        author=author,
        kind=kind,
        text=text,
        contact=way.subject if way.proof == Proof.CODE else contact,
        account=asker,
        proof=way.proof,
        subject=way.subject,
    )
    key = _new_key(request)
    request.save()
    if way.proof == Proof.OWNER:
        _settle(request, now, key)
    elif way.proof == Proof.CURATOR:
        request.state = State.WAITING
        request.save(update_fields=["state"])
        _tell(request, key)
    elif way.proof == Proof.PAGE:
        _tell(request, key)
    else:
        send_code(request, key, now)
    return request, key


def find(key: str) -> RightsRequest | None:
    """The request of that secret key."""
    return RightsRequest.objects.select_related("author").filter(key_hash=_hash(key)).first()


def send_code(request: RightsRequest, key: str, now: datetime) -> None:
    """Send a new code to the printed address; an earlier one no longer opens the request."""
    context = {"request": request, "key": key, "code": codes.issue(_purpose(request), now)}
    letters.write(request.subject, "rights_code", context | {"minutes": int(codes.LIFETIME.total_seconds() // 60)})


def prove_by_code(request: RightsRequest, typed: str, now: datetime) -> str:
    """The code that the address got. Returns the new secret key; raises ValidationError."""
    _expect(request, Proof.CODE)
    # Outside of a transaction, so that a wrong try stays counted.
    if not codes.redeem(_purpose(request), typed, now):
        raise ValidationError(_("That is not the newest code, or it was tried too often or is too old."))
    with transaction.atomic():
        request = _locked(request)
        _expect(request, Proof.CODE)
        key = _new_key(request)
        _settle(request, now, key)
    return key


def prove_by_page(request: RightsRequest, key: str, now: datetime) -> None:
    """Look whether the page carries the code. Raises ValidationError where it does not, or cannot be read."""
    _expect(request, Proof.PAGE)
    if not page.shows(request.subject, page_code(request)):
        raise ValidationError(_("The page was read, but the code is not on it, or not where a reader sees it."))
    with transaction.atomic():
        request = _locked(request)
        _expect(request, Proof.PAGE)
        _settle(request, now, key)


def page_code(request: RightsRequest) -> str:
    """What the page has to carry: for this request and page alone, and telling nothing of the secret link."""
    told = f"{request.pk} {request.subject}"
    return f"bzpeer-{salted_hmac('profiles.rights page', told, algorithm='sha256').hexdigest()[:24]}"


def hidden_by(account: Account | AnonymousUser, author: Author) -> RightsRequest | None:
    """The request by which who holds the record has hidden it, and can show it again without the link."""
    if not is_owner(account, author):
        return None
    asked = author.rights_requests.filter(account=account.pk, state=State.DONE)
    return asked.exclude(kind=RightsRequest.Kind.CORRECT).order_by("-pk").first()


@transaction.atomic
def withdraw(request: RightsRequest, now: datetime) -> RightsRequest:
    """Who asked takes it back; what it had hidden is shown again."""
    request = _locked(request)
    if request.state == State.DONE and request.hides:
        _show(request, None)
    elif not request.is_open:
        raise ValidationError(_("This request has ended already."))
    _end(request, State.WITHDRAWN, now)
    return request


@transaction.atomic
def decide(
    account: Account | AnonymousUser, request: RightsRequest, answer: str, now: datetime, *, grant: bool
) -> RightsRequest:
    """A curator grants or refuses a request that waits, with the reason. A correction is granted once it is made."""
    account = _other_curator(account, request)
    request = _locked(request)
    if request.state != State.WAITING:
        raise ValidationError(_("This request was decided meanwhile."))
    if grant and request.hides:
        _hide(request, account)
    return _answered(request, account, answer, now, State.DONE if grant else State.REFUSED)


@transaction.atomic
def reverse(account: Account | AnonymousUser, request: RightsRequest, answer: str, now: datetime) -> RightsRequest:
    """A curator shows again what a request hid, with the reason."""
    account = _other_curator(account, request)
    request = _locked(request)
    if request.state != State.DONE or not request.hides:
        raise ValidationError(_("This request hides nothing."))
    _show(request, account)
    return _answered(request, account, answer, now, State.REFUSED)


def _answered(
    request: RightsRequest, account: Account, answer: str, now: datetime, state: RightsRequest.State
) -> RightsRequest:
    answer = _text(answer)
    if not answer:
        raise ValidationError(_("Say why: who asked reads it."))
    request.answer, request.decided_by = answer, account
    _end(request, state, now)
    if request.contact:
        letters.write(request.contact, "rights_answer", {"request": request})
    verb = "granted" if state == State.DONE else "refused"
    journal.write(account, verb, request, kind=request.kind, author=request.author_id, answer=answer)
    return request


def _settle(request: RightsRequest, now: datetime, key: str) -> None:
    """It is proved: done at once, or a curator's where that alone does not decide."""
    request.proved_at = now
    holder = heir_of(request.author).account_id
    disputed = holder is not None and holder != request.account_id
    if request.hides and not disputed:
        _hide(request, request.account)
        _end(request, State.DONE, now)
    else:
        request.state = State.WAITING
        request.save()
    _tell(request, key)


def _hide(request: RightsRequest, account: Account | None) -> None:
    """The record of now: the one asked about may have been merged since."""
    author = heir_of(request.author)
    Author.objects.filter(pk=author.pk).update(visibility=request.wanted)
    anchors.choose([author.pk])  # so that the matcher knows it by one signature from now on
    journal.write(account, "hid", author, request=request.pk, visibility=request.wanted.value, proof=request.proof)


def _show(request: RightsRequest, account: Account | None) -> None:
    """As another granted request still wants it, else public."""
    author = heir_of(request.author)
    others = RightsRequest.objects.filter(author__in=author.with_merged, state=State.DONE).exclude(pk=request.pk)
    other = others.exclude(kind=RightsRequest.Kind.CORRECT).order_by("-ended_at").first()
    visibility = other.wanted if other else Author.Visibility.PUBLIC
    Author.objects.filter(pk=author.pk).update(visibility=visibility)
    journal.write(account, "showed", author, request=request.pk, visibility=visibility.value)


def _end(request: RightsRequest, state: RightsRequest.State, now: datetime) -> None:
    request.state, request.ended_at = state, now
    request.save()


def _tell(request: RightsRequest, key: str) -> None:
    """Where it stands, with the secret link."""
    if request.contact:
        letters.write(request.contact, "rights_link", {"request": request, "key": key})


def _locked(request: RightsRequest) -> RightsRequest:
    rows = RightsRequest.objects.select_for_update(of=("self",)).select_related("author", "account")
    return rows.get(pk=request.pk)


def _expect(request: RightsRequest, proof: RightsRequest.Proof) -> None:
    if request.state != State.BEGUN or request.proof != proof:
        raise ValidationError(_("This request waits for no such proof."))


def _other_curator(account: Account | AnonymousUser, request: RightsRequest) -> Account:
    found = curator(account)
    if request.account_id == found.pk or request.author.account_id == found.pk:
        raise PermissionDenied("Nobody decides a request of their own.")
    return found


def _text(text: str) -> str:
    text = text.replace("\0", "").strip()
    if len(text) > LONGEST:
        raise ValidationError(_("A text has at most %(n)d characters.") % {"n": LONGEST})
    return text


def _purpose(request: RightsRequest) -> str:
    return f"rights {request.pk}"


def _new_key(request: RightsRequest) -> str:
    key = secrets.token_urlsafe(32)
    request.key_hash = _hash(key)
    return key


def _hash(key: str) -> str:
    return salted_hmac("profiles.rights key", key, algorithm="sha256").hexdigest()
