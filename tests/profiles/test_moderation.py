"""Moderation: who reports what, what a curator reads of it and decides, and who hears of that."""

from __future__ import annotations

import html
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from papers.limits import DAY, LIMITS, Limit
from papers.models import JournalEntry, Paper
from profiles import conversing, inbox, moderation
from profiles.accounts import records
from profiles.feedback import collecting, posting
from profiles.models import (
    Account,
    Block,
    Collection,
    CollectionItem,
    Complaint,
    Conversation,
    Letter,
    Message,
    Post,
    Suspension,
)
from tests.conftest import with_role
from tests.profiles.test_conversing import account, ada, bob, invite, lab, say, talk
from tests.profiles.test_posting import claiming, comment, paper, review

pytestmark = pytest.mark.django_db

__all__ = ["ada", "bob", "lab", "paper", "talk"]


@pytest.fixture
def cleo() -> Account:
    return with_role("cleo")


@pytest.fixture
def insult(talk: Conversation, bob: Account) -> Message:
    return say(talk, bob, "A very bad word")


@pytest.fixture
def complaint(ada: Account, insult: Message) -> Complaint:
    made = moderation.complain(ada, insult, "abuse", "He insults me.")
    Letter.objects.all().delete()
    return made


def form(**more: Any) -> dict[str, Any]:
    return {"kind": "abuse", "text": "He insults me."} | more


def decide(complaint: Complaint, cleo: Account, **more: Any) -> Complaint:
    given: dict[str, Any] = {"upheld": True, "reason": "No insults."} | more
    return moderation.decide(cleo, complaint, "Thank you.", timezone.now(), **given)


# --- reporting --------------------------------------------------------------------------------------------------------


def test_who_got_a_message_or_an_invitation_reports_it(client: Client, ada: Account, bob: Account, lab, insult):
    client.force_login(ada)
    for name, subject in (("complain_message", insult), ("complain_invitation", invite(bob, lab))):
        address = reverse(name, args=[subject.pk])
        assert client.get(address).status_code == 200
        assert client.post(address, form())["Location"] == address
        assert "You reported it" in client.get(address).content.decode()
    one, other = Complaint.objects.order_by("pk")
    assert (one.message, other.invitation_id, one.about, other.about) == (insult, other.subject.pk, bob, bob)
    assert f'href="{one.get_absolute_url()}"' in client.get(insult.conversation.get_absolute_url()).content.decode()


def test_nobody_else_reports_it(client: Client, bob: Account, cleo: Account, insult: Message):
    for who in (bob, account("eve"), cleo):
        client.force_login(who)
        for name, pk in (("complain_message", insult.pk), ("complain_invitation", insult.conversation.invitation_id)):
            assert client.get(reverse(name, args=[pk])).status_code == 404
            assert client.post(reverse(name, args=[pk]), form()).status_code == 404
        with pytest.raises(PermissionDenied):
            moderation.complain(who, insult, "abuse", "")
    assert not Complaint.objects.exists()


@pytest.mark.parametrize("wrong", [{"kind": ""}, {"kind": "x"}, {"text": "x" * 2_001}])
def test_what_is_no_complaint_is_refused_and_what_was_written_stays(client, ada, insult, wrong: dict[str, str]):
    client.force_login(ada)
    response = client.post(reverse("complain_message", args=[insult.pk]), form(**wrong))
    assert response.status_code == 400
    assert form(**wrong)["text"] in response.content.decode()
    assert not Complaint.objects.exists()


def test_the_same_is_reported_once_even_after_the_answer(ada: Account, cleo: Account, complaint: Complaint):
    for _ in range(2):
        with pytest.raises(ValidationError, match="already"):
            moderation.complain(ada, complaint.subject, "spam", "")
        if complaint.is_open:
            complaint = decide(complaint, cleo, upheld=False)


def test_past_the_limit_the_answer_is_429_and_keeps_the_text(client, ada, bob, lab, insult, monkeypatch):
    monkeypatch.setitem(LIMITS, "complaint", (Limit(1, DAY),))
    moderation.complain(ada, invite(bob, lab), "spam", "")
    client.force_login(ada)
    response = client.post(reverse("complain_message", args=[insult.pk]), form())
    assert response.status_code == 429
    assert 0 < int(response["Retry-After"]) <= DAY
    assert "He insults me." in response.content.decode()


def test_one_form_reports_and_blocks(client: Client, ada: Account, bob: Account, insult: Message):
    client.force_login(ada)
    client.post(reverse("complain_message", args=[insult.pk]), form(block="on"))
    assert Block.objects.get(account=ada).blocked == bob
    assert Complaint.objects.get().is_open


# --- what a curator reads ---------------------------------------------------------------------------------------------


def read(client: Client, who: Account, complaint: Complaint) -> str:
    client.force_login(who)
    response = client.get(reverse("curate_complaint", args=[complaint.pk]))
    assert response.status_code == 200
    return html.unescape(response.content.decode())


def test_a_curator_reads_the_one_text_and_nothing_else_of_the_conversation(client, ada, bob, cleo, talk):
    for n in range(8):
        say(talk, bob if n % 2 else ada, f"private-{n}")
    subject = say(talk, bob, "A very bad word")
    say(talk, ada, "private-9")
    complaint = moderation.complain(ada, subject, "abuse", "He insults me.")
    said = read(client, cleo, complaint)
    assert "A very bad word" in said
    assert "He insults me." in said
    assert not [word for word in ("private-", "How did you measure it?", "ada@", "bob@") if word in said]
    client.force_login(cleo)
    for name in ("curate", "curate_complaints"):
        listed = client.get(reverse(name)).content.decode()
        assert reverse("curate_complaint", args=[complaint.pk]) in listed
        assert not [word for word in ("private-", "bad word", "insults me") if word in listed]


def test_the_five_messages_before_it_are_read_where_the_reporter_shows_them(client, ada, bob, cleo, talk, insult):
    for n in range(6):
        say(talk, bob if n % 2 else ada, f"private-{n}")
    subject = say(talk, bob, "Another")
    say(talk, bob, "private-later")
    complaint = moderation.complain(ada, subject, "abuse", "", shows_before=True)
    said = read(client, cleo, complaint)
    assert [n for n in range(6) if f"private-{n}" in said] == [1, 2, 3, 4, 5]
    assert "private-later" not in said
    assert "A very bad word" not in said


def test_hostile_text_is_shown_as_text(client: Client, ada: Account, bob: Account, cleo: Account, talk: Conversation):
    attack = "<script>alert(1)</script>"
    complaint = moderation.complain(ada, say(talk, bob, attack), "spam", attack)
    client.force_login(cleo)
    said = client.get(reverse("curate_complaint", args=[complaint.pk])).content.decode()
    assert said.count("&lt;script&gt;alert(1)") == 2
    assert "<script>alert" not in said


def test_a_curator_who_is_a_side_of_it_neither_reads_nor_decides(client: Client, ada: Account, talk, lab):
    mallory = with_role("mallory")
    theirs = conversing.begin(invite(mallory, lab, "accepted"), timezone.now())
    about_her = moderation.complain(ada, say(theirs, mallory, "A very bad word"), "abuse", "She insults me.")
    by_her = moderation.complain(mallory, say(theirs, ada, "You too"), "abuse", "")
    client.force_login(mallory)
    for complaint in (about_her, by_her):
        address = reverse("curate_complaint", args=[complaint.pk])
        assert client.get(address).status_code == 403
        assert client.post(address, {"step": "dismiss", "answer": "No."}).status_code == 403
        with pytest.raises(PermissionDenied):
            decide(complaint, mallory)
        complaint.refresh_from_db()
        assert complaint.is_open
    for name in ("curate", "curate_complaints"):
        assert "She insults me." not in client.get(reverse(name)).content.decode()


def test_only_curators_decide(ada: Account, bob: Account, complaint: Complaint):
    for who in (bob, ada, account("eve")):
        with pytest.raises(PermissionDenied):
            decide(complaint, who)


# --- what follows -----------------------------------------------------------------------------------------------------


def test_dismissed_it_changes_nothing_and_the_reporter_reads_why(client, ada, bob, cleo, complaint):
    client.force_login(cleo)
    address = reverse("curate_complaint", args=[complaint.pk])
    assert client.post(address, {"step": "dismiss", "answer": "It is rough, and no insult."}).status_code == 302
    complaint.refresh_from_db()
    assert (complaint.state, complaint.decided_by) == ("dismissed", cleo)
    letter = Letter.objects.get()
    assert letter.to == ada.email
    assert "It is rough, and no insult." in letter.text
    assert not Suspension.objects.exists()
    assert not Message.objects.exclude(removed_at=None).exists()
    assert conversing.obstacle(bob, ada) == ""
    assert "No complaint waits." in client.get(reverse("curate_complaints")).content.decode()
    client.force_login(ada)
    assert "It is rough, and no insult." in client.get(complaint.get_absolute_url()).content.decode()


def test_upheld_the_message_is_removed_for_both_and_who_wrote_it_is_suspended(client, ada, bob, cleo, complaint):
    client.force_login(cleo)
    given = {"step": "uphold", "answer": "Thank you.", "reason": "No insults.", "removes": "on", "days": "30"}
    assert client.post(reverse("curate_complaint", args=[complaint.pk]), given).status_code == 302
    suspension = Suspension.objects.get()
    assert (suspension.account, suspension.made_by, suspension.complaint) == (bob, cleo, complaint)
    assert timedelta(days=29) < suspension.until - timezone.now() <= timedelta(days=30)
    talk = complaint.subject.conversation
    for reader in (ada, bob):
        client.force_login(reader)
        said = client.get(talk.get_absolute_url()).content.decode()
        assert "A very bad word" not in said
        assert "Removed by a curator." in said
    assert "No insults." in conversing.obstacle(bob, ada)
    answer, told = Letter.objects.order_by("pk")
    assert (answer.to, told.to) == (ada.email, bob.email)
    assert "No insults." in told.text
    assert "ada" not in (told.text + told.subject).lower()
    rows = JournalEntry.objects.order_by("pk").values_list("verb", "subject_kind")
    assert list(rows) == [
        ("upheld", "profiles.complaint"),
        ("removed", "profiles.message"),
        ("suspended", "profiles.suspension"),
    ]
    assert "A very bad word" not in str(list(JournalEntry.objects.values()))


def test_a_suspension_is_lifted_by_a_curator_and_the_account_is_told(client, ada, bob, cleo, complaint):
    decide(complaint, cleo, days=7)
    suspension = Suspension.objects.get()
    Letter.objects.all().delete()
    moderation.object_to(bob, "It was a quotation.", timezone.now())
    assert "It was a quotation." in read(client, cleo, complaint)
    assert "objects" in client.get(reverse("curate_complaints")).content.decode()
    given = {"step": "lift", "suspension": suspension.pk}
    assert client.post(reverse("curate_complaint", args=[complaint.pk]), given).status_code == 302
    assert conversing.obstacle(bob, ada) == ""
    assert Letter.objects.get().to == bob.email
    assert JournalEntry.objects.filter(verb="lifted").exists()
    assert client.post(reverse("curate_complaint", args=[complaint.pk]), given).status_code == 400


def test_nobody_lifts_their_own_suspension(cleo: Account, bob: Account):
    until = timezone.now() + timedelta(days=7)
    for who in (cleo, bob):
        suspension = Suspension.objects.create(account=who, until=until, reason="Spam.")
        with pytest.raises(PermissionDenied):
            moderation.lift(who, suspension, timezone.now())


@pytest.mark.parametrize(
    "wrong",
    [{"answer": ""}, {"reason": " "}, {"days": "8"}, {"answer": "x" * 2_001}, {"reason": "x" * 2_001}],
)
def test_a_decision_that_lacks_something_is_refused_and_what_was_written_stays(client, cleo, complaint, wrong):
    client.force_login(cleo)
    given = {"step": "uphold", "answer": "Thank you.", "reason": "No insults.", "days": "7"} | wrong
    response = client.post(reverse("curate_complaint", args=[complaint.pk]), given)
    assert response.status_code == 400
    assert given["reason"] in response.content.decode()
    complaint.refresh_from_db()
    assert complaint.is_open
    assert not JournalEntry.objects.exists()
    assert not Letter.objects.exists()


@pytest.mark.parametrize("given", [{}, {"step": "x"}, {"step": "uphold", "days": "x"}, {"step": "lift"}])
def test_what_is_no_step_is_a_bad_request(client: Client, cleo: Account, complaint: Complaint, given: dict[str, str]):
    client.force_login(cleo)
    assert client.post(reverse("curate_complaint", args=[complaint.pk]), given).status_code == 400


def test_it_is_decided_once(cleo: Account, complaint: Complaint):
    decide(complaint, cleo)
    with pytest.raises(ValidationError, match="meanwhile"):
        decide(complaint, with_role("dora"), upheld=False)


def test_an_account_that_is_gone_is_not_suspended_and_gets_no_letter(ada, bob, cleo, complaint):
    Account.objects.filter(pk=bob.pk).update(is_active=False)
    with pytest.raises(ValidationError, match="nobody can be suspended"):
        decide(complaint, cleo, days=7)
    decide(complaint, cleo, removes=True)
    assert Letter.objects.get().to == ada.email


def test_an_invitation_can_be_upheld_too(ada: Account, bob: Account, cleo: Account, lab):
    complaint = moderation.complain(ada, invite(bob, lab), "spam", "", shows_before=True)
    assert not complaint.shows_before
    decide(complaint, cleo, days=365, removes=True)
    assert conversing.suspension_of(bob, timezone.now() + timedelta(days=364))


def test_a_complaint_is_a_case_of_the_inbox_until_it_is_decided(cleo: Account, complaint: Complaint):
    def counted() -> int:
        sections = inbox.overview(inbox.Filters.of(cleo, {}))
        return next(section.count for section in sections if section.kind == inbox.COMPLAINTS)

    assert counted() == 1
    decide(complaint, cleo)
    assert counted() == 0


def test_who_is_complained_of_does_not_learn_it_from_the_archive(bob: Account, complaint: Complaint):
    assert "He insults me." not in str(records.gathered(bob))
    assert not [rows for section, rows in records.gathered(bob).items() if "complain" in section and rows]


# --- what is public ---------------------------------------------------------------------------------------------------

PUBLIC = ("comment", "review", "collection")


@pytest.fixture(params=PUBLIC)
def public(request: pytest.FixtureRequest, bob: Account, paper: Paper) -> Post | Collection:
    """What Bob wrote for everybody."""
    if request.param == "comment":
        return comment(bob, paper, "A very bad word")
    if request.param == "review":
        return review(bob, paper, concerns="A very bad word")
    made = collecting.make(bob, "Fools", "A very bad word", "public", timezone.now())
    collecting.put_back(made, paper.pk, "A note on it", timezone.now())
    return made


def where(subject: Any) -> str:
    return reverse(f"complain_{moderation.column_of(subject)}", args=[subject.pk])


def test_any_reader_reports_what_is_public_once_and_its_writer_does_not(client, ada, bob, public):
    client.force_login(bob)
    assert client.get(where(public)).status_code == 404
    assert client.post(where(public), form()).status_code == 404
    for who in (ada, account("eve")):
        client.force_login(who)
        assert "A very bad word" in client.get(where(public)).content.decode()
        assert client.post(where(public), form())["Location"] == where(public)
        assert client.post(where(public), form()).status_code == 400
        assert "You reported it" in client.get(where(public)).content.decode()
    assert [complaint.about for complaint in Complaint.objects.all()] == [bob, bob]
    assert "shows_before" not in client.get(where(public)).content.decode()
    client.logout()
    assert client.get(where(public))["Location"].startswith(reverse("account_login"))


def test_one_form_reports_and_blocks_its_writer(client: Client, ada: Account, bob: Account, public):
    client.force_login(ada)
    client.post(where(public), form(block="on"))
    assert Block.objects.get(account=ada).blocked == bob


def test_what_is_not_public_is_not_reported(client: Client, ada: Account, bob: Account, paper: Paper):
    made = collecting.make(bob, "Mine", "", "private", timezone.now())
    gone = comment(bob, paper)
    posting.withdraw(bob, gone, timezone.now())
    client.force_login(ada)
    for subject in (made, gone):
        assert client.post(where(subject), form()).status_code == 404
        with pytest.raises(PermissionDenied):
            moderation.complain(ada, subject, "spam", "")
    assert not Complaint.objects.exists()


def test_a_collection_shared_by_link_is_reported_by_who_has_the_link(client: Client, ada: Account, bob: Account):
    made = collecting.make(bob, "For friends", "A very bad word", "link", timezone.now())
    client.force_login(ada)
    assert client.post(where(made), form()).status_code == 404
    address = f"{where(made)}?key={made.key}"
    said = client.get(address).content.decode()
    assert f'action="{address}"' in said
    assert reverse("collection_shared", args=[made.key]) in said
    assert client.post(address, form()).status_code == 302
    assert "You reported it" in client.get(where(made)).content.decode()


def test_a_curator_reads_the_words_as_they_were_reported(client: Client, ada: Account, bob: Account, cleo, public):
    complaint = moderation.complain(ada, public, "abuse", "He insults everybody.")
    if isinstance(public, Collection):
        assert "A note on it" in complaint.quoted
        collecting.edit(public, "Friends", "A better word", "public", timezone.now())
    else:
        column = "text" if public.kind == "comment" else "concerns"
        posting.edit(bob, public, {column: "A better word"}, timezone.now())
    said = read(client, cleo, complaint)
    assert "A very bad word" in said
    assert "Since then it was changed" in said
    assert "A better word" in said
    if isinstance(public, Collection):
        collecting.delete(public)
        assert not collecting.mine(bob)
        assert not CollectionItem.objects.exists()
        with pytest.raises(ValidationError, match="no more"):
            collecting.edit(public, "Friends", "", "public", timezone.now())
    else:
        posting.withdraw(bob, public, timezone.now())
    said = read(client, cleo, complaint)
    assert "A very bad word" in said
    assert "its writer has withdrawn it" in said
    for name in ("curate", "curate_complaints"):
        assert "bad word" not in client.get(reverse(name)).content.decode()
    for who in (ada, bob):
        assert "A very bad word" not in str(records.gathered(who)["complaints"])
    assert decide(complaint, cleo, removes=True).about == bob
    client.force_login(ada)
    assert "Thank you." in client.get(where(public)).content.decode()


def test_upheld_it_is_hidden_its_writer_is_told_and_it_can_be_put_back(client, ada, bob, cleo, public):
    complaint = moderation.complain(ada, public, "abuse", "")
    client.force_login(cleo)
    address = reverse("curate_complaint", args=[complaint.pk])
    given = {"step": "uphold", "answer": "Thank you.", "reason": "No insults.", "removes": "on", "days": "7"}
    assert client.post(address, given).status_code == 302
    public.refresh_from_db()
    assert public.hidden_at
    assert "No insults." in conversing.suspended(Suspension.objects.get(account=bob))
    answer, told = Letter.objects.order_by("pk")
    assert (answer.to, told.to) == (ada.email, bob.email)
    assert "It was hidden: you alone still see it." in told.text
    assert "ada" not in (told.text + told.subject).lower()
    Letter.objects.all().delete()

    assert "Put it back" in client.get(address).content.decode()
    assert client.post(address, {"step": "put back"}).status_code == 302
    public.refresh_from_db()
    assert public.hidden_at is None
    letter = Letter.objects.get()
    assert (letter.to, letter.subject) == (bob.email, "BZPEER shows again what you wrote")
    assert public.get_absolute_url() in letter.text
    assert client.post(address, {"step": "put back"}).status_code == 400
    verbs = JournalEntry.objects.filter(subject_id=public.pk).order_by("pk").values_list("verb", flat=True)
    assert [verb for verb in verbs if verb in ("removed", "put back")] == ["removed", "put back"]
    assert "A very bad word" not in str(list(JournalEntry.objects.values()))


def test_dismissed_it_stays_where_it_is(client: Client, ada: Account, cleo: Account, public):
    complaint = moderation.complain(ada, public, "abuse", "")
    decide(complaint, cleo, upheld=False, removes=True)
    public.refresh_from_db()
    assert public.hidden_at is None
    assert "Put it back" not in read(client, cleo, complaint)


def test_a_curator_who_reported_it_too_or_wrote_the_paper_does_not_judge(client, ada: Account, bob, paper: Paper):
    subject = review(bob, paper, concerns="It is wrong.")
    complaint = moderation.complain(ada, subject, "other", "")
    mallory, author = with_role("mallory"), claiming(with_role("charles"), "Charles Babbage")
    moderation.complain(mallory, subject, "other", "")
    for who in (mallory, author):
        client.force_login(who)
        address = reverse("curate_complaint", args=[complaint.pk])
        assert client.get(address).status_code == 403
        for step in ({"step": "dismiss", "answer": "No."}, {"step": "put back"}):
            assert client.post(address, step).status_code == 403
    assert read(client, with_role("dora"), complaint)
