"""The curators' pages: who may, what a decision answers, and the way back."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse

from profiles.models import Account, Assignment, Author, Contradiction, Correction, Suggestion
from tests.conftest import fact

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("sent")]

PAGES = ["curate_people", "curate_works", "curate_doubts", "curate_contradictions", "curate_reports", "curate_decided"]


@pytest.fixture
def pair(bring) -> tuple[Author, Author]:
    """Two people printed "Wei Wang": physics with Ann, three works; vision with Bob, two."""
    bring(
        *[
            fact(f"20{n + 1:02}.00001", ["Wei Wang", "Ann Aard"], title=f"Quarks {n}", categories=["hep-ph"])
            for n in range(3)
        ],
        *[
            fact(f"21{n + 1:02}.00002", ["Wei Wang", "Bob Bern"], title=f"Segmentation {n}", categories=["cs.CV"])
            for n in range(2)
        ],
    )
    left, right = Author.objects.filter(name="Wei Wang", works_count__gt=0).order_by("-works_count")
    Suggestion.objects.all().delete()
    one, other = sorted((left, right), key=lambda author: author.pk)
    Suggestion.objects.create(left=one, right=other, probability=0.5, works=2, sentence="both are printed “Wei Wang”")
    return left, right


def said(one: str, other: str, same: str, **more: str) -> dict[str, str]:
    return {"one": one, "other": other, "same": same, "reason": "Seen on their own page"} | more


@pytest.mark.parametrize("name", PAGES)
def test_a_visitor_is_led_to_the_log_in_and_another_account_is_refused(client: Client, name: str):
    assert client.get(reverse(name))["Location"].startswith(reverse("account_login"))
    client.force_login(Account.objects.create_user("ada"))
    assert client.get(reverse(name)).status_code == 403


def test_nobody_but_a_curator_decides_or_withdraws(client: Client, pair):
    form = said(f"author:{pair[0].pk}", f"author:{pair[1].pk}", "1")
    assert client.post(reverse("curate_decide"), form)["Location"].startswith(reverse("account_login"))
    client.force_login(Account.objects.create_user("ada"))
    assert client.post(reverse("curate_decide"), form).status_code == 403
    assert client.post(reverse("curate_withdraw", args=[1])).status_code == 403
    assert not Correction.objects.exists()


@pytest.mark.parametrize("name", PAGES)
def test_an_empty_page_says_so(client: Client, curator: Account, name: str):
    html = client.get(reverse(name)).content.decode()
    assert 'class="empty"' in html
    assert 'aria-current="page"' in html


def test_a_decision_needs_a_post_and_a_token(curator: Account):
    client = Client(enforce_csrf_checks=True)
    client.force_login(curator)
    assert client.get(reverse("curate_decide")).status_code == 405
    assert client.post(reverse("curate_decide"), {"one": "author:1"}).status_code == 403


def test_the_queue_shows_both_people_and_a_skip_that_changes_nothing(client: Client, curator: Account, pair):
    html = client.get(reverse("curate_people")).content.decode()
    for shown in ("Ann Aard", "Bob Bern", "probability 0.500", "2 works affected", "No coauthor is printed on papers"):
        assert shown in html, shown
    skip = re.search(r'href="([^"]*after=[^"]*)"[^>]*>Skip', html)
    assert skip
    assert "No pair waits" in client.get(skip[1]).content.decode()
    assert Suggestion.objects.count() == 1


def test_same_person_joins_and_undo_parts_again(
    client: Client, curator: Account, pair, sent, django_capture_on_commit_callbacks
):
    large, small = pair
    with django_capture_on_commit_callbacks(execute=True):
        form = said(f"author:{small.pk}", f"author:{large.pk}", "1", next="/curate/people/?after=1~2")
        response = client.post(reverse("curate_decide"), form)
    correction = Correction.objects.get()
    assert (correction.same, correction.reason, correction.made_by) == (True, "Seen on their own page", curator)
    assert {large.pk, small.pk} <= set(sent[0])
    large.refresh_from_db()
    assert large.works_count == 5
    page = client.get(response["Location"])
    html = " ".join(page.content.decode().split())
    assert f'2 works went from <a href="{small.get_absolute_url()}">' in html
    assert 'href="/curate/people/?after=1~2"' in html
    withdraw = reverse("curate_withdraw", args=[correction.pk])
    assert withdraw in html
    with django_capture_on_commit_callbacks(execute=True):
        client.post(withdraw)
    correction.refresh_from_db()
    assert not correction.is_live
    assert Assignment.objects.filter(author=large).count() == 3
    large.refresh_from_db()
    assert large.works_count == 3


def test_different_people_leaves_the_queue_and_htmx_gets_the_answer_in_place(client: Client, curator: Account, pair):
    large, small = pair
    response = client.post(
        reverse("curate_decide"),
        said(f"author:{large.pk}", f"author:{small.pk}", "0"),
        headers={"HX-Request": "true"},
    )
    html = response.content.decode()
    assert "<html" not in html
    assert "are different people" in html
    assert "Seen on their own page" in html
    assert "Undo" in html
    assert "No pair waits" in client.get(reverse("curate_people")).content.decode()
    listed = client.get(reverse("curate_decided")).content.decode()
    assert "are different people" in listed
    withdrawn = client.post(
        reverse("curate_withdraw", args=[Correction.objects.get().pk]), headers={"HX-Request": "true"}
    ).content.decode()
    assert "withdrawn by curator" in withdrawn
    assert "Undo" not in withdrawn


def test_not_theirs_takes_a_work_off_a_record(client: Client, curator: Account, pair):
    large, _ = pair
    assignment = large.assignments.order_by("pk").first()
    assert assignment is not None
    client.post(reverse("curate_decide"), said(f"signature:{assignment.signature_id}", f"author:{large.pk}", "0"))
    assert not Assignment.objects.filter(author=large, signature=assignment.signature_id).exists()


def test_weak_works_are_asked_about_with_their_reasons(client: Client, curator: Account, pair):
    large, _ = pair
    assignment = large.assignments.exclude(compared_with=None).order_by("-pk").first()
    assert assignment is not None
    Assignment.objects.filter(pk=assignment.pk).update(state=Assignment.State.WEAK)
    html = client.get(reverse("curate_works")).content.decode()
    assert f'value="signature:{assignment.signature_id}"' in html
    assert f'value="author:{large.pk}"' in html
    assert reverse("attribution", args=[assignment.signature.paper_id, large.pk]) in html


@pytest.mark.parametrize(
    ("one", "other", "same", "status"),
    [
        ("author:x", "author:1", "1", 400),
        ("paper:1", "author:1", "1", 400),
        ("author:999999", "author:999998", "1", 404),
        ("signature:999999", "author:999998", "1", 404),
        ("author:{0}", "author:{1}", "perhaps", 400),
        ("author:{0}", "author:{0}", "1", 400),
    ],
)
def test_nonsense_is_refused(client: Client, curator: Account, pair, one: str, other: str, same: str, status: int):
    ids = [author.pk for author in pair]
    form = said(one.format(*ids), other.format(*ids), same)
    assert client.post(reverse("curate_decide"), form).status_code == status
    assert not Correction.objects.exists()


def test_what_cannot_be_decided_is_said_in_place(client: Client, curator: Account, pair):
    form = said(f"author:{pair[0].pk}", f"author:{pair[0].pk}", "1")
    response = client.post(reverse("curate_decide"), form, headers={"HX-Request": "true"})
    assert "note--bad" in response.content.decode()
    assert "<html" not in response.content.decode()


def test_the_way_on_never_leaves_the_site(client: Client, curator: Account, pair):
    for bad in ("https://evil.example/", "//evil.example/", "javascript:alert(1)", "/\\evil.example"):
        form = said(f"author:{pair[0].pk}", f"author:{pair[1].pk}", "0", next=bad)
        response = client.post(reverse("curate_decide"), form, follow=True)
        assert "evil" not in response.content.decode()
        assert "javascript:" not in response.content.decode()
        address = reverse("curate_decision", args=[Correction.objects.get().pk])
        assert "evil" not in client.get(address, {"next": bad}).content.decode()


def test_a_contradiction_shows_its_chain(client: Client, curator: Account, pair):
    one, other = (author.assignments.first() for author in pair)
    assert one is not None
    assert other is not None
    client.post(reverse("curate_decide"), said(f"author:{pair[0].pk}", f"author:{pair[1].pk}", "0"))
    correction = Correction.objects.get()
    step = {"left": one.signature_id, "right": other.signature_id, "says": "different", "correction": correction.pk}
    gone = {"left": one.signature_id, "right": 999_999, "says": "same", "correction": None}
    Contradiction.objects.create(
        kind="decisions", surnames=["wang"], sentence="these cannot all hold", chain=[step, gone]
    )
    html = client.get(reverse("curate_contradictions")).content.decode()
    for shown in (
        "These cannot all hold",
        "were decided to be different people",
        "Quarks",
        "Segmentation",
        "a name no longer printed",
    ):
        assert shown in html, shown
    assert reverse("curate_decision", args=[correction.pk]) in html


def test_decisions_page_by_key(client: Client, curator: Account):
    for number in range(65):
        one, other = Author.objects.create(name=f"A{number}"), Author.objects.create(name="B")
        Correction.objects.create(kind="authors", author=one, other_author=other, same=False, made_by=curator)
    seen: list[int] = []
    address: str | None = reverse("curate_decided")
    while address:
        html = client.get(address).content.decode()
        seen += map(int, re.findall(r'id="decision-(\d+)"', html))
        following = re.search(r'href="([^"]*)" rel="next"', html)
        address = following[1] if following else None
    assert len(seen) == len(set(seen)) == 65
    assert client.get(reverse("curate_decided"), {"before": "x"}).status_code == 400
