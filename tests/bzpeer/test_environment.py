"""Settings are read from the environment, and nonsense is refused."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured

from bzpeer import environment


@pytest.mark.parametrize(("value", "read"), [(None, "default"), ("", "default"), ("x", "x"), (" x ", " x ")])
def test_text_falls_back_where_unset_or_empty(monkeypatch: pytest.MonkeyPatch, value: str | None, read: str) -> None:
    _set(monkeypatch, value)
    assert environment.text("KNOB", "default") == read


@pytest.mark.parametrize(
    ("value", "read"),
    [("1", True), ("true", True), ("Yes", True), (" ON ", True), ("0", False), ("no", False), ("OFF", False)],
)
@pytest.mark.parametrize("default", [True, False])
def test_a_flag_is_read_in_the_usual_words(
    monkeypatch: pytest.MonkeyPatch, value: str, read: bool, default: bool
) -> None:
    _set(monkeypatch, value)
    assert environment.flag("KNOB", default) is read


@pytest.mark.parametrize("value", ["2", "maybe", "truee", "-1"])
def test_a_flag_that_is_neither_yes_nor_no_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    _set(monkeypatch, value)
    with pytest.raises(ImproperlyConfigured, match="KNOB must be one of"):
        environment.flag("KNOB")


@pytest.mark.parametrize(("value", "read"), [(None, 7), ("", 7), ("3", 3), (" 12 ", 12)])
def test_a_whole_number_is_read(monkeypatch: pytest.MonkeyPatch, value: str | None, read: int) -> None:
    _set(monkeypatch, value)
    assert environment.whole("KNOB", 7, least=1) == read


@pytest.mark.parametrize("value", ["0", "-3", "2.5", "many", "1e3"])
def test_a_whole_number_below_the_least_or_none_at_all_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    _set(monkeypatch, value)
    with pytest.raises(ImproperlyConfigured, match="KNOB must be a whole number of at least 1"):
        environment.whole("KNOB", 7, least=1)


@pytest.mark.parametrize(
    ("value", "read"), [(None, ["a", "b"]), ("x", ["x"]), ("x, y ,,z", ["x", "y", "z"]), (" , ", [])]
)
def test_a_list_is_separated_by_commas(monkeypatch: pytest.MonkeyPatch, value: str | None, read: list[str]) -> None:
    _set(monkeypatch, value)
    assert environment.items("KNOB", "a,b") == read


def _set(monkeypatch: pytest.MonkeyPatch, value: str | None) -> None:
    if value is None:
        monkeypatch.delenv("KNOB", raising=False)
    else:
        monkeypatch.setenv("KNOB", value)
