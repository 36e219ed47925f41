"""Coauthorship and who is at home in which topic, computed from the assignments; snapshots of the whole graph."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from papers.models import Topic
from profiles.models import Author


class CoauthorshipQuerySet(models.QuerySet["Coauthorship"]):
    """Questions asked of coauthorships."""

    def strongest_first(self) -> CoauthorshipQuerySet:
        """By shared works, then Newman's weight, then name; the id makes the order total."""
        return self.order_by("-works", "-weight", "coauthor__name", "coauthor_id")

    def listed(self) -> CoauthorshipQuerySet:
        """With coauthors who may be shown: a hidden one is no node."""
        return self.filter(coauthor__visibility=Author.Visibility.PUBLIC)

    def close(self) -> CoauthorshipQuerySet:
        """Close collaborators: those who share two or more works."""
        return self.filter(works__gte=2)


class Coauthorship(models.Model):
    """`author` wrote `works` papers with `coauthor`. Held in both directions, so that one index answers a page.

    A row exists where they share a paper of at most `coauthorships.LARGEST_TEAM` names, and counts all that they share;
    `graph.crowds` tells of who shares longer lists alone. `weight` is Newman's: the sum over shared papers of 1/(n-1),
    n being the names printed on the paper, whoever they are.
    """

    author = models.ForeignKey(Author, on_delete=models.CASCADE, related_name="coauthorships")
    coauthor = models.ForeignKey(Author, on_delete=models.CASCADE, related_name="+")
    works = models.PositiveIntegerField()
    weight = models.FloatField()
    first_year = models.PositiveSmallIntegerField(null=True)
    last_year = models.PositiveSmallIntegerField(null=True)

    objects = CoauthorshipQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["author", "coauthor"], name="coauthorship_once")]
        indexes = [models.Index(fields=["author", "-works", "-weight"], name="coauthorship_strongest")]

    def __str__(self) -> str:
        return f"{self.author_id}–{self.coauthor_id}: {self.works}"


class TopicPerson(models.Model):
    """`author` has so many works in the topic, the first and the last in these years (of the first versions)."""

    author = models.ForeignKey(Author, on_delete=models.CASCADE, related_name="+")
    topic = models.ForeignKey(Topic, on_delete=models.CASCADE, related_name="+")
    works = models.PositiveIntegerField()
    first_year = models.PositiveSmallIntegerField(null=True)
    last_year = models.PositiveSmallIntegerField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["author", "topic"], name="topicperson_once")]
        indexes = [models.Index(fields=["topic", "-works", "author"], name="topicperson_most")]

    def __str__(self) -> str:
        return f"{self.author_id} in {self.topic_id}: {self.works}"


class TopicYear(models.Model):
    """How many works of a topic are of a year (of the first version), and how many people had their first work in the
    topic in it; without a year, the works that have no date, and the people of those alone. Hidden people count."""

    topic = models.ForeignKey(Topic, on_delete=models.CASCADE, related_name="+")
    year = models.PositiveSmallIntegerField(null=True)
    works = models.PositiveIntegerField()
    new_people = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["topic", "year"], nulls_distinct=False, name="topicyear_once"),
        ]

    def __str__(self) -> str:
        return f"{self.topic_id} in {self.year}: {self.works}"


class TopicPair(models.Model):
    """Two topics share so many works, `lift` times as many as they would by chance. Held in both directions."""

    topic = models.ForeignKey(Topic, on_delete=models.CASCADE, related_name="+")
    other = models.ForeignKey(Topic, on_delete=models.CASCADE, related_name="+")
    works = models.PositiveIntegerField()
    lift = models.FloatField(help_text="works × all works / (works of the one × works of the other)")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["topic", "other"], name="topicpair_once")]

    def __str__(self) -> str:
        return f"{self.topic_id}–{self.other_id}: {self.works}"


class Snapshot(models.Model):
    """The whole graph as arrays (`networks.Incidence`) in a folder of that name, as of `built_at`."""

    name = models.CharField(max_length=64, unique=True)
    built_at = models.DateTimeField(default=timezone.now)
    authors = models.PositiveIntegerField()
    papers = models.PositiveIntegerField()
    authorships = models.PositiveBigIntegerField()
    changes = models.PositiveBigIntegerField(
        default=0, help_text="rows written till then, to tell whether more were since"
    )

    class Meta:
        get_latest_by = "pk"

    def __str__(self) -> str:
        return f"{self.name}: {self.authors} authors, {self.papers} papers"
