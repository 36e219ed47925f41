"""The page and the file of conflicts of interest: what is typed, what is answered, and bad input."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from graph import conflicts
from papers import limits
from papers.bounded import TooSlow
from papers.institutions import link
from papers.models import Batch, Paper, Signature
from profiles.models import Assignment, Author
from tests.conftest import fact

Bring = Callable[..., Batch]
PAGE, FILE = reverse("conflicts"), reverse("conflicts_csv")


@pytest.fixture
def unlimited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "take", lambda *_: None)


@pytest.fixture
def world(bring: Bring) -> dict[str, Author]:
    bring(
        fact("2501.00001", ["Ada Aal", "Bob Baum"], "=First & <b>best</b>", created="2025-03-01"),
        fact("2402.00001", ["Bob Baum", "Carl Coy", "Ena Egg"], "Second", created="2024-03-01"),
        fact("2402.00002", ["Dora Dix"], "Third", created="2024-03-01"),
        fact("2402.00003", ["Emil Ernst"], "Fourth", created="2025-03-01"),
    )
    for name in ("Dora Dix", "Emil Ernst"):
        signature = Signature.objects.get(printed=name)
        Signature.objects.filter(pk=signature.pk).update(affiliations=["+University of X"])
        link([signature.paper_id])
    return {author.name: author for author in Author.objects.all()}


def typed(client: Client, authors: str, reviewers: str, address: str = PAGE, **more: Any) -> Any:
    options = {"until": "2026-06-01", **more}
    return client.post(address, {"authors": authors, "reviewers": reviewers, **options})


def text(response: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def table(response: Any) -> list[dict[str, str]]:
    assert response.status_code == 200
    assert response["Content-Type"].startswith("text/csv")
    return list(csv.DictReader(io.StringIO(response.content.decode())))


def test_two_pasted_lists_give_the_pairs_with_the_papers_that_show_it(client: Client, world: dict[str, Author]) -> None:
    said = text(typed(client, "1. Aal, Ada\n2. Dora Dix", "Bob Baum\nEmil Ernst, X\nCarl Coy"))
    for sentence in (
        "2 pairs with a conflict among 6; 4 without one.", "1 shared work", "=First", "Same affiliation",
        "+University of X", "printed on Third", "1 common coauthor", "with Ada Aal:", "not read: “X”",
        "absence is no proof",
    ):  # fmt: skip
        assert sentence in said, sentence


def test_short_lists_stand_in_an_address_that_the_page_gives(client: Client, world: dict[str, Author]) -> None:
    html = typed(client, "Ada Aal", "Bob Baum\nCarl Coy", years="5").content.decode()
    [address] = re.findall(r'href="(/graph/conflicts/\?[^"]+)"', html)
    ids = [world[name].pk for name in ("Bob Baum", "Carl Coy")]
    assert f"authors={world['Ada Aal'].pk}&amp;reviewers={ids[0]},{ids[1]}&amp;years=5" in address
    said = text(client.get(address.replace("&amp;", "&")))
    assert "1 shared work" in said
    assert "1 common coauthor" in said


def test_an_address_with_one_list_fills_the_form(client: Client, world: dict[str, Author]) -> None:
    response = client.get(PAGE, {"authors": "Ada Aal"})
    assert response.status_code == 200
    assert ">\nAda Aal</textarea>" in response.content.decode()


def test_an_open_line_is_chosen_for_and_the_choice_stays(client: Client, world: dict[str, Author]) -> None:
    first = typed(client, "Ada Aaal", "Bob Baum").content.decode()
    assert "There is nobody to compare" in first
    [key] = re.findall(r'<select id="(authors-[^"]+)"', first)
    pk = world["Ada Aal"].pk
    again = typed(client, "Ada Aaal", "Bob Baum", **{key: str(pk)}).content.decode()
    assert "1 shared work" in re.sub(r"\s+", " ", again)
    assert f'<option value="{pk}" selected>' in again
    assert ">\nAda Aaal</textarea>" in again


@pytest.mark.parametrize("years", ["0", "-1", "999", "x", "1.5", "9" * 30])
@pytest.mark.parametrize("address", [PAGE, FILE])
def test_years_that_are_none_are_answered_with_a_sentence(
    client: Client, world: dict[str, Author], unlimited: None, years: str, address: str
) -> None:
    response = typed(client, "Ada Aal", "Bob Baum", address, years=years)
    assert response.status_code == (400 if address == PAGE else 200)
    assert re.search(r"Ensure this value is|Enter a whole number", response.content.decode())


@pytest.mark.parametrize(
    "more",
    [{"until": "0001-01-01"}, {"until": "soon"}, {"steps": "9"}, {"order": "x"}, {"largest": "0"}, {"largest": "x"}],
)
def test_options_that_are_none_are_answered_with_a_sentence(
    client: Client, world: dict[str, Author], unlimited: None, more: dict[str, str]
) -> None:
    assert typed(client, "Ada Aal", "Bob Baum", **more).status_code == 400
    [row] = table(typed(client, "Ada Aal", "Bob Baum", FILE, **more))
    assert row["reason"] == "not compared"
    assert row["detail"]


@pytest.mark.parametrize(("authors", "reviewers"), [("", ""), ("Ada Aal", ""), ("", "Ada Aal"), ("  \n ", "\0")])
def test_empty_lists_are_answered_with_a_sentence(
    client: Client, world: dict[str, Author], authors: str, reviewers: str
) -> None:
    response = typed(client, authors, reviewers)
    assert response.status_code == 400
    assert "Write at least one" in text(response)
    assert "Write at least one" in typed(client, authors, reviewers, FILE).content.decode()


def test_lists_that_mean_nobody_are_answered_with_a_sentence(client: Client, world: dict[str, Author]) -> None:
    response = typed(client, "999999", "🎉\n%%%\n0000-0002-1825-0098")
    assert response.status_code == 200
    said = text(response)
    for sentence in (
        "There is nobody to compare",
        "Nobody here has this id.",
        "no name on this line",
        "3 lines are nobody",
    ):
        assert sentence in said, sentence


def test_hidden_and_merged_people(client: Client, world: dict[str, Author]) -> None:
    Author.objects.filter(pk=world["Bob Baum"].pk).update(visibility="gone")
    was = Author.objects.create(name="A. Aal", merged_into=world["Ada Aal"])
    typed_ = f"{was.pk}\n{world['Bob Baum'].pk}\nBob Baum"
    for address in (PAGE, FILE):
        said = typed(client, typed_, "Carl Coy\nAda Aal", address).content.decode()
        assert "Ada Aal" in said
        without_typed = said.replace("Bob Baum</textarea>", "").replace("<q>Bob Baum</q>", "").replace(",Bob Baum,", "")
        assert "Baum" not in re.sub(r"Nobody here.*", "", without_typed)


def test_the_same_person_twice_and_on_both_lists(client: Client, world: dict[str, Author]) -> None:
    said = text(typed(client, f"Ada Aal\nada aal\n{world['Ada Aal'].pk}", "Ada Aal"))
    assert "On both lists" in said
    assert "2 lines name somebody again" in said
    assert "1 pair with a conflict among 1" in said


def test_the_file_has_a_row_for_each_reason_and_no_cell_that_a_spreadsheet_runs(
    client: Client, world: dict[str, Author]
) -> None:
    rows = table(typed(client, "Ada Aal\nDora Dix\n=HYPERLINK(1)", "Bob Baum\nEmil Ernst\nCarl Coy", FILE))
    found = [(row["author"], row["reviewer"], row["reason"], row["work"]) for row in rows]
    assert found == [
        ("Ada Aal", "Bob Baum", "coauthors", "'=First & <b>best</b>"),
        ("Dora Dix", "Emil Ernst", "same affiliation", "Third"),
        ("Dora Dix", "Emil Ernst", "same affiliation", "Fourth"),
        ("Ada Aal", "Carl Coy", "common coauthor", "'=First & <b>best</b>"),
        ("Ada Aal", "Carl Coy", "common coauthor", "Second"),
        ("'=HYPERLINK(1)", "", "not understood", ""),
    ]
    assert rows[0]["attribution"] == "sure"
    assert rows[4]["names on the work"] == "3"


@pytest.mark.parametrize("address", [PAGE, FILE])
def test_ten_thousand_lines_of_junk_cost_a_bounded_number_of_queries(
    client: Client, world: dict[str, Author], address: str
) -> None:
    junk = "\n".join(f"{n}. <x{n}@y.example> Qq{n} Zz{n}, Nowhere (at all) 🎉" for n in range(10_000))
    with CaptureQueriesContext(connection) as seen:
        response = typed(client, f"Ada Aal\n{junk}", f"Bob Baum\n{junk}", address)
    assert response.status_code == 200
    assert len(seen) < 300
    said = response.content.decode()
    assert "8,001 lines" in said or "8001 lines" in said
    assert "shared work" in said


def crowd(names: int, people: int) -> list[str]:
    """A paper of so many names, the first of which are people; without what an import would work out about them."""
    paper = Paper.objects.create(title="All of us", title_text="All of us", created="2025-03-01", updated="2025-03-01")
    signatures = Signature.objects.bulk_create(
        Signature(paper=paper, position=n, printed=f"N. {n}", family=f"{n}", family_key=f"{n}", surname_key=f"{n}")
        for n in range(names)
    )
    authors = Author.objects.bulk_create(Author(name=f"Nobody {n}", works_count=1) for n in range(people))
    Assignment.objects.bulk_create(
        Assignment(signature=signature, author=author, state="strong", probability=1)
        for signature, author in zip(signatures, authors, strict=False)
    )
    return [str(author.pk) for author in authors]


def test_a_paper_of_five_thousand_names_between_them(client: Client, db: None, unlimited: None) -> None:
    ids = crowd(5_000, 1_000)
    said = text(typed(client, ",".join(ids[:500]), ",".join(ids[500:])))
    assert "250,000 pairs with a conflict among 250,000" in said
    assert "one of 5,000 names" in said
    assert "The first 300 of 250,000 pairs are listed" in said
    assert "Nothing was found between them" in text(typed(client, ids[0], ids[1], largest="4999", steps="1"))


def test_what_takes_too_long_is_said(client: Client, world: dict[str, Author], monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(*_: object) -> None:
        raise TooSlow

    monkeypatch.setattr(conflicts, "compare", slow)
    response = typed(client, "Ada Aal", "Bob Baum")
    assert response.status_code == 503
    assert "takes too long" in text(response)
    assert "takes too long" in typed(client, "Ada Aal", "Bob Baum", FILE).content.decode()


def test_who_asks_too_often_is_told_to_wait(client: Client, world: dict[str, Author]) -> None:
    answers = [typed(client, "", "").status_code for _ in range(limits.LIMITS["conflicts"][0].most + 1)]
    assert answers[-2:] == [400, 429]
