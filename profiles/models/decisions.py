"""What people decided, what of it cannot all hold, and what it moved. Never lost, never overruled by the machine."""

from __future__ import annotations

from collections.abc import Sequence

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from papers.models import Batch, Institution, Signature

from .accounts import Account
from .assignments import Assignment
from .authors import Author


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
    as_owner = models.BooleanField(default=False, help_text="said by who held the record, with control proved")
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
    change_set = models.ForeignKey(
        "ChangeSet", on_delete=models.PROTECT, null=True, blank=True, related_name="corrections"
    )
    change = models.ForeignKey(
        "Change",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="corrections",
        help_text="the row that it holds; none where it keeps in place a work that the change set does not name",
    )
    superseded_by = models.ForeignKey(
        "Change",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="superseded",
        help_text="the row that withdrew it, and gives it back when it is undone",
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
        signature: Signature | None = getattr(self, end)
        if end in self.printed:
            hidden = signature is not None and signature.hides_printed
            name = signature.shown_name if signature and hidden else self.printed[end]["name"]
            return f"“{name}” on {self.printed[end]['work']}"
        return signature.shown_name if signature else "a name no longer printed"

    def _person(self, end: str) -> str:
        """By the name that was decided about: the author's own may be another by now. Unless that is to be seen."""
        author: Author = getattr(self, end)
        by_print = end in self.printed and not author.hides_printed
        return f"{self.printed[end]['name'] if by_print else author.name} (#{author.pk})"

    @property
    def is_live(self) -> bool:
        return self.withdrawn_at is None

    @property
    def by(self) -> str:
        """Who says so, for the public: an owner is never named by an account."""
        return str(_("the owner")) if self.as_owner else self.made_by.get_username()

    @property
    def taken_back_by(self) -> str:
        """Who withdrew it, for the public; "" while it holds."""
        if self.withdrawn_by is None:
            return ""
        by_owner = self.as_owner and (self.withdrawn_by_id == self.made_by_id or not self.withdrawn_by.is_staff)
        return str(_("the owner")) if by_owner else self.withdrawn_by.get_username()

    @property
    def joins_wholes(self) -> bool:
        """True where it says that two people are one, each gathered by its own evidence, and not whose a work is.

        A merge says it of each work of a person, so that one work can be taken out of it again; nobody has looked at
        the works one by one.
        """
        if self.kind == self.Kind.AUTHORS:
            return True
        return self.change_set is not None and (self.change_id is None or self.change_set.merges)


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
    """Signatures that went from one author to another in one step, and why. The newest are kept (`moves.MOVES`).

    Names that their paper no longer prints went to nobody.
    """

    class Kind(models.TextChoices):
        MERGED = "merged", pgettext_lazy("move", "all of an author's works joined another")
        SPLIT = "split", pgettext_lazy("move", "some of an author's works became a new author")
        MOVED = "moved", pgettext_lazy("move", "some of an author's works joined another")
        REMOVED = "removed", pgettext_lazy("move", "an author's name is no longer printed")

    source = models.ForeignKey(Author, on_delete=models.CASCADE, related_name="moves_away")
    target = models.ForeignKey(Author, on_delete=models.CASCADE, null=True, related_name="moves_here")
    kind = models.CharField(max_length=8, choices=Kind)
    count = models.PositiveIntegerField(help_text="signatures that went")
    signatures = ArrayField(models.BigIntegerField(), help_text="ids of the first of them (`resolving.NAMED`)")
    reason = models.TextField(help_text="a sentence")
    batch = models.ForeignKey(Batch, on_delete=models.SET_NULL, null=True, related_name="+")
    correction = models.ForeignKey(Correction, on_delete=models.SET_NULL, null=True, related_name="moves")
    change_set = models.ForeignKey("ChangeSet", on_delete=models.SET_NULL, null=True, related_name="moves")
    made_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.count} from {self.source_id} to {self.target_id or 'nobody'}: {self.reason}"


class PublishedChange(models.Model):
    """What the public feed of changes tells: written by triggers on the rows that it tells of, as they are committed.

    Numbers (`seq`) are given at the very end of each transaction, one transaction at a time, so that they come in the
    order in which the rows become visible: who keeps the last number seen misses nothing (migration 0016). Names stand
    nowhere here, and a change of a person's name leaves no row.
    """

    class Kind(models.TextChoices):
        MERGE = "merge", pgettext_lazy("published change", "all works of a person joined another’s")
        SPLIT = "split", pgettext_lazy("published change", "some works of a person became a new person’s")
        MOVE = "move", pgettext_lazy("published change", "some works of a person joined another’s")
        REMOVAL = "removal", pgettext_lazy("published change", "a paper no longer prints the person")
        CORRECTION = "correction", pgettext_lazy("published change", "somebody said what is right")
        INSTITUTION_MERGE = "institution_merge", pgettext_lazy("published change", "two institutions are one")
        INSTITUTION_MOVE = "institution_move", pgettext_lazy("published change", "printed forms belong elsewhere")
        INSTITUTION_RENAME = (
            "institution_rename",
            pgettext_lazy("published change", "an institution is called otherwise"),
        )

    class Says(models.TextChoices):
        """What a correction says; of institutions, only that an earlier change no longer holds."""

        SAME = "same", pgettext_lazy("published change", "they are one person, or the work is the person’s")
        DIFFERENT = "different", pgettext_lazy("published change", "they are two, or the work is not the person’s")
        WITHDRAWN = "withdrawn", pgettext_lazy("published change", "an earlier correction no longer holds")
        IDENTIFIER = "identifier", pgettext_lazy("published change", "an identifier elsewhere was set or taken away")

    class By(models.TextChoices):
        MACHINE = "machine", pgettext_lazy("published change", "the matcher")
        CURATOR = "curator", pgettext_lazy("published change", "a curator")
        OWNER = "owner", pgettext_lazy("published change", "who holds the record")

    seq = models.BigIntegerField(null=True, unique=True, help_text="from 1, in the order of commits")
    kind = models.CharField(max_length=18, choices=Kind)
    says = models.CharField(max_length=10, choices=Says, blank=True)
    by = models.CharField(max_length=8, choices=By)
    # Rows of authors that are gone since are not told; nothing is to keep those from going.
    source = models.ForeignKey(Author, on_delete=models.DO_NOTHING, null=True, db_constraint=False, related_name="+")
    target = models.ForeignKey(Author, on_delete=models.DO_NOTHING, null=True, db_constraint=False, related_name="+")
    institution = models.ForeignKey(
        Institution, on_delete=models.DO_NOTHING, null=True, db_constraint=False, related_name="+"
    )
    other_institution = models.ForeignKey(
        Institution, on_delete=models.DO_NOTHING, null=True, db_constraint=False, related_name="+"
    )
    works = ArrayField(models.BigIntegerField(), default=list, help_text="ids of the first papers concerned")
    works_count = models.PositiveIntegerField(default=0)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.kind} {self.source_id or self.institution_id} → {self.target_id or self.other_institution_id}"


class ChangeSet(models.Model):
    """What a curator changed in one step, and why: rows that can be undone and redone, one by one or all together."""

    class Kind(models.TextChoices):
        MERGE = "merge", pgettext_lazy("change", "merge")
        SPLIT = "split", pgettext_lazy("change", "split")
        MOVE = "move", pgettext_lazy("change", "move of works")
        NAME = "name", pgettext_lazy("change", "name")
        IDENTIFIER = "identifier", pgettext_lazy("change", "identifier")
        BULK = "bulk", pgettext_lazy("change", "merge by a rule")

    kind = models.CharField(max_length=10, choices=Kind)
    reason = models.TextField()
    made_by = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="change_sets")
    made_at = models.DateTimeField(auto_now_add=True)
    anchors = models.JSONField(
        default=dict, help_text="the signature by which each author concerned was known before, by the author's id"
    )

    # Authors whose counts, coauthorships and trust the step just taken touches, for the caller to have refreshed.
    touched: Sequence[int] = ()

    def __str__(self) -> str:
        return f"{self.get_kind_display()} #{self.pk}"

    def get_absolute_url(self) -> str:
        return reverse("change_set", args=[self.pk])

    @property
    def merges(self) -> bool:
        return self.kind in {self.Kind.MERGE, self.Kind.BULK}


class Change(models.Model):
    """One row of a change set: a work that goes from `source` to `target`, or a name or an identifier of `target`."""

    change_set = models.ForeignKey(ChangeSet, on_delete=models.PROTECT, related_name="rows")
    signature = models.ForeignKey(Signature, on_delete=models.SET_NULL, null=True, related_name="changes")
    source = models.ForeignKey(Author, on_delete=models.PROTECT, null=True, related_name="changes_away")
    target = models.ForeignKey(Author, on_delete=models.PROTECT, related_name="changes_here")
    scheme = models.CharField(max_length=16, blank=True, help_text="of an identifier (`profiles.identifiers`)")
    old = models.TextField(blank=True)
    new = models.TextField(blank=True)
    printed = models.JSONField(default=dict, help_text="the signature as it was printed, as in `Correction.printed`")
    undone_at = models.DateTimeField(null=True)
    undone_by = models.ForeignKey(Account, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        indexes = [
            models.Index(fields=["target", "scheme"], name="change_of", condition=models.Q(signature=None)),
        ]

    def __str__(self) -> str:
        if self.printed:
            hidden = self.signature is not None and self.signature.hides_printed
            name = self.signature.shown_name if self.signature and hidden else self.printed["name"]
            return f"“{name}” on {self.printed['work']}"
        return f"{self.old or '–'} → {self.new or '–'}"

    @property
    def is_live(self) -> bool:
        return self.undone_at is None


class ChangeStep(models.Model):
    """That rows of a change set were undone or done again. Rows are only added: they are its history."""

    class Kind(models.TextChoices):
        UNDONE = "undone", pgettext_lazy("change", "undone")
        REDONE = "redone", pgettext_lazy("change", "done again")

    change_set = models.ForeignKey(ChangeSet, on_delete=models.PROTECT, related_name="steps")
    kind = models.CharField(max_length=6, choices=Kind)
    rows = models.PositiveIntegerField(help_text="how many")
    whole = models.BooleanField(help_text="whether no other row was left as it was")
    one = models.ForeignKey(Change, on_delete=models.PROTECT, null=True, related_name="+", help_text="the only row")
    made_by = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.rows} of {self.change_set_id} {self.kind}"


class Identifier(models.Model):
    """An identifier elsewhere that a curator typed. It proves nothing and earns no trust; one of each scheme."""

    author = models.ForeignKey(Author, on_delete=models.CASCADE, related_name="identifiers")
    scheme = models.CharField(max_length=16)
    value = models.CharField(max_length=255)
    change = models.ForeignKey(Change, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["author", "scheme"], name="identifier_once")]
        indexes = [models.Index(fields=["scheme", "value"], name="identifier_value")]

    def __str__(self) -> str:
        return f"{self.scheme} {self.value}"


class BulkReview(models.Model):
    """A rule's pairs as they were when a curator drew a sample of them, the marks of the sample, and what became of it.

    The sample can be drawn again by anybody from `pairs` and `seed` (`bulk.sample`).
    """

    rule = models.CharField(max_length=40, help_text="slug of `bulk.RULES`")
    seed = models.BigIntegerField()
    pairs = models.JSONField(help_text="[left author, right author, sentence], by ids")
    left_out = models.JSONField(default=list, help_text="[left author, right author, why]")
    marks = models.JSONField(default=dict, help_text="by place in `pairs`: true where the rule is right")
    made_by = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField(auto_now_add=True)
    reason = models.TextField(blank=True)
    applied_at = models.DateTimeField(null=True)
    applied = models.PositiveIntegerField(default=0, help_text="pairs that were joined")
    change_set = models.ForeignKey(ChangeSet, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        verbose_name = _("bulk review")

    def __str__(self) -> str:
        return f"{self.rule} #{self.pk}"
