"""The computed trust of a record: its score, its level, and the sum behind them."""

from __future__ import annotations

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
