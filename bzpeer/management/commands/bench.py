"""manage.py bench: speed and memory, beside limits of the same run; what the cap on blocks costs."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.table import Table

from bzpeer import graphbench, importbench, pagebench
from papers import sources
from papers.records import Numbered, Record
from papers.streams import UnreadableFile, open_stream
from profiles.disambiguation.benchmark import Speed, cost_of_cap, measure, measured, one_name, spread
from profiles.disambiguation.blocking import CAP
from profiles.disambiguation.gold import GoldError, find_sets, read_gold


class Command(BaseCommand):
    """Benchmarks that anyone can run; figures of other machines compare by their ratios only."""

    help = "Measure the import or the disambiguation of records, the graph, or what splitting large blocks costs."
    requires_system_checks: list[str] = []

    @staticmethod
    def needs_services(arguments: Sequence[str]) -> bool:
        """Of the import, the graph and the pages, which have to do with a database."""
        return arguments[:1] in (["import"], ["graph"], ["pages"])

    def add_arguments(self, parser: CommandParser) -> None:
        what = parser.add_subparsers(dest="what", required=True)
        whole_import = what.add_parser("import", help="records a second, in a database made for it and dropped again")
        whole_import.add_argument("file", type=Path)
        whole_import.add_argument("--records", type=int, help="how many lines to read (all)")
        whole_import.add_argument("--multiply", type=int, default=1, help="so many communities of that size (1)")
        whole = what.add_parser("disambiguate", help="signatures per CPU second on a file of records")
        whole.add_argument("file", type=Path)
        whole.add_argument("--records", type=int, help="how many to read (all)")
        whole.add_argument("--workers", type=int, default=os.cpu_count(), help="processes (one a core)")
        block = what.add_parser("block", help="one block of so many signatures, all printed “Wang, Y.”")
        block.add_argument("file", type=Path)
        block.add_argument("--signatures", type=int, default=20_000)
        graph = what.add_parser("graph", help="slices, paths and ranks in an invented graph with real teams and ties")
        graph.add_argument("--authors", type=int, default=500_000)
        graph.add_argument("--edges", type=int, default=2_000_000, help="pairs who wrote together (2,000,000)")
        graph.add_argument("--networkx", action="store_true", help="rank the whole graph with networkx too; slow")
        pages = what.add_parser("pages", help="pages under gunicorn, in an invented database, beside an empty view")
        pages.add_argument("--papers", type=int, default=330_000, help="about so many (330,000)")
        pages.add_argument("--authors", type=int, default=500_000, help="about so many (500,000)")
        pages.add_argument("--without-embeddings", action="store_true", help="search by words alone")
        pages.add_argument("--keep", action="store_true", help="leave the database, and say its name")
        pages.add_argument("--on", metavar="DATABASE", help="measure one that was kept again")
        cap = what.add_parser("cap", help="B³ of the largest gold blocks, whole and split")
        cap.add_argument("--gold", type=Path, required=True)
        cap.add_argument("--blocks", type=int, default=4, help="so many of each set (4)")

    def handle(self, *args: Any, what: str, **options: Any) -> None:
        try:
            getattr(self, f"_{what}")(**options)
        except (OSError, UnreadableFile) as error:
            if "file" not in options:
                raise
            raise CommandError(f"{options['file']} cannot be read: {error}") from error
        except GoldError as error:
            raise CommandError(str(error)) from error

    def _import(self, file: Path, records: int | None, multiply: int, **options: Any) -> None:
        console = Console(stderr=True)
        with tempfile.NamedTemporaryFile(suffix=".jsonl") as sample, console.status("reading") as status:
            importbench.write_sample(file, cast(BinaryIO, sample), records, multiply)
            sample.flush()
            with importbench.scratch_database():
                found = importbench.measure(Path(sample.name), status.update)
        self._print_import(found)

    def _print_import(self, found: importbench.Measured) -> None:
        table = Table(
            "", "Records/s", "CPU µs a record", "of COPY with indexes", "of COPY without", title="bench import"
        )
        for label, cost in (
            ("fresh", found.fresh.cost),
            ("the same again", found.again.cost),
            ("bare COPY, same indexes", found.keyed),
            ("bare COPY, no index", found.bare),
        ):
            each = [1e6 * seconds / cost.records for seconds in (cost.client, cost.backend)]
            ratios = [
                f"{cost.rate / limit.rate:.2f} (CPU {limit.cpu / max(cost.cpu, 1e-9):.2f})"
                for limit in (found.keyed, found.bare)
            ]
            table.add_row(label, f"{cost.rate:,.0f}", f"{each[0]:.0f} client + {each[1]:.0f} backend", *ratios)
        out = Console(file=cast(IO[str], self.stdout), width=120)
        out.print(table)
        for label, one, least in (("fresh", found.fresh, 0.25), ("again", found.again, 0.5)):
            reached = "reached" if one.cost.rate / found.keyed.rate >= least else "missed"
            fates = ", ".join(f"{count:,} {fate}" for fate, count in one.fates.items() if count)
            self.stdout.write(f"{label}: {fates}; target {least} of COPY with the same indexes: {reached}")
            rows = (f"{t.removeprefix('papers_')} {'/'.join(f'{n:,}' for n in w)}" for t, w in one.written.items())
            self.stdout.write(f"  rows inserted/updated/deleted: {', '.join(rows)}")
            self.stdout.write(f"  memory: {one.peak:,.0f} MB at most, in both processes together")
            for records, rate, memory in one.windows:
                self.stdout.write(f"    {records:>10,} records  {rate:>7,.0f}/s  {memory:>5,.0f} MB")
        records = found.fresh.cost.records
        for name, (heap, indexes) in found.disk.items():
            self.stdout.write(f"{name}: {heap / records:,.0f} bytes a record, its indexes {indexes / records:,.0f}")
        self.stdout.write(f"together {sum(map(sum, found.disk.values())) / records:,.0f} bytes a record")

    def _graph(self, authors: int, edges: int, networkx: bool, **options: Any) -> None:
        if not 0 < authors <= edges:
            raise CommandError("--edges must be at least --authors, and both above 0.")
        with Console(stderr=True).status("inventing a graph") as status, importbench.scratch_database():
            found = graphbench.measure(authors, edges, networkx, status.update)
        for line in (*found.facts, *map(str, found.ratios)):
            self.stdout.write(line)
        reached = "reached" if found.peak <= graphbench.MEMORY_TARGET else "missed"
        self.stdout.write(f"memory: {found.peak:,.0f} MB at most; target {graphbench.MEMORY_TARGET:,.0f}: {reached}")

    def _pages(
        self, papers: int, authors: int, without_embeddings: bool, keep: bool, on: str | None, **options: Any
    ) -> None:
        if not 1_000 <= papers <= authors:
            raise CommandError("--papers must be at least 1,000, and --authors at least as many.")
        with Console(stderr=True).status("making a database") as status:
            if on:
                with importbench.in_database(on):
                    return self._print_pages(pagebench.measure(status.update))
            with importbench.scratch_database(keep) as name:
                self.stdout.write(pagebench.load(authors, papers, not without_embeddings, status.update))
                if keep:
                    self.stdout.write(f"kept as database {name}")
                self._print_pages(pagebench.measure(status.update))

    def _print_pages(self, found: pagebench.Measured) -> None:
        table = Table("", "Statements", "First visit", "Again", "304", "Target: first, 304", title="bench pages")
        words = {None: "", True: "reached", False: "missed"}
        for told in found.pages:
            visits = ("{:.1f} / {:.1f}".format(*found.ratios(visit)) for visit in told.visits)
            first, unchanged = found.reached(told)
            goals = (
                f"{told.page.target or ''} {words[first]}, {pagebench.UNCHANGED_TARGET:g} {words[unchanged]}".strip()
            )
            table.add_row(told.page.label, "–".join(map(str, told.statements)), *visits, goals)
        out = Console(file=cast(IO[str], self.stdout), width=120)
        out.print(table)
        self.stdout.write(
            "Ratios to the empty view of the same run, median / 95th percentile, which took it "
            f"{found.empty[0]:.1f} / {found.empty[1]:.1f} ms; targets are for the 95th percentile."
        )

    def _disambiguate(self, file: Path, records: int | None, workers: int, **options: Any) -> None:
        total = Speed()
        with tempfile.TemporaryDirectory() as folder, Console(stderr=True).status("reading") as status:
            paths = spread(_counted(islice(_records(file), records), status.update), Path(folder))
            for number, part in enumerate(measured(paths, workers), 1):
                total += part
                status.update(f"{number} of {len(paths)} parts, {total.signatures:,} signatures resolved")
        self._print(total)

    def _block(self, file: Path, signatures: int, **options: Any) -> None:
        self._print(measure(one_name(_records(file), signatures)))

    def _print(self, speed: Speed) -> None:
        self.stdout.write(
            f"{speed.signatures:,} signatures in {speed.blocks:,} blocks (largest {speed.largest_block:,}) "
            f"are {speed.people:,} people: {speed.rate:,.0f} signatures per CPU second ({speed.engine:,.0f} CPU s), "
            f"at most {speed.peak:,.0f} MB a process"
        )
        self.stdout.write(f"{speed.split_blocks:,} blocks were above the cap of {CAP:,} and split")
        for limit, spent in (("comparing their names", speed.names), ("clustering them", speed.linkage)):
            self.stdout.write(
                f"{speed.engine / max(spent, 1e-9):.1f} times what bare {limit} takes ({spent:.2f} CPU s)"
            )

    def _cap(self, gold: Path, blocks: int, **options: Any) -> None:
        for folder in find_sets(gold):
            costs = list(cost_of_cap(read_gold(folder), blocks))
            for cost in costs:
                split = ", ".join(f"1/{share} {100 * f1:.1f}" for share, f1 in cost.capped.items())
                self.stdout.write(
                    f"{folder.parent.name} {cost.key}, {cost.signatures:,} signatures, {cost.labelled:,} labelled: "
                    f"B³ {100 * cost.uncapped:.1f} whole; capped at {split} of the block"
                )
            if labelled := sum(cost.labelled for cost in costs):
                lost = {
                    share: sum(c.labelled * (c.uncapped - c.capped[share]) for c in costs) / labelled
                    for share in costs[0].capped
                }
                said = ", ".join(f"1/{share} {100 * points:+.2f}" for share, points in lost.items())
                self.stdout.write(f"{folder.parent.name}: the cap costs {said} points of B³")


def _records(file: Path) -> Iterator[Record]:
    head, stream = sources.peek(open_stream(file))
    return (item.record for item in sources.detect(head).read(stream) if isinstance(item, Numbered))


def _counted(records: Iterator[Record], say: Any) -> Iterator[Record]:
    for number, record in enumerate(records, 1):
        if number % 5_000 == 0:
            say(f"{number:,} records read")
        yield record
