"""How smoothly the explorer moves: frames a second while panning 2,000 nodes and 6,000 lines, beside a bare page.

Run it by `python manage.py test tests/graph/frames.py -s`; it prints, and asserts only that all is drawn.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, Route, expect

from tests.conftest import fact
from tests.graph.test_explorer_browser import person
from tests.test_browser import browser
from tests.visiting import Visitor, visitor

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
__all__ = ["browser", "visitor"]

PLACES, LINES = 10, 6_000  # of 200 nodes each
_COUNT = """() => new Promise((resolve) => {
  const frames = [];
  const step = (now) => {
    frames.push(now);
    if (now - frames[0] < 3000) requestAnimationFrame(step);
    else resolve(frames.slice(1).map((at, i) => at - frames[i]).sort((a, b) => a - b));
  };
  requestAnimationFrame(step);
})"""
# The picture is moved in each frame, as by a hand that never rests.
_PAN = """() => {
  const canvas = document.querySelector("[data-canvas]");
  const send = (type, x, y) => (type === "mousedown" ? canvas : window).dispatchEvent(
    new MouseEvent(type, { clientX: x, clientY: y, bubbles: true, view: window, buttons: 1 }));
  let n = 0;
  send("mousedown", 400, 400);
  const step = () => { n += 1; send("mousemove", 400 + 120 * Math.sin(n / 20), 400 + 60 * Math.cos(n / 20)); requestAnimationFrame(step); };
  requestAnimationFrame(step);
}"""


def invented(at: str, place: int, dice: random.Random) -> dict[str, Any]:
    ids = [at] + [f"person-{10_000 + 200 * place + n}" for n in range(1, 200)]
    known = ids + [f"person-{10_000 + n}" for n in range(1, 200 * place) if n % 200]
    lines = {(ids[0], other) for other in ids[1:]}
    while len(lines) < LINES // PLACES:
        one, other = dice.choice(ids), dice.choice(ids if dice.random() < 0.9 else known)
        if one != other:
            lines.add((min(one, other), max(one, other)))
    return {
        "focus": at,
        "nodes": [
            {"id": id_, "kind": "person", "label": f"Researcher {id_[7:]}", "url": "/", "weight": dice.paretovariate(1)}
            for id_ in ids
        ],
        "edges": [
            {"source": a, "target": b, "kind": "wrote with", "weight": dice.random(), "first_year": 2015, "last_year": 2020}
            for a, b in sorted(lines)
        ],
        "counts": {"person": {"shown": 199, "total": 199}},
        "order": {"person": "by shared works"},
        "filters": {},
    }


def per_second(gaps: list[float]) -> tuple[float, float]:
    """(frames a second, milliseconds of the longest of twenty gaps)."""
    return 1_000 * len(gaps) / sum(gaps), gaps[int(0.95 * len(gaps))]


def test_two_thousand_nodes_move(visitor: Callable[[], Visitor], bring: Callable[..., Any]):
    bring(fact("2001.00001", ["Ada Aard", "Bob Bern"]))
    at, dice = person("Ada Aard"), random.Random(0)
    opened = [at, *(f"person-{10_000 + 200 * place - 1}" for place in range(1, PLACES))]
    answers = {id_: invented(id_, place, dice) for place, id_ in enumerate(opened)}

    def answer(route: Route) -> None:
        [asked] = parse_qs(urlsplit(route.request.url).query)["at"]
        route.fulfill(json=answers[asked])

    page: Page = visitor().page
    page.set_viewport_size({"width": 1440, "height": 900})
    page.route("**/slice.json?**", answer)
    site = visitor().site
    page.goto(site + "/healthz")
    bare = per_second(page.evaluate(_COUNT))
    page.goto(f"{site}/graph/?at={at}&open={','.join(opened[1:])}")
    expect(page.locator("[data-said]")).to_contain_text("shown", timeout=60_000)
    resting = per_second(page.evaluate(_COUNT))
    page.evaluate(_PAN)
    moving = per_second(page.evaluate(_COUNT))
    names = page.locator("[data-list] [role=option]").count()
    assert names > 1_900
    rows = {"bare": bare, "at rest": resting, "panning": moving}
    told = {name: {"per_second": round(rate, 1), "p95_ms": round(longest, 1)} for name, (rate, longest) in rows.items()}
    print(json.dumps(told | {"nodes": names, "ratio": round(moving[0] / bare[0], 2)}))
    page.screenshot(path="/tmp/shots/explorer/two-thousand.png")
