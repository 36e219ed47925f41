"""Play rings of invented accounts, and what unproved ones may try, in a transaction that is rolled back."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from trust import attempts, rings

SIZES = (5, 10, 20, 50, 100, 200)
PROVED = (2, 20)  # of the accounts of a ring


class Command(BaseCommand):
    """`simulate_rings`: what each record gains beside what the formula says, for rings of several sizes."""

    help = (
        "Invent accounts that hold invented records and attest one another, and print what they gain beside what the "
        "formula of docs/verification.md says; with --attempts, what accounts without any proof come to. Everything is "
        "rolled back: no row, letter or task stays. Each ring is one transaction of up to some minutes, which keeps "
        "locks on its own rows only but holds back vacuum: run it on a copy, not where people work."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--from", type=int, default=SIZES[0], dest="least", help="accounts of the smallest ring")
        parser.add_argument("--to", type=int, default=SIZES[-1], dest="most", help="accounts of the largest ring")
        parser.add_argument("--attempts", type=int, default=0, help="actions of accounts that prove nothing")
        parser.add_argument("--seed", type=int, default=1, help="of the attempts (default: %(default)s)")

    def handle(self, *args: Any, **options: Any) -> None:
        least, most = options["least"], options["most"]
        sizes = sorted({least, most, *(size for size in SIZES if least <= size <= most)})
        self.stdout.write("    k     u     p   each unproved   each proved     in all   by formula   equal")
        for size in sizes:
            for proved in sorted({0, *(min(size, number) for number in PROVED)}):
                with rings.rolled_back():
                    self._row(rings.play(size, proved, timezone.now()))
        if options["attempts"]:
            with rings.rolled_back():
                walk = attempts.Walk(options["seed"])
                walk.take(options["attempts"])
            for line in walk.report():
                self.stdout.write(line)

    def _row(self, found: rings.Outcome) -> None:
        unproved, proved = _span(found.gained[found.proved :]), _span(found.gained[: found.proved])
        self.stdout.write(
            f"{found.members:5} {found.members - found.proved:5} {found.proved:5} {unproved:>15} {proved:>13} "
            f"{sum(found.gained):10} {sum(found.expected):12}   {'yes' if found.agrees else 'NO'}"
        )


def _span(gained: tuple[int, ...]) -> str:
    """The least and the most of these, as one number where they are the same."""
    return " to ".join(f"+{points}" for points in sorted({min(gained), max(gained)})) if gained else "–"
