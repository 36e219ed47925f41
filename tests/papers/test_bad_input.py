"""Bad input: every row is a file that somebody could send. Each gives a sentence, costs little, harms no other record.

The files are read in a process of their own, each in a child with 1 GiB of address space, as the worker would read
them: recognised, unpacked, every record taken in or refused.
"""

from __future__ import annotations

import gzip
import io
import json
import lzma
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from papers import importing, sources
from papers.models import Batch, Paper, Signature
from papers.records import Numbered, Refusal
from papers.sources import by_slug
from papers.streams import UnreadableFile
from tests.conftest import REPO_ROOT, fact

MIB = 1024 * 1024
# What a file may make a process hold, interpreter and libraries included.
MOST_MEMORY = 256 * MIB

# --- the table -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    """`data` makes the file. `says` is found in its one refusal, or in the sentence that refuses it as a whole;
    `taken` records are taken in all the same. `shows` is found in one of them."""

    data: Callable[[], bytes]
    says: str = ""
    taken: int = 2
    shows: str = ""


def facts(*lines: bytes | dict[str, Any]) -> bytes:
    """The lines between two good ones."""
    good = [fact("2001.00001", ["Ada Lovelace"], "First"), fact("2001.00002", ["Ada Lovelace"], "Last")]
    between = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
    return b"\n".join([json.dumps(good[0]).encode(), *between, json.dumps(good[1]).encode()]) + b"\n"


def line(**changes: Any) -> Callable[[], bytes]:
    return lambda: facts(fact("2001.00009", ["Ada Lovelace"], "Between") | changes)


def raw(data: bytes) -> Callable[[], bytes]:
    return lambda: facts(data)


def daily(*items: bytes) -> Callable[[], bytes]:
    good = b'{"paper": {"id": "2001.0000%d", "title": "Good"}}'
    return lambda: b"[\n" + b",\n".join([good % 1, *items, good % 2]) + b"]"


def bibtex(entry: str | bytes) -> Callable[[], bytes]:
    good = b"@article{good, author = {Ada Lovelace}, title = {Good}}\n"
    return lambda: good + (entry.encode() if isinstance(entry, str) else entry) + b"\n" + good


def ris(record: str | bytes) -> Callable[[], bytes]:
    good = b"TY  - JOUR\nAU  - Lovelace, Ada\nTI  - Good\nER  -\n"
    return lambda: good + (record.encode() if isinstance(record, str) else record) + b"\n" + good


def named(name: str) -> dict[str, Callable[[], bytes]]:
    """The same name in four formats."""
    return {
        "facts": line(authors=[name]),
        "daily": daily(json.dumps({"paper": {"id": "2001.00009", "title": "T", "authors": [{"name": name}]}}).encode()),
        "bibtex": bibtex("@book{b, title = {T}, author = {" + name + "}}"),
        "ris": ris(f"TY  - BOOK\nTI  - T\nAU  - {name}\nER  -"),
    }


def zipped(*members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return buffer.getvalue()


def locked() -> bytes:
    """A zip whose member says that it is encrypted."""
    data = bytearray(zipped(("a", facts())))
    data[6] |= 1
    data[data.rindex(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


def zip_bomb() -> bytes:
    return zipped(("a", facts() + b"\0" * 80 * MIB))


def inverted(places: list[int]) -> Callable[[], bytes]:
    work = {"id": "https://openalex.org/W1", "title": "T", "authorships": [{"raw_author_name": "Ada Lovelace"}]}
    return lambda: b"\n".join(
        json.dumps(work | more).encode() for more in ({}, {"abstract_inverted_index": {"a": places}}, {})
    )


NONE = "This is none of the formats"
DEEP = 100_000
BOMB = [f"@string{{a{n} = a{n - 1} # a{n - 1}}}" for n in range(1, 60)]
PACKED_GOOD = {"gzip": gzip.compress(facts()), "xz": lzma.compress(facts()), "zip": zipped(("a", facts()))}

ROWS: dict[str, Row] = {
    # JSON
    "a line cut short": Row(raw(b'{"id": "2001.00009", "title": "T'), "The line is not JSON"),
    "two values on a line": Row(raw(b"{} {}"), "The line is not JSON"),
    "single quotes": Row(raw(b"{'id': '2001.00009'}"), "The line is not JSON"),
    "a comma too many": Row(raw(b'{"id": "2001.00009",}'), "The line is not JSON"),
    "no object": Row(raw(b"null"), "not a JSON object"),
    "an empty object": Row(raw(b"{}"), "The record has no identifier."),
    "a key twice": Row(raw(b'{"id": "2001.00009", "id": "2001.00008"}'), "The same key stands twice"),
    "a key twice, deep inside": Row(raw(b'{"a": [{"b": {"c": 1, "c": 2}}]}'), "The same key stands twice"),
    "NaN": Row(raw(b'{"id": NaN}'), "NaN, which is no JSON number"),
    "minus infinity": Row(raw(b'{"id": -Infinity}'), "-Infinity, which is no JSON number"),
    "a number beyond all floats": Row(raw(b'{"id": 1e999999}'), "The identifier is a number"),
    "a million digits": Row(lambda: facts(b'{"id": ' + b"7" * 1_000_000 + b"}"), "a number too long to be read"),
    "arrays 100,000 deep": Row(lambda: facts(b'{"a": ' + b"[" * DEEP + b"]" * DEEP + b"}"), "nested too deeply"),
    "objects 100,000 deep": Row(lambda: facts(b'{"a":' * DEEP + b"1" + b"}" * DEEP), "nested too deeply"),
    "499,000 keys": Row(
        lambda: facts(b"{" + b",".join(b'"this is key number %d":0' % n for n in range(499_000)) + b"}"),
        "The record has no identifier.",
    ),
    "five million lists": Row(
        lambda: facts(b'{"a":[' + b"[]," * 5_000_000 + b"0]}"), "The line holds more than 500,000 values."
    ),
    "a line of 17 MiB": Row(lambda: facts(b'{"title": "' + b"x" * 17 * MIB + b'"}'), "longer than 16 MiB"),
    "a title of 10 MB": Row(lambda: line(title="x" * 10_000_000)(), "“title” is longer than 5,000 characters."),
    "100,000 authors": Row(lambda: line(authors=["Ada Lovelace"] * 100_000)(), "more than 20,000 entries"),
    "100,000 categories": Row(lambda: line(categories=["cs.LG"] * 100_000)(), "more than 100 entries"),
    "an identifier that is a path": Row(line(id="../../../etc/passwd"), "is not an arXiv identifier"),
    "an identifier as a number": Row(line(id=2001.0001), "The identifier is a number"),
    "the year 9999": Row(line(created="9999-12-31"), "lies in the future"),
    "the year 0": Row(line(created="0000-00-00"), "is not a date"),
    "votes beyond the column": Row(line(daily={"date": "2020-01-01", "votes": 2**31}), "“votes” is not a count."),
    "votes below zero": Row(line(daily={"date": "2020-01-01", "votes": -1}), "“votes” is not a count."),
    "a DOI of 400 characters": Row(line(doi="10.1000/" + "x" * 400), taken=3),
    # arrays
    "an array that does not end": Row(lambda: daily()()[:-5], "The file is cut short: its list does not end.", taken=1),
    "an element with NaN": Row(daily(b'{"paper": {"id": NaN}}'), "NaN, which is no JSON number"),
    "an element that is no object": Row(daily(b"7"), "not a JSON object"),
    "an element 100,000 deep": Row(lambda: daily(b"[" * DEEP + b"]" * DEEP)(), "nested too deeply"),
    "an element of 17 MiB": Row(lambda: daily(b'"' + b"x" * 17 * MIB + b'"')(), "longer than 16 MiB"),
    "a quotation mark too many": Row(daily(b'{"paper": "}'), "its list does not end", taken=1),
    "an array of numbers": Row(lambda: b"[" + b"1," * MIB + b"1]", NONE, taken=0),
    "words at places without end": Row(inverted([10**18, -(10**18)]), taken=3),
    "an abstract of 100,000 words": Row(lambda: inverted(list(range(100_000)))(), "more than 50,000 words"),
    # encodings
    "UTF-8 with a mark": Row(lambda: b"\xef\xbb\xbf" + facts()),
    "UTF-16, little end first": Row(lambda: facts().decode().encode("utf-16-le"), "save it as UTF-8", taken=0),
    "UTF-16, big end first": Row(lambda: facts().decode().encode("utf-16-be"), "save it as UTF-8", taken=0),
    "UTF-16 with a mark": Row(lambda: facts().decode().encode("utf-16"), "save it as UTF-8", taken=0),
    "UTF-32": Row(lambda: facts().decode().encode("utf-32"), "save it as UTF-8", taken=0),
    "UTF-7": Row(lambda: b"+/v8-" + facts().replace(b"{", b"+AHs-"), NONE, taken=0),
    "UTF-7 in a title stays as it is": Row(line(title="+ADw-script+AD4-"), taken=3, shows="+ADw-script+AD4-"),
    "Latin-1": Row(raw(b'{"id": "2001.00009", "title": "\xfc"}'), "The line is not UTF-8"),
    "an overlong slash": Row(raw(b'{"id": "2001.00009", "title": "\xc0\xaf"}'), "The line is not UTF-8"),
    "a surrogate as bytes": Row(raw(b'{"id": "2001.00009", "title": "\xed\xa0\x80"}'), "The line is not UTF-8"),
    "NUL as a byte": Row(raw(b'{"id": "2001.00009", "title": "a\0b"}'), "The line is not JSON"),
    "NUL as an escape": Row(line(title="Be\0tween"), taken=3, shows="title='Between'"),
    "a lone surrogate": Row(line(title="Be\ud800tween"), taken=3, shows="title='Between'"),
    "a title that cannot be seen": Row(line(title="\u200b\u2060\ufeff"), "The record has no title."),
    # packings
    "gzip of 1 GiB of zeros": Row(
        lambda: gzip.compress(facts()) + gzip.compress(b"\0" * MIB) * 1024, "more than 100 times its size", taken=2
    ),
    "xz of 1 GiB of zeros": Row(
        lambda: lzma.compress(facts()) + lzma.compress(b"\0" * 16 * MIB) * 64, "more than 100 times its size", taken=2
    ),
    "zip of zeros": Row(zip_bomb, "more than 100 times its size", taken=2),
    "zeros and nothing else": Row(lambda: gzip.compress(b"\0" * MIB) * 1024, NONE, taken=0),
    "gzip in gzip": Row(lambda: gzip.compress(gzip.compress(facts())), NONE, taken=0),
    "zip in zip": Row(lambda: zipped(("a.zip", PACKED_GOOD["zip"])), NONE, taken=0),
    "gzip cut short": Row(lambda: PACKED_GOOD["gzip"][:-20], "is cut short", taken=0),
    "xz cut short": Row(lambda: PACKED_GOOD["xz"][:-20], "is cut short", taken=0),
    "zip cut short": Row(lambda: PACKED_GOOD["zip"][:-20], "is damaged", taken=0),
    "gzip with a wrong check sum": Row(lambda: PACKED_GOOD["gzip"][:-8] + b"\0" * 8, "is damaged", taken=0),
    "a zip that climbs out of its folder": Row(lambda: zipped(("../../../../tmp/climbed-out", facts()))),
    "a zip of no file": Row(lambda: zipped(), "holds 0 files", taken=0),
    "a zip of 10,000 files": Row(
        lambda: zipped(*((str(n), b"") for n in range(10_000))), "holds 10,000 files", taken=0
    ),
    "a zip with a password": Row(locked, "is locked with a password", taken=0),
    "a zip packed as LZMA": Row(lambda: zipped(("a", facts()), method=zipfile.ZIP_LZMA), "(deflate)", taken=0),
    "a zip packed as bzip2": Row(lambda: zipped(("a", facts()), method=zipfile.ZIP_BZIP2), "(deflate)", taken=0),
    "random bytes": Row(lambda: bytes(range(3, 256)) * 1000, NONE, taken=0),
    "a web page": Row(lambda: b"<!DOCTYPE html><title>404</title>", NONE, taken=0),
    # BibTeX
    "a brace that is not closed": Row(bibtex("@book{b, author = {A. Li, title = {T}}"), "a brace or a quotation mark"),
    "a quotation mark that is not closed": Row(
        bibtex('@book{b, author = "A. Li, title = {T}}'), "a brace or a quotation"
    ),
    "a field of 10 MB": Row(lambda: bibtex("@book{b, note = {" + "x" * 10_000_000 + "}}")(), "longer than 1 MiB"),
    "a field of 900 kB": Row(
        lambda: bibtex("@book{b, abstract = {" + "x" * 900_000 + "}, author = {A. Li}, title = {T}}")(),
        "“abstract” is longer",
    ),
    "260,000 fields": Row(lambda: bibtex("@book{b, " + "a=1," * 260_000 + "}")(), "The entry has no authors."),
    "braces 400,000 deep": Row(
        lambda: bibtex("@book{b, author = " + "{" * 400_000 + "}" * 400_000 + "}")(), "longer than 1,000 characters"
    ),
    "a name of commas and no end": Row(
        lambda: bibtex("@book{b, title={T}, author = {" + "{ , " * 200_000 + "}}")(), "a brace or a quotation mark"
    ),
    "abbreviations that double": Row(
        bibtex("\n".join(["@string{a0 = {lol}}", *BOMB, "@book{b, author={A}, title=a59}"])),
        "the abbreviation “a59”, which the file does not define",
    ),
    "an abbreviation of itself": Row(
        bibtex("@string{a = a # a}\n@book{b, author = {A. Li}, title = a}"),
        "the abbreviation “a”, which the file does not define",
    ),
    "abbreviations a hundred thousand times": Row(
        lambda: bibtex("@string{a = {" + "x" * 999 + "}}\n@book{b, author={A}, title=" + "a#" * 100_000 + "a}")(),
        "grows too long",
    ),
    "a file to include": Row(
        bibtex(r"@book{b, author = {A. Li}, title = {\input{/etc/passwd}}}"), taken=3, shows=r"\\input{/etc/passwd}"
    ),
    "a command to run": Row(
        bibtex(r"@book{b, author = {\immediate\write18{id}}, title = {T}}"), taken=3, shows="write18"
    ),
    "20,001 entries": Row(lambda: b"@book{b}\n" * 20_001, "more than 20,000 entries", taken=0),
    "BibTeX of 17 MiB": Row(lambda: bibtex(" " * 17 * MIB)(), "larger than 16 MiB", taken=0),
    "BibTeX in Latin-1": Row(bibtex("@book{b, author = {Müller}}".encode("latin-1")), "The entry is not UTF-8"),
    "100,000 authors in BibTeX": Row(
        lambda: bibtex("@book{b, title = {T}, author = {" + " and ".join(["A B"] * 100_000) + "}}")(), "20,000 authors"
    ),
    "a suffix that is a novel": Row(bibtex("@book{b, title = {T}, author = {{A B}, " + "x" * 500 + ", C}}"), taken=3),
    # RIS
    "no end": Row(ris("TY  - BOOK\nTI  - T\nAU  - A. Li"), "does not end in a line “ER  -”"),
    "tags before the first record": Row(lambda: b"AU  - A. Li\n" + ris("")()),
    "a line of 10 MB": Row(lambda: ris("TY  - BOOK\nAB  - " + "x" * 10_000_000 + "\nER  -")(), "longer than 1 MiB"),
    "100,000 authors in RIS": Row(
        lambda: ris("TY  - BOOK\nTI  - T\n" + "AU  - A\n" * 100_000 + "ER  -")(), "20,000 authors"
    ),
    "500,000 lines without a tag": Row(
        lambda: ris("TY  - BOOK\n" + "x\n" * 500_000 + "ER  -")(), "The entry has no authors."
    ),
    "NUL in a tag": Row(ris("TY  - BOOK\nTI  - Be\0tween\nAU  - A. Li\nER  -"), taken=3, shows="title='Between'"),
}

NAMES = {
    "a direction override": ("Ada\u202e Lovelace", 3),
    "zero width": ("Ada\u200b Love\u2060lace", 3),
    "an emoji beside a name": ("Ada Lovelace 😀", 3),
    "HTML": ("<img src=x onerror=alert(1)> Lovelace", 3),
    "SQL": ("Robert'); DROP TABLE papers_paper;--", 3),
    "a formula": ("=cmd|'/c calc'!A1", 3),
    "hundreds of marks": ("A" + "\u0301" * 900, 3),
    "10,000 characters": ("x" * 10_000, 2),
    "right to left": ("محمد \u200fالخوارزمي", 3),
    "a script without letters of ours": ("王伟", 3),
}
ROWS |= {
    f"{name} as a name in {slug}": Row(data, "longer than 1,000 characters" if taken == 2 else "", taken)
    for name, (printed, taken) in NAMES.items()
    for slug, data in named(printed).items()
}

# --- reading them ----------------------------------------------------------------------------------------------------

_READER = """
import json, os, resource, sys, traceback
from pathlib import Path
from papers import sources
from papers.records import Numbered
from papers.streams import UnreadableFile, open_stream

def read(path):
    taken, refused, problem = [], [], ""
    try:
        head, stream = sources.peek(open_stream(path))
        for item in sources.detect(head).read(stream):
            if isinstance(item, Numbered):
                taken.append(ascii(item.record)[:2000] if len(taken) < 5 else "")
            else:
                refused.append(item.reason)
    except UnreadableFile as error:
        problem = str(error)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {"taken": taken, "refused": refused, "problem": problem, "peak": peak}

for path in map(Path, sys.argv[1:]):
    outcome, door = os.pipe()
    child = os.fork()
    if not child:
        try:
            resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30))
            resource.setrlimit(resource.RLIMIT_CPU, (60, 60))
            found = read(path)
        except BaseException:
            found = {"crash": traceback.format_exc()[-2000:]}
        with os.fdopen(door, "w") as out:
            json.dump(found, out)
        os._exit(0)
    os.close(door)
    with os.fdopen(outcome) as found:
        print(found.read() or json.dumps({"crash": "killed"}), flush=True)
    os.waitpid(child, 0)
"""


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("bad")
    for number, row in enumerate(ROWS.values()):
        (folder / f"{number:03}").write_bytes(row.data())
    files = sorted(map(str, folder.iterdir()))
    environment = {key: value for key, value in os.environ.items() if not key.startswith("COVERAGE")}
    done = subprocess.run(
        [sys.executable, "-c", _READER, *files], capture_output=True, text=True, timeout=600, cwd=REPO_ROOT,
        env=environment, check=True,
    )  # fmt: skip
    assert not done.stderr
    return dict(zip(ROWS, map(json.loads, done.stdout.splitlines()), strict=True))


@pytest.mark.parametrize("name", ROWS)
def test_bad_input_gives_a_sentence_costs_little_and_harms_no_other_record(
    name: str, outcomes: dict[str, dict[str, Any]]
) -> None:
    row, found = ROWS[name], outcomes[name]
    assert "crash" not in found, found
    said = [*found["refused"], *filter(None, [found["problem"]])]
    assert len(found["taken"]) == row.taken, found
    assert len(said) == bool(row.says), said
    assert all(row.says in sentence for sentence in said)
    assert all(len(sentence) < 400 and "Traceback" not in sentence for sentence in said)
    assert not row.shows or any(row.shows in record for record in found["taken"])
    assert found["peak"] <= MOST_MEMORY


def test_nothing_was_written_outside() -> None:
    assert not Path("/tmp/climbed-out").exists()


# --- through the import ----------------------------------------------------------------------------------------------

POISONS: dict[str, bytes] = {
    "NaN": b'{"id": "2002.00001", "title": "T", "authors": ["A"], "x": NaN}',
    "NUL": b'{"id": "2002.00001", "title": "T\0", "authors": ["A"]}',
    "not UTF-8": b'{"id": "2002.00001", "title": "\xff", "authors": ["A"]}',
    "no authors": b'{"id": "2002.00001", "title": "T", "authors": ["\\ud800"]}',
    "too deep": b'{"a":' * 5_000,
}
SWALLOWED: dict[str, dict[str, Any]] = {
    "NUL and lone surrogates": fact("2002.00001", ["A\0da\ud83d Lovelace"], "T\0\udfff", abstract="\0\ud800"),
    "a DOI longer than its column": fact("2002.00001", ["A"], doi="10.1000/" + "x" * 300),
    "keys longer than an index holds": fact("2002.00001", ["ẞ" * 900, "\U0001f600" * 900, "x " * 400]),
    "a million-year date in another key": fact("2002.00001", ["A"], year=10**400),
}


def thousand(poison: bytes) -> bytes:
    lines = [json.dumps(fact(f"2001.{n:05}", ["Ada Lovelace"], f"Notes {n}")).encode() for n in range(999)]
    return b"\n".join([*lines[:500], poison, *lines[500:]])


@pytest.mark.django_db
@pytest.mark.parametrize("poison", POISONS)
def test_of_a_thousand_rows_with_one_poisoned_999_are_kept_and_one_is_refused_with_its_reason(poison: str) -> None:
    batch = Batch.objects.create(label="test")
    importing.run(batch, io.BytesIO(thousand(POISONS[poison])))
    assert (batch.new, batch.refused, Paper.objects.count()) == (999, 1, 999)
    refused = batch.records.get(fate="refused")
    assert refused.number == 501
    assert refused.reason.endswith(".")


@pytest.mark.django_db
@pytest.mark.parametrize("row", SWALLOWED)
def test_what_the_database_could_not_hold_never_reaches_it_and_the_rest_is_kept(row: str) -> None:
    batch = Batch.objects.create(label="test")
    importing.run(batch, io.BytesIO(thousand(json.dumps(SWALLOWED[row]).encode())))
    assert (batch.new, batch.refused, Paper.objects.count()) == (1000, 0, 1000)


@pytest.mark.django_db
def test_a_suffix_longer_than_its_column_is_cut_and_the_printed_name_is_not() -> None:
    novel = {"id": "2002.00001", "title": "T", "authors": "A. King", "authors_parsed": [["King", "A.", "x" * 100]]}
    importing.run(Batch.objects.create(label="test"), io.BytesIO(json.dumps(novel).encode()))
    signature = Signature.objects.get()
    assert (signature.suffix, signature.printed) == ("x" * 32, "A. King")


@pytest.mark.django_db
@pytest.mark.parametrize("cut", [b"[", b"]"])
def test_what_stood_before_the_end_of_a_broken_file_is_kept(cut: bytes) -> None:
    items = b",".join(b'{"paper": {"id": "2001.%05d", "title": "T"}}' % n for n in range(50))
    batch = Batch.objects.create(label="test")
    data = b"[" + items + (b"," + b'{"paper": ' if cut == b"[" else b"]")
    if cut == b"[":
        with pytest.raises(UnreadableFile, match="cut short"):
            importing.run(batch, io.BytesIO(data))
    else:
        importing.run(batch, io.BytesIO(data))
    assert Paper.objects.count() == 50


# --- out of a grammar ------------------------------------------------------------------------------------------------

SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
    | st.sampled_from(["2001.00001", "2020-01-01", "https://orcid.org/0000-0002-1825-0097", "10.1000/182", "\ud800\0"])
)  # fmt: skip
ANYTHING = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4),
    max_leaves=6,
)  # fmt: skip


def shaken(good: Any) -> st.SearchStrategy[Any]:
    """`good`, with anything in the place of any part of it, or a part left out."""
    kept: st.SearchStrategy[Any]
    if isinstance(good, dict):
        kept = st.fixed_dictionaries({}, optional={key: shaken(value) for key, value in good.items()})
    elif isinstance(good, list):
        kept = st.lists(st.one_of(*map(shaken, good)), max_size=4)
    else:
        kept = st.just(good)
    return kept | kept | kept | ANYTHING


DAILY_ITEM = {
    "paper": {"id": "2001.00001", "title": "T", "authors": [{"name": "Ada Lovelace"}], "publishedAt": "2020-01-01",
              "submittedOnDailyAt": "2020-01-02", "summary": "S.", "upvotes": 3},
    "publishedAt": "2020-01-02", "title": "T", "summary": "S.", "numComments": 1,
}  # fmt: skip
WORK = {
    "id": "https://openalex.org/W1", "doi": "10.1000/182", "title": "T", "publication_date": "2020-01-01",
    "is_paratext": False, "is_authors_truncated": False, "abstract_inverted_index": {"a": [0, 2], "b": [1]},
    "authorships": [{"raw_author_name": "Ada Lovelace", "raw_orcid": "0000-0002-1825-0097", "author": {"orcid": None},
                     "raw_affiliation_strings": ["A"], "institutions": [{"display_name": "B"}]}],
    "locations": [{"landing_page_url": "https://arxiv.org/abs/2001.00001"}], "topics": [{"display_name": "C"}],
    "primary_location": {"source": {"display_name": "J", "type": "journal"}}, "biblio": {"volume": "1"},
}  # fmt: skip
BIBTEX = st.lists(
    st.sampled_from(
        [
            "@",
            "\n@article{",
            "\n@string(",
            "\n@comment{",
            "a",
            "k,",
            "{",
            "}",
            '"',
            "#",
            "=",
            ",",
            "\\",
            "\n",
            " ",
            ")",
            "author = {",
            "title = {T}",
            "year = ",
            "1999",
            "date = {20",
            " and ",
            "others",
            "jan",
            "%",
            "eprint={2001.00001}",
            "author = {Ada {Love lace}, Jr}, title = {T},",
            "family=",
            "\\'",
            "é",
            "\0",
            "{\\relax ",
        ]
    ),
    max_size=40,
).map("".join)
RIS = st.lists(
    st.sampled_from(
        [
            "TY  - JOUR\n",
            "TY  -\n",
            "TY  - x",
            "ER  - \n",
            "AU  - Lovelace, Ada\n",
            "AU  - ,\n",
            "TI  - T\n",
            "PY  - 20",
            "UR  - a;b;;\n",
            "x\n",
            "\n",
            "AB  - y",
            "KW  - z\nw\n",
            "DO  - 10.1000/182\n",
            "A1  - \n",
            "XX  - q\n",
            "\0",
            "ER",
        ]
    ),
    max_size=40,
).map("".join)


def judge(slug: str, data: bytes) -> None:
    """Every item is a record or a refusal that says why, numbered in order; a file is refused with a sentence."""
    try:
        found = list(by_slug(slug).read(io.BytesIO(data)))
    except UnreadableFile as problem:
        found, sentence = [], str(problem)
    else:
        sentence = "."
    assert sentence.endswith(".")
    assert [item.number for item in found] == list(range(1, len(found) + 1))
    for item in found:
        assert isinstance(item, Numbered) or re.search(r"\.$|/works/(W\d+|…)$", item.reason)
        assert isinstance(item, Refusal) or (item.record.title and not re.search("[\0\ud800-\udfff]", str(item.record)))


@settings(max_examples=150, deadline=None)
@given(slug=st.sampled_from(["daily", "openalex"]), array=st.booleans(), data=st.data())
def test_json_out_of_a_grammar_is_never_an_unhandled_error(slug: str, array: bool, data: st.DataObject) -> None:
    good = DAILY_ITEM if slug == "daily" else WORK
    items = [json.dumps(item) for item in data.draw(st.lists(shaken(good), max_size=4))]
    judge(slug, ("[" + ",".join(items) + "]" if array else "\n".join(items)).encode())


@settings(max_examples=300, deadline=None)
@given(text=BIBTEX)
def test_bibtex_out_of_a_grammar_is_never_an_unhandled_error(text: str) -> None:
    judge("bibtex", text.encode())


@settings(max_examples=300, deadline=None)
@given(text=RIS)
def test_ris_out_of_a_grammar_is_never_an_unhandled_error(text: str) -> None:
    judge("ris", text.encode())


@settings(max_examples=200, deadline=None)
@given(data=st.binary(max_size=300), slug=st.sampled_from([source.slug for source in sources.SOURCES]))
def test_any_bytes_read_as_any_format_end_in_records_or_sentences(data: bytes, slug: str) -> None:
    judge(slug, data)
