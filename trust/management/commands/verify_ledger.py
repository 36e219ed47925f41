"""Check the ledger of trust, and say what the score was at any date."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterator
from datetime import date, datetime
from itertools import chain
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from profiles.models import Author
from trust import ledger, verifying
from trust.scoring import band


class Command(BaseCommand):
    """`verify_ledger [--on DATE] [--person ID] [--facts]`: exit code 1 where anything is wrong."""

    help = "Check every entry of the ledger of trust and every score against it; say what a score was at a date."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--on", type=_day, metavar="DATE", help="say the scores at the end of that day, in UTC")
        parser.add_argument("--person", type=int, metavar="ID", help="say the score of this person, rule by rule")
        parser.add_argument("--facts", action="store_true", help="assess everybody anew, and name whose score differs")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["person"] and not Author.objects.filter(pk=options["person"]).exists():
            raise CommandError(f"There is no person {options['person']}.")
        with verifying.snapshot():
            found = self._tell(chain(verifying.problems(), verifying.differing() if options["facts"] else ()))
            if options["person"] or options["on"]:
                self._say(options["person"], options["on"])
            entries, newest = ledger.end()
        if found:
            raise CommandError(f"{found:,} {'thing is' if found == 1 else 'things are'} wrong.")
        self.stdout.write(f"OK: {entries:,} entries, and the scores are what they add up to. Head: {entries}:{newest}")

    def _tell(self, problems: Iterator[str]) -> int:
        found = 0
        for found, sentence in enumerate(problems, 1):  # noqa: B007
            self.stdout.write(sentence)
        return found

    def _say(self, person: int | None, day: date | None) -> None:
        before: datetime | None = ledger.end_of(day) if day else None
        when = f"On {day}" if day else "Now"
        if person is None:
            bands, people, points = ledger.sums(before or timezone.now())
            told = ", ".join(f"{count:,} {name}" for name, count in bands.items())
            self.stdout.write(f"{when}: {people:,} people with {points:,} points together ({told}).")
            return
        held = ledger.standing([person], before).get(person, {})
        for entry in held.values():
            if entry.points:
                self.stdout.write(f"  {entry.rule} {entry.points}: entry {entry.seq}, {', '.join(entry.sources)}")
        score = sum(entry.points for entry in held.values())
        self.stdout.write(f"{when}: person {person} has {score} of 100, {band(min(score, 100))}.")


def _day(given: str) -> date:
    try:
        day = date.fromisoformat(given)
        ledger.end_of(day)
    except (ValueError, OverflowError):
        raise ArgumentTypeError(f"“{given}” is no date such as 2026-03-01.") from None
    if day > timezone.now().date():
        raise ArgumentTypeError(f"{day} has not come yet.")
    return day
