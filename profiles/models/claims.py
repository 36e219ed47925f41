"""Claims on authors, their proofs, and rights over a record without an account."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import pgettext_lazy

from papers.models import Batch, Paper, Signature

from ..levels import CONTROLLED
from .accounts import Account
from .authors import Author


class ClaimQuerySet(models.QuerySet["Claim"]):
    """Questions asked of claims."""

    def live(self) -> ClaimQuerySet:
        """Those that have not ended."""
        return self.filter(state__in=Claim.LIVE)

    def controlling(self) -> ClaimQuerySet:
        """Those that hold their record with control of it proved."""
        return self.filter(state=Claim.State.HELD, level__gte=CONTROLLED)


class Claim(models.Model):
    """An account says that an author is who holds it: begun, held or disputed, and never deleted.

    `level` is the verification level that its proofs give (`profiles.levels`), kept here for the pages; 0 until it is
    held. Of one author at most one claim is held, and of one account at most one.
    """

    class State(models.TextChoices):
        BEGUN = "begun", pgettext_lazy("claim", "begun")
        HELD = "held", pgettext_lazy("claim", "held")
        DISPUTED = "disputed", pgettext_lazy("claim", "disputed: a curator decides")
        REFUSED = "refused", pgettext_lazy("claim", "refused")
        RELEASED = "released", pgettext_lazy("claim", "released")
        LAPSED = "lapsed", pgettext_lazy("claim", "lapsed")

    LIVE = (State.BEGUN, State.HELD, State.DISPUTED)

    author = models.ForeignKey(Author, on_delete=models.PROTECT, related_name="claims")
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="claims")
    state = models.CharField(max_length=8, choices=State, default=State.BEGUN)
    level = models.PositiveSmallIntegerField(default=0)
    note = models.TextField(max_length=2_000, blank=True, help_text="what the claimant tells the curator")
    answer = models.TextField(max_length=2_000, blank=True, help_text="what the curator answered")
    decided_by = models.ForeignKey(Account, on_delete=models.SET_NULL, null=True, related_name="+")
    begun_at = models.DateTimeField(auto_now_add=True)
    held_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    objects = ClaimQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["author", "account"],
                condition=models.Q(state__in=("begun", "held", "disputed")),
                name="claim_once",
            ),
            models.UniqueConstraint(fields=["author"], condition=models.Q(state="held"), name="claim_one_holder"),
            models.UniqueConstraint(fields=["account"], condition=models.Q(state="held"), name="claim_one_held"),
        ]
        indexes = [models.Index(fields=["id"], name="claim_disputed", condition=models.Q(state="disputed"))]

    def __str__(self) -> str:
        return f"claim #{self.pk} of {self.author}"

    def get_absolute_url(self) -> str:
        return reverse("claim", args=[self.pk])

    @property
    def is_live(self) -> bool:
        return self.state in self.LIVE


class ClaimMark(models.Model):
    """What the claimant says of one work: mine, not mine, unsure. It decides something once control is proved."""

    class Answer(models.TextChoices):
        MINE = "mine", pgettext_lazy("work", "mine")
        NOT_MINE = "not", pgettext_lazy("work", "not mine")
        UNSURE = "unsure", pgettext_lazy("work", "unsure")

    claim = models.ForeignKey(Claim, on_delete=models.CASCADE, related_name="marks")
    signature = models.ForeignKey(Signature, on_delete=models.CASCADE, related_name="+")
    answer = models.CharField(max_length=6, choices=Answer)
    made_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["claim", "signature"], name="claimmark_once")]

    def __str__(self) -> str:
        return f"{self.signature_id} is {self.answer}"


class WorkProposal(models.Model):
    """What a holder says of a work and may not decide alone: control is not proved yet, or others say otherwise.

    A curator accepts it, which makes it the curator's decision, or refuses it and says why.
    """

    class State(models.TextChoices):
        OPEN = "open", pgettext_lazy("proposal", "waits for a curator")
        ACCEPTED = "accepted", pgettext_lazy("proposal", "accepted")
        REFUSED = "refused", pgettext_lazy("proposal", "refused")

    claim = models.ForeignKey(Claim, on_delete=models.CASCADE, related_name="proposals")
    signature = models.ForeignKey(Signature, on_delete=models.CASCADE, related_name="+")
    same = models.BooleanField(help_text="mine, or not mine")
    note = models.TextField(max_length=2_000, blank=True)
    state = models.CharField(max_length=8, choices=State, default=State.OPEN)
    answer = models.TextField(max_length=2_000, blank=True)
    decided_by = models.ForeignKey(Account, on_delete=models.SET_NULL, null=True, related_name="+")
    made_at = models.DateTimeField(auto_now_add=True)
    decided_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["claim", "signature"], condition=models.Q(state="open"), name="workproposal_once"
            )
        ]
        indexes = [models.Index(fields=["id"], name="workproposal_open", condition=models.Q(state="open"))]

    def __str__(self) -> str:
        said = pgettext_lazy("proposal", "mine") if self.same else pgettext_lazy("proposal", "not mine")
        return f"{said}: “{self.signature.shown_name}” on {self.signature.paper}"

    @property
    def is_open(self) -> bool:
        return self.state == self.State.OPEN


class WishedWork(models.Model):
    """A work that its author misses here, by an identifier: fetched if need be, and then somebody says which name."""

    class State(models.TextChoices):
        OPEN = "open", pgettext_lazy("wish", "open")
        ANSWERED = "answered", pgettext_lazy("wish", "answered")
        DROPPED = "dropped", pgettext_lazy("wish", "dropped")

    claim = models.ForeignKey(Claim, on_delete=models.CASCADE, related_name="wishes")
    scheme = models.CharField(max_length=8, help_text="arxiv or doi")
    value = models.CharField(max_length=255, help_text="as `papers.identifiers` brings it to one form")
    batch = models.ForeignKey(Batch, on_delete=models.SET_NULL, null=True, related_name="+")
    state = models.CharField(max_length=8, choices=State, default=State.OPEN)
    made_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["claim", "scheme", "value"], condition=models.Q(state="open"), name="wishedwork_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.scheme}:{self.value}"


class ProofQuerySet(models.QuerySet["Proof"]):
    """Questions asked of proofs."""

    def valid(self, now: datetime) -> ProofQuerySet:
        """Those that count: given, not withdrawn, not expired."""
        still = models.Q(expires_at=None) | models.Q(expires_at__gt=now)
        return self.filter(still, state=Proof.State.VALID)


class Proof(models.Model):
    """One proof of a claim, of one of `profiles.proofs.KINDS`. Rows stay: they are the claim's history.

    `subject` is what it rests on (an address, a page, an iD) and is private. `author` is the coauthor who is asked to
    attest, `by` the account that attested or checked.
    """

    class State(models.TextChoices):
        BEGUN = "begun", pgettext_lazy("proof", "begun")
        VALID = "valid", pgettext_lazy("proof", "valid")
        REFUSED = "refused", pgettext_lazy("proof", "refused")
        WITHDRAWN = "withdrawn", pgettext_lazy("proof", "withdrawn")
        EXPIRED = "expired", pgettext_lazy("proof", "expired")

    claim = models.ForeignKey(Claim, on_delete=models.CASCADE, related_name="proofs")
    kind = models.CharField(max_length=16, help_text="slug of `proofs.KINDS`")
    state = models.CharField(max_length=10, choices=State, default=State.BEGUN)
    subject = models.CharField(max_length=500, blank=True)
    paper = models.ForeignKey(Paper, on_delete=models.SET_NULL, null=True, related_name="+")
    author = models.ForeignKey(Author, on_delete=models.SET_NULL, null=True, related_name="+")
    by = models.ForeignKey(Account, on_delete=models.SET_NULL, null=True, related_name="+")
    note = models.TextField(max_length=2_000, blank=True)
    begun_at = models.DateTimeField(auto_now_add=True)
    proved_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    objects = ProofQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["expires_at"], name="proof_expiring", condition=models.Q(state="valid")),
            models.Index(fields=["kind", "id"], name="proof_waiting", condition=models.Q(state="begun")),
        ]

    def __str__(self) -> str:
        return f"{self.kind} for claim {self.claim_id}: {self.state}"

    @staticmethod
    def given_in_control() -> models.Exists:
        """Of a proof: whether who gave it (`by`) controls a record now, as an attestation needs."""
        return models.Exists(Claim.objects.controlling().filter(account=models.OuterRef("by")))


class ClaimEvent(models.Model):
    """One step in a claim's life. Rows are only added; what they tell is fit for the public (no address, no page)."""

    claim = models.ForeignKey(Claim, on_delete=models.CASCADE, related_name="events")
    what = models.CharField(max_length=20, help_text="a verb of `claims.VERBS`")
    proof = models.ForeignKey(Proof, on_delete=models.SET_NULL, null=True, related_name="+")
    level_before = models.PositiveSmallIntegerField()
    level_after = models.PositiveSmallIntegerField()
    by = models.ForeignKey(Account, on_delete=models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.what}: L{self.level_before} → L{self.level_after}"


class RightsRequestQuerySet(models.QuerySet["RightsRequest"]):
    """Questions asked of requests."""

    def waiting(self) -> RightsRequestQuerySet:
        """Those that a curator decides."""
        return self.filter(state=RightsRequest.State.WAITING)


class RightsRequest(models.Model):
    """Somebody named asks to have a record corrected, hidden or removed, without an account. Rows stay.

    Who asked is known by a secret link, of which only the hash is kept. `contact` and `subject` (the address or page
    that proves it) are private.
    """

    class Kind(models.TextChoices):
        CORRECT = "correct", pgettext_lazy("rights", "Correct it")
        HIDE = "hide", pgettext_lazy("rights", "Hide it")
        REMOVE = "remove", pgettext_lazy("rights", "Remove it")

    class Proof(models.TextChoices):
        CODE = "code", pgettext_lazy("rights", "a code sent to an address that a paper prints")
        PAGE = "page", pgettext_lazy("rights", "a page that the record links to")
        OWNER = "owner", pgettext_lazy("rights", "the account that holds the record")
        CURATOR = "curator", pgettext_lazy("rights", "none: a curator looks at it")

    class State(models.TextChoices):
        BEGUN = "begun", pgettext_lazy("rights", "begun: the proof is missing")
        WAITING = "waiting", pgettext_lazy("rights", "with a curator")
        DONE = "done", pgettext_lazy("rights", "done")
        REFUSED = "refused", pgettext_lazy("rights", "refused")
        WITHDRAWN = "withdrawn", pgettext_lazy("rights", "withdrawn")

    author = models.ForeignKey(Author, on_delete=models.PROTECT, related_name="rights_requests")
    kind = models.CharField(max_length=8, choices=Kind)
    text = models.TextField(max_length=2_000, blank=True)
    contact = models.EmailField(blank=True)
    account = models.ForeignKey(Account, on_delete=models.SET_NULL, null=True, related_name="+")
    proof = models.CharField(max_length=8, choices=Proof)
    subject = models.CharField(max_length=500, blank=True)
    state = models.CharField(max_length=10, choices=State, default=State.BEGUN)
    key_hash = models.CharField(max_length=64, unique=True)
    answer = models.TextField(max_length=2_000, blank=True)
    decided_by = models.ForeignKey(Account, on_delete=models.SET_NULL, null=True, related_name="+")
    made_at = models.DateTimeField(auto_now_add=True)
    proved_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    objects = RightsRequestQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["id"], name="rightsrequest_waiting", condition=models.Q(state="waiting"))]

    def __str__(self) -> str:
        return f"request #{self.pk} about record #{self.author_id}"

    @property
    def wanted(self) -> Author.Visibility:
        """What the record becomes; a correction leaves it public."""
        hiding = {self.Kind.HIDE: Author.Visibility.NOTICE, self.Kind.REMOVE: Author.Visibility.GONE}
        return hiding.get(self.Kind(self.kind), Author.Visibility.PUBLIC)

    @property
    def hides(self) -> bool:
        return self.kind != self.Kind.CORRECT

    @property
    def is_open(self) -> bool:
        return self.state in (self.State.BEGUN, self.State.WAITING)
