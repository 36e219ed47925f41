"""The pages of what trends: the list, the sum behind a place, and what the document says of it."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from bzpeer import pipeline, tasks, trends
from papers.models import Batch, DailyListing, Paper
from profiles.feedback import heat, trending
from profiles.models import Account, Author, Follow, Reaction, Trend
from tests.conftest import REPO_ROOT, fact

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}


@pytest.fixture
def works(bring: Callable[..., object]) -> list[Paper]:
    bring(
        fact("2001.00001", ["Ada Lovelace"], "Engines and their uses"),
        fact("2001.00002", ["Ada Lovelace"], "Engines and their drawings"),
        fact("2001.00003", ["Grace Hopper"], "On compilers", categories=["math.AG"]),
    )
    return list(Paper.objects.order_by("arxiv_id"))


def like(paper: Paper, *names: str, days_ago: int = 0) -> None:
    for name in names:
        account = Account.objects.get_or_create(username=name)[0]
        row = Reaction.objects.create(account=account, paper=paper, kind="like")
        Reaction.objects.filter(pk=row.pk).update(made_at=datetime.now(UTC) - timedelta(days_ago))
    trending.refresh([paper.pk])


def read(client: Client, address: str = "/papers/trending/", **more: Any) -> str:
    answer = client.get(address, **more)
    assert answer.status_code == 200
    return answer.content.decode()


def titles(body: str) -> list[str]:
    return re.findall(r"<h3><a [^>]*>([^<]*)<", body)


def test_the_hottest_stand_first_and_each_says_why(client: Client, works: list[Paper]):
    like(works[0], "ann")
    like(works[2], "ann", "bob")
    body = read(client)
    assert titles(body) == ["On compilers", "Engines and their uses"]
    assert body.index("Heat 2.00") < body.index("Heat 1.00")
    for paper in (works[0], works[2]):
        assert f'href="{reverse("work_trend", args=[paper.pk])}"' in body
    assert "<strong>weight ÷ turn × decay</strong>" in body


def test_a_topic_has_a_list_of_its_own(client: Client, works: list[Paper]):
    like(works[0], "ann")
    like(works[2], "ann")
    body = read(client, "/papers/trending/?topic=algebraic-geometry")
    assert titles(body) == ["On compilers"]
    assert "Trending papers: Algebraic Geometry" in body
    assert client.get("/papers/trending/?topic=alchemy").status_code == 404
    assert client.get("/papers/trending/?topic=%00").status_code == 200


def test_who_is_signed_in_sees_what_they_follow(client: Client, works: list[Paper]):
    reader = Account.objects.create_user("reader")
    Follow.objects.create(account=reader, author=Author.objects.get(name="Grace Hopper"))
    like(works[2], "ann")
    assert "You follow" not in read(client)
    client.force_login(reader)
    assert "You follow <a" in read(client)


def test_an_empty_list_says_why(client: Client, works: list[Paper]):
    assert "Nobody has liked, kept or discussed a paper yet" in read(client)
    assert "a paper of this topic yet" in read(client, "/papers/trending/?topic=algebraic-geometry")


def test_the_next_page_goes_on_where_the_first_ended(
    client: Client, works: list[Paper], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(trending.hottest, "__defaults__", (None, "", 2))
    like(works[0], "ann", "bob", "cy")
    like(works[1], "dee", "eve")
    like(works[2], "ann")
    following = html.unescape(re.findall(r'hx-get="([^"]+)"', read(client))[0])
    body = read(client, following, headers=HTMX)
    assert titles(body) == ["On compilers"]
    assert "<html" not in body
    assert 'rel="next"' not in body


@pytest.mark.parametrize("after", ["x", "nan~1", "1~", "%00"])
def test_an_invented_page_is_a_bad_request(client: Client, after: str):
    assert client.get(f"/papers/trending/?after={after}").status_code == 400


def test_a_list_costs_as_many_queries_whatever_its_length(client: Client, works: list[Paper]):
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            read(client, f"/papers/trending/?{len(titles(read(client)))}")
        return len(captured)

    like(works[0], "ann")
    few = queries()
    for paper in works:
        like(paper, "bob", "cy")
    assert queries() == few <= 20


# --- the sum of one paper --------------------------------------------------------------------------------------------


def test_the_lines_of_the_page_add_up_to_its_total(client: Client, works: list[Paper]):
    like(works[1], "ann", days_ago=9)
    like(works[0], "ann", "bob", days_ago=7)
    like(works[0], "cy")
    DailyListing.objects.create(paper=works[0], day=datetime.now(UTC).date() - timedelta(14), votes=15)
    trending.refresh([works[0].pk])
    body = read(client, reverse("work_trend", args=[works[0].pk]))
    lines = re.findall(r"<tr[^>]*>(.*?)</tr>", body[body.index("<tbody>") :], re.DOTALL)
    numbers = [[float(cell) for cell in re.findall(r'<td class="number">([\d.]+)</td>', line)] for line in lines]
    *terms, total = [row for row in numbers if len(row) in {4, 1}][:5]
    assert [row[0] * row[1] * row[2] for row in terms] == pytest.approx([row[3] for row in terms])
    assert sum(row[3] for row in terms) == pytest.approx(total[0])
    assert total[0] == pytest.approx(1 + 1 / 2 + 1 / 4 + 4 / 4)
    assert "the account’s 2nd for these people" in body
    assert "15 votes stated" in body
    assert "Place 1 of 2 papers" in body


def test_a_paper_that_nothing_was_done_for_says_so(client: Client, works: list[Paper]):
    body = read(client, reverse("work_trend", args=[works[0].pk]))
    assert "Nothing that counts was done for this paper yet" in body


def test_what_an_author_keeps_is_told_to_nobody(client: Client, works: list[Paper]):
    Author.objects.filter(name="Ada Lovelace").update(account=Account.objects.create_user("ada"))
    like(works[0], "ada")
    body = read(client, reverse("work_trend", args=[works[0].pk]))
    assert "Nothing that counts was done for this paper yet" in body
    assert '<table class="table sum">' not in body


def test_an_unknown_paper_is_not_found_and_one_taken_away_is_gone(client: Client, works: list[Paper]):
    pk = works[0].pk
    assert client.get(reverse("work_trend", args=[10**9])).status_code == 404
    Paper.objects.all().delete()
    assert client.get(reverse("work_trend", args=[pk])).status_code == 410


def test_a_paper_called_trend_keeps_its_own_page(client: Client, bring: Callable[..., object]):
    bring(fact("2001.00001", ["Ada Lovelace"], "Trend"))
    paper = Paper.objects.get()
    assert 'class="hero"' in read(client, paper.get_absolute_url())
    assert "Paper detail" in read(client, paper.get_absolute_url())


# --- what counts it --------------------------------------------------------------------------------------------------


def daily(votes: int) -> bytes:
    paper: dict[str, Any] = {
        "id": "2001.00009",
        "title": "On lists",
        "summary": "Short.",
        "publishedAt": "2020-01-06T00:00:00Z",
    }
    paper |= {"authors": [{"name": "Ada Lovelace"}], "upvotes": votes}
    return json.dumps({"paper": paper, "date": "2020-01-07", "publishedAt": "2020-01-07T00:00:00Z"}).encode()


def test_an_import_brings_votes_and_its_rollback_takes_them_back(bring: Callable[..., Batch]):
    bring(fact("2001.00009", ["Ada Lovelace"], "On lists"))
    batch = bring(daily(15), source="daily")
    assert batch.refused == 0
    listing = DailyListing.objects.get()
    kept = Trend.objects.get(paper=listing.paper).heat
    assert kept is not None
    assert heat.on_day(kept, listing.day) == pytest.approx(4)
    Batch.objects.filter(pk=batch.pk).update(stage=Batch.Stage.UNDOING, rolled_back_at=timezone.now())
    pipeline.process(batch.pk)
    assert Trend.objects.get().heat is None


def test_the_task_settles_all_and_twice_changes_nothing(works: list[Paper]):
    account = Account.objects.create_user("ann")
    Reaction.objects.create(account=account, paper=works[0], kind="like")
    for _again in range(2):
        tasks.settle_trends()
        assert Trend.objects.get().likes == 1


# --- the document ----------------------------------------------------------------------------------------------------


def test_the_document_states_the_numbers_of_the_code():
    text = (REPO_ROOT / "docs" / "trending.md").read_text()
    rows = dict(re.findall(r"^\| (\w+) \| (\d+) \|", text, re.MULTILINE))
    assert rows == {row.kind: str(row.weight) for row in trends.rules()["weights"]}
    assert f"2^(−days / {heat.HALF_LIFE})" in text
    assert f"within {heat.WINDOW} days" in text
    factor = heat.most(1, 1) / sum(row.weight for row in heat.WEIGHTS if row.kind != "listing")
    assert f"× {factor:.2f}" in text
    example = re.search(r"```\n(.*?)= ([\d.]+)\n```", text, re.DOTALL)
    assert example
    assert eval(example[1].replace("÷", "/").replace("×", "*").replace("½", "0.5")) == float(example[2])
