"""Changes on the pages: the preview is the change itself, and every way from a profile to a change and back."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from bzpeer import changes, pipeline
from papers.models import JournalEntry, Signature
from profiles import changesets, decisions
from profiles.models import (
    Account,
    Assignment,
    Author,
    Change,
    ChangeSet,
    ChangeStep,
    Contradiction,
    Correction,
    Follow,
    FollowQuestion,
    Identifier,
    Move,
    NameVariant,
)
from profiles.proposals import CorrectName, Merge, MoveWorks, Proposal, SetIdentifier
from tests.conftest import fact, with_role

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("sent")]

WHY = "Seen on their own pages."
TABLES = [
    Assignment, Author, Change, ChangeSet, ChangeStep, Contradiction, Correction, Follow, FollowQuestion, Identifier,
    JournalEntry, Move, NameVariant,
]  # fmt: skip


@pytest.fixture
def wangs(bring) -> tuple[Author, Author]:
    """Two people printed "Wei Wang": physics with Ann, four works; vision with Bob, two. Both have a follower."""
    bring(*physics(4), *vision(2))
    large, small = Author.objects.filter(name="Wei Wang", works_count__gt=0).order_by("-works_count")
    reader = Account.objects.create_user("reader")
    Follow.objects.create(account=reader, author=large)
    Follow.objects.create(account=reader, author=small)
    Follow.objects.create(account=Account.objects.create_user("other"), author=small)
    return large, small


def physics(count: int) -> list[dict]:
    return [
        fact(f"20{n % 12 + 1:02}.1{n:04}", ["Wei Wang", "Ann Aard"], title=f"Quarks {n}", categories=["hep-ph"])
        for n in range(count)
    ]


def vision(count: int) -> list[dict]:
    return [
        fact(f"21{n % 12 + 1:02}.2{n:04}", ["Wei Wang", "Bob Bern"], title=f"Segmentation {n}", categories=["cs.CV"])
        for n in range(count)
    ]


def works(author: Author) -> set[int]:
    return set(Assignment.objects.filter(author=author).values_list("signature", flat=True))


def text(response) -> str:
    return " ".join(response.content.decode().split())


def proposals(large: Author, small: Author) -> dict[str, Proposal]:
    some = tuple(sorted(works(large))[:2])
    return {
        "merge": Merge(((small.pk, large.pk),)),
        "split": MoveWorks(large.pk, some),
        "move": MoveWorks(large.pk, some, small.pk),
        "name": CorrectName(large.pk, "Wei J. Wang"),
        "identifier": SetIdentifier(small.pk, "openalex", "https://openalex.org/A5023888391"),
    }


def form_of(proposal: Proposal) -> dict[str, str]:
    from bzpeer.changing import _fields

    return dict(_fields(proposal))


KINDS = ["merge", "split", "move", "name", "identifier"]


def everything() -> dict[str, list]:
    return {table.__name__: list(table._default_manager.order_by("pk").values()) for table in TABLES}


@pytest.mark.parametrize("kind", KINDS)
def test_the_preview_is_what_comes_of_it(wangs, curator: Account, kind: str):
    proposal = proposals(*wangs)[kind]
    before = everything()
    shown = changes.preview(curator, proposal)
    assert everything() == before
    assert [person.before for person in shown.people if person.before] == list(
        changes.records(proposal.authors).values()
    )
    change_set = changesets.apply(curator, proposal, WHY, shown.seen)
    pipeline.refresh(change_set.touched)
    concerned = proposal.authors | set(change_set.rows.values_list("target", flat=True))
    assert [person.after for person in shown.people] == list(changes.records(sorted(concerned)).values())
    assert shown.rows == change_set.rows.filter(signature__isnull=False).count()
    assert shown.asked == FollowQuestion.objects.count()


def test_a_preview_of_a_merge_says_where_works_followers_trust_and_addresses_go(wangs, curator: Account):
    large, small = wangs
    shown = changes.preview(curator, Merge(((small.pk, large.pk),)))
    stays, goes = sorted(shown.people, key=lambda person: -person.after.works)
    assert stays.before
    assert goes.before
    assert (stays.before.works, stays.after.works, goes.before.works, goes.after.works) == (4, 6, 2, 0)
    assert (stays.before.followers, goes.before.followers, stays.after.followers) == (1, 2, 2)
    assert goes.after.leads_to == (f"Wei Wang #{large.pk}",)
    assert stays.after.close == ("Ann Aard", "Bob Bern")
    assert (stays.after.score or 0) > (stays.before.score or 0)
    assert {"works", "followers", "score", "close"} <= stays.changed


def test_a_preview_warns_of_an_identifier_on_two_people_and_of_decisions_set_aside(wangs, curator: Account):
    large, small = wangs
    changesets.apply(curator, SetIdentifier(large.pk, "wikidata", "Q7251"), WHY)
    shown = changes.preview(curator, SetIdentifier(small.pk, "wikidata", "https://www.wikidata.org/wiki/q7251"))
    assert shown.clashes == [f"Wikidata Q7251: Wei Wang #{small.pk}, Wei Wang #{large.pk}"]
    signature = min(works(large))
    decisions.decide(curator, Signature.objects.get(pk=signature), large, same=True)
    [sentence] = changes.preview(curator, MoveWorks(large.pk, (signature,), small.pk)).set_aside
    assert sentence.endswith("(curator)")


PAGES = {
    "merge": ("change", "merge"),
    "split": ("change", "split"),
    "move": ("change", "move"),
    "name": ("change", "name"),
    "identifier": ("change", "identifier"),
    "list": ("changes",),
}


@pytest.mark.parametrize("page", PAGES)
def test_the_pages_are_for_curators(client: Client, wangs, page: str):
    name, *kind = PAGES[page]
    address = reverse(name, args=[wangs[0].pk, *kind] if kind else [])
    assert client.get(address)["Location"].startswith(reverse("account_login"))
    client.force_login(Account.objects.get(username="reader"))
    assert client.get(address).status_code == 403
    for post in ("change_preview", "change_apply"):
        assert client.post(reverse(post), form_of(proposals(*wangs)["merge"]) | {"reason": WHY}).status_code == 403
    assert not ChangeSet.objects.exists()


@pytest.mark.parametrize("kind", KINDS)
def test_from_the_preview_to_the_change_and_back(
    client: Client, curator: Account, wangs, sent, kind: str, django_capture_on_commit_callbacks
):
    large, small = wangs
    form = form_of(proposals(large, small)[kind])
    before = (works(large), works(small))
    page = client.post(reverse("change_preview"), form)
    assert page.status_code == 200
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page.content.decode()))
    fields.pop("csrfmiddlewaretoken", None)
    assert form.items() <= fields.items()
    with django_capture_on_commit_callbacks(execute=True):
        answer = client.post(reverse("change_apply"), fields | {"reason": WHY})
    change_set = ChangeSet.objects.get()
    assert answer["Location"] == change_set.get_absolute_url()
    assert set(sent[0]) >= set(change_set.rows.values_list("target", flat=True))
    html = text(client.get(change_set.get_absolute_url()))
    assert WHY in html
    assert reverse("change_undo", args=[change_set.pk]) in html
    with django_capture_on_commit_callbacks(execute=True):
        client.post(reverse("change_undo", args=[change_set.pk]))
    assert (works(large), works(small)) == before
    html = text(client.get(change_set.get_absolute_url()))
    assert "Do it again" in html
    client.post(reverse("change_redo", args=[change_set.pk]))
    assert change_set.rows.filter(undone_at=None).exists()
    assert f'href="{change_set.get_absolute_url()}"' in text(client.get(reverse("changes")))


def test_without_a_reason_the_preview_comes_again_with_what_was_typed(client: Client, curator: Account, wangs):
    form = form_of(proposals(*wangs)["merge"])
    answer = client.post(reverse("change_apply"), form | {"reason": "  "})
    assert answer.status_code == 409
    assert "Say why" in text(answer)
    long = client.post(reverse("change_apply"), form | {"reason": "so " * 1_000})
    assert "so so so" in text(long)
    assert not ChangeSet.objects.exists()


def test_whoever_is_late_sees_how_it_is_now(client: Client, curator: Account, wangs):
    large, small = wangs
    form = form_of(proposals(large, small)["merge"]) | {"reason": WHY}
    seen = changesets.state(Merge(((small.pk, large.pk),)))
    changesets.apply(curator, MoveWorks(large.pk, tuple(sorted(works(large))[:1]), small.pk), WHY)
    answer = client.post(reverse("change_apply"), form | {"seen": seen})
    assert answer.status_code == 409
    assert "meanwhile" in text(answer)
    assert "Before and after" in text(answer)
    assert ChangeSet.objects.count() == 1


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"kind": "merge", "pairs": "1-2-3"},
        {"kind": "merge", "pairs": "a-b"},
        {"kind": "split", "author": "x"},
        {"kind": "move", "author": "1", "signature": "1"},
        {"kind": "move", "author": "1" * 40, "signature": "1", "target": "1"},
    ],
)
def test_nonsense_is_refused(client: Client, curator: Account, form: dict[str, str]):
    for page in ("change_preview", "change_apply"):
        assert client.post(reverse(page), form | {"reason": WHY}).status_code == 400


def test_what_cannot_be_done_is_said_and_undoing_names_what_stands_in_the_way(client: Client, curator: Account, wangs):
    large, small = wangs
    answer = client.post(reverse("change_preview"), {"kind": "merge", "pairs": f"{large.pk}-{large.pk}"})
    assert "cannot be merged with itself" in text(answer)
    signature = min(works(large))
    first = changesets.apply(curator, MoveWorks(large.pk, (signature,), small.pk), WHY)
    second = changesets.apply(curator, MoveWorks(small.pk, (signature,), large.pk), WHY)
    answer = client.post(reverse("change_undo", args=[first.pk]))
    assert answer.status_code == 409
    assert f'href="{second.get_absolute_url()}"' in text(answer)
    assert "stands in the way" in text(client.get(first.get_absolute_url()))


def test_a_curator_finds_a_person_by_number_address_and_name(client: Client, curator: Account, wangs):
    large, small = wangs
    page = reverse("change", args=[large.pk, "merge"])
    for query in (str(small.pk), f"#{small.pk}", f"https://example.org{small.get_absolute_url()}", "wei wang"):
        html = text(client.get(page, {"q": query}))
        assert f'value="{large.pk}-{small.pk}"' in html, query
        assert f'value="{large.pk}-{large.pk}"' not in html
    assert "Nobody else is found" in text(client.get(page, {"q": "nobody at all"}))
    assert client.get(page, {"q": "\0" * 3}).status_code == 200


def test_works_are_found_by_title_coauthor_and_year(client: Client, curator: Account, wangs):
    large, _ = wangs
    page = reverse("change", args=[large.pk, "split"])
    assert text(client.get(page)).count('type="checkbox"') == 4
    assert text(client.get(page, {"q": "quarks 2"})).count('type="checkbox"') == 1
    assert text(client.get(page, {"q": "aard 2020"})).count('type="checkbox"') == 4
    assert "No work of this record fits" in text(client.get(page, {"q": "bern"}))


def test_only_curators_see_how_to_change_a_profile(client: Client, wangs):
    address = wangs[0].get_absolute_url()
    assert "Merge with" not in text(client.get(address))
    client.force_login(with_role("curator"))
    html = text(client.get(address))
    for kind in KINDS:
        assert reverse("change", args=[wangs[0].pk, kind]) in html


@pytest.mark.parametrize("page", ["change", "changes", "history", "following", "split", "profile"])
def test_pages_cost_as_many_queries_for_many_as_for_few(client: Client, curator: Account, bring, page: str):
    bring(*physics(4), *vision(3))
    large, small = Author.objects.filter(name="Wei Wang").order_by("-works_count")[:2]
    change_set = changesets.apply(curator, MoveWorks(large.pk, tuple(sorted(works(large))[:2]), small.pk), WHY)
    Follow.objects.create(account=curator, author=small)
    addresses = {
        "change": change_set.get_absolute_url(),
        "changes": reverse("changes"),
        "history": reverse("person_history", args=[small.pk]),
        "following": reverse("following"),
        "split": reverse("change", args=[small.pk, "split"]),
        "profile": Author.objects.get(pk=small.pk).get_absolute_url(),
    }
    queries(client, addresses[page])  # the first of a session writes it down
    few = queries(client, addresses[page])
    bring(*physics(20), *vision(20))
    for signature in sorted(works(large))[:8]:
        changesets.apply(curator, MoveWorks(large.pk, (signature,), small.pk), WHY)
    for author in Author.objects.filter(works_count__gt=0).exclude(pk=small.pk)[:10]:
        Follow.objects.create(account=curator, author=author)
    assert queries(client, addresses[page]) == few <= 24


def queries(client: Client, address: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(address).status_code == 200
    return len(captured)


# Addresses, histories and followers


def test_a_merged_address_redirects_and_back_after_the_undoing(client: Client, curator: Account, wangs):
    large, small = wangs
    change_set = changesets.apply(curator, Merge(((small.pk, large.pk),)), WHY)
    answer = client.get(small.get_absolute_url())
    assert (answer.status_code, answer["Location"]) == (301, large.get_absolute_url())
    changesets.undo(curator, change_set)
    assert client.get(small.get_absolute_url()).status_code == 200


def test_an_address_whose_works_went_to_several_people_lists_them(client: Client, bring, curator: Account, wangs):
    large, small = wangs
    dissolved = Author.objects.create(name="Wei Wang")
    for author, count in ((large, 3), (small, 1)):
        Move.objects.create(source=dissolved, target=author, kind="merged", count=count, signatures=[], reason="split")
    answer = client.get(f"/people/{dissolved.pk}/")
    assert answer.status_code == 300
    html = text(answer)
    assert "3 works, since" in html
    assert html.index(large.get_absolute_url()) < html.index(small.get_absolute_url())
    Author.objects.filter(pk=dissolved.pk).update(merged_into=small)  # where the anchor went
    assert client.get(f"/people/{dissolved.pk}/").status_code == 300
    changesets.apply(curator, Merge(((small.pk, large.pk),)), WHY)
    assert client.get(f"/people/{dissolved.pk}/").status_code == 301
    assert client.get(f"/people/{Author.objects.create(name='Nobody').pk}/").status_code == 410


def test_a_profile_says_what_was_split_off_and_leads_to_its_history(client: Client, curator: Account, wangs):
    large, _ = wangs
    change_set = changesets.apply(curator, MoveWorks(large.pk, tuple(sorted(works(large))[:2])), WHY)
    assert "2 works that stood here are another person’s" in text(client.get(large.get_absolute_url()))
    changesets.undo(curator, change_set)
    html = text(client.get(large.get_absolute_url()))
    assert "split off" not in html
    assert reverse("person_history", args=[large.pk]) in html


def test_the_history_is_public_and_says_who_when_why_and_what_was_undone(client: Client, curator: Account, wangs):
    large, small = wangs
    decisions.decide(curator, large, small, same=False, reason="Two home pages.")
    change_set = changesets.apply(curator, MoveWorks(large.pk, tuple(sorted(works(large))[:2]), small.pk), WHY)
    changesets.undo(curator, change_set, change_set.rows.earliest("pk").pk)
    changesets.undo(curator, change_set)
    client.logout()
    html = text(client.get(reverse("person_history", args=[large.pk])))
    for shown in ("Two home pages.", WHY, "by curator", "2 works went from", "are different people", "undone"):
        assert shown in html, shown
    assert reverse("change_set", args=[change_set.pk]) not in html
    assert html.index("Undone") < html.index("Two home pages.")


def test_the_history_does_not_tell_what_a_corrected_name_was(client: Client, curator: Account, wangs):
    large, _ = wangs
    changesets.apply(curator, CorrectName(large.pk, "Dead Name"), "Not Dead Name")
    changesets.apply(curator, CorrectName(large.pk, "Wei J. Wang"), "The owner asked")
    html = text(client.get(reverse("person_history", args=[large.pk])))
    assert html.count("The name that is shown was corrected.") == 2
    assert "Dead Name" not in html


def test_the_history_says_which_paper_no_longer_prints_the_name(client: Client, bring):
    bring(*(fact(f"2001.0000{n}", ["Ada Lovelace", "Ann Aard"], title=f"Engines {n}") for n in (1, 2)))
    ann = Author.objects.get(name="Ann Aard")
    bring(fact("2001.00002", ["Ada Lovelace"], title="Engines 2", updated="2021-01-01"))
    html = text(client.get(reverse("person_history", args=[ann.pk])))
    assert "1 name is no longer on a paper" in html
    assert "“Ann Aard” on 2001.00002: a newer version no longer prints it" in html


def test_the_history_pages_by_key(client: Client, curator: Account, wangs):
    large, small = wangs
    for number in range(70):
        Move.objects.create(source=large, target=small, kind="moved", count=1, signatures=[], reason=f"step {number}!")
    address, seen = reverse("person_history", args=[large.pk]), []
    while address:
        html = client.get(address).content.decode()
        seen += re.findall(r"step \d+!", html)
        found = re.search(r'href="(\?after=[^"]*)" rel="next"', html)
        address = reverse("person_history", args=[large.pk]) + found[1] if found else ""
    assert seen == [f"step {number}!" for number in reversed(range(70))]
    for nonsense in ("x", "2020-01-01~move~1", "2020-01-01T00:00:00+00:00~drop~1", "2020-99-01T00:00:00+00:00~move~1"):
        assert client.get(reverse("person_history", args=[large.pk]), {"after": nonsense}).status_code == 400


@pytest.mark.parametrize(("chosen", "left"), [("both", {"old", "new"}), ("new", {"new"}), ("old", {"old"})])
def test_a_follower_of_a_split_person_answers(client: Client, curator: Account, wangs, chosen: str, left: set[str]):
    large, _ = wangs
    reader = Account.objects.get(username="reader")
    change_set = changesets.apply(curator, MoveWorks(large.pk, tuple(sorted(works(large))[:2])), WHY)
    new = change_set.rows.earliest("pk").target
    question = FollowQuestion.objects.get(account=reader)
    client.force_login(Account.objects.get(username="other"))
    assert client.post(reverse("follow_answer", args=[question.pk]), {"answer": chosen}).status_code == 404
    client.force_login(reader)
    for address in (large.get_absolute_url(), new.get_absolute_url(), reverse("following")):
        assert "Whom do you follow from now on?" in text(client.get(address))
    assert client.post(reverse("follow_answer", args=[question.pk]), {"answer": "none"}).status_code == 400
    client.post(reverse("follow_answer", args=[question.pk]), {"answer": chosen})
    names = {large.pk: "old", new.pk: "new"}
    followed = Follow.objects.filter(account=reader, author__in=names).values_list("author", flat=True)
    assert {names[pk] for pk in followed} == left
    assert "Whom do you follow" not in text(client.get(reverse("following")))


def test_whoever_followed_a_merged_person_stops_following_both(client: Client, curator: Account, wangs):
    large, small = wangs
    changesets.apply(curator, Merge(((small.pk, large.pk),)), WHY)
    client.force_login(Account.objects.get(username="other"))
    assert "Following" in text(client.get(large.get_absolute_url()))
    client.post(reverse("person_follow", args=[large.pk]), {"follow": "0"})
    assert not Follow.objects.filter(account__username="other").exists()


def test_an_identifier_is_shown_as_typed_earns_no_trust_and_stays_with_the_heir(client: Client, curator, wangs):
    large, small = wangs
    score = small.trust.score
    changesets.apply(curator, SetIdentifier(small.pk, "orcid", "0000-0002-1825-0097"), WHY)
    html = text(client.get(small.get_absolute_url()))
    assert "ORCID, typed by a curator" in html
    pipeline.refresh([small.pk])
    assert Author.objects.get(pk=small.pk).trust.score == score
    assert client.get("/orcid/000000021825009 7").status_code == 404
    assert client.get("/orcid/0000-0002-1825-0097")["Location"] == small.get_absolute_url()
    changesets.apply(curator, SetIdentifier(large.pk, "orcid", "0000-0002-1825-0097"), WHY)
    assert client.get("/orcid/0000000218250097").status_code == 300
    for author in (large, small):
        assert "The same stands on the record of" in text(client.get(author.get_absolute_url()))
    changesets.apply(curator, Merge(((small.pk, large.pk),)), WHY)
    html = text(client.get(large.get_absolute_url()))
    assert html.count("0000-0002-1825-0097</a>") == 1
    assert "The same stands on" not in html
    assert client.get("/orcid/0000-0002-1825-0097")["Location"] == large.get_absolute_url()


def test_the_slug_follows_a_corrected_name_and_the_old_address_redirects(client: Client, curator: Account, wangs):
    large, _ = wangs
    changesets.apply(curator, CorrectName(large.pk, "Wei J. Wang"), WHY)
    answer = client.get(large.get_absolute_url())
    assert (answer.status_code, answer["Location"]) == (301, f"/people/{large.pk}/wei-j-wang/")
    html = text(client.get(answer["Location"]))
    assert "Wei J. Wang" in html
    assert "Printed as:" not in html
    assert "Wei J. Wang" in text(client.get("/search/?q=Wei+J.+Wang"))
