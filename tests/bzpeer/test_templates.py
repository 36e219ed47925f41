"""Templates compile, keep to the Content-Security-Policy, and the stylesheets hold together."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.template.loader import get_template, render_to_string

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
STYLESHEETS = sorted((ROOT / "static" / "css").glob("*.css"))

# What would run or style inline, or leave the machine: the policy refuses it, and pages must not need it.
FORBIDDEN = {
    "autoescaping switched off": r"\|\s*safe\b|\|\s*safeseq\b|{%\s*autoescape\s+off",
    "an inline style": r"\sstyle\s*=|<style\b",
    "an event attribute": r"\s(?:on[a-z]+|hx-on[:a-z-]*)\s*=",
    "an inline script": r"<script(?![^>]*\s(?:src=|type=\"application/(?:ld\+)?json\"))[^>]*>|javascript:",
    "an asset of another host": r"<(?:script|link|img|source|iframe)\b[^>]*(?:src|href)\s*=\s*[\"'](?:https?:)?//",
}


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def without_comments(css: str) -> str:
    return re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL)


@pytest.mark.parametrize("path", TEMPLATES, ids=name)
def test_a_template_compiles(path: Path) -> None:
    get_template(str(path.relative_to(ROOT / "templates")))


@pytest.mark.parametrize("what", FORBIDDEN)
@pytest.mark.parametrize("path", [path for path in TEMPLATES if path.parent.name != "mail"], ids=name)
def test_a_template_has_nothing_that_the_policy_refuses(path: Path, what: str) -> None:
    found = re.search(FORBIDDEN[what], path.read_text(), re.IGNORECASE)
    assert found is None, f"{what}: {found and found.group()}"


def test_the_page_for_a_fault_of_ours_needs_neither_context_nor_settings() -> None:
    assert not re.search(r"{[{%]", (ROOT / "templates" / "500.html").read_text())


@pytest.mark.parametrize(
    ("printed", "shown"),
    [
        (r"BERT$_{\rm BASE}$", ">BERT<sub>BASE</sub></a>"),
        (r"See \url{https://example.org/x}", ">See https://example.org/x</a>"),
        ("<script>alert(1)</script>", ">&lt;script&gt;alert(1)&lt;/script&gt;</a>"),
    ],
)
def test_a_title_in_a_list_is_one_link_and_no_markup_of_its_own(printed: str, shown: str) -> None:
    paper = SimpleNamespace(title=printed, get_absolute_url="/works/1/x/")
    html = render_to_string("papers/_paper.html", {"paper": paper})
    heading = re.search(r"<h3>.*</h3>", html)
    assert heading is not None
    assert shown in heading.group()
    assert heading.group().count("<a ") == 1


def test_every_custom_property_that_a_stylesheet_uses_is_defined() -> None:
    css = without_comments("".join(path.read_text() for path in STYLESHEETS))
    used = set(re.findall(r"var\(\s*(--[\w-]+)", css))
    defined = set(re.findall(r"(?<![\w(-])(--[\w-]+)\s*:", css))
    assert used - defined == set()


def test_every_token_of_the_stylesheet_is_used_somewhere() -> None:
    css = without_comments("".join(path.read_text() for path in STYLESHEETS))
    used = set(re.findall(r"var\(\s*(--[\w-]+)", css))
    tokens = set(re.findall(r"^    (--[\w-]+)\s*:", css, re.MULTILINE))
    assert tokens - used == set()


@pytest.mark.parametrize("path", STYLESHEETS, ids=name)
def test_a_stylesheet_asks_no_other_host(path: Path) -> None:
    assert not re.search(r"@import|https?://", without_comments(path.read_text()))


@pytest.mark.parametrize("path", STYLESHEETS, ids=name)
def test_a_stylesheet_closes_what_it_opens(path: Path) -> None:
    css = without_comments(path.read_text())
    assert css.count("{") == css.count("}")
