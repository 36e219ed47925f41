"""Who is who: accounts, authors, what we infer (assignments) and what people decided (corrections).

The three kinds of truth never share a table: `papers.Signature` is what was printed, `Assignment` can be thrown away
and recomputed, `Correction` is never lost and never overruled by the machine.

An author is an identity that the machine recomputes, and people speak of authors. So an author whom a decision names,
or whom somebody claimed, has an anchor: one of its signatures. The id follows the anchor wherever that goes, and what
is decided about the author is held by it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.contrib.auth.models import AbstractUser
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models.expressions import RawSQL
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from papers.models import Batch, Paper, Signature

from .levels import CONTROLLED


class Account(AbstractUser):
    """Someone who signs in. The name is opaque unless an administrator gave one: it stands beside public decisions."""

    @cached_property
    def is_entrusted(self) -> bool:
        """May do more than readers and owners may: needs a second factor (`bzpeer.middleware`)."""
        return self.is_staff or self.is_superuser or self.groups.exists() or self.user_permissions.exists()


class AuthorQuerySet(models.QuerySet["Author"]):
    """Questions asked of authors."""

    def listed(self) -> AuthorQuerySet:
        """Those that lists, searches, graphs and feeds show: with works, merged into nobody, and not hidden."""
        return self.filter(merged_into=None, works_count__gt=0, visibility=Author.Visibility.PUBLIC)

    def keeping_their_ids(self) -> AuthorQuerySet:
        """Those whom the matcher merges into nobody (`Author.keeps_its_id`)."""
        hidden = ~models.Q(visibility=Author.Visibility.PUBLIC) | models.Q(hides_printed=True)
        return self.filter(models.Q(account__isnull=False) | hidden)


class Author(models.Model):
    """A person as far as the records show: the signatures assigned to one `Author` are held to be one person's.

    The counts and years are computed from the assignments for the pages that read them.
    """

    class Visibility(models.TextChoices):
        PUBLIC = "public", pgettext_lazy("visibility", "public")
        NOTICE = "notice", pgettext_lazy("visibility", "a notice that search engines do not keep")
        GONE = "gone", pgettext_lazy("visibility", "gone (410)")

    PAGES = frozenset({"claim", "edit", "follow", "graph", "history", "mine", "name", "rights", "trust"})

    name = models.TextField(help_text="the fullest form printed, most frequent first; or the preferred name")
    preferred_name = models.TextField(blank=True, help_text="set by a change set; what is printed stays as it is")
    works_count = models.PositiveIntegerField(default=0)
    topics_count = models.PositiveIntegerField(default=0)
    first_year = models.PositiveSmallIntegerField(null=True)
    last_year = models.PositiveSmallIntegerField(null=True)
    affiliation = models.TextField(blank=True, help_text="as printed on the newest paper that prints one")
    bio = models.TextField(blank=True)
    open_to_collaborate = models.BooleanField(default=True)
    account = models.OneToOneField(Account, on_delete=models.SET_NULL, null=True, blank=True, related_name="author")
    visibility = models.CharField(
        max_length=8,
        choices=Visibility,
        default=Visibility.PUBLIC,
        help_text="what is not public is a notice: in no list, search, graph or feed; the matcher still knows it",
    )
    hides_printed = models.BooleanField(
        default=False,
        help_text="the owner changed the name: what papers print is a private key of the matcher, and shown nowhere",
    )
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

    objects = AuthorQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["-works_count", "id"], name="author_most_works"),
            models.Index(fields=["id"], name="author_stale", condition=models.Q(stale=True)),
            models.Index(fields=["anchor"], name="author_anchor", condition=models.Q(anchor__isnull=False)),
            models.Index(fields=["id"], name="author_hidden", condition=~models.Q(visibility="public")),
            models.Index(fields=["id"], name="author_hiding", condition=models.Q(hides_printed=True)),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """Without the slug, which is a name, where the record is hidden."""
        return reverse("person", args=[self.pk, self.slug] if self.is_public else [self.pk])

    @property
    def slug(self) -> str:
        """For reading only: the id decides. Never a word that names another page of the person."""
        slug = slugify(self.name)[:80].strip("-") or "person"
        return f"{slug}-" if slug in self.PAGES else slug

    @property
    def is_claimed(self) -> bool:
        return self.account_id is not None

    @property
    def is_public(self) -> bool:
        return self.visibility == self.Visibility.PUBLIC

    @property
    def keeps_its_id(self) -> bool:
        """Whether the matcher merges it into no other author: it is held, or it or its printed name is hidden."""
        return self.is_claimed or self.hides_printed or not self.is_public

    @property
    def with_merged(self) -> RawSQL:
        """The ids of this author and of all that were merged into it, as the rows of a subquery."""
        return RawSQL(
            """WITH RECURSIVE was(id) AS (
                   SELECT %s::bigint
                    UNION SELECT a.id FROM profiles_author a JOIN was ON a.merged_into_id = was.id
               ) SELECT id FROM was""",
            [self.pk],
        )


class Renaming(models.Model):
    """An owner gave the author another name. `old` is private: by it the name is recognised where it must not be shown.

    An empty `new` gave back what is printed.
    """

    author = models.ForeignKey(Author, on_delete=models.CASCADE, related_name="renamings")
    account = models.ForeignKey(Account, on_delete=models.SET_NULL, null=True, related_name="+")
    old = models.TextField()
    new = models.TextField(blank=True)
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["author", "-at"], name="renaming_newest")]

    def __str__(self) -> str:
        return f"renaming #{self.pk} of {self.author_id}"


class NameVariantQuerySet(models.QuerySet["NameVariant"]):
    """Questions asked of printed forms."""

    def public(self) -> NameVariantQuerySet:
        """Those of authors whom a search may name."""
        return self.filter(author__merged_into=None, author__visibility=Author.Visibility.PUBLIC)


class NameVariant(models.Model):
    """A form in which an author's name was printed, folded for search, with the number of works that print it.

    A preferred name that no work prints is a variant too, of no works, so that people find it. Of an author who hides
    what is printed it is the only one.
    """

    author = models.ForeignKey(Author, on_delete=models.CASCADE, related_name="variants")
    printed = models.TextField()
    folded = models.TextField(help_text="given names, then family name")
    family_key = models.TextField()
    surname_key = models.TextField()
    works = models.PositiveIntegerField()

    objects = NameVariantQuerySet.as_manager()

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


class AssignmentQuerySet(models.QuerySet["Assignment"]):
    """Questions asked of assignments."""

    def standing(self) -> AssignmentQuerySet:
        """Those that are on the record: not rejected."""
        return self.exclude(state=Assignment.State.REJECTED)


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

    objects = AssignmentQuerySet.as_manager()

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


class FollowQuerySet(models.QuerySet["Follow"]):
    """Questions asked of follows."""

    def of(self, author: Author) -> FollowQuerySet:
        """Follows of the author, and of those merged into it: whoever followed them follows the heir, and follows them
        alone again once the merge is undone."""
        return self.filter(author__in=author.with_merged)

    def followers(self) -> int:
        """How many accounts."""
        return self.values("account").distinct().count()


class Follow(models.Model):
    """An account follows an author."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="follows")
    author = models.ForeignKey(Author, on_delete=models.CASCADE, related_name="followers")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = FollowQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "author"], name="follow_once")]

    def __str__(self) -> str:
        return f"{self.account_id} follows {self.author_id}"


class CaseHolder(models.Model):
    """A case of the inbox is a curator's. Named by what lasts: a pair by its two authors, since suggestions are made
    anew at each run (`inbox.Kind.key`). Of a case that is decided the row stays, and counts again if it comes back."""

    kind = models.CharField(max_length=20, help_text="slug of `inbox.KINDS`")
    object_id = models.BigIntegerField()
    other_id = models.BigIntegerField(default=0, help_text="the second of two, 0 where the case is about one")
    curator = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="cases")
    since = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "object_id", "other_id"], name="caseholder_once")]

    def __str__(self) -> str:
        return f"{self.kind} {self.object_id}" + (f" and {self.other_id}" if self.other_id else "")


class Report(models.Model):
    """Somebody says that something is wrong on a profile or a paper page; a curator answers. Its text is hostile."""

    class Kind(models.TextChoices):
        WRONG_WORK = "work", pgettext_lazy("report", "A work here is somebody else’s")
        TWO_PEOPLE = "split", pgettext_lazy("report", "Two people are on this page")
        SAME_PERSON = "merge", pgettext_lazy("report", "The same person has another page")
        WRONG_FACT = "fact", pgettext_lazy("report", "A fact is wrong")
        OTHER = "other", pgettext_lazy("report", "Something else")

    class State(models.TextChoices):
        OPEN = "open", pgettext_lazy("report", "Open")
        CLOSED = "closed", pgettext_lazy("report", "Closed")

    kind = models.CharField(max_length=8, choices=Kind)
    text = models.TextField(max_length=2_000)
    author = models.ForeignKey(Author, on_delete=models.CASCADE, null=True, related_name="reports")
    paper = models.ForeignKey(Paper, on_delete=models.CASCADE, null=True, related_name="+")
    reporter = models.ForeignKey(Account, on_delete=models.SET_NULL, null=True, related_name="reports")
    made_at = models.DateTimeField(auto_now_add=True)
    state = models.CharField(max_length=8, choices=State, default=State.OPEN)
    answer = models.TextField(max_length=2_000, blank=True)
    closed_by = models.ForeignKey(Account, on_delete=models.SET_NULL, null=True, related_name="+")
    closed_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["id"], name="report_open", condition=models.Q(state="open"))]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(author__isnull=False, paper=None) | models.Q(author=None, paper__isnull=False),
                name="report_about_one",
            ),
            models.CheckConstraint(
                condition=models.Q(state="open") | ~models.Q(answer=""), name="report_closed_with_an_answer"
            ),
        ]

    def __str__(self) -> str:
        return f"“{self.get_kind_display()}” on {self.subject}"

    @property
    def subject(self) -> Author | Paper:
        """What page the report is about."""
        found = self.author or self.paper
        assert found is not None  # a constraint
        return found

    @property
    def is_open(self) -> bool:
        return self.state == self.State.OPEN


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


class FollowQuestion(models.Model):
    """A person whom an account follows was split: whom does it follow from now on? Open until it is answered."""

    class Answer(models.TextChoices):
        OPEN = "", pgettext_lazy("follow", "not answered")
        BOTH = "both", pgettext_lazy("follow", "follow both")
        NEW = "new", pgettext_lazy("follow", "the new one instead")
        OLD = "old", pgettext_lazy("follow", "only the old one")

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="follow_questions")
    old_author = models.ForeignKey(Author, on_delete=models.CASCADE, related_name="+")
    new_author = models.ForeignKey(Author, on_delete=models.CASCADE, related_name="+")
    change_set = models.ForeignKey(ChangeSet, on_delete=models.PROTECT, related_name="questions")
    answer = models.CharField(max_length=4, choices=Answer, blank=True)
    asked_at = models.DateTimeField(auto_now_add=True)
    answered_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "change_set", "new_author"], name="followquestion_once")
        ]
        indexes = [models.Index(fields=["account"], name="followquestion_open", condition=models.Q(answer=""))]

    def __str__(self) -> str:
        return f"{self.account_id}: {self.old_author_id} or {self.new_author_id}?"


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


class OwnWords(models.Model):
    """What an owner says about themselves, and what they keep off their page. Emptied when the claim ends."""

    class Order(models.TextChoices):
        AS_PRINTED = "", pgettext_lazy("name order", "as printed")
        GIVEN_FIRST = "given", pgettext_lazy("name order", "given name, then family name")
        FAMILY_FIRST = "family", pgettext_lazy("name order", "family name, then given name")

    class Hidden(models.TextChoices):
        """Parts of the page that an owner may keep off it."""

        AFFILIATION = "affiliation", pgettext_lazy("part of a page", "affiliation")
        BIO = "bio", pgettext_lazy("part of a page", "about me")
        PRONOUNS = "pronouns", pgettext_lazy("part of a page", "pronouns")
        NATIVE_NAME = "native_name", pgettext_lazy("part of a page", "name in its own script")
        LINKS = "links", pgettext_lazy("part of a page", "links")
        IDENTIFIERS = "identifiers", pgettext_lazy("part of a page", "identifiers")
        WORKS = "works", pgettext_lazy("part of a page", "number of works")
        FOLLOWERS = "followers", pgettext_lazy("part of a page", "number of followers")
        TOPICS = "topics", pgettext_lazy("part of a page", "number of topics")
        COLLABORATORS = "collaborators", pgettext_lazy("part of a page", "number of close collaborators")

    author = models.OneToOneField(Author, on_delete=models.CASCADE, related_name="own_words")
    name_order = models.CharField(max_length=6, choices=Order, blank=True)
    native_name = models.CharField(max_length=200, blank=True)
    native_language = models.CharField(max_length=12, blank=True, help_text="of the native name, as BCP 47")
    pronouns = models.CharField(max_length=40, blank=True)
    links = models.JSONField(default=list, help_text="[{label, url}], in order")
    featured = ArrayField(models.BigIntegerField(), default=list, help_text="ids of papers, in order")
    hidden = ArrayField(models.CharField(max_length=16), default=list, help_text="of `Hidden`")

    def __str__(self) -> str:
        return f"own words of {self.author_id}"


class OwnAffiliation(models.Model):
    """An affiliation as its owner states it, apart from what papers print."""

    author = models.ForeignKey(Author, on_delete=models.CASCADE, related_name="own_affiliations")
    institution = models.CharField(max_length=200)
    role = models.CharField(max_length=120, blank=True)
    from_year = models.PositiveSmallIntegerField(null=True, blank=True)
    to_year = models.PositiveSmallIntegerField(null=True, blank=True, help_text="none: still there")

    class Meta:
        ordering = [models.F("to_year").desc(nulls_first=True), models.F("from_year").desc(nulls_last=True), "pk"]

    def __str__(self) -> str:
        return self.institution


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


class Code(models.Model):
    """A single-use code that was sent to an address: only its keyed hash is kept (`profiles.codes`)."""

    purpose = models.CharField(max_length=40, help_text="what it opens, such as “proof 12”")
    hash = models.CharField(max_length=64)
    tries = models.PositiveSmallIntegerField(default=0)
    made_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["purpose", "-id"], name="code_purpose")]

    def __str__(self) -> str:
        return f"code for {self.purpose}"


class Letter(models.Model):
    """A mail to be sent, or sent: written in the transaction of what it tells, delivered by a worker.

    The text is emptied once it is sent, but where mail is kept to be read on this machine (`settings.MAIL_KEPT`).
    """

    to = models.EmailField()
    subject = models.CharField(max_length=300)
    text = models.TextField()
    made_at = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField(null=True)
    tries = models.PositiveSmallIntegerField(default=0)
    problem = models.TextField(blank=True, help_text="why the last try failed, as a sentence")

    class Meta:
        indexes = [models.Index(fields=["id"], name="letter_unsent", condition=models.Q(sent_at=None))]

    def __str__(self) -> str:
        return f"letter #{self.pk}"
