"""Saved papers and collections: twice is once, limits hold, words are harmless, and nobody sees what is not theirs."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import BadRequest, ValidationError
from django.db import connection
from django.utils import timezone

from bzpeer import rollbacks
from papers import limits
from papers.models import Batch, Paper
from profiles.accounts import leaving
from profiles.accounts.records import gathered
from profiles.feedback import collecting, trending
from profiles.models import Account, Author, Claim, Collection, CollectionItem, Suspension
from tests.conftest import fact

pytestmark = pytest.mark.django_db
commits = pytest.mark.django_db(transaction=True)

PRIVATE, LINK, PUBLIC = "private", "link", "public"


@pytest.fixture
def ann(db: None) -> Account:
    return Account.objects.create_user("ann", "ann@example.org")


@pytest.fixture
def bob(db: None) -> Account:
    return Account.objects.create_user("bob", "bob@example.org")


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """The papers whose trend was counted anew, call by call."""
    calls: list[list[int]] = []
    monkeypatch.setattr(trending, "refresh", lambda papers, by=None: calls.append(list(papers)))
    return calls


def now() -> datetime:
    return timezone.now()


def paper(title: str = "On eels") -> Paper:
    return Paper.objects.create(title=title, title_text=title, fingerprint=title[:32], source="test")


def made(account: Account, name: str = "Eels", visibility: str = PRIVATE, *papers: Paper) -> Collection:
    collection = collecting.make(account, name, "", visibility, now())
    for one in papers:
        collecting.put_back(collection, one.pk, "", now())
    return collection


def held(collection: Collection) -> list[str]:
    items, _following = collecting.listed(collection)
    return [item.paper.title for item in items]


def saved(account: Account) -> list[str]:
    found = Collection.objects.filter(account=account, is_saved=True).first()
    return held(found) if found else []


def refusal(do: Callable[[], Any]) -> str:
    with pytest.raises(ValidationError) as refused:
        do()
    return " ".join(refused.value.messages)


# --- saving ----------------------------------------------------------------------------------------------------------


def test_what_is_saved_twice_is_there_once_and_what_is_not_there_can_be_taken_out(ann: Account):
    one = paper()
    collecting.unsave(ann, one.pk)
    collecting.save(ann, one.pk, now())
    collecting.save(ann, one.pk, now())
    assert saved(ann) == ["On eels"]
    collecting.unsave(ann, one.pk)
    collecting.unsave(ann, one.pk)
    assert saved(ann) == []


def test_saved_papers_are_private_and_can_be_neither_shared_nor_deleted(ann: Account, bob: Account):
    collecting.save(ann, paper().pk, now())
    found = Collection.objects.get()
    assert (found.visibility, str(found), found.name) == (PRIVATE, "Saved papers", "")
    assert refusal(lambda: collecting.edit(found, "Mine", "", PUBLIC, now())).startswith("Your saved papers stay")
    assert refusal(lambda: collecting.delete(found)).startswith("Your saved papers stay")
    assert not collecting.seen_by(bob).exists()


def test_every_change_counts_the_paper_anew(ann: Account, counted: list[list[int]]):
    one = paper()
    collecting.save(ann, one.pk, now())
    collecting.unsave(ann, one.pk)
    collection = made(ann, "Eels", PRIVATE, one)
    collecting.choose(ann, one.pk, [], [collection.pk], "", now())
    collecting.put_back(collection, one.pk, "", now())
    collecting.take_out(collection, one.pk)
    assert counted == [[one.pk]] * 6
    collecting.put_back(collection, one.pk, "", now())
    collecting.delete(collection)
    assert counted[6:] == [[one.pk]] * 2


def test_a_paper_that_is_gone_is_a_sentence(ann: Account):
    assert refusal(lambda: collecting.save(ann, 987_654, now())) == "This paper is here no more."


def test_a_new_account_keeps_less_in_an_hour_than_one_that_proved_who_it_is(
    ann: Account, bob: Account, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(limits.LIMITS, "save_new", (limits.Limit(1, 60),))
    monkeypatch.setitem(limits.LIMITS, "save", (limits.Limit(2, 60),))
    Account.objects.filter(pk=bob.pk).update(date_joined=now() - timedelta(days=30))
    bob.refresh_from_db()
    Claim.objects.create(author=Author.objects.create(name="Bob"), account=bob, state=Claim.State.HELD, level=3)
    papers = [paper(f"On eels {n}") for n in range(3)]
    for account, most in ((ann, 1), (bob, 2)):
        for one in papers[:most]:
            collecting.save(account, one.pk, now())
        with pytest.raises(limits.TooMany, match="too much at once"):
            collecting.save(account, papers[most].pk, now())
        collecting.save(account, papers[0].pk, now())  # again costs nothing
        assert len(saved(account)) == most


def test_a_full_collection_says_so(ann: Account, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(collecting, "MOST_PAPERS", 2)
    collection = made(ann, "Eels", PRIVATE, paper("One"), paper("Two"))
    said = refusal(lambda: collecting.put_back(collection, paper("Three").pk, "", now()))
    assert said == "“Eels” holds 2 papers, which is the most. Take one out first."


# --- choosing --------------------------------------------------------------------------------------------------------


def test_a_paper_goes_into_several_and_a_new_one_at_once(ann: Account):
    one, (eels, cells) = paper(), (made(ann, name) for name in ("Eels", "Cells"))
    into = collecting.choose(ann, one.pk, [eels.pk], [cells.pk], "Later", now())
    assert {str(collection) for collection in into} == {"Eels", "Later"}
    assert (held(eels), held(cells), len(collecting.mine(ann))) == (["On eels"], [], 3)


def test_two_tabs_do_not_undo_each_other(ann: Account):
    """Both forms were made when the paper was in neither: each says only what it changes."""
    one, (eels, cells) = paper(), (made(ann, name) for name in ("Eels", "Cells"))
    collecting.choose(ann, one.pk, [eels.pk], [], "", now())
    collecting.choose(ann, one.pk, [cells.pk], [], "", now())
    collecting.choose(ann, one.pk, [cells.pk], [], "", now())
    assert held(eels) == held(cells) == ["On eels"]


def test_a_collection_of_another_or_a_deleted_one_is_a_sentence_and_nothing_changes(ann: Account, bob: Account):
    one, eels, theirs = paper(), made(ann), made(bob, "Theirs", PUBLIC)
    for other in (theirs.pk, 987_654):
        said = refusal(lambda other=other: collecting.choose(ann, one.pk, [eels.pk, other], [], "", now()))  # type: ignore[misc]
        assert said == "One of these collections is no more. Choose again."
    collecting.choose(ann, one.pk, [], [theirs.pk], "", now())
    assert held(eels) == held(theirs) == []


def test_of_a_name_that_is_taken_nothing_is_made(ann: Account, bob: Account):
    one = paper()
    made(ann, "Eels")
    made(bob, "Eels")
    for name in ("Eels", "eels", " Eels "):
        said = refusal(lambda name=name: collecting.choose(ann, one.pk, [], [], name, now()))  # type: ignore[misc]
        assert said == "You have a collection of this name already."
    assert not CollectionItem.objects.exists()


def test_there_is_a_most_of_collections(ann: Account, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(collecting, "MOST", 1)
    collecting.save(ann, paper().pk, now())  # is not one of them
    made(ann, "One")
    assert refusal(lambda: made(ann, "Two")) == "You have 1 collections, which is the most. Delete one first."


@commits
def test_of_the_same_from_many_tabs_at_once_one_is_made_and_the_others_are_a_sentence(ann: Account):
    one = paper()

    def at_once(do: Callable[[], Any]) -> list[str]:
        def one_tab(_n: int) -> str:
            try:
                do()
                return ""
            except ValidationError as refused:
                return " ".join(refused.messages)
            finally:
                connection.close()

        with ThreadPoolExecutor(4) as tabs:
            return sorted(tabs.map(one_tab, range(4)))

    taken = "You have a collection of this name already."
    assert at_once(lambda: collecting.make(ann, "Eels", "", PUBLIC, now())) == ["", taken, taken, taken]
    assert at_once(lambda: collecting.save(ann, one.pk, now())) == [""] * 4
    eels = Collection.objects.get(name="Eels")
    assert at_once(lambda: collecting.put_back(eels, one.pk, "", now())) == [""] * 4
    assert saved(ann) == held(eels) == ["On eels"]


# --- words -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  Eels \n of the  North ", "Eels of the North"),
        ("Eels\u202egnp.exe\u200b\0", "Eelsgnp.exe"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ("Cafe\u0301", "Café"),
    ],
)
def test_a_name_is_one_line_of_what_can_be_read(ann: Account, typed: str, kept: str):
    assert made(ann, typed).name == kept


@pytest.mark.parametrize(
    ("name", "about", "said"),
    [
        ("", "", "Write something first."),
        ("\u200b\u202e \0", "", "Write something first."),
        ("x" * 121, "", "At most 120 characters."),
        ("x" * 1_000_000, "", "At most 120 characters."),
        ("Eels", "x" * 1_000_000, "At most 2,000 characters."),
        ("https://evil.example/", "", "Say it in words: a link alone tells nobody what it is."),
        ("Eels", "WWW.evil.example http://evil.example!!", "Say it in words: a link alone tells nobody what it is."),
    ],
)
def test_what_cannot_be_kept_is_a_sentence(ann: Account, name: str, about: str, said: str):
    assert refusal(lambda: collecting.make(ann, name, about, PRIVATE, now())) == said
    assert not Collection.objects.exists()


def test_who_sees_it_is_one_of_three(ann: Account):
    assert refusal(lambda: made(ann, "Eels", "everyone")) == "Say who sees it."


def test_a_note_is_kept_changed_and_taken_away(ann: Account):
    one = paper()
    eels = made(ann, "Eels", PRIVATE, one)
    for typed, kept in (("Read\u202e this. \n\n", "Read this."), ("", "")):
        collecting.annotate(eels, one.pk, typed, now())
        assert eels.items.get().note == kept
    collecting.take_out(eels, one.pk)
    assert "Put it back first" in refusal(lambda: collecting.annotate(eels, one.pk, "x", now()))


def test_what_was_deleted_meanwhile_is_a_sentence(ann: Account):
    one = paper()
    eels = made(ann, "Eels", PRIVATE, one)
    collecting.delete(Collection.objects.get(pk=eels.pk))
    for change in (
        lambda: collecting.edit(eels, "Eels", "", PUBLIC, now()),
        lambda: collecting.annotate(eels, one.pk, "x", now()),
        lambda: collecting.put_back(eels, one.pk, "", now()),
        lambda: collecting.take_out(eels, one.pk),
    ):
        assert refusal(change) == "This collection is no more."


def test_a_suspended_account_makes_nothing_public(ann: Account):
    one = paper()
    eels, shown = made(ann), made(ann, "Shown", PUBLIC, one)
    Suspension.objects.create(account=ann, until=now() + timedelta(days=7), reason="Advertising.", made_by=ann)
    for change in (
        lambda: made(ann, "New", PUBLIC),
        lambda: collecting.edit(eels, "Eels", "", LINK, now()),
        lambda: collecting.edit(shown, "Buy eels", "", PUBLIC, now()),
        lambda: collecting.annotate(shown, one.pk, "Buy eels.", now()),
    ):
        assert "Advertising." in refusal(change)
    assert collecting.edit(shown, "Shown", "", PRIVATE, now()).visibility == PRIVATE
    collecting.annotate(shown, one.pk, "For me.", now())


# --- who sees it -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("visibility", "hidden", "stranger", "with_key"),
    [
        (PRIVATE, False, False, False),
        (LINK, False, False, True),
        (PUBLIC, False, True, True),
        (LINK, True, False, False),
        (PUBLIC, True, False, False),
    ],
)
def test_who_sees_a_collection(
    ann: Account, bob: Account, visibility: str, hidden: bool, stranger: bool, with_key: bool
):
    eels = made(ann, "Eels", LINK)
    key = eels.key or ""
    eels = collecting.edit(eels, "Eels", "", visibility, now())
    if hidden:
        Collection.objects.filter(pk=eels.pk).update(hidden_at=now())
    for who in (bob, AnonymousUser()):
        assert collecting.seen_by(who).exists() == stranger
        assert collecting.seen_by(who, key).exists() == with_key
        assert not collecting.seen_by(who, "none").filter(visibility=LINK).exists()
    assert (collecting.by_key(key) is not None) == collecting.shared().exists() == with_key
    assert collecting.public().exists() == stranger
    assert collecting.seen_by(ann).exists()


@pytest.mark.parametrize("key", ["", "\0", "x" * 10_000, "None"])
def test_no_key_of_nobody_opens_anything(ann: Account, key: str):
    made(ann, "Eels", PUBLIC)
    made(ann, "Mine")
    assert collecting.by_key(key) is None
    assert collecting.seen_by(AnonymousUser(), key).count() == 1


def test_a_link_has_a_long_random_key_that_a_new_one_ends(ann: Account):
    eels, cells = (made(ann, name, LINK) for name in ("Eels", "Cells"))
    first = eels.key or ""
    assert len(first) == 43  # 256 bits
    assert first != cells.key
    collecting.new_key(eels)
    assert collecting.by_key(first) is None
    assert collecting.by_key(Collection.objects.get(pk=eels.pk).key or "") == eels
    assert refusal(lambda: collecting.new_key(made(ann, "Mine"))) == "This collection is not shared by a link."


def test_a_link_lives_on_when_it_becomes_public_and_ends_when_it_becomes_private(ann: Account):
    eels = made(ann, "Eels", LINK)
    key = eels.key or ""
    assert collecting.edit(eels, "Eels", "", PUBLIC, now()).key == key
    assert collecting.edit(eels, "Eels", "", PRIVATE, now()).key is None
    assert collecting.edit(eels, "Eels", "", LINK, now()).key not in {key, None}


def test_what_a_closed_account_shared_is_seen_by_nobody(ann: Account):
    key = made(ann, "Eels", LINK).key or ""
    made(ann, "Cells", PUBLIC)
    Account.objects.filter(pk=ann.pk).update(is_active=False)
    assert collecting.by_key(key) is None
    assert not collecting.seen_by(AnonymousUser()).exists()


def test_a_papers_page_names_a_few_public_collections_and_none_else(ann: Account, bob: Account):
    one = paper()
    made(ann, "Mine", PRIVATE, one)
    made(ann, "For friends", LINK, one)
    Collection.objects.filter(pk=made(ann, "Hidden", PUBLIC, one).pk).update(hidden_at=now())
    for n in range(7):
        made(ann, f"Shown {n}", PUBLIC, one)
    kept = collecting.of_paper(one, bob)
    assert (kept.is_saved, kept.own) == (False, [])
    assert [str(collection) for collection in kept.public] == [f"Shown {n}" for n in (6, 5, 4, 3, 2)]
    own = collecting.of_paper(one, ann)
    assert (len(own.own), own.public) == (10, [])


# --- lists -----------------------------------------------------------------------------------------------------------


def test_a_list_is_of_what_was_added_last_first_and_pages_by_key(ann: Account, django_assert_num_queries: Any):
    eels = made(ann, "Eels", PRIVATE, *(paper(f"Eel {n}") for n in range(7)))
    CollectionItem.objects.update(added_at=now())  # all at the same moment: the order is total
    walked, cursor = [], ""
    while True:
        items, cursor = collecting.listed(eels, cursor, 3)
        walked += [item.paper.title for item in items]
        if not cursor:
            break
    assert walked == [f"Eel {n}" for n in range(6, -1, -1)]
    with django_assert_num_queries(4):
        collecting.listed(eels, "", 2)
    with django_assert_num_queries(4):
        collecting.listed(eels, "", 7)


@pytest.mark.parametrize("cursor", ["x", "~", "2020-01-01~1", "2020-01-01T00:00:00+00:00~x", f"9999~{'9' * 40}", "\0"])
def test_a_cursor_that_was_not_made_here_is_refused(ann: Account, cursor: str):
    with pytest.raises(BadRequest):
        collecting.listed(made(ann), cursor)


def test_an_export_reads_in_pieces_and_to_the_end(ann: Account, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(collecting, "PIECE", 2)
    eels = made(ann, "Eels", PRIVATE, *(paper(f"Eel {n}") for n in range(5)))
    assert [one.title for one in collecting.streamed(eels)] == [f"Eel {n}" for n in (4, 3, 2, 1, 0)]


# --- what becomes of it ----------------------------------------------------------------------------------------------


def test_a_paper_that_an_undone_import_takes_away_leaves_the_collections(ann: Account, bring: Callable[..., Batch]):
    batch = bring(fact("2001.00001", ["Ann Aard"], "On eels"))
    eels = made(ann, "Eels", PUBLIC, Paper.objects.get())
    rollbacks.whole(batch, lambda count: None)
    assert (held(eels), Paper.objects.exists()) == ([], False)


def test_collections_go_with_their_account_and_into_its_archive_without_keys(ann: Account, bob: Account):
    one = paper()
    made(ann, "Eels", LINK, one)
    made(bob, "Cells", PUBLIC, one)
    archive = gathered(ann)
    assert [row["name"] for row in archive["collections"]] == ["Eels"]
    assert [row["paper__title_text"] for row in archive["collected"]] == ["On eels"]
    assert "key" not in archive["collections"][0]
    leaving.delete(ann, now())
    assert [collection.name for collection in Collection.objects.all()] == ["Cells"]
    assert CollectionItem.objects.count() == 1
