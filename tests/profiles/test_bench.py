"""manage.py bench disambiguate: it runs on any source, and refuses what it cannot read."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from papers.records import Numbered
from papers.sources import facts
from profiles.disambiguation.benchmark import Speed, measure, measure_file, signatures_of, spread
from tests.conftest import PARITY


def test_it_prints_the_rate_beside_the_limits():
    out = io.StringIO()
    call_command("bench", "disambiguate", str(PARITY), stdout=out)
    assert "41 signatures" in out.getvalue()
    assert "signatures per CPU second" in out.getvalue()


def test_a_file_that_is_no_source_is_refused(tmp_path: Path):
    (tmp_path / "notes.txt").write_text("nothing")
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("bench", "disambiguate", str(tmp_path / "notes.txt"))


def test_nothing_to_measure_is_measured_too():
    assert measure(signatures_of([])).people == 0


def test_a_corpus_spread_over_files_is_resolved_as_in_one(tmp_path: Path):
    records = [item.record for item in facts.read(io.BytesIO(PARITY.read_bytes())) if isinstance(item, Numbered)]
    together = measure(signatures_of(records))
    spreaded = sum(map(measure_file, spread(records, tmp_path)), Speed())
    assert (spreaded.signatures, spreaded.people, spreaded.blocks) == (41, together.people, together.blocks)


def test_one_name_makes_one_block(capsys):
    call_command("bench", "block", str(PARITY), "--signatures", "30")
    assert "30 signatures in 1 blocks" in capsys.readouterr().out


def test_the_cost_of_the_cap_is_printed_for_each_gold_set(tmp_path: Path):
    printed = {"position": 0, "family": "Lovelace", "given": "Ada", "affiliation": "Ockham Park", "orcid": None}
    paper: dict[str, object] = {
        "title": "Notes",
        "abstract": None,
        "year": 1843,
        "venue": None,
        "categories": [],
        "authors": [printed],
    }
    rows: dict[str, list[dict[str, object]]] = {
        "papers": [paper | {"id": n} for n in "abcd"],
        "gold": [{"paper_id": n, "position": 0} for n in "abcd"],
    }
    for name, lines in rows.items():
        text = "".join(json.dumps(line | {"author_id": "Ada"}) + "\n" for line in lines)
        (tmp_path / f"{name}.jsonl.gz").write_bytes(gzip.compress(text.encode()))
    out = io.StringIO()
    call_command("bench", "cap", "--gold", str(tmp_path), stdout=out)
    assert "100.0 whole" in out.getvalue()
    assert "the cap costs 1/2" in out.getvalue()
