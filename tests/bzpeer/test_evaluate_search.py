"""manage.py evaluate_search, and the reference pages that answer a query by meaning."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from pytest_django import Settings

from bzpeer import demo
from papers import meaning, searching
from papers.models import Paper
from tests.conftest import SHARED

# What each page answers was not printed on it. These are our words for what its papers have in common.
QUERIES = {
    "001": "auxiliary networks that help training",
    "002": "neural networks learn simple shortcuts",
    "003": "data augmentation and hyperparameters for training",
}
OTHERS = 200  # papers of the demo beside those of the pages
FLOOR = 55  # of the pages' 161 places; chance gives 27
SUBJECTS = ("lamps", "rivers", "violins", "glaciers", "beetles", "bridges", "comets", "markets", "yeasts", "proofs")


@pytest.fixture(autouse=True)
def switched_on(settings: Settings) -> None:
    settings.EMBEDDINGS = True


def record(number: int, subject: str) -> dict[str, Any]:
    about = f"We study how {subject} change from one winter to the next, and what that says about all {subject}."
    return {
        "id": f"1801.{number:05}", "title": f"A new approach to {subject} in large cold countries",
        "abstract": f"{about} {'Nothing else was looked at. ' * 30}It ends with a long list of {subject} by their age.",
        "categories": "cs.LG", "authors": "Ada Lovelace", "authors_parsed": [["Lovelace", "Ada", ""]],
        "versions": [{"version": "v1", "created": "Mon, 1 Jan 2018 00:00:00 GMT"}], "update_date": "2018-01-01",
    }  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_it_asks_for_known_papers_in_a_database_of_its_own_and_leaves_nothing_behind(tmp_path: Path):
    source, out = tmp_path / "records.jsonl", io.StringIO()
    source.write_text("".join(json.dumps(record(n, subject)) + "\n" for n, subject in enumerate(SUBJECTS)))
    name = connection.settings_dict["NAME"]
    call_command("evaluate_search", str(source), "--papers", "8", stdout=out)
    told = out.getvalue()
    for kind in ("sentence", "late sentence", "paraphrase", "all"):
        assert re.search(rf"│ {kind} +│ +\d+ of 8 +│ hybrid +│ 1\.000 +│ 1\.000 +│ 1\.000 +│", told)
    assert "target: recall@10 of hybrid at least 0.95, and above both parts: missed" in told  # all of them have 1
    assert "of the bare model's" in told
    assert (connection.settings_dict["NAME"], Paper.objects.count()) == (name, 0)
    with connection.cursor() as cursor:
        cursor.execute("SELECT datname FROM pg_database WHERE datname LIKE 'bzpeer_bench_%'")
        assert cursor.fetchall() == []


def test_without_records_it_says_so(tmp_path: Path):
    with pytest.raises(CommandError, match="There are no records at"):
        call_command("evaluate_search", str(tmp_path / "absent"))
    source = tmp_path / "facts.jsonl"
    source.write_text(json.dumps({"id": "1801.00001", "title": "On lamps"}) + "\n")
    with pytest.raises(CommandError, match=r"No record of .* has an abstract"):
        call_command("evaluate_search", str(source))


def test_switched_off_it_says_so(settings: Settings):
    settings.EMBEDDINGS = False
    with pytest.raises(CommandError, match="switched off"):
        call_command("evaluate_search")


@pytest.mark.django_db
def test_the_reference_pages_are_answers_to_their_queries(capsys: pytest.CaptureFixture[str]):
    pages = {name: page(name) for name in QUERIES}
    if not all(pages.values()):
        pytest.skip("the reference pages (../shared/seeds) are absent")
    listed = {title: abstract for papers in pages.values() for title, abstract in papers}
    titles = (json.loads(line)["title"] for line in demo.RECORDS.open())
    others = [title for title in titles if title not in listed][:: 2_000 // OTHERS][:OTHERS]
    known = listed | dict.fromkeys(others, "")
    Paper.objects.bulk_create(
        Paper(title=title, title_text=title, abstract=abstract, fingerprint=title[:32], source="test")
        for title, abstract in known.items()
    )
    assert sum(count for _, count in meaning.embed_missing()) == len(listed) + OTHERS
    overlaps: dict[str, list[int]] = {"meaning": [], "hybrid": []}
    for name, query in QUERIES.items():
        there = {title for title, _ in pages[name]}
        for by in overlaps:
            hits = searching.search(query, by=by, size=len(there)).hits  # type: ignore[arg-type]
            overlaps[by].append(len(there & {hit.paper.title for hit in hits}))
            with capsys.disabled():
                print(f"\npage {name}, {query!r}, by {by}: {overlaps[by][-1]} of {len(there)}", end="")
    assert sum(overlaps["meaning"]) >= FLOOR
    assert sum(overlaps["hybrid"]) >= FLOOR


def page(name: str) -> list[tuple[str, str]]:
    """(title, abstract) of each paper of a reference page, in its order; some have no line of authors and day."""
    path = next((SHARED / "seeds").glob(f"{name}_*.txt"), None)
    if path is None:
        return []
    blocks = [block.strip() for block in path.read_text().split("\n\n")]
    day = next(n for n, block in enumerate(blocks) if re.fullmatch(r"[A-Z][a-z]{2} \d\d?", block))
    texts = [block for block in blocks[day + 1 :] if block and not block.startswith("•")]
    return list(dict(zip(texts[::2], texts[1::2], strict=True)).items())
