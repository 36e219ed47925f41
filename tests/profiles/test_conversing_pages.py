"""The pages of conversations: who sees them, what they show and keep, with and without JavaScript."""

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

from papers.limits import HOUR, LIMITS, Limit
from profiles import conversing, conversing_views
from profiles.models import Account, Author, Block, Conversation, Invitation, Letter, Message
from tests.conftest import with_role
from tests.profiles.test_conversing import account, ada, bob, invite, lab, say, suspend, talk

pytestmark = pytest.mark.django_db

__all__ = ["ada", "bob", "lab", "talk"]

ATTACK = "<script>alert(1)</script><img src=x onerror=alert(1)> {{ 7|add:7 }} https://evil.example/"
HTMX = {"HX-Request": "true"}


def page(client: Client, where: Any, **given: str) -> str:
    """What the page says to a reader."""
    response = client.get(where.get_absolute_url() if hasattr(where, "get_absolute_url") else where, given)
    assert response.status_code == 200
    return html.unescape(response.content.decode())


def form(text: str = "Good day.", **more: str) -> dict[str, str]:
    return {"text": text, "token": str(uuid4())} | more


def test_only_its_two_sides_see_a_conversation(client: Client, ada: Account, bob: Account, talk: Conversation):
    say(talk, bob, "Between us")
    for reader, status in ((ada, 200), (bob, 200), (account("eve"), 404), (with_role("cleo"), 404)):
        client.force_login(reader)
        for address in (talk.get_absolute_url(), reverse("conversation_new", args=[talk.pk])):
            response = client.get(address)
            assert response.status_code == status, reader
            assert ("Between us" in response.content.decode()) == (status == 200)
        assert (talk.get_absolute_url() in client.get(reverse("conversations")).content.decode()) == (status == 200)
    client.logout()
    assert client.get(talk.get_absolute_url())["Location"].startswith(reverse("account_login"))


def test_the_page_begins_with_what_was_asked_and_names_nobody_by_address(client, ada, bob, talk):
    for text in ("Alpha", "Beta"):
        say(talk, bob, text)
    client.force_login(ada)
    said = page(client, talk)
    assert said.index("How did you measure it?") < said.index("Alpha") < said.index("Beta")
    assert "A question about a work" in said
    assert "An account without a record here, since" in said
    assert "bob" not in said
    client.force_login(bob)
    said = page(client, talk)
    assert ">Ada Lovelace<" in said
    assert "Verification L3" in said
    assert "ada@" not in said


def test_a_message_is_sent_without_javascript_and_twice_is_once(client: Client, bob: Account, talk: Conversation):
    client.force_login(bob)
    given = form("Good day.")
    for _ in range(2):
        response = client.post(talk.get_absolute_url(), given)
        assert response["Location"] == talk.get_absolute_url() + "#talk"
    assert Message.objects.get().text == "Good day."


def test_with_htmx_the_answer_is_the_messages_and_an_empty_form(client: Client, bob: Account, talk: Conversation):
    client.force_login(bob)
    given = form("Good day.")
    said = client.post(talk.get_absolute_url(), given, headers=HTMX).content.decode()
    assert "<html" not in said
    assert said.count("Good day.") == 1
    assert given["token"] not in said


def test_what_is_hostile_stands_there_as_text_and_leads_nowhere(client, ada, bob, talk):
    Invitation.objects.update(text=ATTACK)
    say(talk, bob, ATTACK)
    client.force_login(ada)
    for address in (talk.get_absolute_url(), reverse("conversation_new", args=[talk.pk])):
        said = client.get(address).content.decode()
        assert "&lt;script&gt;alert(1)" in said
        assert "<script>alert" not in said
        assert "<img src=x" not in said
        assert "{{ 7|add:7 }}" in said
        assert 'href="https://evil' not in said
        assert 'dir="auto"' in said


@pytest.mark.parametrize("why", ["empty", "long", "left", "blocked", "gone", "suspended", "limit"])
def test_what_is_refused_is_said_in_a_sentence_and_the_text_stays_in_the_form(
    client: Client, ada: Account, bob: Account, talk: Conversation, why: str, monkeypatch: pytest.MonkeyPatch
):
    client.force_login(bob)
    text = {"empty": " ", "long": "x" * 10_001}.get(why, "An answer of an hour’s work")
    if why == "left":
        conversing.leave(talk, ada, timezone.now())
    elif why == "blocked":
        conversing.block(ada, bob, timezone.now())
    elif why == "gone":
        Account.objects.filter(pk=ada.pk).update(is_active=False)
    elif why == "suspended":
        suspend(bob)
    elif why == "limit":
        monkeypatch.setitem(LIMITS, "message_new", (Limit(0, HOUR),))
        monkeypatch.setattr("papers.limits.take", lambda *_: 90.0)
    for headers, status in (({}, 429 if why == "limit" else 400), (HTMX, 200)):
        given = form(text)
        response = client.post(talk.get_absolute_url(), given, headers=headers)
        said = html.unescape(response.content.decode())
        assert response.status_code == status
        assert response.headers.get("Retry-After") == ("90" if why == "limit" else None)
        assert re.search(r'role="alert"><p>[A-Z][^<]*\.', said)
        assert f"\n{text}</textarea>" in said
        assert given["token"] in said
    assert not Message.objects.exists()
    assert not Letter.objects.exists()


def test_a_closed_conversation_shows_the_sentence_and_no_form(client: Client, ada: Account, bob: Account, talk):
    say(talk, bob, "Still here")
    client.force_login(ada)
    assert client.post(reverse("conversation_leave", args=[talk.pk]))["Location"] == talk.get_absolute_url()
    assert 'id="write"' not in page(client, talk)
    client.force_login(bob)
    said = page(client, talk)
    assert "The other side closed this conversation." in said
    assert "Still here" in said
    assert 'id="write"' not in said


def test_reading_marks_nothing_and_the_form_does(client: Client, ada: Account, bob: Account, talk: Conversation):
    message = say(talk, bob)
    client.force_login(ada)
    for headers in ({}, HTMX):
        client.get(talk.get_absolute_url(), headers=headers)
        client.get(reverse("conversation_new", args=[talk.pk]), headers=headers)
    assert conversing.unread(ada) == 1
    assert "1 new" in page(client, reverse("conversations"))
    address = reverse("conversation_read", args=[talk.pk])
    assert f'action="{address}"' in page(client, talk)
    assert client.get(address).status_code == 405
    for wrong in ("", "x", "-1", "9" * 30):
        assert client.post(address, {"upto": wrong}).status_code == 400
    assert client.post(address, {"upto": message.pk}, headers=HTMX).content == b""
    assert conversing.unread(ada) == 0
    assert address not in page(client, talk)


def test_answering_marks_what_stood_on_the_page(client: Client, ada: Account, bob: Account, talk: Conversation):
    seen, later = say(talk, bob), say(talk, bob)
    client.force_login(ada)
    client.post(talk.get_absolute_url(), form(upto=str(seen.pk)))
    assert list(Message.objects.filter(read_at=None, recipient=ada)) == [later]


def test_an_open_page_asks_for_what_is_newer_alone(client: Client, ada: Account, bob: Account, talk: Conversation):
    old, new = say(talk, bob, "Old"), say(talk, bob, "New")
    client.force_login(ada)
    address = reverse("conversation_new", args=[talk.pk])
    said = page(client, address, after=str(old.pk))
    assert "New" in said
    assert "Old" not in said
    assert f'hx-get="{address}?after={new.pk}"' in said
    said = page(client, address, after=str(new.pk))
    assert "said__one" not in said.replace('hx-select=".said__one', "")
    assert f"after={new.pk}" in said
    assert client.get(address, {"after": "x"}).status_code == 400


def test_earlier_messages_are_a_page_away_by_key(client, ada, bob, talk, monkeypatch):
    monkeypatch.setattr(conversing_views, "PAGE", 2)
    for n in range(5):
        say(talk, bob, f"number {n}")
    client.force_login(ada)
    seen, address = [], talk.get_absolute_url()
    while address:
        said = client.get(address).content.decode()
        seen.append([int(n) for n in re.findall(r"number (\d)", said)])
        found = re.search(r'href="([^"]*before=[^"#]*)', said)
        address = found[1] if found else ""
    assert seen == [[3, 4], [1, 2], [0]]
    assert client.get(talk.get_absolute_url(), {"before": "x"}).status_code == 400


def test_a_page_asks_the_database_as_often_for_many_as_for_few(client, ada, bob, lab, talk):
    client.force_login(ada)
    client.get(talk.get_absolute_url())

    def asked(address: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            assert client.get(address).status_code == 200
        return len(queries)

    say(talk, bob)
    eve = account("eve")
    conversing.block(ada, eve, timezone.now())
    pages = (talk.get_absolute_url(), reverse("conversations"))
    few = [asked(address) for address in pages]
    for n in range(8):
        say(talk, bob)
        other = account(f"other-{n}")
        say(conversing.begin(invite(other, lab, "accepted"), timezone.now()), other)
        Block.objects.create(account=ada, blocked=account(f"blocked-{n}"))
    assert [asked(address) for address in pages] == few


def test_letters_about_one_conversation_are_switched_off_there(client: Client, ada: Account, bob: Account, talk):
    client.force_login(ada)
    address = reverse("conversation_mail", args=[talk.pk])
    client.post(address, {"wanted": "no"})
    say(talk, bob)
    assert not Letter.objects.exists()
    assert "You get no letters" in page(client, talk)
    conversing.mark_read(talk, ada, Message.objects.get().pk, timezone.now())
    client.post(address, {"wanted": "yes"})
    say(talk, bob)
    assert Letter.objects.count() == 1


# --- blocks -----------------------------------------------------------------------------------------------------------


def test_a_block_is_made_from_a_conversation_and_taken_back_from_the_list(client, ada, bob, talk):
    client.force_login(ada)
    assert client.post(reverse("block"), {"conversation": talk.pk})["Location"] == talk.get_absolute_url()
    block = Block.objects.get(account=ada, blocked=bob)
    end = reverse("block_end", args=[block.pk])
    assert f'action="{end}"' in page(client, reverse("conversations"))
    eve = Client()
    eve.force_login(account("eve"))
    assert eve.post(end).status_code == 404
    client.post(end)
    assert not Block.objects.exists()


def test_a_block_is_made_from_an_invitation_that_one_received(client: Client, ada: Account, bob: Account, lab: Author):
    invitation = invite(bob, lab)
    for who, status in ((bob, 404), (account("eve"), 404), (ada, 302)):
        client.force_login(who)
        assert client.post(reverse("block"), {"invitation": invitation.pk}).status_code == status
    assert Block.objects.get().blocked == bob


@pytest.mark.parametrize("wrong", [{}, {"account": "1"}, {"conversation": "x"}, {"invitation": "1 or 1"}])
def test_nobody_is_blocked_by_the_id_of_an_account(client: Client, ada: Account, talk, wrong: dict[str, str]):
    client.force_login(ada)
    assert client.post(reverse("block"), wrong).status_code == 400
    assert not Block.objects.exists()


def test_a_conversation_of_others_can_be_neither_left_nor_muted_nor_blocked(client: Client, talk: Conversation):
    client.force_login(account("eve"))
    for name in ("conversation_leave", "conversation_mail", "conversation_read"):
        given = {"upto": "1", "wanted": "no"}
        assert client.post(reverse(name, args=[talk.pk]), given).status_code == 404
    assert client.post(reverse("block"), {"conversation": talk.pk}).status_code == 404
    assert client.post(talk.get_absolute_url(), form()).status_code == 404


def test_a_get_changes_nothing_of_all_this(client: Client, ada: Account, talk: Conversation):
    client.force_login(ada)
    for name, *args in (("conversation_leave", talk.pk), ("conversation_mail", talk.pk), ("block",), ("block_end", 1)):
        assert client.get(reverse(name, args=args)).status_code == 405


def test_a_suspended_account_reads_why_on_its_list_and_objects_once(client: Client, bob: Account, talk: Conversation):
    suspension = suspend(bob)
    client.force_login(bob)
    assert "You advertised." in page(client, reverse("conversations"))
    for text in ("It was a question.", "Once more."):
        client.post(reverse("suspension_objection"), {"text": text})
    suspension.refresh_from_db()
    assert suspension.objection == "It was a question."
    assert "It was a question." in page(client, reverse("conversations"))


def test_the_header_counts_what_waits_and_the_list_leads_to_invitations(client, ada, bob, lab, talk):
    say(talk, bob)
    invite(account("eve"), lab)
    client.force_login(ada)
    assert re.search(r'id="waiting-conversations"[^>]*><span class="pill number">2<', page(client, reverse("waiting")))
    assert "1 waits for you" in page(client, reverse("conversations"))
