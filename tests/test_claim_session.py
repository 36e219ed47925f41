"""Three people in a real browser: a researcher takes hold of the reference profile, proves it, puts it right, changes a
name, and leaves with everything; a stranger disputes it; somebody without an account has a record removed."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import current_app
from playwright.sync_api import expect

from bzpeer import tasks
from papers.models import Batch
from profiles.models import Account, Author, Claim, Letter
from tests.conftest import PARITY, fact
from tests.papers.http_server import Answer, Server, serving
from tests.test_browser import browser
from tests.visiting import PASSWORD, Visitor, visitor

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

__all__ = ["browser", "visitor"]

OLD, NEW = "Xiangning Chen", "Robin Morgenstern"


@pytest.fixture
def homepage() -> Iterator[tuple[Server, dict[str, str]]]:
    """A web server of this machine with one page, whose text a test may change."""
    page = {"text": "Nothing yet."}
    html = {"Content-Type": "text/html"}
    with serving(lambda path: Answer(f"<p>{page['text']}</p>".encode(), headers=html)) as server:
        yield server, page


@pytest.fixture
def people(
    bring: Callable[..., Batch], homepage: tuple[Server, dict[str, str]], settings: Any, monkeypatch: pytest.MonkeyPatch
) -> dict[str, Author]:
    """The reference profile, one of whose papers prints an address and a page, and Grace, who wrote one paper alone."""
    known = {task.name: task for task in (tasks.refresh_authors, tasks.deliver_letters)}
    monkeypatch.setattr(current_app._get_current_object(), "send_task", lambda name, given=(): known[name](*given))
    settings.HARVEST_LOOPBACK = settings.MAIL_KEPT = True
    bring(PARITY.read_bytes())
    paper = json.loads(PARITY.read_bytes().splitlines()[1])
    comments = f"Contact: xiangning.chen@cs.example.edu; see {homepage[0].url}/~xiangningchen/"
    bring(_snapshot(paper, comments), _snapshot(fact("2001.00001", ["Grace Hopper"]), "grace.hopper@navy.example.org"))
    return {name: Author.objects.get(name=name) for name in (OLD, "Grace Hopper", "Cho-Jui Hsieh")}


def _snapshot(paper: dict[str, Any], comments: str) -> bytes:
    """The same record as the snapshot of arXiv has it, a little newer."""
    parsed = [[name.split()[-1], " ".join(name.split()[:-1]), ""] for name in paper["authors"]]
    made = {"version": "v1", "created": "Mon, 15 May 2023 00:00:00 GMT"}
    record = {
        "id": paper["id"],
        "authors": ", ".join(paper["authors"]),
        "authors_parsed": parsed,
        "title": paper["title"],
        "abstract": paper.get("abstract", "An abstract."),
        "categories": " ".join(paper["categories"]),
        "comments": comments,
        "versions": [made],
        "update_date": "2022-12-31",
    }
    return json.dumps(record).encode()


def _trust(visitor: Visitor, author: Author) -> dict[str, int]:
    """The points of each rule on the page, which add up to its total."""
    page = visitor.goes(f"/people/{author.pk}/trust/")
    rows = page.locator("table.sum tbody tr")
    points = {
        row.locator("th").inner_text().splitlines()[0].strip(): int(row.locator("td").first.inner_text())
        for row in rows.all()
    }
    assert sum(points.values()) == int(page.locator("table.sum tfoot td").first.inner_text())
    return points


def _public(visitor: Visitor, author: Author, paper: int) -> str:
    """All that the main public pages say, and where they are."""
    said = []
    addresses = (f"/people/{author.pk}/", f"/people/{author.pk}/graph/", f"/people/{author.pk}/trust/")
    more = (f"/people/{author.pk}/history/", f"/works/{paper}/", f"/works/{paper}/attribution/{author.pk}/")
    for address in (*addresses, *more, "/", f"/search/?q={NEW.replace(' ', '+')}"):
        page = visitor.goes(address)
        page.wait_for_load_state("networkidle")
        said += [page.content(), page.url]
    others = Author.objects.filter(name=OLD).exclude(pk=author.pk).values_list("pk", flat=True)
    text = "\n".join(said)
    for other in others:  # who has the work that was not hers goes on bearing the name
        text = re.sub(rf'<(li|a)[^>]*>(?:(?!</?\1).)*"/people/{other}/.*?</\1>', "", text, flags=re.DOTALL)
        text = re.sub(rf'<a [^>]*href="/people/{other}/[^"]*"[^>]*>.*?</a>', "", text, flags=re.DOTALL)
    return text


def test_a_researcher_takes_hold_of_the_record_and_leaves_again(
    visitor: Callable[[], Visitor],
    people: dict[str, Author],
    homepage: tuple[Server, dict[str, str]],
    tmp_path: Path,
) -> None:
    author, reader, me = people[OLD], visitor(), visitor()
    before = _trust(reader, author)
    assert sum(before.values()) == 21
    me.signs_up("robin@example.org")

    # Claim, in steps that can be left and resumed.
    me.goes(author.get_absolute_url())
    me.looks("04-profile")
    me.follows("Claim this record")
    me.looks("05-claim")
    me.presses("Begin the claim")
    me.sees("Which works are mine?")
    not_mine = me.page.locator("fieldset.answer").first
    wrong = not_mine.locator("legend").inner_text()
    not_mine.get_by_label("Not mine").check()
    me.looks("06-works")
    me.presses("Save and take hold of the record")
    me.sees("verification L2")
    me.looks("07-held")
    claim = Claim.objects.get(author=author)
    assert _trust(reader, author)["Control"] == 5

    # Prove it by the page that a paper links to.
    me.goes(claim.get_absolute_url())
    me.page.locator("#proof-page").get_by_role("button", name=re.compile("Use this")).first.click()
    me.looks("08-page-proof")
    me.presses("Look at the page now")
    me.looks("09-not-there-yet")
    homepage[1]["text"] = me.page.locator("pre code").first.inner_text()
    me.presses("Look at the page now")
    me.sees("verification L3")
    me.looks("10-level-3")
    points = _trust(reader, author)
    assert points["Control"] == 20
    assert points["Works"] == 12
    reader.looks("11-trust-at-level-3")
    reader.goes(author.get_absolute_url())
    assert wrong not in reader.page.locator("#works").inner_text()
    expect(reader.page.locator("body")).to_contain_text("Verification L3")

    # And by a code to the address that it prints; with every work reviewed that is level 4.
    me.goes(claim.get_absolute_url())
    me.page.locator("#proof-mail").get_by_role("button", name=re.compile("Use this")).first.click()
    me.looks("12-mail-proof")
    code = re.search(r"\b\d{4}\s?\d{4}\b", Letter.objects.filter(to="xiangning.chen@cs.example.edu").latest("pk").text)
    assert code
    me.page.get_by_label("The code of eight digits").fill(code[0])
    me.presses("Prove it")
    me.sees("verification L3")
    me.goes(f"/claims/{claim.pk}/works/")
    me.presses("All the rest are mine")
    me.sees("verification L4")
    me.looks("13-level-4")
    points = _trust(reader, author)
    assert (points["Control"], points["Review"]) == (30, 20)

    # Change the name: the old one is nowhere.
    author.refresh_from_db()
    paper = author.assignments.order_by("signature__paper").first()
    assert paper
    assert OLD in _public(reader, author, paper.signature.paper_id)
    me.goes(f"/people/{author.pk}/edit/")
    me.looks("14-edit")
    me.goes(f"/people/{author.pk}/name/")
    me.page.locator("main input[type=text]").fill(NEW)
    me.page.get_by_label(re.compile("My name has changed")).check()
    me.looks("15-name")
    me.presses("Change the name")
    said = _public(reader, author, paper.signature.paper_id)
    assert NEW in said
    assert OLD not in said
    assert OLD.lower().replace(" ", "-") not in said
    for name, found in ((OLD, False), (NEW, True)):
        page = reader.goes(f"/search/?q={name.replace(' ', '+')}")
        assert (f"/people/{author.pk}/" in page.content()) == found
    reader.goes(f"/people/{author.pk}/")
    reader.looks("16-renamed")

    # Export everything, then delete the account.
    me.goes("/account/")
    me.looks("17-account")
    me.presses("Download")
    me.page.get_by_label("Password").fill(PASSWORD)
    with me.page.expect_download() as downloading:
        me.presses("Go on")
    downloading.value.save_as(tmp_path / "mine.zip")
    with zipfile.ZipFile(tmp_path / "mine.zip") as archive:
        assert {"bzpeer.json", "works.bib"} <= set(archive.namelist())
        assert archive.read("works.bib").count(b"@") >= 6
        assert "robin@example.org" in archive.read("bzpeer.json").decode()
    me.goes("/account/delete/")
    me.looks("18-delete")
    me.page.get_by_label("Type the word").fill("delete")
    me.presses("Delete the account for good")
    me.looks("19-deleted")
    assert not Account.objects.filter(email="robin@example.org").exists()
    reader.goes(f"/people/{author.pk}/")
    reader.sees("Unclaimed author")
    assert OLD not in reader.page.content()  # who leaves takes the old name along


def test_a_stranger_disputes_a_record_and_a_curator_compares_both_sides(
    visitor: Callable[[], Visitor], people: dict[str, Author]
) -> None:
    author, first, second = people[OLD], visitor(), visitor()
    for one, email in ((first, "first@example.org"), (second, "second@example.org")):
        one.signs_up(email)
        one.goes(f"/people/{author.pk}/claim/")
        if one is second:
            one.sees("Another account holds this record")
            one.looks("20-claimed-already")
        one.presses("Begin the claim")
        one.presses("Save and take hold of the record")
    second.sees("Disputed: a curator decides")
    second.looks("21-disputed")
    assert Author.objects.get(pk=author.pk).account == Account.objects.get(email="first@example.org")
    assert "claim" in Letter.objects.filter(to="first@example.org").latest("pk").text


def test_somebody_without_an_account_has_a_record_removed(
    visitor: Callable[[], Visitor], people: dict[str, Author]
) -> None:
    grace, author = visitor(), people["Grace Hopper"]
    grace.goes(f"/people/{author.pk}/rights/")
    grace.page.locator("label", has_text="Remove it").locator("input").check()
    grace.page.locator("label", has_text="Send a code to").locator("input").check()
    grace.looks("22-rights")
    grace.presses("Go on")
    grace.looks("23-code")
    code = re.search(r"\b\d{4}\s?\d{4}\b", Letter.objects.filter(to="grace.hopper@navy.example.org").latest("pk").text)
    assert code
    grace.page.get_by_role("textbox", name="Code").fill(code[0])
    grace.presses("Confirm")
    grace.sees("Your record is removed.")
    grace.looks("24-removed")
    reader = visitor()
    answer = reader.page.goto(f"{reader.site}/people/{author.pk}/")
    assert answer
    assert answer.status == 410
    assert "Hopper" not in reader.page.content()
    reader.looks("25-gone")
    reader.goes("/search/?q=Hopper")
    expect(reader.page.locator("main a[href*='/people/']")).to_have_count(0)
