"""Ids last: slices give what one import gives, a re-run keeps every id, and what moved is told with its reason."""

import io
import json
import random
from collections import defaultdict
from contextlib import suppress
from io import StringIO

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from papers import importing
from papers.models import Batch, Paper, Signature
from profiles import decisions, moves, resolving, rulings
from profiles.disambiguation.evaluation import score
from profiles.models import Account, Assignment, Author, Contradiction, Correction, Move, SurnameTie
from tests.conftest import REPO_ROOT, fact, with_role, without_ledger

pytestmark = pytest.mark.django_db

DEMO = REPO_ROOT / "papers" / "data" / "demo.jsonl"
Key = tuple[str, int]  # the paper and the place of a name on it


def bring_in(lines: list[bytes]) -> None:
    """Import and resolve, without what the pages count."""
    batch = Batch.objects.create(label="slice")
    importing.run(batch, io.BytesIO(b"\n".join(lines)))
    resolving.plan(batch)
    while resolving.resolve_next(batch.pk):
        pass


def authors() -> dict[Key, int]:
    """The author's id of every name."""
    rows = Assignment.objects.values_list("signature__paper__arxiv_id", "signature__position", "author")
    return {(str(paper), position): author for paper, position, author in rows}


def clusters(of: dict[Key, int]) -> dict[int, set[Key]]:
    found: defaultdict[int, set[Key]] = defaultdict(set)
    for key, author in of.items():
        found[author].add(key)
    return found


def test_ten_slices_give_what_one_import_gives_and_no_id_that_stands_for_the_same_people_changes():
    lines = DEMO.read_bytes().splitlines()[:800]
    random.Random(3).shuffle(lines)
    slices = [lines[n::10] for n in range(10)]
    before: dict[Key, int] = {}
    for part in slices:
        bring_in(part)
        now = authors()
        # Whoever only gained works that nobody had keeps the id.
        owners = {author: {before[key] for key in keys if key in before} for author, keys in clusters(now).items()}
        for author, keys in clusters(before).items():
            holders = {now[key] for key in keys}
            assert len(holders) > 1 or owners[min(holders)] != {author} or holders == {author}
        before = now
    for model in (Author, Paper):
        model.objects.all().delete()
    bring_in(lines)
    whole = authors()
    assert len(whole) == Signature.objects.count() > 2_000
    labels = {key: str(author) for key, author in whole.items()}
    assert score(labels, {key: str(author) for key, author in before.items()}, {}).b3.f1 >= 0.99


def test_a_full_re_run_keeps_every_id_and_writes_nothing():
    bring_in(DEMO.read_bytes().splitlines()[:400])
    Author.objects.update(stale=False)
    before = list(Assignment.objects.order_by("pk").values())
    found = resolving.Report()
    for surnames, _size in resolving.groups(set(Signature.objects.values_list("surname_key", flat=True))):
        found += resolving.resolve(surnames)
    assert list(Assignment.objects.order_by("pk").values()) == before
    assert found == resolving.Report(kept=Author.objects.count())
    assert not Author.objects.filter(stale=True).exists()
    assert not Move.objects.exists()


ENGINES = [fact(f"2001.0000{n}", ["Ada Lovelace", "Charles Babbage"], f"Engines {n}") for n in (1, 2, 3)]


def test_what_joins_is_told_with_the_evidence(bring):
    bring(*ENGINES)
    stranger = Author.objects.create(name="Ada Lovelace")
    moved = Signature.objects.get(paper__arxiv_id="2001.00003", family="Lovelace")
    Assignment.objects.filter(signature=moved).update(author=stranger)
    report = resolving.resolve(["lovelace"])
    assert (report.merged, report.moved) == (1, 1)
    move = Move.objects.get()
    assert (move.source, move.kind, move.signatures) == (stranger, Move.Kind.MERGED, [moved.pk])
    assert move.reason.startswith("joined by evidence: ")
    assert "Charles Babbage" in move.reason or "title" in move.reason


def test_what_splits_is_told_with_the_link_that_fell(bring):
    bring(
        fact("2001.00001", ["John Smith", "Ada Lovelace"], "Neural machine translation", categories=["cs.CL"]),
        fact("2001.00002", ["John Smith", "Vera Rubin"], "Dark matter in dwarf galaxies", categories=["astro-ph.GA"]),
    )
    one, other = Assignment.objects.filter(signature__family="Smith").order_by("pk")
    without_ledger()
    Author.objects.filter(pk=other.author_id).delete()
    fields = {"author": one.author, "compared_with": one.signature, "probability": 0.93, "model": one.model}
    Assignment.objects.create(signature=Signature.objects.get(pk=other.signature_id), state="strong", **fields)
    report = resolving.resolve(["smith"])
    assert (report.kept, report.made, report.split, report.moved) == (1, 1, 1, 1)
    assert Move.objects.get().reason.startswith("split: the link that held them fell from 0.93 to 0.")


def test_a_new_model_is_told_by_its_version(bring):
    bring(*ENGINES)
    stranger = Author.objects.create(name="Ada Lovelace")
    Assignment.objects.filter(signature__family="Lovelace", signature__paper__arxiv_id="2001.00003").update(
        author=stranger, model="0"
    )
    resolving.resolve(["lovelace"])
    assert Move.objects.get().reason == f"model version 0 → {Assignment.objects.latest('pk').model}"


def test_only_the_newest_moves_are_kept(bring, monkeypatch):
    monkeypatch.setattr(moves, "MOVES", 2)
    bring(*ENGINES)
    for _ in range(4):
        stranger = Author.objects.create(name="Ada Lovelace")
        Assignment.objects.filter(signature__family="Lovelace", signature__paper__arxiv_id="2001.00003").update(
            author=stranger
        )
        resolving.resolve(["lovelace"])
    assert Move.objects.count() == 2


def test_the_command_prints_what_moved(bring):
    bring(*ENGINES)
    stranger = Author.objects.create(name="Ada Lovelace")
    Assignment.objects.filter(signature__family="Lovelace", signature__paper__arxiv_id="2001.00003").update(
        author=stranger
    )
    said = StringIO()
    call_command("resolve", "Lovelace", stdout=said)
    assert "Authors: 1 kept, 0 made, 1 merged, 0 split. Signatures moved: 1." in said.getvalue()
    assert "joined by evidence" in said.getvalue()
    said = StringIO()
    call_command("resolve", stdout=said)
    assert "Authors: 2 kept, 0 made, 0 merged, 0 split. Signatures moved: 0." in said.getvalue()
    assert not Author.objects.filter(stale=True).exists()
    with pytest.raises(CommandError, match="No paper prints: nobody"):
        call_command("resolve", "Nobody")


def test_names_with_one_authenticated_id_are_resolved_together_whatever_their_surnames(bring):
    bring(*ENGINES[:1], fact("2001.00009", ["Augusta King"], "Letters"))
    Signature.objects.filter(family__in=["Lovelace", "King"]).update(orcid="0000-0002-1825-0097")
    assert resolving.related(["king"]) == [["king", "lovelace"]]
    assert resolving.related(["babbage"]) == [["babbage"]]


def test_surnames_that_kin_names_tie_are_noted_with_every_import(bring):
    bring(*ENGINES, fact("2001.00010", ["Iris Eshkol"]), fact("2001.00011", ["Iris Eshkol-Taravella"]))
    assert list(SurnameTie.objects.values_list("one", "other")) == [("eshkol", "eshkoltaravella")]
    assert resolving.related(["eshkoltaravella", "lovelace"]) == [["eshkol", "eshkoltaravella"], ["lovelace"]]
    before = SurnameTie.objects.get().pk
    bring(fact("2001.00012", ["Iris Eshkol"]))
    assert SurnameTie.objects.get().pk == before
    Signature.objects.filter(family="Eshkol-Taravella").delete()
    bring(fact("2001.00013", ["Mary Somerville"]))
    assert not SurnameTie.objects.exists()


def test_a_decision_resolves_the_surnames_that_kin_names_tie_to_its_own(bring):
    bring(*ENGINES, fact("2001.00010", ["Iris Eshkol"]), fact("2001.00011", ["Iris Eshkol-Taravella"]))
    found = {s.family: s for s in Signature.objects.filter(paper__arxiv_id__in=["2001.00001", "2001.00010"])}
    elsewhere = Assignment.objects.get(signature__family="Eshkol-Taravella")
    Assignment.objects.filter(pk=elsewhere.pk).update(evidence=[])
    curator = with_role("ada")
    decisions.decide(curator, found["Eshkol"], found["Lovelace"], same=False)
    assert Assignment.objects.get(pk=elsewhere.pk).evidence == elsewhere.evidence != []


@st.composite
def stories(draw):
    """A few papers in a few circles, decisions about them in between, and the order in which all that comes."""
    circle = st.sampled_from(["Ada Lovelace", "Charles Babbage", "Vera Rubin"])
    papers = draw(st.lists(st.tuples(st.sampled_from(["John Smith", "J. Smith"]), circle), min_size=3, max_size=6))
    number = st.integers(0, len(papers) - 1)
    said = st.tuples(st.sampled_from(["names", "author", "authors", "claim"]), number, number, st.booleans())
    return papers, draw(st.lists(said, max_size=5)), draw(st.randoms(use_true_random=False))


@settings(
    deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(stories())
def test_whatever_people_say_in_whatever_order_it_holds_or_is_reported_and_ids_stay(story):
    papers, statements, chance = story
    for model in (Move, Correction, Contradiction, Author, Paper):
        model.objects.all().delete()
    curator = Account.objects.filter(username="ada").first() or with_role("ada")
    records = [
        json.dumps(fact(f"2001.{n:05}", [smith, other], f"About {other} {n}")).encode()
        for n, (smith, other) in enumerate(papers)
    ]
    chance.shuffle(records)
    bring_in(records[::2])
    for kind, one, other, same in statements:
        say(curator, kind, one, other, same)
    bring_in(records[1::2])
    check_that_all_holds()
    before, moved = authors(), Move.objects.count()
    resolving.resolve(["smith"])
    assert (authors(), Move.objects.count()) == (before, moved)


def say(curator: Account, kind: str, one: int, other: int, same: bool) -> None:
    """A decision about the Smiths of two papers, if both are known and it can be said."""
    smiths = Signature.objects.filter(family="Smith").select_related("assignment__author")
    left, right = (smiths.filter(paper__arxiv_id=f"2001.{n:05}").first() for n in (one, other))
    if left is None or right is None:
        return
    mine, theirs = left.assignment.author, right.assignment.author
    if kind == "claim":
        account, _ = Account.objects.get_or_create(username=f"owner {one}")
        Author.objects.filter(account=account).update(account=None)
        Author.objects.filter(pk=mine.pk, account=None).update(account=account)
        resolving.resolve(["smith"])
        return
    ends: dict[str, tuple[decisions.End, decisions.End]] = {
        "names": (left, right),
        "author": (left, theirs),
        "authors": (mine, theirs),
    }
    with suppress(ValidationError):
        decisions.decide(curator, *ends[kind], same=same)


def check_that_all_holds() -> None:
    now = dict(Assignment.objects.values_list("signature", "author"))
    assert len(now) == Signature.objects.count()
    per_paper = [(paper, author) for paper, author in Assignment.objects.values_list("signature__paper", "author")]
    assert len(set(per_paper)) == len(per_paper)
    reported = {step["correction"] for found in Contradiction.objects.all() for step in found.chain}
    for correction in Correction.objects.live():
        pair = rulings.pair_of(correction)
        assert pair is not None
        together = now[pair[0]] == now[pair[1]]
        assert together == correction.same or (correction.same and correction.pk in reported)
    for author in Author.objects.exclude(anchor=None):
        holder = now[author.anchor_id or 0]
        assert holder == author.pk or author.merged_into_id == holder
    claimed = dict(Author.objects.exclude(account=None).exclude(anchor=None).values_list("pk", "anchor"))
    joined = Correction.objects.live().filter(same=True).exists()
    assert joined or len({now[anchor] for anchor in claimed.values()}) == len(claimed)
