"""The parity check: seven papers, and by the general rules exactly the figures of the reference profile."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils.html import strip_tags

from graph.models import Coauthorship
from profiles.models import Author
from tests.conftest import PARITY

pytestmark = pytest.mark.django_db


def page(client: Client, author: Author) -> str:
    return " ".join(strip_tags(client.get(author.get_absolute_url()).content.decode()).split())


def test_the_figures_of_the_profile(client: Client, xiangning_chen: Author):
    response = client.get(xiangning_chen.get_absolute_url())
    works = [assignment.signature.paper for assignment in response.context["works"]]
    assert [paper.year for paper in works] == [2023, 2022, 2022, 2022, 2021, 2020, 2020]
    assert response.context["followers"] == 0
    assert xiangning_chen.topics_count == 5
    assert response.context["close_collaborators"] == 4
    assert (xiangning_chen.trust.score, xiangning_chen.trust.band, xiangning_chen.trust.level) == (21, "Emerging", 1)


def test_the_page_says_so_in_the_order_of_the_reference(client: Client, xiangning_chen: Author):
    text = page(client, xiangning_chen)
    places = [
        text.index(label, text.index("Researcher profile"))
        for label in (
            "Researcher profile",
            "Xiangning Chen contributes to research discovery and scholarly infrastructure.",
            "Affiliation not imported",
            "Open to collaborate",
            "Trust snapshot",
            "Quick read",
            "Trust 21 - Emerging",
            "Verification L1",
            "Unclaimed author",
            "7 works",
            "0 followers",
            "5 topics",
            "4 close collaborators",
            "Actions",
            "Decide how to stay connected",
            "Follow researcher",
            "Identity and collaboration",
            "How to connect with this researcher",
            "Log in to claim",
            "Direct collaboration",
            "Open a focused conversation when the fit is right",
            "Claim this author entity first to unlock direct invitations.",
            "Research graph",
            "See the researcher in context",
            "Open full explorer",
            "Building this graph slice",
            "Published work",
            "7 published item(s)",
            "Symbol tuning improves in-context learning in language models",
            "Learning to Recommend with Multiple Cascading Behaviors",
        )
    ]
    assert places == sorted(places)


def test_the_close_collaborators_are_four_people_and_yong_li_is_not_yong_liu(xiangning_chen: Author):
    close = Coauthorship.objects.filter(author=xiangning_chen).close().strongest_first()
    assert {(tie.coauthor.name, tie.works) for tie in close} == {
        ("Cho-Jui Hsieh", 5),
        ("Yong Liu", 2),
        ("Yang You", 2),
        ("Yong Li", 2),
    }


def test_the_abstracts_are_shown_rightly(client: Client, xiangning_chen: Author):
    html = client.get(xiangning_chen.get_absolute_url()).content.decode()
    assert "75.3% top-1 accuracy" in html
    assert 'href="https://example.org/looksam"' in html
    assert "\\url" not in html


def test_importing_them_again_changes_nothing(bring, client: Client, xiangning_chen: Author):
    before = page(client, xiangning_chen)
    batch = bring(PARITY.read_bytes())
    assert (batch.new, batch.updated, batch.unchanged) == (0, 0, 7)
    assert page(client, Author.objects.get(name="Xiangning Chen")) == before
