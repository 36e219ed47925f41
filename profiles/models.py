"""Who is who: accounts, authors, what we infer (assignments) and what people decided (corrections).

The three kinds of truth never share a table: `papers.Signature` is what was printed, `Assignment` can be thrown away
and recomputed, `Correction` is never lost and never overruled by the machine.
"""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.urls import reverse
from django.utils.text import slugify
from django.utils.translation import pgettext_lazy

from papers.models import Batch, Signature


class Account(AbstractUser):
    """Someone who signs in."""


class Author(models.Model):
    """A person as far as the records show: the signatures assigned to one `Author` are held to be one person's.

    The counts and years are computed from the assignments for the pages that read them.
    """

    PAGES = frozenset({"follow", "graph", "history", "trust"})

    name = models.TextField(help_text="the fullest form printed, most frequent first")
    works_count = models.PositiveIntegerField(default=0)
    topics_count = models.PositiveIntegerField(default=0)
    first_year = models.PositiveSmallIntegerField(null=True)
    last_year = models.PositiveSmallIntegerField(null=True)
    affiliation = models.TextField(blank=True, help_text="as printed on the newest paper that prints one")
    bio = models.TextField(blank=True)
    open_to_collaborate = models.BooleanField(default=True)
    account = models.OneToOneField(Account, on_delete=models.SET_NULL, null=True, blank=True, related_name="author")
    merged_into = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, blank=True)
    stale = models.BooleanField(default=True, help_text="counts, coauthorships and trust are to be computed again")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [
            models.Index(fields=["-works_count", "id"], name="author_most_works"),
            models.Index(fields=["id"], name="author_stale", condition=models.Q(stale=True)),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("person", args=[self.pk, self.slug])

    @property
    def slug(self) -> str:
        """For reading only: the id decides. Never a word that names another page of the person."""
        slug = slugify(self.name)[:80].strip("-") or "person"
        return f"{slug}-" if slug in self.PAGES else slug

    @property
    def is_claimed(self) -> bool:
        return self.account_id is not None


class NameVariant(models.Model):
    """A form in which an author's name was printed, folded for search, with the number of works that print it."""

    author = models.ForeignKey(Author, on_delete=models.CASCADE, related_name="variants")
    printed = models.TextField()
    folded = models.TextField(help_text="given names, then family name")
    family_key = models.TextField()
    surname_key = models.TextField()
    works = models.PositiveIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["author", "printed"], name="namevariant_once")]
        indexes = [
            models.Index(fields=["folded"], name="namevariant_folded"),
            models.Index(fields=["family_key"], name="namevariant_family"),
            models.Index(fields=["surname_key"], name="namevariant_surname"),
            GinIndex(OpClass("folded", name="gin_trgm_ops"), name="namevariant_trigram"),
        ]

    def __str__(self) -> str:
        return self.printed


class Assignment(models.Model):
    """The inference that a signature is an author's, with its evidence. Recomputed at will."""

    class State(models.TextChoices):
        SOURCE = "source", pgettext_lazy("attribution", "source-stated iD")
        OWNER = "owner", pgettext_lazy("attribution", "owner-confirmed")
        CURATOR = "curator", pgettext_lazy("attribution", "curator-confirmed")
        COAUTHOR = "coauthor", pgettext_lazy("attribution", "coauthor-attested")
        STRONG = "strong", pgettext_lazy("attribution", "strong inference")
        WEAK = "weak", pgettext_lazy("attribution", "weak inference")
        DISPUTED = "disputed", pgettext_lazy("attribution", "disputed")
        REJECTED = "rejected", pgettext_lazy("attribution", "rejected")

    STRONG_OR_BETTER = (State.SOURCE, State.OWNER, State.CURATOR, State.COAUTHOR, State.STRONG)

    signature = models.OneToOneField(Signature, on_delete=models.CASCADE, related_name="assignment")
    author = models.ForeignKey(Author, on_delete=models.CASCADE, related_name="assignments")
    state = models.CharField(max_length=10, choices=State)
    compared_with = models.ForeignKey(
        Signature,
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        help_text="the author's other signature that the evidence is about; none where the work stands alone",
    )
    probability = models.FloatField()
    evidence = models.JSONField(default=list, help_text="items of {rule, weight, sentence}")
    model = models.CharField(max_length=32, help_text="version of the model that inferred it")

    def __str__(self) -> str:
        return f"{self.signature_id} → {self.author_id}: {self.state}"

    @property
    def is_weak(self) -> bool:
        return self.state not in self.STRONG_OR_BETTER


class PendingGroup(models.Model):
    """Surnames of a batch that wait to be resolved together. Whoever resolves them deletes the row in the same step."""

    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="pending_groups")
    surnames = ArrayField(models.TextField())
    signatures = models.PositiveIntegerField(help_text="how much work it is")

    def __str__(self) -> str:
        return f"{self.batch_id}: {', '.join(self.surnames[:3])}, {self.signatures} signatures"


class Suggestion(models.Model):
    """Two authors who may be one person: for a curator to decide, never joined by the machine."""

    left = models.ForeignKey(Author, on_delete=models.CASCADE, related_name="+")
    right = models.ForeignKey(Author, on_delete=models.CASCADE, related_name="+")
    probability = models.FloatField()
    sentence = models.TextField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["left", "right"], name="suggestion_once")]

    def __str__(self) -> str:
        return f"{self.left_id} ≟ {self.right_id}: {self.probability:.2f}"


class Correction(models.Model):
    """A person's decision that two signatures are, or are not, the same person's. The machine never overrules it."""

    signature = models.ForeignKey(Signature, on_delete=models.CASCADE, related_name="corrections")
    other = models.ForeignKey(Signature, on_delete=models.CASCADE, related_name="+")
    same = models.BooleanField()
    reason = models.TextField()
    made_by = models.ForeignKey(Account, on_delete=models.PROTECT)
    made_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["signature", "other"], name="correction_once"),
            models.CheckConstraint(
                condition=models.Q(signature__lt=models.F("other")), name="correction_smaller_signature_first"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.signature_id} {'=' if self.same else '≠'} {self.other_id}"


class Follow(models.Model):
    """An account follows an author."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="follows")
    author = models.ForeignKey(Author, on_delete=models.CASCADE, related_name="followers")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "author"], name="follow_once")]

    def __str__(self) -> str:
        return f"{self.account_id} follows {self.author_id}"
