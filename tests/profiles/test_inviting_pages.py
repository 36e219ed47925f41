"""The pages of invitations, as a visitor, the sender, the recipient and a third account see them."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from papers import limits
from profiles import inviting
from profiles.models import Account, Author, Block, Claim, Invitation, Letter
from tests.profiles.test_inviting import CLOSED, TEXT, ada_berg, ann, answer, apart, author, held, noor, send, someone

pytestmark = pytest.mark.django_db
__all__ = ["ada_berg", "ann", "apart", "author", "noor"]
HEADING = "Open a focused conversation when the fit is right"
State = Invitation.State


@pytest.fixture
def client(client: Client, ann: Account) -> Client:
    """The sender's browser."""
    client.force_login(ann)
    return client


@pytest.fixture
def hers(noor: Account) -> Client:
    """The recipient's browser."""
    client = Client()
    client.force_login(noor)
    return client


def form(**more: Any) -> dict[str, Any]:
    return {"purpose": "talk", "text": TEXT, "token": str(uuid4())} | more


def page(client: Client, address: str) -> str:
    return html.unescape(client.get(address).content.decode())


def block(client: Client, author: Author) -> str:
    """The profile's block of direct collaboration."""
    said = page(client, author.get_absolute_url())
    return re.sub(r"\s+", " ", said[said.index(HEADING) :].partition("</section>")[0])


def invite(author: Author) -> str:
    return reverse("invite", args=[author.pk])


# --- the profile ------------------------------------------------------------------------------------------------------


def test_unclaimed_the_profile_says_that_it_must_be_claimed_first(client: Client, author: Author):
    for who in (client, Client()):
        assert "Claim this author entity first to unlock direct invitations." in block(who, author)
        assert invite(author) not in block(who, author)


def test_claimed_and_open_the_profile_has_the_button_and_visitors_log_in_first(
    client: Client, noor: Account, author: Author
):
    assert f'href="{invite(author)}">Invite</a>' in block(client, author)
    said = block(Client(), author)
    assert f"?next={invite(author).replace('/', '%2F')}" in said
    assert "Log in to invite" in said


def test_not_open_the_profile_says_so_to_everybody_and_the_same_to_who_is_blocked(
    client: Client, ann: Account, noor: Account, author: Author
):
    Block.objects.create(account=noor, blocked=ann)
    blocked = block(client, author)
    Block.objects.all().delete()
    Author.objects.filter(pk=author.pk).update(open_to_collaborate=False)
    assert CLOSED in blocked
    assert block(client, author) == blocked
    assert CLOSED in block(Client(), author)


def test_the_holder_sees_how_many_wait(client: Client, hers: Client, author: Author):
    assert "Your invitations" in block(hers, author)
    assert "count" not in block(hers, author)
    client.post(invite(author), form())
    assert '<span class="count">1<' in block(hers, author)


def test_who_has_invited_is_led_to_the_invitation(client: Client, ann: Account, noor: Account, author: Author):
    invitation = send(ann, author)
    assert f'href="{invitation.get_absolute_url()}"' in block(client, author)
    answer(noor, invitation, "accept")
    assert "You are in a conversation with Noor Rahimi." in block(client, author)


def test_the_profile_costs_a_visitor_nothing_more_and_others_a_constant_number(
    client: Client, ann: Account, noor: Account, author: Author
):
    def queries(who: Client) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert who.get(author.get_absolute_url()).status_code == 200
        return len(captured)

    client.get(author.get_absolute_url())
    cheap, before = queries(Client()), queries(client)
    for _ in range(5):
        answer(ann, send(ann, author), "withdraw")
        Invitation.objects.update(answered_at=timezone.now() - timedelta(days=100))
    assert queries(client) == before
    assert queries(Client()) == cheap
    with CaptureQueriesContext(connection) as captured:
        Client().get(author.get_absolute_url())
    asked = " ".join(query["sql"] for query in captured)
    assert not re.search("profiles_(invitation|block|suspension|account)", asked)


# --- the form ---------------------------------------------------------------------------------------------------------


def test_a_get_sends_nothing_and_a_purpose_brings_its_starting_text(client: Client, noor: Account, author: Author):
    assert client.get(invite(author), form()).status_code == 200
    said = page(client, f"{invite(author)}?purpose=talk")
    assert inviting.starting_text("talk") in said
    assert re.search(r'value="talk" required checked', said)
    assert page(client, f"{invite(author)}?purpose=nonsense").count("checked") == page(client, invite(author)).count(
        "checked"
    )
    assert not Invitation.objects.exists()


def test_the_starting_text_is_fetched_without_losing_what_was_written(client: Client, noor: Account, author: Author):
    fresh = client.post(invite(author), form(text="", start="1"))
    assert (fresh.status_code, inviting.starting_text("talk") in html.unescape(fresh.content.decode())) == (200, True)
    other = client.post(invite(author), form(text=inviting.starting_text("talk"), purpose="review", start="1"))
    assert inviting.starting_text("review") in html.unescape(other.content.decode())
    kept = html.unescape(client.post(invite(author), form(start="1")).content.decode())
    assert (TEXT in kept, "What you wrote stays" in kept) == (True, True)
    fragment = client.post(invite(author), form(start="1"), headers={"HX-Request": "true"}).content.decode()
    assert (TEXT in html.unescape(fragment), "<html" in fragment) == (True, False)
    assert not Invitation.objects.exists()


def test_sent_twice_the_second_answer_shows_the_first_invitation(client: Client, noor: Account, author: Author):
    typed = form()
    first, second = (client.post(invite(author), typed) for _ in range(2))
    assert first["Location"] == second["Location"] == Invitation.objects.get().get_absolute_url()
    assert Letter.objects.count() == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"text": "x" * 100_000},
        {"text": f"{TEXT} www.example.org"},
        {"text": "\u200b" * 50},
        {"purpose": "x"},
        {"purpose": "", "text": ""},
    ],
)
def test_what_is_refused_comes_back_with_a_sentence_and_all_that_was_typed(
    client: Client, noor: Account, author: Author, wrong: dict[str, str]
):
    typed = form(**wrong)
    response = client.post(invite(author), typed)
    said = html.unescape(response.content.decode())
    assert (response.status_code, 'role="alert"' in said, typed["token"] in said) == (400, True, True)
    assert typed["text"] in said
    assert client.post(invite(author), typed | form()).status_code == 302


def test_a_form_with_a_broken_token_is_sent_all_the_same(client: Client, noor: Account, author: Author):
    assert client.post(invite(author), form(token="x")).status_code == 302


def test_blocked_and_not_open_answer_alike(client: Client, ann: Account, noor: Account, author: Author):
    def answers() -> list[tuple[int, str]]:
        typed = form(token="6e4ef04c-9e0c-4a24-8d9f-0a4f0a6ac7a1")
        found = [client.get(invite(author)), client.post(invite(author), typed)]
        hidden = r'value="[\w-]{36,}"|"X-CSRFToken": "\w+"|csrfmiddlewaretoken" value="\w+"'
        return [(each.status_code, re.sub(hidden, "", html.unescape(each.content.decode()))) for each in found]

    Block.objects.create(account=noor, blocked=ann)
    blocked = answers()
    Block.objects.all().delete()
    Author.objects.filter(pk=author.pk).update(open_to_collaborate=False)
    assert answers() == blocked
    assert [status for status, _said in blocked] == [200, 400]
    assert all(CLOSED in said for _status, said in blocked)
    assert TEXT in blocked[1][1]


def test_beyond_the_limit_the_form_says_when_and_keeps_what_was_typed(client: Client, noor: Account, author: Author):
    account = Account.objects.get(username="ann")
    for _ in range(limits.LIMITS["invitation"][0].most):
        limits.take("invitation", f"account {account.pk}")
    response = client.post(invite(author), form())
    assert (response.status_code, int(response["Retry-After"]) > 3_600) == (429, True)
    said = html.unescape(response.content.decode())
    assert (TEXT in said, "Try again in" in said) == (True, True)
    cache.clear()
    assert client.post(invite(author), form()).status_code == 302


def test_a_merged_record_leads_to_its_heir_and_nothing_goes_there_unseen(client: Client, noor: Account, author: Author):
    merged = Author.objects.create(name="N. Rahimi", merged_into=author)
    assert client.get(invite(merged))["Location"] == invite(author)
    response = client.post(invite(merged), form())
    said = html.unescape(response.content.decode())
    assert (response.status_code, TEXT in said, f'action="{invite(author)}"' in said) == (400, True, True)
    assert not Invitation.objects.exists()


def test_a_hidden_record_is_the_notice(client: Client, noor: Account, author: Author):
    Author.objects.filter(pk=author.pk).update(visibility=Author.Visibility.NOTICE)
    for response in (client.get(invite(author)), client.post(invite(author), form())):
        assert "This record is hidden" in response.content.decode()
    assert not Invitation.objects.exists()


def test_the_form_says_how_sure_it_is_who_reads_it(client: Client, noor: Account, author: Author):
    said = page(client, invite(author))
    assert ("Verification L2" in said, "has not proved yet" in said) == (True, True)
    Claim.objects.update(level=3)
    assert "has not proved yet" not in page(client, invite(author))
    held(author, someone("rival"))
    assert "Another account claims this record too" in page(client, invite(author))


# --- the answer -------------------------------------------------------------------------------------------------------


def test_the_recipient_reads_it_as_plain_text_and_answers(client: Client, hers: Client, ann: Account, author: Author):
    invitation = send(ann, author, text="<b>Dear</b> <script>alert(1)</script>\n\nمرحبا بكم")
    said = hers.get(invitation.get_absolute_url()).content.decode()
    assert "&lt;b&gt;Dear&lt;/b&gt; &lt;script&gt;" in said
    assert re.search(r'<blockquote [^>]*dir="auto">', said)
    listed = hers.get("/invitations/").content.decode()
    assert invitation.get_absolute_url() in listed
    response = hers.post(reverse("invitation_answer", args=[invitation.pk]), {"answer": "accept"})
    invitation.refresh_from_db()
    assert invitation.state == State.ACCEPTED
    assert response["Location"] == invitation.conversation.get_absolute_url()
    assert invitation.get_absolute_url() not in hers.get("/invitations/").content.decode()
    assert "Accepted" in hers.get("/invitations/?box=answered").content.decode()
    assert "Accepted" in client.get("/invitations/?box=sent").content.decode()


def test_an_answer_that_comes_too_late_is_a_sentence(hers: Client, ann: Account, author: Author):
    invitation = send(ann, author)
    answer(ann, invitation, "withdraw")
    response = hers.post(reverse("invitation_answer", args=[invitation.pk]), {"answer": "accept"})
    assert (response.status_code, "It was withdrawn" in response.content.decode()) == (400, True)
    assert hers.post(reverse("invitation_answer", args=[invitation.pk]), {"answer": "x"}).status_code == 400


def test_ignored_both_sides_see_what_is_theirs_to_see(client: Client, hers: Client, ann: Account, author: Author):
    invitation = send(ann, author)
    before = client.get(invitation.get_absolute_url()).content.decode()
    hers.post(reverse("invitation_answer", args=[invitation.pk]), {"answer": "ignore"})
    token = re.compile(r'"X-CSRFToken": "\w+"|value="\w{64}"')
    assert token.sub("", client.get(invitation.get_absolute_url()).content.decode()) == token.sub("", before)
    assert "Ignored" in page(hers, invitation.get_absolute_url())
    assert "Open" in page(client, "/invitations/?box=sent")
    assert "gnored" not in page(client, "/invitations/?box=sent")


def test_a_third_account_finds_no_page(ann: Account, noor: Account, author: Author):
    invitation, third = send(ann, author), Client()
    third.force_login(someone("third"))
    assert third.get(invitation.get_absolute_url()).status_code == 404
    assert third.post(reverse("invitation_answer", args=[invitation.pk]), {"answer": "accept"}).status_code == 404
    assert "Nothing waits" in page(third, "/invitations/")


def test_a_get_of_the_answer_changes_nothing(hers: Client, ann: Account, author: Author):
    invitation = send(ann, author)
    assert hers.get(reverse("invitation_answer", args=[invitation.pk]), {"answer": "accept"}).status_code == 405
    assert Invitation.objects.get().state == State.OPEN


def test_the_sender_is_shown_by_the_record_it_holds_or_by_its_age(
    hers: Client, ann: Account, author: Author, ada_berg: Author
):
    invitation = send(ann, author)
    joined = ann.date_joined.strftime("%B %Y")
    assert f"an account without a record here, since {joined}" in page(hers, invitation.get_absolute_url())
    assert f"an account without a record here, since {joined}" in Letter.objects.latest("pk").subject
    held(ada_berg, ann, 4)
    said = page(hers, invitation.get_absolute_url())
    assert (f'href="{ada_berg.get_absolute_url()}"' in said, "verification L4" in said) == (True, True)


def test_no_address_stands_on_any_page_or_in_any_letter_of_the_other_side(
    client: Client, hers: Client, ann: Account, noor: Account, author: Author, ada_berg: Author
):
    for word in ("decline", "accept"):
        Invitation.objects.update(answered_at=timezone.now() - timedelta(days=100))
        client.post(invite(author), form())
        invitation = Invitation.objects.latest("pk")
        for who, other in ((client, noor), (hers, ann)):
            boxes = [f"/invitations/?box={box}" for box in ("open", "answered", "sent")]
            for address in (invite(author), author.get_absolute_url(), invitation.get_absolute_url(), *boxes):
                assert other.email not in page(who, address), address
        hers.post(reverse("invitation_answer", args=[invitation.pk]), {"answer": word})
    for letter in Letter.objects.all():
        for account in (ann, noor):
            assert account.email not in letter.subject + letter.text


def test_a_hidden_sender_or_recipient_is_not_named(
    client: Client, hers: Client, ann: Account, author: Author, ada_berg: Author
):
    held(ada_berg, ann)
    invitation = send(ann, author)
    Author.objects.update(visibility=Author.Visibility.GONE)
    for box in ("open", "sent"):
        for who in (client, hers):
            for address in (f"/invitations/?box={box}", invitation.get_absolute_url()):
                said = re.sub(r'title="Your account">[^<]*', "", page(who, address))
                assert re.findall("Noor|Berg", said) == [], address


def test_the_lists_page_by_key_and_cost_the_same_for_many(
    hers: Client, noor: Account, author: Author, monkeypatch: pytest.MonkeyPatch
):
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert hers.get("/invitations/").status_code == 200
        return len(captured)

    monkeypatch.setattr(inviting, "MOST_RECEIVED", 100)
    send(someone("a0"), author)
    hers.get("/invitations/")
    few = queries()
    for n in range(1, 22):
        send(someone(f"a{n}"), author)
    assert queries() == few
    first = hers.get("/invitations/").content.decode()
    following = re.search(r'href="(/invitations/\?[^"]*)" rel="next"', first)
    assert following
    second = hers.get(html.unescape(following[1])).content.decode()
    shown = [re.findall(r'href="(/invitations/\d+/)"', each) for each in (first, second)]
    assert [len(each) for each in shown] == [20, 2]
    assert len({*shown[0], *shown[1]}) == 22
    assert hers.get("/invitations/?after=x").status_code == 400
