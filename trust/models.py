"""The computed trust of a record: its score, its level, and the sum behind them."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from profiles.models import Author

from . import scoring


class TrustScore(models.Model):
    """How well one author's record is supported. `components` holds the points that `trust.scoring` gave, by rule."""

    author = models.OneToOneField(Author, on_delete=models.CASCADE, related_name="trust")
    score = models.PositiveSmallIntegerField()
    level = models.PositiveSmallIntegerField(help_text="verification level 0 to 5")
    components = models.JSONField(help_text="points by rule")
    model = models.CharField(max_length=32)
    computed_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.author_id}: {self.score}, L{self.level}"

    @property
    def band(self) -> str:
        """The name of the band the score falls in."""
        return scoring.band(self.score)


class LedgerEntry(models.Model):
    """What one rule gave one author from then on, and the rows that it rests on. Entries are only added.

    The newest entry of an author and rule holds; the score at any time is the sum of what then held. Each entry carries
    the hash of the one before (`trust.ledger`), so that none can be changed, taken out or put in unnoticed. `sources`
    name rows by kind and id and never a person by name; the hash binds them through `salt`, so that they can be kept
    from the public where the record is hidden, and the chain is checked all the same.
    """

    seq = models.BigIntegerField(primary_key=True, help_text="from 1, without gaps")
    author = models.ForeignKey(Author, on_delete=models.PROTECT, related_name="ledger")
    rule = models.CharField(max_length=16)
    model = models.CharField(max_length=32, help_text="version of the rules")
    points = models.PositiveSmallIntegerField()
    sources = ArrayField(models.TextField(), default=list, help_text="such as work:12, person:7, proof:3")
    salt = models.CharField(max_length=32)
    at = models.DateTimeField()
    previous = models.CharField(max_length=64, help_text="hash of the entry before; zeros before the first")
    hash = models.CharField(max_length=64)

    class Meta:
        indexes = [models.Index(fields=["author", "rule", "-seq"], name="ledgerentry_newest")]
        verbose_name_plural = "ledger entries"

    def __str__(self) -> str:
        return f"#{self.seq}: {self.rule} {self.points} for {self.author_id}"


class LedgerHead(models.Model):
    """How long the ledger is and the hash of its newest entry, sealed with the secret key of the site. One row."""

    entries = models.BigIntegerField(default=0)
    hash = models.CharField(max_length=64)
    seal = models.CharField(max_length=64)

    def __str__(self) -> str:
        return f"{self.entries} entries"
