"""manage.py bench import: in a database of its own, beside a COPY of what was written."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection

from bzpeer import importbench
from bzpeer.command import needs_services
from papers.models import Batch, Paper
from papers.records import Numbered
from papers.sources import snapshot
from tests.conftest import PARITY


@pytest.mark.django_db(transaction=True)
def test_it_measures_in_a_database_of_its_own_and_leaves_nothing_behind():
    Batch.objects.create(label="ours")
    name, out = connection.settings_dict["NAME"], io.StringIO()
    call_command("bench", "import", str(PARITY), "--multiply", "2", stdout=out)
    assert "fresh: 14 new" in out.getvalue()
    assert "again: 14 unchanged" in out.getvalue()
    untouched = ("paper", "signature", "papertopic", "institution", "institutionname", "affiliation")
    assert ", ".join([*(f"{table} 0/0/0" for table in untouched), "batchrecord 14/0/0"]) in out.getvalue()
    assert "bare COPY, same indexes" in out.getvalue()
    assert connection.settings_dict["NAME"] == name
    assert (Batch.objects.get().label, Paper.objects.count()) == ("ours", 0)
    with connection.cursor() as cursor:
        cursor.execute("SELECT datname FROM pg_database WHERE datname LIKE 'bzpeer_bench_%'")
        assert cursor.fetchall() == []


def test_a_multiplied_record_is_another_paper_by_other_people_of_the_same_team(tmp_path: Path):
    line = {
        "id": "0704.0001", "title": "Notes", "doi": "10.1000/182", "categories": "cs.LG",
        "authors": "Ada Lovelace and Charles Babbage",
        "authors_parsed": [["Lovelace", "Ada", ""], ["Babbage", "Charles", ""]],
    }  # fmt: skip
    source = tmp_path / "one.jsonl"
    source.write_text("\n".join(json.dumps(line | {"id": id}) for id in ("0704.0001", "0704.0002")))
    target = io.BytesIO()
    assert importbench.write_sample(source, target, None, 3) == 6
    target.seek(0)
    read = [item.record for item in snapshot.read(target) if isinstance(item, Numbered)]
    assert len({record.arxiv_id for record in read}) == 6
    assert len({record.doi for record in read}) == 3
    families = [tuple(author.family for author in record.authors) for record in read]
    assert families[:2] == [("Lovelace", "Babbage")] * 2
    assert len(set(families)) == 3
    assert all(author.printed == f"{author.given} {author.family}" for record in read for author in record.authors)


def test_only_the_import_needs_a_database():
    assert needs_services(["bench", "import", "file"])
    assert not needs_services(["bench", "disambiguate", "file"])
