"""Tampering with the ledger is found and the entry named: by the command, and by the script from the export alone."""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys
from collections.abc import Callable
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from profiles.models import Author
from tests.conftest import REPO_ROOT, fact
from trust import ledger, verifying
from trust.models import LedgerEntry, LedgerHead, TrustScore

pytestmark = pytest.mark.django_db
SCRIPT = REPO_ROOT / "static" / "verify_ledger.py"
COLUMNS = ("author_id", "rule", "model", "points", "sources", "salt", "at", "previous", "hash")
FAR = 1_000_000
EDITS = 1_000


@pytest.fixture
def entries(bring: Callable[..., Any]) -> int:
    """How many there are, of three people and two imports."""
    team = ["Ada Lovelace", "Charles Babbage", "Mary Somerville"]
    for first in (1, 10):
        bring(*(fact(f"2001.{n:05}", team, abstract="Engines." * (n % 10)) for n in range(first, first + 4)))
    return LedgerEntry.objects.count()


@contextmanager
def by_hand() -> Any:
    """A cursor for which no trigger and no foreign key stands in the way; all of it is taken back."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        yield cursor
        transaction.set_rollback(True)


def verified(*options: str) -> str:
    """What `verify_ledger` says, whether it finds anything or not."""
    out = StringIO()
    try:
        call_command("verify_ledger", *options, stdout=out)
    except CommandError as error:
        out.write(str(error))
    return out.getvalue()


# --- a thousand edits -------------------------------------------------------------------------------------------------


class Vandal:
    """Somebody with the database in hand. Each method does one edit to a ledger of `size` entries and returns the
    numbers of which at least one must be named."""

    def __init__(self, cursor: Any, chance: random.Random, size: int) -> None:
        self.cursor, self.chance, self.size = cursor, chance, size
        self.seq = chance.randint(1, size)

    def row(self, seq: int) -> dict[str, Any]:
        self.cursor.execute(f"SELECT {', '.join(COLUMNS)} FROM trust_ledgerentry WHERE seq = %s", [seq])
        return dict(zip(COLUMNS, self.cursor.fetchone(), strict=True))

    def write(self, seq: int, row: dict[str, Any], insert: bool = False) -> None:
        if insert:
            columns, marks = ", ".join(row), ", ".join(["%s"] * len(row))
            statement = f"INSERT INTO trust_ledgerentry ({columns}, seq) VALUES ({marks}, %s)"
        else:
            statement = f"UPDATE trust_ledgerentry SET {', '.join(f'{name} = %s' for name in row)} WHERE seq = %s"
        self.cursor.execute(statement, [*row.values(), seq])

    def rehash(self, seq: int) -> None:
        entry = LedgerEntry.objects.get(seq=seq)
        self.write(seq, {"hash": ledger.link(entry).hashed(seq)})

    def other(self, column: str, value: Any) -> Any:
        """Another value of a column, close to the one it has."""
        chance = self.chance
        if column == "author_id":
            return value + chance.choice([-1, 1, 2, 1000])
        if column == "points":
            return value + chance.randint(1, 20)
        if column == "at":
            return value + chance.choice([-1, 1]) * timedelta(microseconds=chance.choice([1, 10**6, 10**11]))
        if column == "sources":
            edits = [[*value, "work:1"], value[:-1], value[::-1], [source + "0" for source in value], ["person:1"]]
            return chance.choice([edit for edit in edits if edit != value])
        if column == "rule":
            return chance.choice([rule for rule in ("works", "control", "review", "Works", "") if rule != value])
        place = chance.randrange(len(value))
        letter = chance.choice([letter for letter in "0123456789abcdef" if letter != value[place]])
        return value[:place] + letter + value[place + 1 :]

    def column_changed(self) -> set[int]:
        column = self.chance.choice(COLUMNS)
        self.write(self.seq, {column: self.other(column, self.row(self.seq)[column])})
        return {self.seq}

    def written_anew(self) -> set[int]:
        """With a hash that is right in itself."""
        column = self.chance.choice([column for column in COLUMNS if column != "hash"])
        self.write(self.seq, {column: self.other(column, self.row(self.seq)[column])})
        self.rehash(self.seq)
        return {self.seq}

    def taken_out(self) -> set[int]:
        last = min(self.size, self.seq + self.chance.choice([0, 0, 0, 1, 5]))
        self.cursor.execute("DELETE FROM trust_ledgerentry WHERE seq BETWEEN %s AND %s", [self.seq, last])
        return {self.seq}

    def taken_out_and_the_gap_closed(self) -> set[int]:
        self.cursor.execute("DELETE FROM trust_ledgerentry WHERE seq = %s", [self.seq])
        self.shift(self.seq + 1, -1)
        return {self.seq}

    def shift(self, first: int, by: int) -> None:
        self.cursor.execute("UPDATE trust_ledgerentry SET seq = seq + %s WHERE seq >= %s", [FAR, first])
        self.cursor.execute("UPDATE trust_ledgerentry SET seq = seq + %s WHERE seq >= %s", [by - FAR, FAR])

    def put_in(self) -> set[int]:
        """Between two others, which make room for it, or after the last; honest in itself or not."""
        seq = self.chance.randint(1, self.size + 1)
        row = self.row(self.seq)
        if seq > 1:
            row["previous"] = self.row(seq - 1)["hash"]
        self.shift(seq, 1)
        self.write(seq, row, insert=True)
        if self.chance.random() < 0.5:
            self.rehash(seq)
        return {seq}

    def put_in_off_the_numbering(self) -> set[int]:
        seq = self.chance.choice([0, -3, self.size + 1, self.size + 7, FAR])
        self.write(seq, self.row(self.seq), insert=True)
        if self.chance.random() < 0.5:
            self.rehash(seq)
        return {seq}

    def swapped(self) -> set[int]:
        """All of two entries but their numbers, or some of their columns."""
        other = self.chance.choice([seq for seq in range(1, self.size + 1) if seq != self.seq])
        one, two = self.row(self.seq), self.row(other)
        columns = self.chance.choice([COLUMNS, COLUMNS, ("previous", "hash"), ("points",), ("author_id", "rule")])
        columns = columns if any(one[c] != two[c] for c in columns) else COLUMNS
        self.write(self.seq, {column: two[column] for column in columns})
        self.write(other, {column: one[column] for column in columns})
        return {self.seq}

    def renumbered(self) -> set[int]:
        seq = self.chance.choice([0, -1, self.size + 1, self.size + 50, FAR])
        self.cursor.execute("UPDATE trust_ledgerentry SET seq = %s WHERE seq = %s", [seq, self.seq])
        return {self.seq}

    def turned_round(self) -> set[int]:
        """Three or more in another order."""
        first = self.chance.randint(1, self.size - 3)
        several = list(range(first, min(self.size, first + self.chance.randint(2, 6)) + 1))
        rows = [self.row(seq) for seq in several]
        for seq, row in zip(several, [*rows[1:], rows[0]], strict=True):
            self.write(seq, row)
        return set(several)


KINDS = sorted(
    name for name, method in vars(Vandal).items() if getattr(method, "__annotations__", {}).get("return") == "set[int]"
)


def test_of_a_thousand_edits_by_hand_each_is_found_and_the_entry_named(entries: int):
    chance = random.Random(6)
    seen = dict.fromkeys(KINDS, 0)
    for n in range(EDITS):
        kind = KINDS[n % len(KINDS)]
        with by_hand() as cursor:
            expected = getattr(Vandal(cursor, chance, entries), kind)()
            said = list(verifying.chain_problems())
        named = {int(number) for sentence in said for number in re.findall(r"-?\d+", sentence)}
        ranges = [range(*map(int, found)) for s in said for found in re.findall(r"Entries (\d+) to (\d+)", s)]
        assert expected & named or any(seq in span for seq in expected for span in ranges), (n, kind, expected, said)
        assert len(said) <= 2 + 2 * max(2, len(expected)), (n, kind, expected, said)
        seen[kind] += 1
    assert min(seen.values()) >= EDITS // len(KINDS)
    assert list(verifying.problems()) == []


# --- the head, the sums, the facts ------------------------------------------------------------------------------------


def test_an_untouched_ledger_is_right(entries: int):
    head = LedgerHead.objects.get()
    assert verified("--facts") == (
        f"OK: {entries} entries, and the scores are what they add up to. Head: {entries}:{head.hash}\n"
    )


def test_an_empty_ledger_is_right(db: None):
    assert verified().startswith("OK: 0 entries")


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        ("UPDATE trust_ledgerhead SET entries = entries - 1", "is not sealed with the key of this site"),
        ("UPDATE trust_ledgerhead SET hash = repeat('a', 64)", "is not sealed with the key of this site"),
        ("UPDATE trust_ledgerhead SET seal = repeat('a', 64)", "is not sealed with the key of this site"),
        ("DELETE FROM trust_ledgerhead", "The head of the ledger is missing."),
        ("INSERT INTO trust_ledgerhead (id, entries, hash, seal) VALUES (2, 0, '', '')", "more than one head"),
    ],
)
def test_a_changed_head_is_found(entries: int, edit: str, said: str):
    with by_hand() as cursor:
        cursor.execute(edit)
        assert said in verified()


def test_an_end_that_was_cut_off_with_its_head_moved_back_is_found_by_the_seal(entries: int):
    with by_hand() as cursor:
        before = LedgerEntry.objects.get(seq=entries - 2)
        cursor.execute("DELETE FROM trust_ledgerentry WHERE seq > %s", [before.seq])
        cursor.execute("UPDATE trust_ledgerhead SET entries = %s, hash = %s", [before.seq, before.hash])
        assert f"The head, at entry {before.seq}, is not sealed" in verified()


def test_a_score_that_was_changed_by_hand_is_found(entries: int):
    ada = Author.objects.get(name="Ada Lovelace")
    score = ada.trust.score
    TrustScore.objects.filter(author=ada).update(score=99)
    assert f"Person {ada.pk}: the ledger adds up to {score}, and the score shown is 99." in verified()


def test_points_moved_from_one_rule_to_another_are_found(entries: int):
    row = TrustScore.objects.get(author__name="Ada Lovelace")
    row.components |= {"works": 0, "control": row.components["works"]}
    row.save()
    assert f"Person {row.author_id}:" in verified()


def test_the_facts_are_assessed_anew_only_where_that_is_asked(entries: int):
    ada = Author.objects.get(name="Ada Lovelace")
    ada.assignments.update(state="rejected")
    assert verified().startswith("OK")
    said = verified("--facts")
    assert f"Person {ada.pk}: the facts give " in said
    assert f"Person {ada.pk}: the facts give 0 by “works”" in said
    Author.objects.filter(pk=ada.pk).update(stale=True)
    assert verified("--facts").startswith("OK")


def test_checking_costs_no_more_queries_for_more_entries(entries: int, django_assert_max_num_queries: Any):
    with django_assert_max_num_queries(9):
        assert list(verifying.problems()) == []


# --- any date ---------------------------------------------------------------------------------------------------------


def test_the_score_of_a_person_is_told_rule_by_rule_and_at_any_date(entries: int):
    ada = Author.objects.get(name="Ada Lovelace")
    now, past = verified("--person", str(ada.pk)), verified("--person", str(ada.pk), "--on", "2001-01-01")
    assert f"Now: person {ada.pk} has {ada.trust.score} of 100" in now
    assert "  works 12: entry " in now
    assert f"On 2001-01-01: person {ada.pk} has 0 of 100, Unverified." in past


def test_the_scores_of_all_are_told_at_a_date(entries: int):
    points = sum(TrustScore.objects.values_list("score", flat=True))
    assert f"3 people with {points} points together" in verified("--on", datetime.now(UTC).date().isoformat())
    assert "0 people with 0 points" in verified("--on", "2001-01-01")


@pytest.mark.parametrize(
    "options", [["--on", "2001-02-30"], ["--on", "9999-12-31"], ["--on", "soon"], ["--person", "999999999"]]
)
def test_what_cannot_be_told_is_said(entries: int, options: list[str]):
    with pytest.raises(CommandError):
        call_command("verify_ledger", *options, stdout=StringIO())


# --- the script -------------------------------------------------------------------------------------------------------


def exported(tmp_path: Path) -> Path:
    file = tmp_path / "ledger.jsonl"
    call_command("export_ledger", str(file))
    return file


def script(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-I", SCRIPT, *map(str, arguments)], text=True, capture_output=True)


def test_the_script_checks_the_export_and_says_the_same_scores(entries: int, tmp_path: Path):
    file, ada = exported(tmp_path), Author.objects.get(name="Ada Lovelace")
    run = script(file, "--person", ada.pk)
    assert run.returncode == 0, run.stderr
    seq, head = ledger.end()
    assert f"OK: {seq} entries, head {seq}:{head}" in run.stdout
    assert f"Person {ada.pk}: {ada.trust.score} of 100" in run.stdout
    assert f"Person {ada.pk}: 0 of 100" in script(file, "--person", ada.pk, "--on", "2001-01-01").stdout


def test_what_a_hidden_record_rests_on_is_not_exported_and_the_chain_is_checked_all_the_same(
    entries: int, tmp_path: Path
):
    ada, charles = Author.objects.get(name="Ada Lovelace"), Author.objects.get(name="Charles Babbage")
    Author.objects.filter(pk=ada.pk).update(visibility=Author.Visibility.GONE)
    file = exported(tmp_path)
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert len(lines) == entries
    assert not any("sources" in line or "salt" in line for line in lines if line["author"] == ada.pk)
    assert f"person:{ada.pk}" not in file.read_text()
    assert any("sources" in line for line in lines if line["author"] == charles.pk)
    assert script(file).returncode == 0


def test_the_script_finds_what_was_changed_in_the_database(entries: int, tmp_path: Path):
    chance = random.Random(7)
    for kind in KINDS:
        with by_hand() as cursor:
            expected = getattr(Vandal(cursor, chance, entries), kind)()
            file = tmp_path / kind
            call_command("export_ledger", str(file))
        run = script(file, "--head", "{}:{}".format(*ledger.end()))
        assert run.returncode == 1, (kind, expected, run.stdout)
        assert "faults: " in run.stdout


def test_the_script_notices_by_a_head_that_was_kept_that_everything_was_written_anew(entries: int, tmp_path: Path):
    kept = "{}:{}".format(*ledger.end())
    with by_hand() as cursor:
        vandal = Vandal(cursor, random.Random(8), entries)
        vandal.write(1, {"points": 20})
        for seq in range(1, entries + 1):
            if seq > 1:
                vandal.write(seq, {"previous": vandal.row(seq - 1)["hash"]})
            vandal.rehash(seq)
        file = exported(tmp_path)
    assert script(file).returncode == 0
    run = script(file, "--head", kept)
    assert run.returncode == 1
    assert f"The entry {kept} that you kept is not in it." in run.stdout


def test_the_script_is_short_enough_to_be_read():
    code = [line for line in SCRIPT.read_text("utf-8").partition('"""\n')[2].splitlines() if line.strip()]
    assert len(code) <= 50
