"""What waits for curators, and who of them has taken it up."""

from __future__ import annotations

from django.db import models
from django.utils.translation import pgettext_lazy

from papers.models import Institution, Paper

from .accounts import Account
from .authors import Author


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
    """Somebody says that something is wrong on the page of a person, a paper or an institution; a curator answers. Its
    text is hostile."""

    class Kind(models.TextChoices):
        WRONG_WORK = "work", pgettext_lazy("report", "A work here is somebody else’s")
        TWO_PEOPLE = "split", pgettext_lazy("report", "Two people are on this page")
        SAME_PERSON = "merge", pgettext_lazy("report", "The same person has another page")
        WRONG_FORM = "form", pgettext_lazy("report", "A printed form is another place’s")
        SAME_PLACE = "place", pgettext_lazy("report", "The same institution has another page")
        WRONG_FACT = "fact", pgettext_lazy("report", "A fact is wrong")
        OTHER = "other", pgettext_lazy("report", "Something else")

    class State(models.TextChoices):
        OPEN = "open", pgettext_lazy("report", "Open")
        CLOSED = "closed", pgettext_lazy("report", "Closed")

    kind = models.CharField(max_length=8, choices=Kind)
    text = models.TextField(max_length=2_000)
    author = models.ForeignKey(Author, on_delete=models.CASCADE, null=True, related_name="reports")
    paper = models.ForeignKey(Paper, on_delete=models.CASCADE, null=True, related_name="+")
    institution = models.ForeignKey(Institution, on_delete=models.CASCADE, null=True, related_name="+")
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
                condition=models.Q(author__isnull=False, paper=None, institution=None)
                | models.Q(author=None, paper__isnull=False, institution=None)
                | models.Q(author=None, paper=None, institution__isnull=False),
                name="report_about_one",
            ),
            models.CheckConstraint(
                condition=models.Q(state="open") | ~models.Q(answer=""), name="report_closed_with_an_answer"
            ),
        ]

    def __str__(self) -> str:
        return f"“{self.get_kind_display()}” on {self.subject}"

    @property
    def subject(self) -> Author | Paper | Institution:
        """What page the report is about."""
        found = self.author or self.paper or self.institution
        assert found is not None  # a constraint
        return found

    @property
    def is_open(self) -> bool:
        return self.state == self.State.OPEN
