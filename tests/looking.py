"""What a page looks like: it fits, nobody stumbles over it, and BZPEER_SCREENSHOTS=folder keeps a picture."""

from __future__ import annotations

import os
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

SCREENSHOTS = os.environ.get("BZPEER_SCREENSHOTS", "")
WIDE_AND_NARROW = ((1280, "light"), (390, "dark"))
ALL = (*WIDE_AND_NARROW, (1280, "dark"), (390, "light"))


def look(page: Page, name: str) -> None:
    """No barrier and no sideways scrolling, wide and narrow, light and dark."""
    for width, scheme in ALL if SCREENSHOTS else WIDE_AND_NARROW:
        page.set_viewport_size({"width": width, "height": 900})
        # Without motion, or axe meets a colour half-way to another.
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        if SCREENSHOTS:
            Path(SCREENSHOTS).mkdir(parents=True, exist_ok=True)
            page.screenshot(path=Path(SCREENSHOTS) / f"{name}-{width}-{scheme}.png", full_page=True)
        found = Axe().run(page)
        assert found.violations_count == 0, f"{name} {width} {scheme}: {found.generate_report()}"
        assert page.evaluate("document.documentElement.scrollWidth") <= width, (name, width)
