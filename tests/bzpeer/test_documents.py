"""What the documents say is so."""

from __future__ import annotations

import json
import re
import tomllib

import pytest
from django.core.management import get_commands

import bzpeer
from papers.sources import SOURCES
from tests.conftest import REPO_ROOT

README = (REPO_ROOT / "README.md").read_text()


def code() -> str:
    folders = ("bzpeer", "papers")
    return "".join(path.read_text() for folder in folders for path in (REPO_ROOT / folder).rglob("*.py"))


def test_the_readme_shows_the_two_commands_and_ci_runs_the_second():
    assert "python3 manage.py up" in README
    assert "python3 manage.py test" in README
    assert "\npython3 manage.py test\n" in (REPO_ROOT / ".ci" / "run").read_text()


def test_every_command_of_the_readme_exists():
    start = README[: README.index("## How it is built")]
    rows = re.findall(r"^\| (`\w.*?`) \|", start, re.MULTILINE)  # one or several commands with what they take
    commands = {command for row in rows for command in re.findall(r"`(\w+)[^`]*`", row)}
    assert commands >= {"up", "import", "evaluate"}
    assert commands - {"up"} <= set(get_commands())


def test_every_setting_of_the_documents_is_read_somewhere():
    table = (REPO_ROOT / "docs" / "production.md").read_text()
    names = set(re.findall(r"`([A-Z][A-Z_]+)`", table))
    assert names
    text = code()
    assert {name for name in names if f'"{name}"' not in text} == set()


def test_the_documents_that_the_readme_leads_to_are_there():
    linked = re.findall(r"\]\((docs/[^)#]+)\)", README)
    assert linked
    assert [name for name in linked if not (REPO_ROOT / name).is_file()] == []


def test_the_readme_fits_on_a_screen_or_two_and_its_picture_is_there():
    assert len(README.splitlines()) < 100
    for picture in re.findall(r"!\[[^]]*\]\(([^)]+)\)", README):
        assert (REPO_ROOT / picture).is_file()


def test_the_version_is_the_same_everywhere():
    project = tomllib.loads((REPO_ROOT / "pyproject.toml").read_text())["project"]
    newest = re.search(r"^## (\S+)$", (REPO_ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert newest
    assert newest[1] == project["version"] == bzpeer.__version__


def test_lock_files_name_no_address():
    for lock in REPO_ROOT.glob("requirements*.lock"):
        assert "://" not in lock.read_text()


def test_the_demo_records_are_facts_only():
    lines = (REPO_ROOT / "papers" / "data" / "demo.jsonl").read_text().splitlines()
    assert len(lines) == 2_609
    assert not any("abstract" in json.loads(line) for line in lines)
    assert "2,609" in README


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.slug)
def test_every_source_has_its_test(source):
    assert (REPO_ROOT / "tests" / "papers" / f"test_sources_{source.slug}.py").is_file()
