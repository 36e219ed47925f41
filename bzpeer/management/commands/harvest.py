"""manage.py harvest: records over the network, through the whole pipeline."""

from __future__ import annotations

import argparse
from datetime import date
from functools import partial
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from bzpeer import demo, pipeline
from graph import snapshots
from papers import fetching, harvesting, identifiers
from papers.models import Batch, Harvest, Paper
from papers.streams import UnreadableFile


class Command(BaseCommand):
    """`oai` (a repository, kept current), `atom` and `openalex` (some papers), `--known` (what papers here lack)."""

    help = (
        "Fetch records over the network: `oai` from an OAI-PMH repository, `atom` from arXiv's API, `openalex` from "
        "OpenAlex, --known what the papers here lack. Ctrl-C keeps what has come; the same command goes on."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--known", action="store_true", help="abstracts and the like of the papers that are here")
        kinds = parser.add_subparsers(dest="kind", metavar="{oai,atom,openalex}", parser_class=argparse.ArgumentParser)
        oai = kinds.add_parser("oai", help="an OAI-PMH repository, or a set of it; from where the last time ended")
        oai.add_argument("--endpoint", default=Harvest._meta.get_field("endpoint").default, metavar="URL")
        oai.add_argument("--prefix", choices=Harvest.Prefix.values, default=Harvest.Prefix.RAW.value)
        oai.add_argument("--set", default="", dest="set_spec", metavar="SET", help="such as cs:cs:LG")
        oai.add_argument(
            "--from", type=date.fromisoformat, dest="start", metavar="DAY", help="changed since, YYYY-MM-DD"
        )
        oai.add_argument("--until", type=date.fromisoformat, metavar="DAY")
        oai.add_argument("--every", type=int, metavar="HOURS", help="and from now on by itself; 0 ends that")
        atom = kinds.add_parser("atom", help="papers of arXiv's API")
        asked = atom.add_mutually_exclusive_group(required=True)
        asked.add_argument("--ids", nargs="+", metavar="ID", help="arXiv identifiers")
        asked.add_argument("--author", metavar="NAME")
        asked.add_argument("--query", help="as arXiv's API takes it, such as cat:cs.LG")

        openalex = kinds.add_parser("openalex", help="works of OpenAlex, with affiliations and iDs")
        openalex.add_argument(
            "--filter",
            required=True,
            dest="wanted",
            help="as OpenAlex takes it, such as author.orcid:0000-0002-1825-0097",
        )

    def handle(self, *args: Any, kind: str | None, known: bool, **options: Any) -> None:
        if bool(kind) == known:
            raise CommandError("Say one of: harvest oai …, harvest atom …, harvest openalex …, harvest --known.")
        try:
            if kind == "oai":
                self._oai(**options)
            elif kind == "atom":
                self._atom(**options)
            elif kind == "openalex":
                self._openalex(**options)
            else:
                self._known()
        except UnreadableFile as error:
            raise CommandError(str(error)) from None

    def _oai(
        self,
        endpoint: str,
        prefix: str,
        set_spec: str,
        start: date | None,
        until: date | None,
        every: int | None,
        **_: Any,
    ) -> None:
        fetching.parse(endpoint)
        harvest, _made = Harvest.objects.get_or_create(endpoint=endpoint, prefix=prefix, set_spec=set_spec)
        if (start and start != harvest.start) or (until and until != harvest.until):
            harvest.start, harvest.until = start or harvest.start, until or harvest.until
            harvest.start_over()
        if every is not None:
            harvest.every_hours = every or None
            harvest.next_attempt = harvest.next_attempt if every else None
        harvest.save()
        while True:
            batch = harvesting.begin(harvest.pk)
            harvest.refresh_from_db()
            self._work(batch, None, lambda: Harvest.objects.values_list("expected", flat=True).get(pk=harvest.pk))
            harvest.refresh_from_db()
            if not harvest.is_under_way:
                break
        if harvest.every_hours:
            self.stdout.write(f"From now on every {harvest.every_hours} hours, by the worker of `manage.py up`.")

    def _atom(self, ids: list[str] | None, author: str | None, query: str | None, **options: Any) -> None:
        if ids:
            named = {written: identifiers.arxiv_id(written) for written in ids}
            if wrong := [written for written, found in named.items() if not found]:
                raise CommandError(f"Not an arXiv identifier: {', '.join(wrong)}.")
            wanted = list(dict.fromkeys(filter(None, named.values())))
            self._api(f"arXiv API: {' '.join(wanted)}", partial(harvesting.by_ids, ids=wanted), len(wanted))
            here = set(Paper.objects.filter(arxiv_id__in=wanted).values_list("arxiv_id", flat=True))
            if missing := [identifier for identifier in wanted if identifier not in here]:
                self.stdout.write(f"arXiv does not know {', '.join(missing)}.")
        else:
            asked = query or 'au:"{}"'.format((author or "").replace('"', " "))
            self._api(f"arXiv API: {author or query}", partial(harvesting.search, query=asked), None)

    def _openalex(self, wanted: str, **options: Any) -> None:
        read = partial(harvesting.works, wanted=wanted)
        self._api(f"OpenAlex: {wanted}", read, None, "openalex", settings.HARVEST_OPENALEX)

    def _known(self) -> None:
        total = harvesting.lacking().count()
        if not total:
            self.stdout.write("Every paper of arXiv here has its abstract, or arXiv was asked for it lately.")
            return
        self._api("arXiv API: what records lack", partial(harvesting.complete, first=demo.LABEL), total)
        self.stdout.write(f"{harvesting.lacking().count():,} papers still lack an abstract.")

    def _api(
        self, label: str, read: partial[None], total: int | None, source: str = "atom", endpoint: str = ""
    ) -> None:
        fetch = harvesting.fetcher(endpoint or settings.HARVEST_ATOM)
        batch = Batch.objects.create(label=label[:200], source=source)
        self._work(batch, lambda batch, report, losing: read(batch, report, fetch, losing=losing), lambda: total)

    def _work(self, batch: Batch, read: pipeline.Read | None, total: Any) -> None:
        """Take the batch through the pipeline, with a bar; raises CommandError with its problem."""
        with _bar() as bar:
            step = bar.add_task(batch.label, total=None)

            def report(batch: Batch) -> None:
                reading = not batch.step_total
                bar.update(
                    step,
                    description=f"{batch.label}: {batch.get_stage_display()}",
                    completed=batch.total if reading else batch.step_done,
                    total=total() if reading else batch.step_total,
                )

            try:
                batch = pipeline.process(batch.pk, report=report, read=read)
            except pipeline.Busy:
                raise CommandError("Another process works on this harvest; the admin shows how far it is.") from None
            except KeyboardInterrupt:
                pipeline.stop(batch, "Interrupted; what came is in, and the next import works out who is who in it.")
                raise
        snapshots.catch_up()
        counts = ", ".join(f"{getattr(batch, fate):,} {fate}" for fate in ("new", "updated", "unchanged", "refused"))
        self.stdout.write(f"{batch.label}: {counts} ({batch.get_absolute_url()})")
        if batch.problem:
            raise CommandError(batch.problem)


class _Rate(ProgressColumn):
    """Records a second."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed or 0:,.0f}/s")


def _bar() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Rate())
    return Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=Console(stderr=True), transient=True)
