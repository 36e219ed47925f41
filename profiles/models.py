"""Who is who: accounts, authors, what we infer (assignments) and what people decided (corrections).

The three kinds of truth never share a table: `papers.Signature` is what was printed, `Assignment` can be thrown away
and recomputed, `Correction` is never lost and never overruled by the machine.

An author is an identity that the machine recomputes, and people speak of authors. So an author whom a decision names,
or whom somebody claimed, has an anchor: one of its signatures. The id follows the anchor wherever that goes, and what
is decided about the author is held by it.
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
    anchor = models.ForeignKey(
        Signature,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        db_index=False,
        related_name="+",
        help_text="the signature that the id follows, once somebody has claimed the author or decided about it",
    )
    stale = models.BooleanField(default=True, help_text="counts, coauthorships and trust are to be computed again")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [
            models.Index(fields=["-works_count", "id"], name="author_most_works"),
            models.Index(fields=["id"], name="author_stale", condition=models.Q(stale=True)),
            models.Index(fields=["anchor"], name="author_anchor", condition=models.Q(anchor__isnull=False)),
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

    class Meta:
        indexes = [
            # The curators' queue: works that a doubtful link ties to a record, the least probable first.
            models.Index(
                fields=["probability", "id"],
                name="assignment_most_doubtful",
                condition=models.Q(state="weak", compared_with__isnull=False),
            )
        ]

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


class SurnameTie(models.Model):
    """Two surname keys, `one` before `other`, under which one person may be printed: they are resolved together."""

    one = models.TextField()
    other = models.TextField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["one", "other"], name="surnametie_once")]

    def __str__(self) -> str:
        return f"{self.one} ~ {self.other}"


class KinKey(models.Model):
    """Two words of a name that was met, as printed: by them the kin of a new name are found among millions."""

    words = models.TextField(db_index=True)
    family = models.TextField()
    given = models.TextField()

    def __str__(self) -> str:
        return f"{self.words}: {self.given} {self.family}"


class Suggestion(models.Model):
    """Two authors who may be one person: for a curator to decide, never joined by the machine.

    `usefulness` of a decision is the number of works that it is expected to put right: the two stand apart, which is
    wrong with the stated probability, and then the works of the smaller record (the larger keeps the id) stand on the
    wrong page. What stands apart lies below the boundary of joining, so the nearest to it with most works come first.
    """

    left = models.ForeignKey(Author, on_delete=models.CASCADE, related_name="+")
    right = models.ForeignKey(Author, on_delete=models.CASCADE, related_name="+")
    probability = models.FloatField()
    works = models.PositiveIntegerField(default=1, help_text="of the smaller record")
    usefulness = models.GeneratedField(
        expression=models.F("probability") * models.F("works"), output_field=models.FloatField(), db_persist=True
    )
    sentence = models.TextField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["left", "right"], name="suggestion_once")]
        indexes = [models.Index(fields=["-usefulness", "id"], name="suggestion_most_useful")]

    def __str__(self) -> str:
        return f"{self.left_id} ≟ {self.right_id}: {self.probability:.2f}"


class CorrectionQuerySet(models.QuerySet["Correction"]):
    """Questions asked of decisions."""

    def live(self) -> CorrectionQuerySet:
        """Those that hold: not withdrawn."""
        return self.filter(withdrawn_at=None)

    def about(self, author: Author) -> CorrectionQuerySet:
        """Those that name the author, or a signature that is now attributed to it; newest first."""
        own = Assignment.objects.filter(author=author).values("signature")
        named = models.Q(author=author) | models.Q(other_author=author)
        return self.filter(named | models.Q(signature__in=own) | models.Q(other__in=own)).order_by("-made_at", "-pk")


class Correction(models.Model):
    """A person's decision that two are, or are not, the same person: never lost, never overruled by the machine.

    It is about two signatures (`signature`, `other`), a signature and an author (`signature`, `author`), or two authors
    (`author`, `other_author`). A signature that a source takes off its paper leaves the row here: `printed` still says
    what it was, and the decision holds again when the name comes back. Withdrawn ones stay as history.
    """

    class Kind(models.TextChoices):
        SIGNATURES = "signatures", pgettext_lazy("decision", "two names on papers")
        ATTRIBUTION = "attribution", pgettext_lazy("decision", "a name on a paper and a person")
        AUTHORS = "authors", pgettext_lazy("decision", "two people")

    signature = models.ForeignKey(
        Signature, on_delete=models.SET_NULL, null=True, blank=True, related_name="corrections"
    )
    other = models.ForeignKey(Signature, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    author = models.ForeignKey(Author, on_delete=models.PROTECT, null=True, blank=True, related_name="corrections")
    other_author = models.ForeignKey(Author, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    kind = models.CharField(max_length=12, choices=Kind, default=Kind.SIGNATURES)
    same = models.BooleanField()
    reason = models.TextField(blank=True)
    made_by = models.ForeignKey(Account, on_delete=models.PROTECT)
    made_at = models.DateTimeField(auto_now_add=True)
    withdrawn_by = models.ForeignKey(Account, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    stated = models.FloatField(
        null=True, help_text="the matcher's probability, just before, that the two are one person; none if not compared"
    )
    model = models.CharField(max_length=32, blank=True, help_text="version of the model that had stated it")
    name_frequency = models.FloatField(null=True, help_text="expected occurrences of the (rarer) name among all papers")
    printed = models.JSONField(
        default=dict,
        help_text="by end, when decided: {paper, work, position, name, family_key, given_key, surname_key}",
    )

    objects = CorrectionQuerySet.as_manager()

    class Meta:
        constraints = [
            # Two people may disagree: then both verdicts stand, and the contradiction is reported.
            models.UniqueConstraint(
                fields=["signature", "other", "same"],
                condition=models.Q(withdrawn_at=None),
                name="correction_once_of_signatures",
            ),
            models.UniqueConstraint(
                fields=["signature", "author", "same"],
                condition=models.Q(withdrawn_at=None),
                name="correction_once_of_attribution",
            ),
            models.UniqueConstraint(
                fields=["author", "other_author", "same"],
                condition=models.Q(withdrawn_at=None),
                name="correction_once_of_authors",
            ),
            models.CheckConstraint(
                condition=models.Q(signature__lt=models.F("other")), name="correction_smaller_signature_first"
            ),
            models.CheckConstraint(
                condition=models.Q(author__lt=models.F("other_author")), name="correction_smaller_author_first"
            ),
            models.CheckConstraint(
                condition=models.Q(kind="signatures", author=None, other_author=None)
                | models.Q(kind="attribution", other=None, author__isnull=False, other_author=None)
                | models.Q(
                    kind="authors", signature=None, other=None, author__isnull=False, other_author__isnull=False
                ),
                name="correction_two_ends",
            ),
        ]

    def __str__(self) -> str:
        one, other = self.ends
        return f"{one} {'=' if self.same else '≠'} {other}"

    @property
    def ends(self) -> tuple[str, str]:
        """What the decision is about, for a sentence: names as printed, or authors by name and number."""
        if self.kind == self.Kind.AUTHORS:
            return self._person("author"), self._person("other_author")
        second = self._person("author") if self.kind == self.Kind.ATTRIBUTION else self._name("other")
        return self._name("signature"), second

    def _name(self, end: str) -> str:
        if end in self.printed:
            return f"“{self.printed[end]['name']}” on {self.printed[end]['work']}"
        signature: Signature | None = getattr(self, end)
        return signature.name if signature else "a name no longer printed"

    def _person(self, end: str) -> str:
        """By the name that was decided about: the author's own may be another by now."""
        author: Author = getattr(self, end)
        return f"{self.printed[end]['name'] if end in self.printed else author.name} (#{author.pk})"

    @property
    def is_live(self) -> bool:
        return self.withdrawn_at is None


class Contradiction(models.Model):
    """What cannot all hold, for a curator: decisions against each other, or evidence that joins two claimed authors.

    Found anew whenever its surnames are resolved. Nothing is joined meanwhile; the sentence says what is left out.
    """

    class Kind(models.TextChoices):
        DECISIONS = "decisions", pgettext_lazy("contradiction", "decisions contradict each other or a hard rule")
        CLAIMED = "claimed", pgettext_lazy("contradiction", "evidence would join two claimed authors")
        ORCID = "orcid", pgettext_lazy("contradiction", "authenticated iDs contradict")
        UNBOUND = "unbound", pgettext_lazy("contradiction", "a decision about a name that is no longer printed")

    kind = models.CharField(max_length=12, choices=Kind)
    surnames = ArrayField(models.TextField(), help_text="surname keys of the names concerned")
    sentence = models.TextField()
    chain = models.JSONField(
        default=list, help_text="steps of {left, right, says, correction}: signature ids, and the decision's id or null"
    )
    found_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [GinIndex(fields=["surnames"], name="contradiction_surnames")]

    def __str__(self) -> str:
        return self.sentence


class Move(models.Model):
    """Signatures that went from one author to another in one step, and why. The newest are kept (`resolving.MOVES`)."""

    class Kind(models.TextChoices):
        MERGED = "merged", pgettext_lazy("move", "all of an author's works joined another")
        SPLIT = "split", pgettext_lazy("move", "some of an author's works became a new author")
        MOVED = "moved", pgettext_lazy("move", "some of an author's works joined another")

    source = models.ForeignKey(Author, on_delete=models.CASCADE, related_name="moves_away")
    target = models.ForeignKey(Author, on_delete=models.CASCADE, related_name="moves_here")
    kind = models.CharField(max_length=8, choices=Kind)
    count = models.PositiveIntegerField(help_text="signatures that went")
    signatures = ArrayField(models.BigIntegerField(), help_text="ids of the first of them (`resolving.NAMED`)")
    reason = models.TextField(help_text="a sentence")
    batch = models.ForeignKey(Batch, on_delete=models.SET_NULL, null=True, related_name="+")
    correction = models.ForeignKey(Correction, on_delete=models.SET_NULL, null=True, related_name="moves")
    made_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.count} from {self.source_id} to {self.target_id}: {self.reason}"


class Follow(models.Model):
    """An account follows an author."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="follows")
    author = models.ForeignKey(Author, on_delete=models.CASCADE, related_name="followers")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "author"], name="follow_once")]

    def __str__(self) -> str:
        return f"{self.account_id} follows {self.author_id}"
