"""Reviews and comments: who may write what, what is kept of it, in which order it stands, and how it is taken back."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import BadRequest, ValidationError
from django.db import connection, connections, transaction
from django.utils import timezone

from bzpeer import rollbacks
from papers import limits
from papers.limits import DAY, LIMITS, Limit
from papers.models import Batch, Paper
from profiles import conversing, moderation
from profiles.accounts import leaving, records
from profiles.feedback import posting
from profiles.models import Account, Assignment, Author, Claim, Collection, CollectionItem, Post
from tests.conftest import fact, with_role
from tests.profiles.test_conversing import account, suspend

pytestmark = pytest.mark.django_db

VISITOR = AnonymousUser()


@pytest.fixture
def paper(bring: Callable[..., Batch]) -> Paper:
    bring(fact("2001.00001", ["Ada Lovelace", "Charles Babbage"], "Engines"))
    return Paper.objects.get()


@pytest.fixture
def eve() -> Account:
    """A reader."""
    return account("eve")


@pytest.fixture
def ada(paper: Paper) -> Account:
    """An author of the paper, who has proved it."""
    return claiming(account("ada"), "Ada Lovelace")


def claiming(who: Account, name: str, level: int = 3) -> Account:
    author = Author.objects.get(name=name)
    Author.objects.filter(pk=author.pk).update(account=who)
    Claim.objects.create(author=author, account=who, state=Claim.State.HELD, level=level)
    return who


def comment(
    who: Account, paper: Paper, text: str = "How long did it run?", answers: Post | None = None, token: Any = None
) -> Post:
    return posting.write(who, paper, "comment", {"text": text}, token or uuid4(), timezone.now(), answers)


def review(who: Account, paper: Paper, token: UUID | None = None, **words: str) -> Post:
    return posting.write(who, paper, "review", words or {"strengths": "Clear."}, token or uuid4(), timezone.now())


def refused(do: Callable[[], Any]) -> str:
    """Why nothing was written."""
    before = list(Post.objects.order_by("pk").values())
    with pytest.raises(ValidationError) as error:
        do()
    assert list(Post.objects.order_by("pk").values()) == before
    return " ".join(error.value.messages)


def shown(paper: Paper, kind: str = "comment", reader: Any = VISITOR, cursor: str = "") -> list[list[str]]:
    """The texts by thread; "…" where a page begins in the middle of one."""
    found = posting.page(paper, kind, reader, cursor).threads
    return [[one.first.post.text if one.first else "…", *(answer.post.text for answer in one.answers)] for one in found]


# --- the text ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("<script>alert(1)</script> runs", "<script>alert(1)</script> runs"),
        ("{{ 7|add:7 }} & \\url{x}", "{{ 7|add:7 }} & \\url{x}"),
        ("one\u202eowt\u2066 three\u200b", "oneowt three"),
        ("a\0b\x1b[31m", "ab[31m"),
        ("  Dear,\r\n\r\n\r\n  indented  \n", "  Dear,\n\n  indented"),
        ("这个结果是否可靠？", "这个结果是否可靠？"),
        ("كيف قستم ذلك؟", "كيف قستم ذلك؟"),
        ("e\u0301tude 👍🏽 done", "étude 👍🏽 done"),
        ("See https://example.org/data for the raw data.", "See https://example.org/data for the raw data."),
        ("10.1000/xyz123", "10.1000/xyz123"),
        ("x" * 10_000, "x" * 10_000),
    ],
)
def test_text_is_kept_as_text(eve: Account, paper: Paper, typed: str, kept: str):
    made = comment(eve, paper, typed)
    made.refresh_from_db()
    assert made.text == kept


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "Write something first."),
        (" \n\t ", "Write something first."),
        ("\u200b\u202e", "Write something first."),
        ("\u3164\u2800", "Say it in words."),
        ("👍👍👍", "Say it in words."),
        ("...", "Say it in words."),
        ("https://example.org/buy", "A link by itself"),
        ("www.example.com\nexample[.]org/x me@example.com", "A link by itself"),
        ("Look: https://example.org/" + "a" * 5_000, "A link by itself"),
        ("x" * 10_001, "At most 10,000 characters."),
        ("x" * 1_000_000, "At most 10,000 characters."),
    ],
)
def test_what_is_no_comment_is_refused_with_a_sentence(eve: Account, paper: Paper, typed: str, said: str):
    assert said in refused(lambda: comment(eve, paper, typed))


def test_a_review_needs_one_part_and_names_the_part_that_is_wrong(eve: Account, paper: Paper):
    assert refused(lambda: review(eve, paper, strengths=" ", concerns="")) == "Fill in at least one part."
    said = refused(lambda: review(eve, paper, strengths="x" * 10_001, concerns="y" * 10_001, text="Good."))
    assert said == "Strengths: At most 10,000 characters. Concerns: At most 10,000 characters."
    made = review(eve, paper, concerns="No baseline.", text="Well written.")
    assert posting.parts(made) == [("Concerns", "No baseline."), ("Anything else", "Well written.")]


# --- who may ----------------------------------------------------------------------------------------------------------


def test_a_form_that_is_sent_twice_is_one_post_and_somebody_elses_form_is_none(eve: Account, paper: Paper):
    token = uuid4()
    assert comment(eve, paper, token=token) == comment(eve, paper, "Once more?", token=token)
    assert review(eve, paper) == Post.objects.get(kind="review")
    for other in (lambda: comment(account("bob"), paper, token=token), lambda: review(account("cy"), paper, token)):
        assert "sent already" in refused(other)


def test_an_account_has_one_review_of_a_paper_until_it_is_withdrawn(eve: Account, paper: Paper):
    first = review(eve, paper)
    assert "Edit your review" in refused(lambda: review(eve, paper))
    posting.withdraw(eve, first, timezone.now())
    assert review(eve, paper).pk != first.pk
    assert len(shown(paper, "review")) == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("same", [True, False])
def test_of_two_reviews_sent_at_once_one_is_kept(eve: Account, bring: Callable[..., Batch], same: bool):
    bring(fact("2001.00001", ["Ada Lovelace"], "Engines"))
    paper, token, said = Paper.objects.get(), uuid4(), list[str]()
    start = threading.Barrier(2)

    def send() -> None:
        start.wait()
        try:
            review(eve, paper, token if same else None)
        except ValidationError as error:
            said.extend(error.messages)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=send) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert Post.objects.count() == 1
    assert len(said) == (0 if same else 1)


def test_authors_comment_and_do_not_review_their_own_paper(ada: Account, paper: Paper):
    assert "do not review their own work" in refused(lambda: review(ada, paper))
    comment(ada, paper)
    bob = claiming(account("bob"), "Charles Babbage", level=2)
    assert "do not review their own work" in refused(lambda: review(bob, paper))
    Assignment.objects.filter(author__account=bob).update(state=Assignment.State.REJECTED)
    assert review(bob, paper).pk


@pytest.mark.parametrize(
    ("change", "is_marked"),
    [
        (lambda a: None, True),
        (lambda a: Claim.objects.update(level=2), False),
        (lambda a: Claim.objects.update(state=Claim.State.RELEASED), False),
        (lambda a: Author.objects.filter(pk=a.pk).update(visibility=Author.Visibility.NOTICE), False),
        (lambda a: Assignment.objects.filter(author=a).update(state=Assignment.State.REJECTED), False),
        (lambda a: Assignment.objects.filter(author=a).update(state=Assignment.State.WEAK), True),
        (lambda a: Claim.objects.create(author=a, account=account("rival"), state="disputed", level=3), False),
        (lambda a: Claim.objects.create(author=a, account=account("rival"), state="disputed", level=2), True),
    ],
)
def test_an_author_of_the_paper_is_marked_where_that_is_proved(
    ada: Account, paper: Paper, change: Callable[[Author], Any], is_marked: bool
):
    comment(ada, paper)
    author = Author.objects.get(name="Ada Lovelace")
    change(author)
    one = posting.page(paper, "comment", VISITOR).threads[0].first
    assert one
    assert one.receipt == (f"/works/{paper.pk}/attribution/{author.pk}/" if is_marked else "")


def test_a_suspended_account_writes_and_edits_nothing_and_may_withdraw(eve: Account, paper: Paper):
    made = comment(eve, paper)
    suspend(eve)
    for do in (lambda: comment(eve, paper), lambda: review(eve, paper)):
        assert "suspended you" in refused(do)
    assert "suspended you" in refused(lambda: posting.edit(eve, made, {"text": "Another"}, timezone.now()))
    assert posting.withdraw(eve, made, timezone.now()).text == ""


def test_who_is_better_known_may_write_more(eve: Account, ada: Account, paper: Paper, monkeypatch: Any):
    asked: list[str] = []
    monkeypatch.setattr(limits, "take", lambda name, key: asked.append(name))
    comment(eve, paper)
    Account.objects.filter(pk=ada.pk).update(date_joined=timezone.now() - timedelta(days=8))
    comment(ada, paper)
    assert asked == ["post_new", "post"]
    assert LIMITS["post_new"][-1].most < LIMITS["post"][-1].most


def test_past_the_limit_nothing_is_written_and_what_was_refused_is_not_counted(eve, paper, monkeypatch):
    monkeypatch.setitem(LIMITS, "post_new", (Limit(1, DAY),))
    refused(lambda: comment(eve, paper, ""))
    comment(eve, paper)
    with pytest.raises(limits.TooMany):
        comment(eve, paper)


def test_who_is_blocked_does_not_answer_and_who_blocks_does_not_either(eve: Account, ada: Account, paper: Paper):
    hers, his = comment(ada, paper, "Ask me."), comment(eve, paper, "Why so?")
    conversing.block(ada, eve, timezone.now())
    assert refused(lambda: comment(eve, paper, answers=hers)) == "Nothing can be sent to this account."
    assert "Take the block back" in refused(lambda: comment(ada, paper, answers=his))
    bob = account("bob")
    assert comment(bob, paper, answers=hers)
    under_his = comment(ada, paper, "To whom it may concern.", comment(bob, paper))
    assert "Nothing can be sent" in refused(lambda: comment(eve, paper, answers=under_his))
    assert comment(eve, paper, "In a thread of my own.")


# --- threads ----------------------------------------------------------------------------------------------------------


def test_an_answer_to_an_answer_stands_in_the_same_thread(eve: Account, ada: Account, paper: Paper):
    one = comment(eve, paper, "one")
    comment(eve, paper, "two")
    first = comment(ada, paper, "answer to one", one)
    comment(eve, paper, "answer to the answer", first)
    assert shown(paper) == [["one", "answer to one", "answer to the answer"], ["two"]]
    assert shown(paper, "review") == []


def test_what_is_not_there_is_not_answered_and_its_thread_goes_on(eve: Account, ada: Account, paper: Paper):
    one = comment(eve, paper, "one")
    first = comment(ada, paper, "answer", one)
    posting.withdraw(eve, one, timezone.now())
    assert "not there any more" in refused(lambda: comment(ada, paper, answers=one))
    comment(eve, paper, "on we go", first)
    assert shown(paper) == [["", "answer", "on we go"]]


def test_a_page_begins_where_the_last_one_ended_also_in_the_middle_of_a_thread(eve, paper, monkeypatch):
    monkeypatch.setattr(limits, "take", lambda *_: None)
    monkeypatch.setattr(posting, "LISTED", 3)
    one, two = comment(eve, paper, "1"), comment(eve, paper, "2")
    made = {text: comment(eve, paper, text, one) for text in ("1a", "1b", "1c")}
    comment(eve, paper, "2a", two)
    pages, cursor = [], ""
    while True:
        pages.append(shown(paper, cursor=cursor))
        cursor = posting.page(paper, "comment", VISITOR, cursor).following
        if not cursor:
            break
    assert pages == [[["1", "1a", "1b"]], [["…", "1c"], ["2", "2a"]]]
    assert posting.place(made["1b"]) == ""
    assert shown(paper, cursor=posting.place(made["1c"]))[0] == ["…", "1c"]
    assert shown(paper, cursor=posting.place(two))[0] == ["2", "2a"]


@pytest.mark.parametrize("cursor", ["x", "1", "1~", "~1", "-1~1", "1~1~1", "1" * 19 + "~1", "١~١"])
def test_a_cursor_that_was_not_made_here_is_a_bad_request(paper: Paper, cursor: str):
    with pytest.raises(BadRequest):
        posting.page(paper, "comment", VISITOR, cursor)


# --- afterwards -------------------------------------------------------------------------------------------------------


def test_an_edit_is_dated_and_the_same_words_are_none(eve: Account, paper: Paper):
    made = comment(eve, paper, "Wiht a misprint")
    assert posting.edit(eve, made, {"text": "Wiht a misprint "}, timezone.now()).edited_at is None
    made = posting.edit(eve, made, {"text": "With none", "strengths": "Not a comment's"}, timezone.now())
    assert (made.text, made.strengths) == ("With none", "")
    assert made.edited_at is not None
    assert "Write something" in refused(lambda: posting.edit(eve, made, {"text": " "}, timezone.now()))
    with pytest.raises(Post.DoesNotExist):
        posting.edit(account("bob"), made, {"text": "Mine"}, timezone.now())


def test_withdrawn_it_is_empty_keeps_its_place_and_is_not_written_again(eve: Account, paper: Paper):
    made = review(eve, paper, strengths="a1", concerns="b2", questions="c3", text="d4")
    for _ in range(2):
        posting.withdraw(eve, made, timezone.now())
    row = Post.objects.filter(pk=made.pk).values().get()
    assert not any(row[column] for column in ("strengths", "concerns", "questions", "text"))
    assert "You have withdrawn this." in refused(lambda: posting.edit(eve, made, {"text": "Again"}, timezone.now()))
    with pytest.raises(Post.DoesNotExist):
        posting.withdraw(account("bob"), made, timezone.now())


def test_whatever_changes_what_counts_has_the_trend_counted_again(eve, paper, monkeypatch):
    counted: list[list[int]] = []
    monkeypatch.setattr("profiles.feedback.trending.refresh", lambda papers, by=None: counted.append([*papers]))
    made = comment(eve, paper)
    assert counted == [[paper.pk]]
    complaint = moderation.complain(account("bob"), made, "spam", "")
    cleo = with_role("cleo")
    moderation.decide(cleo, complaint, "So.", timezone.now(), upheld=True, reason="Spam.", removes=True)
    moderation.put_back(cleo, complaint)
    posting.withdraw(eve, made, timezone.now())
    assert counted == 4 * [[paper.pk]]


def test_what_an_account_wrote_stays_without_its_name_when_it_leaves(eve: Account, paper: Paper):
    comment(eve, paper, "It stays.")
    assert [row["text"] for row in records.gathered(eve)["posts"]] == ["It stays."]
    leaving.delete(eve, timezone.now())
    one = posting.page(paper, "comment", VISITOR).threads[0].first
    assert one
    assert (one.post.text, one.who.name) == ("It stays.", "an account that is no more")


# --- the paper goes ---------------------------------------------------------------------------------------------------


def forbids() -> list[str]:
    [record] = Batch.objects.get().records.all()
    return [objection.sentence for objection in rollbacks.against(record)]


def test_an_import_is_not_rolled_back_over_what_was_written_about_its_papers(eve: Account, paper: Paper):
    assert forbids() == []
    made, _other = comment(eve, paper), review(account("bob"), paper)
    assert forbids() == ["2 reviews and comments were written about the paper."]
    record = Batch.objects.get().records.get()
    assert rollbacks.undo([record.pk], None).records == []
    posting.withdraw(eve, made, timezone.now())
    assert forbids() == ["1 review or comment was written about the paper."]
    posting.withdraw(Account.objects.get(username="bob"), _other, timezone.now())
    assert forbids() == []
    assert rollbacks.undo([record.pk], None).records == [record.pk]


def test_nor_over_what_a_curator_is_to_look_at_or_a_note_in_a_collection(eve: Account, paper: Paper):
    made = comment(eve, paper)
    moderation.complain(account("bob"), made, "spam", "")
    posting.withdraw(eve, made, timezone.now())
    assert forbids() == ["1 review or comment was written about the paper."]
    Post.objects.all().delete()
    collection = Collection.objects.create(account=eve, name="Saved", is_saved=True)
    CollectionItem.objects.create(collection=collection, paper=paper)
    assert forbids() == []
    CollectionItem.objects.update(note="The first engine.")
    assert forbids() == ["A reader has written a note on the paper in a collection."]


def test_a_record_that_only_changed_the_paper_may_go(eve: Account, paper: Paper, bring: Callable[..., Batch]):
    comment(eve, paper)
    later = bring(fact("2001.00001", ["Ada Lovelace", "Charles Babbage"], "Engines, revised", updated="2021-01-01"))
    assert rollbacks.against(later.records.get()) == []


@pytest.mark.django_db(transaction=True)
def test_a_post_and_the_end_of_its_paper_at_once_lose_no_words(eve: Account, bring: Callable[..., Batch]):
    """The rollback has looked for obstacles; the post, which comes then, waits and is refused with a sentence."""
    record = bring(fact("2001.00001", ["Ada Lovelace"], "Engines")).records.get()
    paper, said = Paper.objects.get(), list[str]()

    def send() -> None:
        try:
            comment(eve, paper)
        except ValidationError as error:
            said.extend(error.messages)
        finally:
            connections.close_all()

    thread = threading.Thread(target=send)
    with transaction.atomic():
        assert rollbacks.undo([record.pk], None).records == [record.pk]
        thread.start()
        for _ in waiting_for_a_lock():
            pass
    thread.join(60)
    assert said == ["This paper was taken away meanwhile."]
    assert not Post.objects.exists()


def waiting_for_a_lock() -> Iterator[None]:
    """Until another connection waits for a lock of this one."""
    asked = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    with connection.cursor() as cursor:
        while True:
            cursor.execute(asked)
            if cursor.fetchone()[0]:
                return
            yield
