"""Fixtures of the graph's tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from graph import snapshots


@pytest.fixture
def folder(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Snapshots go here, and this process has none of an earlier test mapped."""
    settings.GRAPH_DIR = root = tmp_path / "graph"
    monkeypatch.setattr(snapshots, "_held", None)
    monkeypatch.setattr(snapshots, "_given_up", "")
    return root
