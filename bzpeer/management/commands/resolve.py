"""Work out anew who is who, and report what moved."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from bzpeer import pipeline
from papers.models import Signature
from papers.names import surname_key
from profiles.models import Move
from profiles.resolving import Report


class Command(BaseCommand):
    """`resolve [SURNAME …]`: all surnames, or those given with all that decisions tie to them. Ids are kept."""

    help = "Resolve all signatures again, or those of some surnames, and report what moved and why."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("surnames", nargs="*", metavar="SURNAME", help="as printed; all where none is given")
        parser.add_argument("--moves", type=int, default=20, help="moves to show (default: %(default)s)")

    def handle(self, *args: Any, **options: Any) -> None:
        known = Signature.objects.values_list("surname_key", flat=True).distinct()
        if options["surnames"]:
            wanted = {surname_key(name) for name in options["surnames"]}
            if missing := wanted - set(known.filter(surname_key__in=wanted)):
                raise CommandError(f"No paper prints: {', '.join(sorted(missing))}")
        else:
            wanted = set(known)
        newest = Move.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        found = pipeline.rerun(wanted, self._progress)
        self.stdout.write(
            f"Authors: {found.kept:,} kept, {found.made:,} made, {found.merged:,} merged, {found.split:,} split. "
            f"Signatures moved: {found.moved:,}."
        )
        moves = Move.objects.filter(pk__gt=newest, target__isnull=False).select_related("source", "target")
        for move in moves.order_by("-count", "pk")[: options["moves"]]:
            self.stdout.write(
                f"  {move.count:,} from {move.source} (#{move.source_id}) to {move.target} (#{move.target_id}), "
                f"{move.get_kind_display()}: {move.reason}"
            )
        if (more := moves.count() - options["moves"]) > 0:
            self.stdout.write(f"  and {more:,} more; all of them are listed in the admin under Moves.")

    def _progress(self, so_far: Report, done: int, total: int) -> None:
        if self.stderr.isatty():
            self.stderr.write(f"{done:,} of {total:,} signatures, {so_far.moved:,} moved\r", ending="")
