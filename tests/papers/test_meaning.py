"""Papers by what they mean: which are embedded when, and which are near."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from django.core.cache import cache
from django.db import connection
from pytest_django import Settings

from papers import embedding, meaning
from papers.bounded import within
from papers.models import Batch, Paper, PaperEmbedding
from tests.conftest import fact

Bring = Callable[..., Batch]
TITLES = {
    "2001.00001": "Searching for neural network architectures by gradient descent",
    "2001.00002": "The chemistry of sourdough fermentation in wheat bread",
    "2001.00003": "Spectra of metal-poor stars in the halo of the Milky Way",
}
ASKED = "automatic design of deep models"


@pytest.fixture(autouse=True)
def switched_on(settings: Settings) -> None:
    settings.EMBEDDINGS = True


@pytest.fixture
def three(bring: Bring) -> dict[str, Paper]:
    """Three papers on three subjects, by their arXiv ids."""
    bring(*(fact(id, ["Ada Lovelace"], title) for id, title in TITLES.items()))
    return {paper.arxiv_id or "": paper for paper in Paper.objects.all()}


def embed_all() -> int:
    return sum(count for _, count in meaning.embed_missing())


def found(near: list[meaning.Near]) -> list[str | None]:
    ids = dict(Paper.objects.values_list("pk", "arxiv_id"))
    return [ids[one.paper_id] for one in near]


# --- embedding -------------------------------------------------------------------------------------------------------


def test_every_paper_is_embedded_once(three: dict[str, Paper]):
    assert embed_all() == 3
    assert set(PaperEmbedding.objects.values_list("paper", flat=True)) == {paper.pk for paper in three.values()}
    assert embed_all() == 0


def test_what_is_stored_is_the_embedding_of_title_and_abstract(bring: Bring):
    bring(fact("2001.00001", ["Ada Lovelace"], "On engines", abstract="They weave algebra."))
    embed_all()
    (expected,) = embedding.embed(["On engines. They weave algebra."])
    assert PaperEmbedding.objects.get().vector == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("change", [{"title": "On engines, again"}, {"abstract": "They weave algebra."}])
def test_a_new_title_or_abstract_takes_the_embedding_away_until_the_next_pass(
    bring: Bring, three: dict[str, Paper], change: dict[str, str]
):
    embed_all()
    before = dict(PaperEmbedding.objects.values_list("paper__arxiv_id", "digest"))
    given: dict[str, Any] = {"title": TITLES["2001.00001"]} | change | {"updated": "2021-01-01"}
    bring(fact("2001.00001", ["Ada Lovelace"], **given))
    assert set(PaperEmbedding.objects.values_list("paper__arxiv_id", flat=True)) == {"2001.00002", "2001.00003"}
    assert embed_all() == 1
    after = dict(PaperEmbedding.objects.values_list("paper__arxiv_id", "digest"))
    assert {id for id in before if bytes(before[id]) != bytes(after[id])} == {"2001.00001"}


def test_a_change_of_anything_else_keeps_it(bring: Bring, three: dict[str, Paper]):
    embed_all()
    bring(fact("2001.00001", ["Charles Babbage"], TITLES["2001.00001"], updated="2021-01-01", doi="10.1000/182"))
    assert Paper.objects.get(pk=three["2001.00001"].pk).doi == "10.1000/182"
    assert PaperEmbedding.objects.count() == 3


def test_a_pass_that_was_stopped_goes_on_where_it_was(three: dict[str, Paper], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(meaning, "BLOCK", 1)
    following = meaning.embed_for(0)
    assert PaperEmbedding.objects.count() == 1
    assert following is not None
    assert meaning.embed_for(60, following) is None
    assert PaperEmbedding.objects.count() == 3


def test_a_block_that_another_worker_has_is_left_to_it(three: dict[str, Paper], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(meaning, "BLOCK", 1)
    with psycopg.connect(**connection.get_connection_params()) as other:
        other.execute("SELECT pg_advisory_lock(%s, %s)", [meaning._LOCK_SPACE, three["2001.00002"].pk])
        assert embed_all() == 2
        other.execute("SELECT pg_advisory_unlock_all()")  # a closed connection's lock ends when its backend has ended
    assert embed_all() == 1


def test_a_paper_that_changed_while_it_was_embedded_is_left_to_the_next_pass(
    three: dict[str, Paper], monkeypatch: pytest.MonkeyPatch
):
    true = embedding.embed

    def meanwhile(texts: list[str]) -> Any:
        Paper.objects.filter(arxiv_id="2001.00002").update(title_text="Another title")
        return true(texts)

    with monkeypatch.context() as patched:
        patched.setattr(embedding, "embed", meanwhile)
        assert embed_all() == 2
    assert embed_all() == 1


@pytest.mark.django_db(transaction=True)
def test_a_paper_that_an_import_holds_is_not_waited_for():
    held, free = (Paper.objects.create(title_text=title, fingerprint=title, source="test") for title in ("On", "Off"))
    with psycopg.connect(**connection.get_connection_params()) as other:
        other.execute("UPDATE papers_paper SET comments = 'x' WHERE id = %s", [held.pk])
        assert embed_all() == 1
    assert list(PaperEmbedding.objects.values_list("paper", flat=True)) == [free.pk]
    assert embed_all() == 1


def test_what_another_model_made_is_made_again(three: dict[str, Paper], monkeypatch: pytest.MonkeyPatch):
    embed_all()
    for recipe in (b"\x00\x00\x00\x01", b"\xff\xff\xff\xfe"):
        monkeypatch.setattr(embedding, "RECIPE", recipe)
        assert embed_all() == 3
        assert {bytes(digest)[:4] for digest in PaperEmbedding.objects.values_list("digest", flat=True)} == {recipe}


# --- asking ----------------------------------------------------------------------------------------------------------


def test_the_nearest_paper_comes_first_and_no_more_than_asked_for(three: dict[str, Paper]):
    embed_all()
    near = meaning.near(ASKED, Paper.objects.all(), 2)
    assert found(near)[0] == "2001.00001"
    assert len(near) == 2
    assert 1 > near[0].similarity > near[1].similarity


@pytest.mark.parametrize("exact", [0, 5_000])
def test_a_filter_is_kept_and_does_not_shorten_the_list(
    three: dict[str, Paper], monkeypatch: pytest.MonkeyPatch, exact: int
):
    """Compared one by one where it leaves few, by the index where it leaves many."""
    embed_all()
    monkeypatch.setattr(meaning, "EXACT", exact)
    others = Paper.objects.exclude(arxiv_id="2001.00001").newest_first()
    assert set(found(meaning.near(ASKED, others, 2))) == {"2001.00002", "2001.00003"}


def test_the_index_and_the_comparison_of_all_agree(three: dict[str, Paper], monkeypatch: pytest.MonkeyPatch):
    embed_all()
    everyone = Paper.objects.filter(title_text__gt="")
    compared = meaning.near(ASKED, everyone, 3)
    monkeypatch.setattr(meaning, "EXACT", 0)
    by_index = meaning.near(ASKED, everyone, 3)
    assert found(by_index) == found(compared)
    assert [one.similarity for one in by_index] == pytest.approx([one.similarity for one in compared])


def test_it_runs_under_the_limit_of_its_caller(three: dict[str, Paper]):
    embed_all()
    with within(5_000):
        assert found(meaning.near(ASKED, Paper.objects.all(), 1)) == ["2001.00001"]


def test_the_papers_near_a_paper_leave_it_out(three: dict[str, Paper]):
    paper = three["2001.00001"]
    assert meaning.near_paper(paper, 5) == []
    embed_all()
    assert set(found(meaning.near_paper(paper, 5))) == {"2001.00002", "2001.00003"}
    assert len(meaning.near_paper(paper, 1)) == 1


def test_the_same_query_is_embedded_once(three: dict[str, Paper], monkeypatch: pytest.MonkeyPatch):
    embed_all()
    first = meaning.near(ASKED, Paper.objects.all(), 3)
    monkeypatch.setattr(embedding, "embed", lambda texts: pytest.fail("embedded again"))
    assert meaning.near(f"  {ASKED} ", Paper.objects.all(), 3) == first


@pytest.mark.parametrize("text", ["", "  \n", "the of and", "🦔", "'; DROP TABLE papers_paper; --", "x" * 10_000, "\0"])
def test_any_text_may_be_asked(three: dict[str, Paper], text: str):
    embed_all()
    assert len(meaning.near(text, Paper.objects.all(), 3)) == (3 if text.strip() else 0)


def test_switched_off_nothing_is_near_and_no_model_is_loaded(
    three: dict[str, Paper], settings: Settings, monkeypatch: pytest.MonkeyPatch
):
    embed_all()
    settings.EMBEDDINGS = False
    monkeypatch.setattr(embedding, "model", lambda: pytest.fail("loaded"))
    assert not meaning.enabled()
    assert meaning.near(ASKED, Paper.objects.all(), 3) == []
    assert meaning.near_paper(three["2001.00001"], 3) == []


def test_without_the_model_it_is_as_if_switched_off(three: dict[str, Paper], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(embedding, "available", lambda: False)
    assert not meaning.enabled()
    assert meaning.near(ASKED, Paper.objects.all(), 3) == []


def test_how_many_papers_are_embedded_is_counted_once_a_minute(three: dict[str, Paper]):
    assert meaning.coverage() == (0, 3)
    embed_all()
    assert meaning.coverage() == (0, 3)
    cache.clear()
    assert meaning.coverage() == (3, 3)
