"""The pages of reviews and comments: who sees what, with and without JavaScript, and what a form that fails keeps."""

from __future__ import annotations

import html
import re
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from papers import limits
from papers.limits import DAY, LIMITS, Limit
from papers.models import Paper
from profiles import moderation
from profiles.feedback import posting
from profiles.models import Account, Author, Block, Post
from tests.conftest import with_role
from tests.profiles.test_conversing import account, suspend
from tests.profiles.test_posting import ada, comment, eve, paper, review

pytestmark = pytest.mark.django_db

__all__ = ["ada", "eve", "paper"]

ATTACK = "<script>alert(1)</script><img src=x onerror=alert(1)> {{ 7|add:7 }} https://evil.example/"
HTMX = {"HX-Request": "true"}
REVIEW = {"strengths": "Clear.", "concerns": "One data set.", "questions": "Why three?", "text": ""}


def page(client: Client, where: Any, **headers: str) -> str:
    """What the page says to a reader."""
    response = client.get(where.get_absolute_url() if hasattr(where, "get_absolute_url") else where, headers=headers)
    assert response.status_code == 200
    return html.unescape(response.content.decode())


def form(**words: str) -> dict[str, str]:
    return {"token": str(uuid4())} | (words or {"text": "How long did it run?"})


def at(name: str, thing: Any) -> str:
    return reverse(name, args=[thing.pk])


def test_a_visitor_reads_all_of_it_and_is_led_to_log_in(client: Client, ada: Account, eve: Account, paper: Paper):
    said = page(client, paper)
    assert "No structured reviews yet. High-signal critique starts here." in said
    assert "Leave structured feedback" in said
    assert "Add a high-signal comment" in said
    one = comment(eve, paper, "How long did it run?")
    comment(ada, paper, "Three days.", one)
    review(eve, paper, None, **REVIEW)
    said = page(client, paper)
    order = ("Clear.", "One data set.", "Why three?", "How long did it run?", "Three days.")
    assert [said.index(text) for text in order] == sorted(said.index(text) for text in order)
    assert "An account without a record here, since" in said
    assert "Author of this paper, proved" in said
    assert "Log in to review" in said
    assert "Log in to comment" in said
    main = said[said.index("<main") :]
    assert "<form" not in main[main.index('id="reviews"') :]
    assert not [word for word in ("@example.org", "eve@", ">ada<") if word in main]
    for name in ("reviews", "discussion"):
        assert "Log in to" in page(client, at(name, paper))
        answer = client.post(at(name, paper), form())
        assert answer["Location"].startswith(reverse("account_login"))


def test_without_javascript_a_form_leads_to_what_it_made_and_twice_is_once(client: Client, eve: Account, paper: Paper):
    client.force_login(eve)
    for name, given in (("discussion", form()), ("reviews", form(**REVIEW))):
        for _ in range(2):
            response = client.post(at(name, paper), given, follow=True)
            made = Post.objects.latest("pk")
            assert response.redirect_chain[-1][0] == f"{paper.get_absolute_url()}#post-{made.pk}"
            assert f'id="post-{made.pk}"' in response.content.decode()
    assert Post.objects.count() == 2
    said = page(client, paper)
    assert "One account, one review" in said
    assert "Write a review" not in said


def test_with_htmx_the_answer_is_the_section_with_the_post_and_an_empty_form(client, eve, paper):
    client.force_login(eve)
    for name, given in (("discussion", form()), ("reviews", form(**REVIEW))):
        said = client.post(at(name, paper), given, headers=HTMX).content.decode()
        assert said.strip().startswith(f'<section class="section flow" id="{name}"')
        assert f'id="post-{Post.objects.latest("pk").pk}" tabindex="-1" autofocus' in said
        assert given["token"] not in said
        assert said.count(given.get("text") or given["concerns"]) == 1


def test_what_is_hostile_stands_there_as_text_and_leads_nowhere(client: Client, eve: Account, paper: Paper):
    made = comment(eve, paper, ATTACK)
    review(eve, paper, strengths=ATTACK, concerns=ATTACK)
    for reader in (None, eve, account("bob")):
        if reader:
            client.force_login(reader)
        said = client.get(paper.get_absolute_url()).content.decode()
        assert said.count("&lt;script&gt;alert(1)") >= 3
        assert "<script>alert" not in said
        assert "<img src=x" not in said
        assert "{{ 7|add:7 }}" in said
        assert 'href="https://evil' not in said
    client.force_login(eve)
    for address in (at("post_edit", made), reverse("posts")):
        assert "<script>alert" not in client.get(address).content.decode()


@pytest.mark.parametrize("why", ["empty", "long", "link", "author", "suspended", "limit"])
def test_what_is_refused_is_said_in_a_sentence_and_what_was_typed_stays(
    client: Client, ada: Account, eve: Account, paper: Paper, why: str, monkeypatch: pytest.MonkeyPatch
):
    client.force_login(ada if why == "author" else eve)
    if why == "suspended":
        suspend(eve)
    elif why == "limit":
        monkeypatch.setitem(LIMITS, "post_new", (Limit(1, DAY),))
        comment(eve, paper)
    text = {"empty": " ", "long": "x" * 10_001, "link": "https://example.org/"}.get(why, "An hour’s work")
    given = form(concerns=text)
    for headers, status in (({}, 429 if why == "limit" else 400), (HTMX, 200)):
        response = client.post(at("reviews", paper), given, headers=headers)
        assert response.status_code == status
        said = html.unescape(response.content.decode())
        assert 'role="alert"' in said
        assert f">\n{text}</textarea>" in said
        assert given["token"] in said
    assert not Post.objects.filter(kind="review").exists()


def test_a_megabyte_is_refused_with_a_sentence(client: Client, eve: Account, paper: Paper):
    client.force_login(eve)
    response = client.post(at("discussion", paper), form(text="x" * 1_000_000))
    assert response.status_code == 400
    assert "At most 10,000 characters." in response.content.decode()
    assert not Post.objects.exists()


def test_a_comment_is_answered_on_a_page_of_its_own_or_in_place(client: Client, ada: Account, eve: Account, paper):
    one = comment(eve, paper, "How long did it run?")
    client.force_login(ada)
    address = at("post_answer", one)
    assert "How long did it run?" in page(client, address)
    in_place = page(client, address, **HTMX)
    assert in_place.strip().startswith("<form")
    assert 'hx-target="#discussion"' in in_place
    for headers, status in (({}, 400), (HTMX, 200)):
        refused = client.post(address, form(text=" "), headers=headers)
        assert (refused.status_code, refused["HX-Retarget"]) == (status, f"#answer-to-{one.pk}")
    said = client.post(address, form(text="Three days."), headers=HTMX).content.decode()
    assert 'class="posts__answers"' in said
    assert client.post(address, form(text="And nights."), follow=True).status_code == 200
    assert [post.answers for post in Post.objects.order_by("pk")] == [None, one, one]


def test_one_edits_and_withdraws_what_is_ones_own(client: Client, eve: Account, paper: Paper):
    made = comment(eve, paper, "Wiht a misprint")
    client.force_login(eve)
    assert "Wiht a misprint" in page(client, at("post_edit", made))
    assert client.post(at("post_edit", made), {"text": ""}).status_code == 400
    assert "An hour" in client.post(at("post_edit", made), {"text": "An hour " + "x" * 10_000}).content.decode()
    said = client.post(at("post_edit", made), {"text": "With none"}, headers=HTMX).content.decode()
    assert said.count("<article") == 1
    assert "With none" in said
    assert "edited" in said
    said = client.post(at("post_withdraw", made), headers=HTMX).content.decode()
    assert "Withdrawn by its writer." in said
    said = page(client, paper)
    assert "With none" not in said
    assert f'id="post-{made.pk}"' in said
    assert client.post(at("post_withdraw", made), {"from": "list"})["Location"] == reverse("posts")


def test_nobody_else_edits_or_withdraws_it(client: Client, eve: Account, paper: Paper):
    made = comment(eve, paper)
    for who in (account("bob"), with_role("cleo")):
        client.force_login(who)
        assert "Edit" not in page(client, at("discussion", paper))
        for name in ("post_edit", "post_withdraw"):
            assert client.post(at(name, made), {"text": "Mine"}).status_code == 404
    made.refresh_from_db()
    assert (made.text, made.withdrawn_at) == ("How long did it run?", None)


def test_what_a_blocked_account_wrote_is_folded_and_can_be_unfolded(client: Client, eve: Account, paper: Paper):
    made, bob = comment(eve, paper, "A very bad word"), account("bob")
    client.force_login(bob)
    response = client.post(reverse("block"), {"post": made.pk}, follow=True)
    assert response.redirect_chain[-1][0] == f"{paper.get_absolute_url()}#post-{made.pk}"
    said = page(client, paper)
    assert "You blocked this account." in said
    assert "A very bad word" not in said
    client.post(at("block_end", Block.objects.get()), {"post": made.pk})
    assert "A very bad word" in page(client, paper)
    client.force_login(eve)
    assert "A very bad word" in page(client, paper)
    assert client.post(reverse("block"), {"post": made.pk}, follow=True).status_code == 200  # nobody to be blocked
    assert not Block.objects.exists()


def test_what_a_curator_hid_its_writer_alone_still_sees(client: Client, eve: Account, paper: Paper):
    made = comment(eve, paper, "A very bad word")
    complaint = moderation.complain(account("bob"), made, "abuse", "")
    cleo = with_role("cleo")
    moderation.decide(cleo, complaint, "So.", timezone.now(), upheld=True, reason="No insults.", removes=True)
    for who in (None, account("cy"), cleo):
        if who:
            client.force_login(who)
        said = page(client, paper)
        assert "Hidden by a curator." in said
        assert "A very bad word" not in said
    client.force_login(eve)
    said = page(client, paper)
    assert "A curator hid this from everybody else." in said
    assert "A very bad word" in said
    assert "It can be withdrawn, and not be edited." in page(client, at("post_edit", made))
    assert client.post(at("post_edit", made), {"text": "A better word"}).status_code == 400


def test_a_hidden_record_names_nobody_beside_a_post(client: Client, ada: Account, paper: Paper):
    comment(ada, paper, "Three days.")
    Author.objects.filter(account=ada).update(visibility=Author.Visibility.NOTICE)
    said = page(client, at("discussion", paper))
    assert "Lovelace" not in said
    assert "Author of this paper" not in said
    assert "An account without a record here" in said


def test_what_does_not_fit_on_the_page_has_one_of_its_own(client, eve, paper, monkeypatch):
    monkeypatch.setattr(limits, "take", lambda *_: None)
    monkeypatch.setattr(posting, "LISTED", 2)
    made = [comment(eve, paper, f"comment-{n}") for n in range(5)]
    said = page(client, paper)
    assert [n for n in range(5) if f"comment-{n}" in said] == [0, 1]
    following = re.search(r'href="([^"]*discussion/\?after=[^"]*)"', said)
    assert following
    for headers in ({}, HTMX):
        said = page(client, following[1], **headers)
        assert [n for n in range(5) if f"comment-{n}" in said] == [2, 3]
    response = client.get(at("post", made[4]), follow=True)
    assert response.redirect_chain[-1][0].endswith(f"#post-{made[4].pk}")
    assert "comment-4" in response.content.decode()
    assert client.get(f"{at('discussion', paper)}?after=x").status_code == 400


def test_a_page_costs_the_same_with_two_posts_and_with_forty(client, ada, eve, paper, monkeypatch):
    monkeypatch.setattr(limits, "take", lambda *_: None)

    def queries() -> list[int]:
        found = []
        for reader in (None, account(f"reader-{Account.objects.count()}")):
            if reader:
                client.force_login(reader)
            with CaptureQueriesContext(connection) as captured:
                assert client.get(f"{paper.get_absolute_url()}?{Post.objects.count()}").status_code == 200
            found.append(len(captured))
            client.logout()
        return found

    review(eve, paper)
    comment(ada, paper, "x1")
    few = queries()
    for n in range(38):
        writer = account(f"writer-{n}")
        review(writer, paper) if n % 2 else comment(writer, paper, f"x{n}")
    assert queries() == few


def test_an_account_finds_all_that_it_wrote(client: Client, eve: Account, paper: Paper):
    client.force_login(eve)
    assert "Nothing yet." in page(client, reverse("posts"))
    comment(eve, paper, "Mine to find")
    comment(account("bob"), paper, "Not mine")
    said = page(client, reverse("posts"))
    assert "Mine to find" in said
    assert "Not mine" not in said
    assert reverse("posts") in page(client, reverse("account"))
