"""Following: people, topics and names; whoever asks twice gets it once, and nobody else ever learns of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from papers.models import Topic
from profiles import following
from profiles.accounts.records import gathered
from profiles.models import Account, AlertSettings, Author, Follow, Move, NameWatch, OwnWords, TopicFollow
from tests import walking
from tests.conftest import fact

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}


@pytest.fixture
def reader(client: Client) -> Account:
    """A reader, signed in with `client`."""
    account = Account.objects.create_user("reader")
    client.force_login(account)
    return account


@pytest.fixture
def ada(bring: Callable[..., object]) -> Author:
    bring(
        fact("2001.00001", ["Ada Lovelace", "Charles Babbage"], "Engines", created="2021-01-01"),
        fact("2001.00002", ["Ada Lovelace", "Charles Babbage"], "More engines", created="2020-01-01"),
    )
    return Author.objects.get(name="Ada Lovelace")


@pytest.fixture
def charles(ada: Author) -> Author:
    return Author.objects.get(name="Charles Babbage")


def ask(client: Client, author: Author | int, wanted: str = "1", **more: Any) -> Any:
    pk = author if isinstance(author, int) else author.pk
    return client.post(reverse("person_follow", args=[pk]), {"follow": wanted}, **more)


def followed(account: Account) -> list[Author]:
    return [follow.author for follow in Follow.objects.filter(account=account).order_by("pk")]


# --- people ----------------------------------------------------------------------------------------------------------


def test_a_second_click_or_tab_asks_for_the_same_again(client: Client, reader: Account, ada: Author):
    for _again in range(2):
        assert ask(client, ada)["Location"] == ada.get_absolute_url()
        assert followed(reader) == [ada]
    for _again in range(2):
        ask(client, ada, "0")
        assert followed(reader) == []


@pytest.mark.usefixtures("reader")
@pytest.mark.parametrize("said", ["", "2", "yes", "\0"])
def test_a_form_that_does_not_say_what_it_wants_changes_nothing(client: Client, ada: Author, said: str):
    assert ask(client, ada, said).status_code == 400
    assert not Follow.objects.exists()


@pytest.mark.usefixtures("reader")
def test_an_unknown_person_is_not_found(client: Client):
    assert ask(client, 2**40).status_code == 404


@pytest.mark.usefixtures("reader")
def test_the_button_comes_back_and_says_what_the_next_press_does(client: Client, ada: Author):
    html = ask(client, ada, headers=HTMX).content.decode()
    assert 'name="follow" value="0"' in html
    assert 'id="followers"' in html
    assert 'name="follow" value="1"' in ask(client, ada, "0", headers=HTMX).content.decode()


def test_the_profile_counts_followers_and_names_none(client: Client, reader: Account, ada: Author):
    Follow.objects.create(account=reader, author=ada)
    html = Client().get(ada.get_absolute_url()).content.decode()
    assert "<b>1</b>" in html
    assert "Nobody sees who follows." in html
    assert "reader" not in html


def test_a_claimed_person_is_followed_as_any(client: Client, reader: Account, ada: Author):
    ada.account = Account.objects.create_user("ada")
    ada.save()
    ask(client, ada)
    assert followed(reader) == [ada]


def test_who_was_merged_is_followed_as_the_heir_once(client: Client, reader: Account, ada: Author, charles: Author):
    Author.objects.filter(pk=charles.pk).update(merged_into=ada)
    for author in (charles, ada, charles):
        ask(client, author)
    assert followed(reader) == [ada]
    assert [author.pk for author in following.followed(reader)[0]] == [ada.pk]
    ask(client, charles, "0")
    assert followed(reader) == []


@pytest.mark.parametrize("headers", [{}, HTMX])
@pytest.mark.parametrize("how", [Author.Visibility.NOTICE, Author.Visibility.GONE])
def test_a_hidden_person_cannot_be_followed_and_a_sentence_says_so(
    client: Client, reader: Account, ada: Author, charles: Author, how: str, headers: dict[str, str]
):
    Follow.objects.create(account=reader, author=charles)
    Author.objects.filter(pk=ada.pk).update(visibility=how)
    html = ask(client, ada, headers=headers, follow=not headers).content.decode()
    assert "This record is hidden, so it cannot be followed." in html
    assert "Ada" not in html
    assert followed(reader) == [charles]


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_a_record_with_nothing_left_cannot_be_followed(
    client: Client, reader: Account, ada: Author, headers: dict[str, str]
):
    Author.objects.filter(pk=ada.pk).update(works_count=0)
    answer = ask(client, ada, headers=headers)
    html = (answer if headers else client.get(answer["Location"])).content.decode()
    assert "Nothing is left on this record, so it cannot be followed." in html
    assert followed(reader) == []


def test_of_a_record_that_several_people_have_the_reader_is_told_to_choose(
    client: Client, reader: Account, ada: Author, charles: Author
):
    empty = Author.objects.create(name="A. B. L.")
    for heir in (ada, charles):
        Move.objects.create(source=empty, target=heir, kind=Move.Kind.MERGED, count=1, signatures=[], reason="x")
    page = client.get(ask(client, empty)["Location"])
    assert page.status_code == 300
    assert "Follow the one you mean." in page.content.decode()
    assert followed(reader) == []


def test_more_people_than_stated_are_refused_with_a_sentence(
    client: Client, reader: Account, ada: Author, charles: Author, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(following, "MOST_PEOPLE", 1)
    ask(client, ada)
    html = ask(client, charles, headers=HTMX).content.decode()
    assert "You follow 1 people, which is the most." in html
    assert followed(reader) == [ada]
    ask(client, ada)  # again is no second one
    assert followed(reader) == [ada]


# --- topics ----------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("ada")
def test_a_topic_is_followed_from_its_page_and_counts(client: Client, reader: Account):
    topic = Topic.objects.get(name="Machine Learning")
    page, address = topic.get_absolute_url(), reverse("topic_follow", args=[topic.slug])
    assert f'action="{address}"' in client.get(page).content.decode()
    for _again in range(2):
        assert client.post(address, {"follow": "1"})["Location"] == page
        assert TopicFollow.objects.filter(account=reader, topic=topic).count() == 1
    html = client.get(page).content.decode()
    assert 'name="follow" value="0"' in html
    assert '<span class="count">1' in html
    visitor = Client().get(page).content.decode()
    assert '<span class="count">1' in visitor
    assert "/accounts/login/?next=" in visitor
    for _again in range(2):
        client.post(address, {"follow": "0"}, headers=HTMX)
        assert not TopicFollow.objects.exists()


@pytest.mark.usefixtures("ada", "reader")
def test_an_unknown_topic_is_not_found(client: Client):
    assert client.post(reverse("topic_follow", args=["alchemy"]), {"follow": "1"}).status_code == 404


def test_more_topics_than_stated_are_refused_with_a_sentence(
    client: Client, reader: Account, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(following, "MOST_TOPICS", 1)
    one, other = (Topic.objects.create(name=name, slug=name) for name in ("one", "other"))
    client.post(reverse("topic_follow", args=[one.slug]), {"follow": "1"})
    answer = client.post(reverse("topic_follow", args=[other.slug]), {"follow": "1"}, headers=HTMX)
    assert "You follow 1 topics, which is the most." in answer.content.decode()
    assert TopicFollow.objects.get().topic == one


@pytest.mark.django_db(transaction=True)
def test_two_requests_at_once_do_not_pass_the_limit(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(following, "MOST_TOPICS", 1)
    account = Account.objects.create_user("reader")
    topics = [Topic.objects.create(name=str(n), slug=str(n)) for n in range(6)]

    def follow(topic: Topic) -> bool:
        try:
            following.follow_topic(account, topic)
        except ValidationError:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(follow, topics)) == 1
    assert TopicFollow.objects.count() == 1


# --- watched names ---------------------------------------------------------------------------------------------------


def watch(client: Client, name: str, **more: Any) -> Any:
    return client.post(reverse("watches"), {"name": name} | more)


@pytest.mark.usefixtures("ada")
def test_a_name_is_watched_with_its_conditions(client: Client, reader: Account):
    topic = Topic.objects.get(name="Machine Learning")
    assert watch(client, " Ding,  Zixiang", topic=topic.pk, coauthor="Rui Xia", words="emotion").status_code == 302
    made = NameWatch.objects.get()
    assert (made.account, made.name, made.surname_key) == (reader, "Ding, Zixiang", "ding")
    assert (made.topic, made.coauthor, made.words) == (topic, "Rui Xia", "emotion")


@pytest.mark.usefixtures("reader")
@pytest.mark.parametrize("name", ["王伟", "Иван Петров", "João da Silva", "Sukarno", "Wei Wang", "محمد علي"])
def test_a_name_of_any_script_is_watched(client: Client, name: str):
    assert watch(client, name).status_code == 302
    assert NameWatch.objects.get().name == name


@pytest.mark.usefixtures("reader")
@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"name": ""}, "Type the name, as a paper would print it."),
        ({"name": "  "}, "Type the name, as a paper would print it."),
        ({"name": "n" * 300}, "At most 200 characters."),
        ({"name": "n " * 100_000}, "At most 200 characters."),
        ({"name": "Ada\x07 Lovelace"}, "It holds a character that cannot be seen."),
        ({"name": "Ada \u202eLovelace"}, "It holds a character that cannot be seen."),
        ({"name": "12345"}, "A name has at least one letter."),
        ({"name": "<b>Ada Lovelace</b>"}, "A name is written without markup"),
        ({"name": "A. B."}, "This tells nobody apart."),
        ({"name": "et al."}, "This tells nobody apart."),
        ({"name": "Ada Lovelace", "coauthor": "123"}, "A name has at least one letter."),
        ({"name": "Ada Lovelace", "words": "!?"}, "These are no words."),
        ({"name": "Ada Lovelace", "words": "w" * 201}, "At most 200 characters."),
        ({"name": "Ada Lovelace", "topic": "999999999999999999999"}, "There is no such topic."),
        ({"name": "Ada Lovelace", "topic": "x"}, "There is no such topic."),
    ],
)
def test_what_is_no_watch_comes_back_with_a_sentence(client: Client, typed: dict[str, str], sentence: str):
    answer = client.post(reverse("watches"), typed)
    assert answer.status_code == 400
    assert sentence in answer.content.decode()
    assert not NameWatch.objects.exists()


@pytest.mark.usefixtures("reader")
def test_a_name_that_holds_nothing_for_the_database_is_refused(client: Client):
    assert watch(client, "Ada\0 Lovelace").status_code == 400


@pytest.mark.usefixtures("reader")
def test_a_watch_that_differs_only_in_how_it_is_typed_is_the_same(client: Client):
    for name, words in (("Ada Lovelace", "Engine"), ("lovelace, ada", "engine"), ("Ada  Lovelace", "engine ")):
        assert watch(client, name, words=words).status_code == 302
    assert NameWatch.objects.count() == 1
    watch(client, "Ada Lovelace", words="poems")
    assert NameWatch.objects.count() == 2


@pytest.mark.usefixtures("reader")
def test_the_watch_after_the_last_is_refused_with_a_sentence(client: Client):
    for n in range(following.MOST_WATCHES):
        following.watch(Account.objects.get(), "Ada Lovelace", words=f"word{n}")
    answer = watch(client, "Grace Hopper")
    assert answer.status_code == 400
    assert "You watch 50 names, which is the most." in answer.content.decode()
    assert 'value="Grace Hopper"' in answer.content.decode()
    assert NameWatch.objects.count() == 50


@pytest.mark.usefixtures("reader")
def test_a_common_name_says_how_many_bear_it_and_asks_for_more(client: Client, bring: Callable[..., object]):
    bring(
        *(
            fact(f"200{n}.00001", ["Wei Wang", f"{other} Only"], f"On {subject}", categories=[subject])
            for n, (other, subject) in enumerate(
                [("Ann", "cs.LG"), ("Bob", "astro-ph.GA"), ("Cid", "q-bio.NC"), ("Dora", "math.AG")], 1
            )
        )
    )
    people = Author.objects.filter(name="Wei Wang").count()
    assert people >= following.COMMON
    html = client.post(reverse("watches"), {"name": "Wang, Wei"}, follow=True).content.decode()
    assert f"{people} people here are printed so. Add a topic, a coauthor or a word" in html
    assert 'href="/names/Wei%20Wang/"' in html
    narrow = client.post(reverse("watches"), {"name": "Wang, Wei", "words": "moon"}, follow=True).content.decode()
    assert "You hear of new papers that print this name." in narrow


@pytest.mark.usefixtures("ada", "reader")
def test_the_page_of_a_name_leads_to_a_watch_of_it(client: Client):
    address = "/following/?name=Ada%20Lovelace"
    assert f'href="{address}#watch"' in client.get("/names/Ada%20Lovelace/").content.decode()
    assert 'name="name" value="Ada Lovelace"' in client.get(address).content.decode()


def test_a_watch_is_stopped_by_its_owner_alone(client: Client, reader: Account):
    other = Account.objects.create_user("other")
    mine, theirs = following.watch(reader, "Ada Lovelace"), following.watch(other, "Secret Name")
    for _again in range(2):
        answers = [client.post(reverse("watch_stop", args=[one.pk]), headers=HTMX) for one in (mine, theirs)]
        assert b"Secret" not in answers[1].content
        assert list(NameWatch.objects.all()) == [theirs]


# --- the page --------------------------------------------------------------------------------------------------------


def test_the_page_shows_all_that_is_followed(client: Client, reader: Account, ada: Author, charles: Author):
    following.follow(reader, ada)
    following.follow(reader, charles)
    OwnWords.objects.create(author=charles, hidden=["works"])
    following.follow_topic(reader, Topic.objects.get(name="Machine Learning"))
    following.watch(reader, "Grace Hopper", words="compiler")
    html = client.get(reverse("following")).content.decode()
    for said in ("Ada Lovelace", "2 works, the newest of 2021 · Verification L1", "Machine Learning", "Grace Hopper"):
        assert said in html
    assert html.count("2 works") == 1, "the owner keeps the number off the page"


def test_people_are_paged_by_name_and_the_hidden_come_last(client: Client, reader: Account):
    people = [Author.objects.create(name=name, works_count=1) for name in ("Cy", "Ann", "Bo", "Ann", "Aaron~1")]
    Follow.objects.bulk_create(Follow(account=reader, author=author) for author in people)
    Author.objects.filter(name="Bo").update(visibility=Author.Visibility.GONE)
    first, cursor = following.followed(reader, size=2)
    second, end = following.followed(reader, cursor, size=2)
    assert [author.name for author in first + second] == ["Aaron~1", "Ann", "Ann", "Cy", "Bo"]
    assert end == ""
    assert first[1] != second[0]
    for cursor in ("x", "~", "Ann~x", "Ann~99999999999999999999", "\0~1"):
        assert client.get(reverse("following"), {"after": cursor}).status_code == 400, cursor


def test_the_page_costs_the_same_whatever_is_followed(
    client: Client, reader: Account, ada: Author, charles: Author, django_assert_num_queries
):
    heirs = [ada]
    for n in range(8):
        merged = Author.objects.create(name=f"Merged {n}", merged_into=heirs[-1])
        heirs.append(merged)
    following.follow(reader, charles)
    following.watch(reader, "Ada Lovelace")
    client.get(reverse("following"))
    with CaptureQueriesContext(connection) as before:
        client.get(reverse("following"))
    Follow.objects.bulk_create(Follow(account=reader, author=author) for author in heirs)
    for name in ("Ann Lee", "Bob Ray", "Cid Moe"):
        following.watch(reader, name, topic=Topic.objects.first())
        topic = Topic.objects.create(name=name, slug=name[:3])
        following.follow_topic(reader, topic)
    with django_assert_num_queries(len(before)):
        html = client.get(reverse("following")).content.decode()
    assert html.count(">Ada Lovelace</a>") == 1


def test_a_row_turns_into_its_undo_in_place(client: Client, reader: Account, ada: Author):
    following.follow(reader, ada)
    stop = {"follow": "0", "from": "list"}
    address = reverse("person_follow", args=[ada.pk])
    assert client.post(address, stop)["Location"] == "/following/"
    html = client.post(address, stop, headers=HTMX).content.decode()
    assert "You no longer follow this record." in html
    assert "Follow again" in html
    html = client.post(address, {"follow": "1", "from": "list"}, headers=HTMX).content.decode()
    assert 'name="follow" value="0"' in html
    assert followed(reader) == [ada]
    made = following.watch(reader, "Grace Hopper", words="ships")
    html = client.post(reverse("watch_stop", args=[made.pk]), headers=HTMX).content.decode()
    assert 'name="words" value="ships"' in html
    again = {"from": "list", "name": "Grace Hopper", "topic": "", "coauthor": "", "words": "ships"}
    assert "/following/watches/" in (html := client.post(reverse("watches"), again, headers=HTMX).content.decode())
    assert "Watch again" not in html
    assert NameWatch.objects.get().words == "ships"


def test_the_limit_of_doubt_is_the_readers_to_move(client: Client, reader: Account):
    page, address = reverse("following"), reverse("following_settings")
    assert 'value="0.85" checked' in client.get(page).content.decode()
    for value in following.LEASTS:
        assert client.post(address, {"least": str(value)})["Location"] == page
        assert AlertSettings.objects.get(account=reader).least == value
        assert f'value="{value}" checked' in client.get(page).content.decode()
    for nonsense in ("", "0.1", "nan", "1e9", "0.50 "):
        assert client.post(address, {"least": nonsense}).status_code == 400
    assert AlertSettings.objects.get().least == following.LEASTS[-1]


# --- private ---------------------------------------------------------------------------------------------------------


def test_nobody_else_sees_whom_an_account_follows(client: Client):
    """Each address is asked as everybody else; then the archives of all others are read."""
    objects, accounts = walking.world()
    fan = Account.objects.create_user("quiet-follower", "quiet@example.org")
    for author in Author.objects.filter(merged_into=None):
        Follow.objects.create(account=fan, author=author)
    for topic in Topic.objects.all():
        following.follow_topic(fan, topic)
    following.watch(fan, "Xanthippe Quuxworth", words="zyzzyva")
    told = ("quiet-follower", "quiet@example.org", "Xanthippe", "zyzzyva")
    others = {role: account for role, account in accounts.items() if role != "administrator"}
    addresses = {
        route: address
        for route, address in walking.every_pattern(objects).items()
        if not route.startswith(("admin/", "accounts/"))
    }
    for role, account in others.items():
        session = walking.session_of(account)
        for route, address in addresses.items():
            body = walking.ask(session, "GET", address).body.decode(errors="replace")
            assert not [word for word in told if word in body], (role, route)
        if account is not None:
            archive = json.dumps(gathered(account), default=str)
            assert not [word for word in told if word in archive], role
    mine = json.dumps(gathered(fan), default=str)
    assert "Xanthippe" in mine
    assert "John Smith" in mine
