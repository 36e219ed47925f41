"""The author listing of "Ding, Zixiang": what hides in seven papers, and comes out by the general rules.

Facts of the real papers (titles, names, categories, dates), as facts and in the form of the listing.
"""

from __future__ import annotations

import json
import re

import pytest
from django.test import Client
from django.utils.html import strip_tags

from papers.models import Batch, BatchRecord, Paper, Signature
from profiles.models import Assignment, Author, Suggestion
from tests.conftest import REPO_ROOT, SHARED

pytestmark = pytest.mark.django_db

FACTS = (REPO_ROOT / "tests" / "data" / "zixiang_ding.jsonl").read_bytes().splitlines()
GSNR, HKF, CHATGPT, SKDBERT, ABCP, PSTRN, BNAS = (json.loads(line)["title"] for line in FACTS)
ABSTRACTS = {
    GSNR: r"It gains $0.52pp$ and narrows the gap by over $65\%$.",
    SKDBERT: r"A BERT$_{\rm BASE}$ model, 75.3\% faster: see \url{https://example.org/skd}.",
}


def listing(*more: str) -> bytes:
    """The seven works as the author listing prints them, then `more` lines."""
    lines = ["Ding, Zixiang"]
    for fact in map(json.loads, FACTS):
        names = [name.rpartition(" ")[::2] for name in fact["authors"]]
        lines += [
            fact["title"],
            ", ".join(f"{family}, {given}" for given, family in names),
            *([ABSTRACTS[fact["title"]]] if fact["title"] in ABSTRACTS else []),
        ]
    return "\n".join([*lines, *more]).encode()


@pytest.fixture(params=["facts", "listing", "reference"])
def works(request: pytest.FixtureRequest, bring) -> dict[str, Assignment]:
    """What became of Zixiang Ding on each work, by title, whichever way the works came in."""
    reference = sorted((SHARED / "seeds").glob("004_*.txt"))
    if request.param == "reference" and not reference:
        pytest.skip("The reference pages, with the whole abstracts, are not beside this checkout.")
    records = {"facts": FACTS, "listing": [listing()], "reference": [path.read_bytes() for path in reference]}
    bring(*records[request.param], source="facts" if request.param == "facts" else "listing")
    found = Assignment.objects.filter(signature__family="Ding").select_related("signature__paper", "author")
    assert len(found) == 7
    return {a.signature.paper.title: a for a in found}


def test_the_work_of_a_likely_namesake_is_not_silently_kept(works: dict[str, Assignment], client: Client):
    doubtful = works[CHATGPT]
    others = {a.author_id for title, a in works.items() if title != CHATGPT}
    assert doubtful.author_id not in others or doubtful.state == Assignment.State.WEAK
    html = client.get(doubtful.author.get_absolute_url()).content.decode()
    [row] = [item for item in re.split(r"<article", html) if CHATGPT in item]
    assert "Why is this here?" in row
    assert doubtful.author_id not in others or "weak inference" in row


def test_the_two_groups_without_a_common_coauthor_are_not_one_without_saying_so(works: dict[str, Assignment]):
    first, second = ([works[title] for title in group] for group in ((GSNR, HKF, SKDBERT), (ABCP, PSTRN, BNAS)))
    assert len({a.author_id for a in first}) == len({a.author_id for a in second}) == 1
    if first[0].author_id == second[0].author_id:
        assert min(a.probability for a in first) > max(a.probability for a in second)
        rules = {item["rule"]: item["weight"] for item in min(second, key=lambda a: a.probability).evidence}
        assert rules["coauthors"] < 0  # topic carries it, against the coauthors
        assert rules["title"] + rules.get("abstract", 0) > 0
    else:
        between = {first[0].author_id, second[0].author_id}
        assert Suggestion.objects.filter(left__in=between, right__in=between).exists()


def test_a_hyphen_makes_no_second_person(works: dict[str, Assignment]):
    jiang = Assignment.objects.filter(signature__family="Jiang")
    assert {fold.replace("-", "").lower() for fold in jiang.values_list("signature__given", flat=True)} == {"guoqing"}
    assert jiang.count() == 2
    assert jiang.values("author").distinct().count() == 1


def test_a_misprint_is_suggested_to_a_curator_and_never_merged_silently(works: dict[str, Assignment]):
    zhao = dict(Assignment.objects.filter(signature__family="Zhao").values_list("signature__given", "author"))
    assert set(zhao) == {"Dongbin", "Dongbing"}
    assert zhao["Dongbin"] != zhao["Dongbing"]
    assert Suggestion.objects.filter(left__in=zhao.values(), right__in=zhao.values()).count() == 1


def test_names_are_read_in_pairs(works: dict[str, Assignment]):
    paper = works[GSNR].signature.paper
    assert {("Guo", "Lin"), ("Lin", "Wei")} <= set(paper.signatures.values_list("family", "given"))
    assert Author.objects.filter(assignments__signature__family="Lin").distinct().count() == 1


def test_an_odd_number_of_parts_goes_to_the_curator(bring):
    batch: Batch = bring(listing("Another title", "Guo, Lin, Wei, Ding, Zixiang", "Text."), source="listing")
    [refused] = BatchRecord.objects.filter(batch=batch, fate=BatchRecord.Fate.REFUSED)
    assert "pairs" in refused.reason
    assert Paper.objects.count() == 7


def test_tex_is_shown_and_neither_run_nor_broken(bring, client: Client):
    bring(listing(), source="listing")
    for title, expected in (
        (GSNR, ("gains 0.52pp and", "over 65%.")),
        (SKDBERT, ("BERT<sub>BASE</sub> model, 75.3% faster", 'href="https://example.org/skd"')),
    ):
        author = Signature.objects.get(paper__title=title, family="Ding").assignment.author
        html = client.get(author.get_absolute_url()).content.decode()
        assert all(text in html for text in expected)
        assert not {"\\%", "\\url", "\\rm", "$"} & set(re.findall(r"\\%|\\url|\\rm|\$", strip_tags(html)))
