"""Importing against a real database: fates, merging, checkpoints."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from datetime import date
from typing import Any

import pytest
from django.db import connection

from papers import importing, reading
from papers.models import Batch, BatchRecord, DailyListing, Paper, Signature
from papers.records import Line, Numbered, PrintedAuthor, Record
from papers.staging import Staged, stage
from papers.streams import UnreadableFile
from tests.conftest import SHARED, fact

pytestmark = pytest.mark.django_db


def run(*records: dict | bytes, batch: Batch | None = None, source: str = "") -> Batch:
    lines = [r if isinstance(r, bytes) else json.dumps(r).encode() for r in records]
    batch = batch or Batch.objects.create(label="test", source=source)
    importing.run(batch, io.BytesIO(b"\n".join(lines) + b"\n"))
    return batch


def fates(batch: Batch) -> list[str]:
    return list(batch.records.order_by("number").values_list("fate", flat=True))


def test_every_record_has_a_fate_and_the_counts_add_up():
    run(fact("2001.00001", ["Ada Lovelace"]))
    batch = run(
        fact("2001.00001", ["Ada Lovelace"]),
        fact("2001.00002", ["Ada Lovelace"], title="Notes"),
        b"{broken",
        fact("2001.00001", ["Ada Lovelace"], updated="2021-05-05"),
    )
    assert fates(batch) == ["unchanged", "new", "refused", "updated"]
    assert (batch.new, batch.updated, batch.unchanged, batch.refused) == (1, 1, 1, 1)
    assert batch.total == batch.records.count() == batch.checkpoint == 4
    assert batch.records.get(fate="refused").reason


def test_importing_the_same_file_twice_writes_no_paper_and_no_signature():
    records = [fact(f"2001.{n:05}", ["Ada Lovelace", "Charles Babbage"], title=f"Notes {n}") for n in range(30)]
    run(*records)
    before = list(Paper.objects.order_by("pk").extra(select={"xmin": "xmin::text"}).values_list("pk", "xmin"))
    batch = run(*records)
    assert (batch.new, batch.updated, batch.unchanged) == (0, 0, 30)
    assert before == list(Paper.objects.order_by("pk").extra(select={"xmin": "xmin::text"}).values_list("pk", "xmin"))
    assert Signature.objects.count() == 60


def written() -> dict[str, tuple[int, int, int]]:
    """Row versions inserted, updated and deleted by this session, by table, as PostgreSQL counts them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, n_tup_ins, n_tup_upd, n_tup_del FROM pg_stat_xact_user_tables"
            " WHERE relname IN ('papers_paper', 'papers_signature', 'papers_papertopic')"
        )
        return {table: (inserted, updated, deleted) for table, inserted, updated, deleted in cursor.fetchall()}


@pytest.mark.parametrize("forgotten", [False, True])
def test_importing_what_is_there_writes_no_row_version(forgotten: bool):
    """Known by its digest, or, where that is none (an older database, another reader), by comparison."""
    records = [fact(f"2001.{n:05}", ["Ada Lovelace", "Charles Babbage"], title=f"Notes {n}") for n in range(30)]
    start = written()
    run(*records)
    if forgotten:
        Paper.objects.update(digest=None)
    before = written()
    assert before["papers_signature"][0] - start.get("papers_signature", (0, 0, 0))[0] == 60
    batch = run(*records)
    assert (batch.unchanged, written()) == (30, before)


def test_an_older_record_that_comes_again_is_ignored_again():
    old, new = (
        fact("2001.00001", ["Ada Lovelace"], title=t, updated=u) for t, u in (("A", "2020-01-01"), ("B", "2021-01-01"))
    )
    run(old)
    run(new)
    assert run(old).unchanged == run(new).unchanged == 1
    assert Paper.objects.get().title == "B"


def test_of_two_lines_of_one_date_the_last_read_stands_whichever_was_known_before():
    one, other = (fact("2001.00001", authors, title="Notes") for authors in (["Ada Lovelace"], ["Charles Babbage"]))
    for line in (one, other, one, one):
        run(line)
    assert Signature.objects.get().printed == "Ada Lovelace"


def test_a_line_is_compared_again_in_full_where_the_code_that_reads_has_changed(monkeypatch: pytest.MonkeyPatch):
    run(fact("2001.00001", ["Ada Lovelace"]))
    Paper.objects.update(title="As an older reader read it")
    assert run(fact("2001.00001", ["Ada Lovelace"])).unchanged == 1
    monkeypatch.setattr(reading, "_key", lambda source: b"another reader")
    assert run(fact("2001.00001", ["Ada Lovelace"])).updated == 1
    assert Paper.objects.get().title == "On the matter of 2001.00001"


def test_many_chunks_parsed_ahead_are_what_one_chunk_is(monkeypatch: pytest.MonkeyPatch):
    records = [fact(f"2001.{n % 40:05}", ["Ada Lovelace"], updated=f"2020-01-{n % 28 + 1:02}") for n in range(90)]
    lines = [b"{broken" if n % 30 == 7 else json.dumps(record).encode() for n, record in enumerate(records)]
    rows = Paper.objects.order_by("arxiv_id").values_list("arxiv_id", "updated", "title", "digest")
    one = run(*lines)
    expected = [(*row[:3], bytes(row[3] or b"")) for row in rows]
    Paper.objects.all().delete()
    monkeypatch.setattr(importing, "CHUNK", 7)
    many = run(*lines)
    assert [(*row[:3], bytes(row[3] or b"")) for row in rows] == expected
    assert (many.total, many.new, many.refused) == (one.total, one.new, one.refused)


def test_a_chunk_is_bounded_in_bytes_as_well(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(importing, "CHUNK_BYTES", 100)
    lines = [Line(n, b"x" * size) for n, size in enumerate((60, 60, 200, 10, 10), 1)]
    assert [[line.number for line in chunk] for chunk in importing._chunks(lines)] == [[1, 2], [3], [4, 5]]


def test_a_row_that_the_database_refuses_is_refused_alone(monkeypatch: pytest.MonkeyPatch):
    def spoilt(number: int, record: Record, *more: Any) -> Staged:
        staged = stage(number, record, *more)
        return staged._replace(paper=staged.paper.replace(b"Notes 5", b"No\\000tes")) if number == 5 else staged

    monkeypatch.setattr("papers.staging.stage", spoilt)
    batch = run(*[fact(f"2001.{n:05}", ["Ada Lovelace"], title=f"Notes {n}") for n in range(1, 41)])
    assert (batch.new, batch.refused, Signature.objects.count()) == (39, 1, 39)
    refused = batch.records.get(fate="refused")
    assert (refused.number, refused.source_id) == (5, "2001.00005")
    assert refused.reason.startswith("The database refuses this record: ")


def test_a_key_too_long_for_an_index_is_refused_alone():
    random = "".join(chr(0x4E00 + n * 7919 % 20_000) for n in range(3_000))  # nothing that could be compressed
    bare = Record(random, (PrintedAuthor("Ada", "Ada"),), doi=f"10.1000/{random}")
    fine = Record("Notes", (PrintedAuthor("Ada", "Ada"),))
    batch = Batch.objects.create(label="test", source="listing")
    importing._store(batch, [Numbered(1, bare), Numbered(2, fine)], None)
    assert (batch.new, batch.refused, batch.checkpoint) == (1, 1, 2)


def test_half_of_a_surrogate_pair_that_a_source_lets_through_costs_its_record_only():
    records = [Record(title, (PrintedAuthor("Ada", "Ada"),)) for title in ("On \ud800", "Notes")]
    batch = Batch.objects.create(label="test", source="listing")
    importing._store(batch, [Numbered(number, record) for number, record in enumerate(records, 1)], None)
    assert (batch.new, batch.refused) == (1, 1)


def test_every_text_comes_back_from_the_database_as_it_was_read():
    odd = 'tab\there, "quotes", back\\slash \\N {braces,} \r\n\x0b \u2028 \U0001f600'
    author = PrintedAuthor(odd, odd, odd, "jr", (odd, "", "{}"))
    record = Record(odd, (author,), comments=odd, source_authors=odd, categories=("a,b", 'c"d', "e\\f"))
    importing._store(batch := Batch.objects.create(label="test", source="listing"), [Numbered(1, record)], None)
    paper, signature = Paper.objects.get(), Signature.objects.get()
    assert batch.new == 1
    assert (paper.title, paper.comments, paper.source_authors, tuple(paper.categories)) == (
        odd,
        odd,
        odd,
        record.categories,
    )
    assert (signature.printed, signature.family, tuple(signature.affiliations)) == (odd, odd, author.affiliations)


def test_lines_behind_the_checkpoint_are_not_parsed_but_must_be_those_that_were_read(monkeypatch: pytest.MonkeyPatch):
    lines = [json.dumps(fact(f"2001.{n:05}", ["Ada Lovelace"], title=f"Notes {n}")).encode() for n in range(6)]
    batch = run(*lines[:4])
    parsed: list[int] = []
    parse = reading.parsed

    def watched(items: Iterable[reading.Item], source: str) -> list[Any]:
        met = list(items)
        parsed.extend(item.number for item in met)
        return list(parse(met, source))

    monkeypatch.setattr(reading, "parsed", watched)
    run(*lines, batch=batch)
    assert (parsed, batch.new) == ([5, 6], 6)
    for other in ([lines[1], lines[0], *lines[2:]], lines[:3]):
        with pytest.raises(UnreadableFile, match="This is not the input"):
            run(*other, batch=batch)


def test_versions_of_one_arxiv_id_are_one_paper():
    run(fact("2001.00001", ["Ada Lovelace"]), fact("2001.00001v2", ["Ada Lovelace"], updated="2020-02-02"))
    assert Paper.objects.get().updated == date(2020, 2, 2)


def test_a_newer_record_updates_and_an_older_one_does_not():
    run(fact("2001.00001", ["Ada Lovelace"], title="Second title", updated="2022-01-01"))
    older = run(fact("2001.00001", ["Ada Lovelace"], title="First title", updated="2020-01-01"))
    assert older.unchanged == 1
    assert Paper.objects.get().title == "Second title"
    run(fact("2001.00001", ["Ada Lovelace"], title="Third title", updated="2023-01-01"))
    assert Paper.objects.get().title == "Third title"


def test_an_older_record_still_fills_in_what_is_missing():
    run(fact("2001.00001", ["Ada Lovelace"], updated="2022-01-01"))
    batch = run(fact("2001.00001", ["Ada Lovelace"], updated="2020-01-01", abstract="Of engines.", doi="10.1000/182"))
    paper = Paper.objects.get()
    assert (batch.updated, paper.abstract, paper.doi) == (1, "Of engines.", "10.1000/182")


def test_a_doi_shared_by_two_arxiv_papers_keeps_them_apart():
    run(
        fact("2001.00001", ["Ada Lovelace"], title="Part one", doi="10.1000/182"),
        fact("2001.00002", ["Ada Lovelace"], title="Part two", doi="10.1000/182"),
    )
    assert Paper.objects.count() == 2


def test_a_listing_is_recognised_as_the_papers_that_are_there():
    run(fact("2001.00001", ["Ada Lovelace", "Charles Babbage"], title="Notes on the Engine"))
    listing = "Lovelace, Ada\nNotes on the engine\nLovelace, Ada, Babbage, Charles\nWhat the engine can do.\n"
    batch = run(listing.encode(), source="listing")
    paper = Paper.objects.get()
    assert (batch.updated, batch.new) == (1, 0)
    assert (paper.arxiv_id, paper.abstract) == ("2001.00001", "What the engine can do.")


def test_a_record_without_identifier_in_the_chunk_of_its_twin_is_the_same_paper():
    bare = Record("Notes on the Engine", (PrintedAuthor("Lovelace, Ada", "Lovelace", "Ada"),))
    full = Record("Notes on the engine", (PrintedAuthor("Ada Lovelace", "Lovelace", "Ada"),), arxiv_id="2001.00001")
    for first, second in ((bare, full), (full, bare)):
        met = importing._Part()
        met.add(stage(1, first, "listing"))
        assert not met.admits(stage(2, second, "listing"))


def test_a_name_that_leaves_the_paper_loses_its_signature_and_the_others_keep_theirs():
    run(fact("2001.00001", ["Ada Lovelace", "Charles Babbage", "Luigi Menabrea"]))
    kept = dict(Signature.objects.values_list("printed", "pk"))
    batch = run(fact("2001.00001", ["Luigi Menabrea", "Mary Somerville", "Ada Lovelace"], updated="2021-01-01"))
    rows = Signature.objects.order_by("position").values_list("printed", "pk")
    assert [name for name, _ in rows] == ["Luigi Menabrea", "Mary Somerville", "Ada Lovelace"]
    assert dict(rows)["Ada Lovelace"] == kept["Ada Lovelace"]
    assert dict(rows)["Luigi Menabrea"] == kept["Luigi Menabrea"]
    assert batch.removed_surnames == ["babbage"]


def test_the_same_name_twice_on_one_paper_is_two_signatures():
    run(fact("2001.00001", ["Wei Wang", "Wei Wang"]))
    run(fact("2001.00001", ["Wei Wang", "Wei Wang", "Ada Lovelace"], updated="2021-01-01"))
    assert list(Signature.objects.order_by("position").values_list("printed", flat=True)) == [
        "Wei Wang",
        "Wei Wang",
        "Ada Lovelace",
    ]


def test_the_printed_name_is_kept_byte_for_byte_beside_its_parts():
    run(fact("2001.00001", [r"C. Bal\'azs"]))
    signature = Signature.objects.get()
    assert (signature.printed, signature.family, signature.given, signature.family_key) == (
        r"C. Bal\'azs",
        "Balázs",
        "C.",
        "balazs",
    )


def test_two_categories_of_one_display_name_are_one_topic():
    run(fact("2001.00001", ["Ada Lovelace"], categories=["cs.LG", "stat.ML", "cs.NE", "cs.ZZ"]))
    paper = Paper.objects.get()
    assert sorted(t.name for t in paper.topics.all()) == ["Machine Learning", "Neural and Evolutionary Computing"]
    assert paper.categories == ["cs.LG", "stat.ML", "cs.NE", "cs.ZZ"]


def test_a_batch_goes_on_after_its_checkpoint_and_ends_as_if_never_stopped(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(importing, "CHUNK", 3)
    records = [fact(f"2001.{n:05}", ["Ada Lovelace"], title=f"Notes {n}") for n in range(10)]
    batch = Batch.objects.create(label="test")

    class Killed(Exception):
        pass

    def kill(batch: Batch) -> None:
        if batch.checkpoint >= 6:
            raise Killed

    data = "\n".join(map(json.dumps, records)).encode()
    with pytest.raises(Killed):
        importing.run(batch, io.BytesIO(data), kill)
    assert Paper.objects.count() == 6
    importing.run(Batch.objects.get(), io.BytesIO(data))
    assert Paper.objects.count() == BatchRecord.objects.count() == 10
    assert Batch.objects.get().new == 10


def test_repeats_inside_one_file_are_counted_once_with_the_newest_kept():
    batch = run(*[fact("2001.00001", ["Ada Lovelace"], updated=f"2021-01-{day:02}") for day in (3, 9, 5)])
    assert (batch.new, batch.unchanged, batch.total) == (1, 2, 3)
    assert Paper.objects.get().updated == date(2021, 1, 9)
    assert "record 2" in batch.records.get(number=3).reason


@pytest.mark.parametrize("data", [b"", b"   \n", b"%PDF-1.7 not records", b"\x1f\x8b\x08\x00garbage"])
def test_a_file_that_is_no_source_is_refused_as_a_whole_with_a_sentence(data: bytes):
    with pytest.raises(UnreadableFile, match=r"\.$"):
        run(data)


def test_hostile_names_are_only_text_and_huge_author_lists_are_taken():
    batch = run(
        fact("2001.00001", ["<script>alert(1)</script>", "Robert'); DROP TABLE papers_paper;--", "\U0001f600"]),
        fact("2001.00002", [f"Author Number{n}" for n in range(10_000)], title="Collaboration"),
        fact("2001.00003", ["x" * 5_000], title="Long"),
    )
    assert batch.new + batch.refused == 3
    assert Signature.objects.filter(paper__arxiv_id="2001.00002").count() == 10_000
    assert Signature.objects.filter(printed="<script>alert(1)</script>").exists()
    assert not Signature.objects.filter(family_key="").exists()


def test_one_merge_takes_a_fixed_number_of_statements(django_assert_max_num_queries):
    records = [fact(f"2001.{n:05}", ["Ada Lovelace", "Charles Babbage"], title=f"Notes {n}") for n in range(200)]
    run(*records[:2])
    with django_assert_max_num_queries(30):
        run(*records)
    assert connection.vendor == "postgresql"


def test_the_listing_of_the_reference_page_is_read_whole():
    path = next(SHARED.glob("seeds/004_*.txt"), None)
    if path is None:
        pytest.skip("the reference pages (../shared/seeds) are absent")
    batch = run(path.read_bytes())
    assert (batch.source, batch.new, batch.refused) == ("listing", 7, 0)
    assert list(
        Signature.objects.filter(paper__title__startswith="Accelerating")
        .order_by("position")
        .values_list("given", "family")
    ) == [("Guo-qing", "Jiang"), ("Jinlong", "Liu"), ("Zixiang", "Ding"), ("Lin", "Guo"), ("Wei", "Lin")]


def daily_item(day: str = "2020-01-02", **more: object) -> dict:
    item = {"id": "2001.00001", "title": "Notes", "authors": [{"name": "A. Lovelace"}], "upvotes": 3, "num_comments": 0}
    return item | {"date": day, "summary": "Of engines."} | more


def listings() -> list[tuple[str, int | None, int | None]]:
    return [(str(r.day), r.votes, r.comments) for r in DailyListing.objects.order_by("day")]


def test_a_daily_list_fills_in_and_overwrites_nothing():
    run(fact("2001.00001", ["Ada Lovelace"], title="Notes on the Engine"))
    batch = run(daily_item())
    paper = Paper.objects.get()
    assert (batch.source, batch.updated, paper.source) == ("daily", 1, "facts")
    assert (paper.title, paper.abstract, paper.categories) == ("Notes on the Engine", "Of engines.", ["cs.LG"])
    assert list(paper.topics.values_list("name", flat=True)) == ["Machine Learning"]
    assert Signature.objects.get().printed == "Ada Lovelace"
    assert listings() == [("2020-01-02", 3, 0)]


def test_what_arxiv_states_takes_the_place_of_a_daily_record():
    run(daily_item())
    batch = run(fact("2001.00001", ["Ada Lovelace"], title="Notes on the Engine"))
    paper = Paper.objects.get()
    assert (batch.updated, paper.title, paper.source, paper.abstract) == (
        1, "Notes on the Engine", "facts", "Of engines."
    )  # fmt: skip
    assert Signature.objects.get().printed == "Ada Lovelace"


def test_a_daily_record_without_authors_is_taken_in_and_takes_no_authors_away():
    run(daily_item())
    batch = run(daily_item(authors=None), daily_item(id="2001.00002", authors=[], title="Bare"))
    assert fates(batch) == ["unchanged", "new"]
    assert Signature.objects.get().printed == "A. Lovelace"
    assert Paper.objects.get(arxiv_id="2001.00002").signatures.count() == 0


def test_a_paper_is_listed_once_a_day_with_its_highest_counts_whatever_the_order():
    for days in ([("2020-01-02", 9), ("2020-01-02", 3), ("2020-01-03", 1)], [("2020-01-02", 4)]):
        run(*[daily_item(day, upvotes=votes) for day, votes in days])
    assert listings() == [("2020-01-02", 9, 0), ("2020-01-03", 1, 0)]


def test_importing_a_daily_list_again_writes_nothing():
    run(daily_item(), daily_item("2020-01-03", num_comments=None))
    before = list(DailyListing.objects.extra(select={"x": "xmin::text"}).order_by("pk").values_list("pk", "x"))
    batch = run(daily_item(), daily_item("2020-01-03", num_comments=None))
    assert (batch.new, batch.updated, batch.unchanged) == (0, 0, 2)
    assert before == list(DailyListing.objects.extra(select={"x": "xmin::text"}).order_by("pk").values_list("pk", "x"))


def test_a_paper_without_a_date_of_its_latest_version_stands_by_its_first():
    run(fact("2001.00001", ["Ada Lovelace"], created="2019-01-01"), fact("2001.00002", ["A"], created="2021-01-01"))
    run(daily_item(id="2001.00003", published_at="2020-06-01"))
    assert [paper.arxiv_id for paper in Paper.objects.newest_first()] == ["2001.00002", "2001.00003", "2001.00001"]


def openalex_work(*authors: dict, **more: object) -> dict:
    return {
        "id": "https://openalex.org/W1", "title": "Notes", "authorships": list(authors), "is_paratext": False,
        "locations": [{"landing_page_url": "https://arxiv.org/abs/2001.00001"}],
        "topics": [{"display_name": "Analytical Engines"}, {"display_name": "analytical-engines"},
                   {"display_name": "Machine learning"}, {"display_name": "算"}],
    } | more  # fmt: skip


ADA = {
    "raw_author_name": "Ada Lovelace", "raw_affiliation_strings": ["Ockham Park"],
    "author": {"orcid": "https://orcid.org/0000-0002-1825-0097"},
}  # fmt: skip


def test_openalex_adds_affiliations_and_identifiers_to_the_names_of_a_known_paper_once():
    run(fact("2001.00001", ["Ada Lovelace", "Charles Babbage"]))
    before = Signature.objects.get(position=0).pk
    assert run(openalex_work(ADA, {"raw_author_name": "Charles Babbage"})).updated == 1
    signature = Signature.objects.get(position=0)
    assert (signature.pk, signature.affiliations, signature.orcid, signature.inferred_orcid) == (
        before, ["Ockham Park"], None, "0000-0002-1825-0097"
    )  # fmt: skip
    assert list(Paper.objects.get().topics.values_list("name", flat=True)) == ["Machine Learning"]
    assert run(openalex_work(ADA, {"raw_author_name": "Charles Babbage"})).unchanged == 1


def test_topics_of_one_address_are_one_topic_and_fill_in_where_there_are_no_categories():
    run(fact("2001.00002", ["Ada Lovelace"]))
    run(openalex_work(ADA))
    paper = Paper.objects.get(arxiv_id="2001.00001")
    assert sorted(paper.topics.values_list("name", flat=True)) == ["Analytical Engines", "Machine Learning"]
    run(daily_item(abstract="x"))  # says nothing of subjects
    assert paper.topics.count() == 2
    run(fact("2001.00001", ["Ada Lovelace"], categories=["cs.NE"]))
    assert list(paper.topics.values_list("name", flat=True)) == ["Neural and Evolutionary Computing"]


def test_references_find_their_paper_by_doi_or_title_and_names_and_overwrite_nothing():
    run(
        fact("2001.00001", ["Ada Lovelace", "Charles Babbage"], title="Notes", doi="10.1000/182"),
        fact("2001.00002", ["Ada Lovelace"], title="Bal\\'azs"),
    )
    batch = run(
        b"@article{a, author = {Lovelace, A. and Babbage, C.}, title = {Notes!}, doi = {10.1000/182}, year = 2021}",
        b"@article{b, author = {Lovelace, Ada}, title = {Bal{\\'a}zs}, journal = {J. Engines}, year = 2021}",
    )
    assert (batch.source, batch.new, batch.updated, batch.unchanged) == ("bibtex", 0, 2, 0)
    assert sorted(Signature.objects.values_list("printed", flat=True)) == [
        "Ada Lovelace", "Ada Lovelace", "Charles Babbage"
    ]  # fmt: skip
    assert Paper.objects.get(arxiv_id="2001.00001").title == "Notes"
    assert Paper.objects.get(arxiv_id="2001.00002").journal_ref == "J. Engines (2021)"


def test_ris_makes_a_paper_that_a_later_record_of_arxiv_corrects():
    assert run(b"TY  - JOUR\nAU  - Lovelace, Ada\nTI  - Notes\nPY  - 2021\nER  - ").new == 1
    assert (Paper.objects.get().year, Paper.objects.get().day_known) == (2021, False)
    run(fact("2001.00001", ["Ada Lovelace"], title="Notes", created="2020-05-04"))
    paper = Paper.objects.get()
    assert (paper.arxiv_id, paper.created, paper.day_known) == ("2001.00001", date(2020, 5, 4), True)


def test_entries_of_one_file_that_are_one_paper_fill_each_other_in_once():
    entries = (
        b"@book{a, author = {A. Li}, title = {Works}, journal = {J}, year = 1990}",
        b"@book{b, author = {A. Li}, title = {Works}, journal = {K}, abstract = {All.}, year = 1991}",
        b"@book{c, author = {A. Li}, title = {Other}, doi = {10.1000/182}}",
        b"@book{d, author = {A. Li}, title = {Another}, doi = {10.1000/182}}",
    )
    assert (run(*entries).new, Paper.objects.count()) == (2, 2)
    paper = Paper.objects.get(title="Works")
    assert (paper.journal_ref, paper.abstract, paper.year) == ("J (1990)", "All.", 1990)
    again = run(*entries)
    assert (again.new, again.updated, again.unchanged) == (0, 0, 4)
