"""manage.py bench disambiguate: it runs on any source, and refuses what it cannot read."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from profiles.disambiguation.benchmark import measure, signatures_of
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
