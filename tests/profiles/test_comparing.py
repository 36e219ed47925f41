"""Side by side: what both have, what separates them, works in time, and the evidence that adds up."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from papers.models import Signature
from profiles import comparing, decisions, resolving
from profiles.comparing import Feature, axis, compare
from profiles.disambiguation.engine import links, pair_probabilities
from profiles.models import Account, Author, Suggestion
from tests.conftest import fact, with_role

pytestmark = pytest.mark.django_db


@pytest.fixture
def pair(bring) -> tuple[Author, Author]:
    """Two people printed "Wei Wang": physics with Ann at CERN, vision with Bob; Cy Young wrote with both."""
    bring(
        fact("2001.00001", ["Wei Wang", "Ann Aard"], "Quarks", categories=["hep-ph"], created="2010-01-01"),
        fact("2001.00002", ["Wei Wang", "Ann Aard", "Cy Young"], "Gluons", categories=["hep-ph"], created="2012-01-01"),
        fact("2101.00001", ["Wei Wang", "Bob Bern"], "Segmentation", categories=["cs.CV"], created="2020-01-01"),
        fact("2101.00002", ["Wei Wang", "Bob Bern"], "Detection", categories=["cs.CV"], created="2020-06-01"),
    )
    physicist = Author.objects.get(assignments__signature__paper__arxiv_id="2001.00001", name="Wei Wang")
    viewer = Author.objects.get(assignments__signature__paper__arxiv_id="2101.00001", name="Wei Wang")
    assert physicist != viewer
    signature = viewer.assignments.get(signature__paper__arxiv_id="2101.00002").signature
    signature.affiliations = ["CERN", "ETH"]
    signature.save()
    keys = {"family_key": "young", "given_key": "cy", "surname_key": "young"}
    signature.paper.signatures.create(position=2, printed="Young, Cy", family="Young", given="Cy", **keys)
    return physicist, viewer


def test_what_both_have_and_what_only_one_has(pair):
    found = compare(*pair)
    assert [feature.label for feature in found.coauthors.left] == ["Ann Aard"]
    assert found.coauthors.both == [Feature("Cy Young", (1, 1), ("2012", "2020"))]
    assert found.coauthors.right == [Feature("Bob Bern", (0, 2), ("", "2020"))]
    assert [feature.label for feature in found.topics.left] == ["High Energy Physics - Phenomenology"]
    assert [feature.label for feature in found.affiliations.right] == ["CERN", "ETH"]
    assert found.left.printed == [("Wei Wang", 2)]
    assert [row.signature.paper.title for row in found.right.newest] == ["Detection", "Segmentation"]


def test_what_is_not_shown_is_counted(pair, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(comparing, "SHOWN", 1)
    (_left, _both, (whose, shown, more)) = compare(*pair).affiliations.columns
    assert (whose, [feature.label for feature in shown], more) == ("right", ["CERN"], 1)


def test_works_in_time_are_of_all_works_and_on_one_scale(pair):
    drawn = compare(*pair).axis
    assert drawn.rows == [(2020, 0, 2), (2012, 1, 0), (2010, 1, 0)]
    heights = {(bar.year, bar.is_left): bar.height for bar in drawn.bars}
    assert heights == {(2010, True): 42.0, (2012, True): 42.0, (2020, False): 84.0}
    assert all(bar.x >= 0 and bar.x + bar.width <= drawn.width for bar in drawn.bars)


def test_a_century_on_the_axis_is_labelled_sparsely():
    drawn = axis(dict.fromkeys(range(1920, 2021), (1, 1)))
    assert len(drawn.labels) <= comparing.YEARS_LABELLED
    assert max(bar.x + bar.width for bar in drawn.bars) <= drawn.width
    assert axis({}).bars == axis({None: (1, 0)}).bars == []


def test_the_evidence_is_that_of_the_matcher_and_adds_up(pair):
    found = compare(*pair)
    assert found.ties
    for tie in found.ties:
        assert tie.receipt.total == sum((item.weight for item in tie.receipt.items), Decimal(0))
        assert tie.left.assignment.author == pair[0]
        assert tie.right.assignment.author == pair[1]
    works = [end.pk for tie in found.ties for end in (tie.left, tie.right)]
    assert len(works) == len(set(works))
    assert found.stated == max(tie.probability for tie in found.ties if tie.probability is not None)
    said = decisions.decide(with_role("ada"), *pair, same=False).correction
    assert found.stated == pytest.approx(said.stated, abs=1e-4)


def test_the_likeliest_link_comes_first(pair):
    ids = [set(author.assignments.values_list("signature", flat=True)) for author in pair]
    known = resolving.load(Signature.objects.filter(pk__in=ids[0] | ids[1]))
    across = [x for (a, b), x in pair_probabilities(known).items() if (a in ids[0]) != (b in ids[0])]
    (first, *_rest) = links(ids[0], ids[1], known, most=3)
    assert first.probability == max(across)
    assert links(set(), set(), [], most=3) == []


def test_names_that_look_like_a_misprint_are_shown_without_a_probability(bring):
    bring(
        fact("2001.00001", ["Dongbin Zhao", "Zixiang Ding"], categories=["cs.LG"]),
        fact("2001.00002", ["Dongbing Zhao", "Zixiang Ding"], categories=["cs.LG"]),
    )
    found = compare(Author.objects.get(name="Dongbin Zhao"), Author.objects.get(name="Dongbing Zhao"))
    assert [tie.probability for tie in found.ties] == [None]
    assert "misprint" in " ".join(item.sentence for item in found.ties[0].receipt.items)
    assert found.stated is None


def test_only_the_newest_works_are_compared_and_the_page_says_so(client: Client, pair, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(comparing, "WORKS", 1)
    found = compare(*pair)
    assert [feature.label for feature in found.coauthors.left] == ["Ann Aard"]
    assert len(found.ties) == 1
    client.force_login(with_role("ada"))
    assert "years and numbers of works are of all" in client.get(address(*pair)).content.decode()


def address(one: Author, other: Author) -> str:
    return reverse("curate_compare", args=[one.pk, other.pk])


def test_the_page_costs_as_many_queries_for_many_works_as_for_few(client: Client, bring, pair):
    client.force_login(with_role("ada"))
    Suggestion.objects.get_or_create(
        left=min(pair, key=lambda a: a.pk), right=max(pair, key=lambda a: a.pk), defaults={"probability": 0.5}
    )

    def queries() -> int:
        cache.clear()
        with CaptureQueriesContext(connection) as captured:
            assert client.get(address(*pair)).status_code == 200
        return len(captured)

    few = queries()
    teams = [["Wei Wang", "Ann Aard", f"Friend {chr(97 + n) * 4}"] for n in range(20)]
    bring(*[fact(f"2201.{n:05}", team, f"Quarks {n}", categories=["hep-ph"]) for n, team in enumerate(teams)])
    assert Author.objects.get(pk=pair[0].pk).works_count == 22
    assert abs(queries() - few) <= 2  # the case's, where a run has made it anew or not
    assert few <= 28


def test_it_is_decided_there_and_what_was_decided_is_shown(client: Client, pair):
    client.force_login(with_role("ada"))
    html = client.get(address(*pair)).content.decode()
    assert f'value="author:{pair[0].pk}"' in html
    assert "<title>2020: 2, Wei Wang</title>" in html
    decisions.decide(Account.objects.get(), *pair, same=False, reason="Seen on both home pages")
    assert "Seen on both home pages" in client.get(address(*pair)).content.decode()


def test_merged_ids_lead_on_and_one_record_is_not_compared_with_itself(client: Client, pair):
    curator = with_role("ada")
    client.force_login(curator)
    decisions.decide(curator, *pair, same=True)
    assert client.get(address(*pair))["Location"].startswith("/people/")
    assert client.get(reverse("curate_compare", args=[999_999, pair[0].pk])).status_code == 404


def test_each_pair_of_the_queue_leads_there(client: Client, pair):
    left, right = sorted(pair, key=lambda author: author.pk)
    Suggestion.objects.get_or_create(left=left, right=right, defaults={"probability": 0.5, "sentence": "names"})
    client.force_login(with_role("ada"))
    assert address(left, right) in client.get(reverse("curate_people")).content.decode()
