"""What we infer: whose each printed name is. All of it can be thrown away and recomputed."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import pgettext_lazy

from papers.models import Batch, Signature

from .authors import Author


class AssignmentQuerySet(models.QuerySet["Assignment"]):
    """Questions asked of assignments."""

    def standing(self) -> AssignmentQuerySet:
        """Those that are on the record: not rejected."""
        return self.exclude(state=Assignment.State.REJECTED)

    def surely(self) -> AssignmentQuerySet:
        """Those that are sure enough for proofs to rest on. What readers doubt changes nothing here: a crowd could
        take a proof from its owner."""
        return self.filter(self._certainty())

    def with_certainty(self) -> AssignmentQuerySet:
        """With `sure`: whether `surely` has it."""
        return self.annotate(sure=self._certainty())

    @staticmethod
    def _certainty() -> models.Q:
        but_for_readers = models.Q(
            state=Assignment.State.WEAK,
            evidence__contains=[{"rule": "readers", "otherwise": str(Assignment.State.STRONG)}],
        )
        return models.Q(state__in=Assignment.STRONG_OR_BETTER) | but_for_readers


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
