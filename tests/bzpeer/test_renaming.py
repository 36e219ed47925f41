"""A name that its owner has left is in no public output: every address is walked, before and after, by every reader."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import unquote
from uuid import uuid4

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from bzpeer import pipeline
from papers.exports import FORMATS, MEDIA_TYPES
from papers.models import Paper, Signature
from papers.names import fold
from papers.syndication import FEEDS
from profiles import changesets, conversing, decisions, moderation, powers, renaming
from profiles.accounts import keys
from profiles.feedback import collecting, posting
from profiles.models import (
    Account,
    AlertSettings,
    Author,
    Block,
    BulkReview,
    Claim,
    Follow,
    FollowQuestion,
    Identifier,
    Invitation,
    NameWatch,
    Proof,
    Report,
    RightsRequest,
    Subscriber,
)
from profiles.proposals import Merge, MoveWorks
from profiles.subscriptions import searches
from tests.addresses import every_address
from tests.conftest import fact, with_role
from tests.walking import place_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("sent")]

OLD, NEW = "Rosa Smith", "Iris Novák"
ORCID = "0000-0002-1825-0097"
WHY = "Rosa Smith and R. Smith say so on their own pages."


def works(first: int, names: list[str], subject: str, *titles: str, **more: Any) -> list[dict[str, Any]]:
    return [
        fact(f"2001.{first + n:05}", names, title, categories=[subject], doi=f"10.1000/{first + n}", **more)
        for n, title in enumerate(titles)
    ]


TRANSLATION = [
    *works(1, [OLD, "Ada Lovelace", "Alan Turing"], "cs.CL", "Neural translation", "Neural translation of rare words"),
    *works(3, ["Rosa Q. Smith", "Ada Lovelace", "Alan Turing"], "cs.CL", "Attention in neural translation"),
    *works(4, [OLD, "Grace Hopper", "Alan Turing"], "cs.CL", "Neural translation of poems"),
    *works(5, [OLD, "Ada Lovelace"], "cs.CL", "Neural translation of letters"),
]
GALAXIES = works(11, [OLD, "Vera Rubin"], "astro-ph.GA", "Dark matter in dwarf galaxies", "Dark matter halos")
PROTEINS = works(21, ["R. Smith", "Rosalind Franklin"], "q-bio.BM", "Folding of proteins", "Proteins in the cold")


@pytest.fixture
def curators() -> Account:
    return with_role("curator-one")


@pytest.fixture
def world(bring, curators: Account) -> dict[str, Any]:
    """The person, claimed; a namesake, told apart by a decision; a merged and a split record; readers and followers."""
    cache.clear()
    batch = bring(*TRANSLATION, *GALAXIES, *PROTEINS)
    author, namesake, merged = author_of(1), author_of(11), author_of(21)
    assert len({author, namesake, merged, author_of(4)}) == 3
    decision = decisions.decide(curators, author, namesake, same=False, reason=WHY).correction
    decisions.decide(curators, signature(2), author, same=True, reason=WHY)
    change_set = changesets.apply(curators, Merge(((author.pk, merged.pk),)), WHY)
    reader = Account.objects.create_user("reader")
    Follow.objects.create(account=reader, author=author)
    bring(*works(6, [OLD, "Ada Lovelace", "Alan Turing"], "cs.CL", "Neural translation of alerts"))
    AlertSettings.objects.create(account=reader, feed_key="feed")
    changesets.apply(curators, MoveWorks(author.pk, (signature(4).pk,)), WHY)
    undone = changesets.apply(curators, MoveWorks(author.pk, (signature(3).pk,)), WHY)
    changesets.undo(curators, undone)
    Signature.objects.filter(pk=signature(1).pk).update(orcid=ORCID, affiliations=["Bletchley Park"])
    coauthor = Author.objects.get(name="Ada Lovelace")
    ada = Signature.objects.get(paper__arxiv_id="2001.00002", printed="Ada Lovelace")
    decisions.decide(curators, ada, coauthor, same=True, reason=WHY)
    owner = Account.objects.create_user("owner")
    author.refresh_from_db()
    author.account = owner
    author.save()
    claim = Claim.objects.create(author=author, account=owner, state=Claim.State.HELD, level=3)
    pipeline.refresh(list(Author.objects.values_list("pk", flat=True)))
    accepted = Invitation.objects.create(
        author=author, sender=reader, recipient=owner, purpose="talk", text="Come.", token=uuid4(), state="accepted"
    )
    conversation = conversing.begin(accepted, timezone.now())
    message = conversing.send(conversation, owner, "Is Monday good?", uuid4(), timezone.now())
    kept = collecting.make(owner, "Translation", "", "public", timezone.now())
    for n in (1, 5):
        collecting.put_back(kept, Paper.objects.get(arxiv_id=f"2001.{n:05}").pk, "", timezone.now())
    Subscriber.objects.create(email="r@example.org", address="r@example.org", account=reader, key="key")
    Identifier.objects.create(author=coauthor, scheme="orcid", value=ORCID, change=change_set.rows.earliest("pk"))
    paper = Paper.objects.get(arxiv_id="2001.00001")
    return {
        "author": author,
        "post": posting.write(owner, paper, "comment", {"text": "We used two clocks."}, uuid4(), timezone.now()),
        "namesake": namesake,
        "merged": merged,
        "split": author_of(4),
        "coauthor": coauthor,
        "other": coauthor,
        "owner": owner,
        "reader": reader,
        "paper": paper,
        "institution": place_of(paper, "Bletchley Park"),
        "topic": paper.topics.get(),
        "orcid": ORCID,
        "api_key": keys.make(owner, "copy")[0],
        "batch": batch,
        "block": Block.objects.create(account=curators, blocked=owner),
        "complaint": moderation.complain(reader, message, "other", "It is not."),
        "collection": kept,
        "conversation": conversation,
        "message": message,
        "change_set": change_set,
        "claim": claim,
        "proof": Proof.objects.create(claim=claim, kind="review", state=Proof.State.VALID),
        "decision": decision,
        "asked": RightsRequest.objects.create(author=author, kind="correct", proof="curator", key_hash="x"),
        "key": "unknown",
        "question": FollowQuestion.objects.filter(account=reader).first(),
        "feed": "feed",
        "invitation": Invitation.objects.create(
            author=author, sender=reader, recipient=owner, purpose="talk", text="About translation.", token=uuid4()
        ),
        "report": Report.objects.create(kind="fact", text="Wrong.", author=author, reporter=reader),
        "saved": searches.save(reader, f"q=translation&person={coauthor.pk}", "", "never"),
        "watch": NameWatch.objects.create(account=reader, name="Iris Murdoch", surname_key="murdoch"),
        "review": BulkReview.objects.create(rule="x", seed=1, pairs=[], made_by=curators),
    }


def signature(n: int) -> Signature:
    return Signature.objects.select_related("assignment__author").get(paper__arxiv_id=f"2001.{n:05}", position=0)


def author_of(n: int) -> Author:
    return signature(n).assignment.author


def claim_of(world: dict[str, Any]) -> Claim:
    return powers.owner(world["owner"], world["author"])


def rename(world: dict[str, Any], name: str = NEW, hide: bool = True) -> Author:
    renaming.rename(claim_of(world), name, hide, timezone.now())
    author: Author = world["author"]
    author.refresh_from_db()
    return author


# --- the walk ---------------------------------------------------------------------------------------------------------


def addresses(world: dict[str, Any]) -> set[str]:
    """Every address, about the person, about the record that was merged, and about a coauthor."""
    found: set[str] = set()
    for n, author in ((1, "author"), (1, "merged"), (5, "coauthor")):
        paper = Paper.objects.get(arxiv_id=f"2001.{n:05}")
        objects = world | {"paper": paper, "author": Author.objects.get(pk=world[author].pk)}
        found |= set(every_address(**objects).values())
    queries = ("Lovelace", "translation", "iris", "novak")
    found |= (
        {"/invitations/?box=sent"}
        | {f"/search{form}?q={query}" for query in queries for form in ("/", *(f".{suffix}" for suffix in MEDIA_TYPES))}
        | {"/names/Ada%20Lovelace/", "/names/Iris%20Nov%C3%A1k/"}
    )
    return found


def walk(world: dict[str, Any], readers: Iterable[str]) -> Iterator[tuple[str, str, str]]:
    """(who, address, all that is answered): pages and fragments, each step of a redirect, bodies and headers."""
    for who in readers:
        client = Client()
        if who in world:
            client.force_login(world[who])
        for address in sorted(addresses(world)):
            for headers in ({}, {"HX-Request": "true"}) if who == "anyone" else ({},):
                yield who, address, read(client, address, headers, world)


def read(client: Client, address: str, headers: dict[str, str], world: dict[str, Any]) -> str:
    cache.clear()  # and with it what counts how often somebody asks
    answers = []
    for _step in range(6):
        response = client.get(address, headers=headers)
        assert response.status_code < 500, address
        assert response.status_code != 429, address
        content = b"".join(response.streaming_content) if response.streaming else response.content  # type: ignore[attr-defined]
        said = content.decode()
        if response.get("Content-Type", "").partition(";")[0] in {"application/json", "application/feed+json"}:
            said = json.dumps(without_their_records(world, json.loads(said)), ensure_ascii=False, indent=1)
        answers += [str(response.headers), said]
        if not 300 < response.status_code < 309:
            break
        address = response["Location"]
        if not address.startswith("/"):
            break
    return html.unescape(unquote("\n".join(answers)))


def told(world: dict[str, Any], text: str) -> list[str]:
    """Where the old name stands in it, in whatever form; links to those who go on bearing it aside."""
    for who in ("namesake", "split"):
        theirs = rf"(?:/people/{world[who].pk}/[^\"]*|/graph/\?at=person-{world[who].pk})"
        text = re.sub(rf'<a [^>]*href="{theirs}"[^>]*>.*?</a>', "", text, flags=re.DOTALL)
        text = re.sub(rf'<option value="{world[who].pk}"[^>]*>[^<]*</option>', "", text)
        text = text.replace(f"/people/{world[who].pk}/rosa-smith/", "")
    folded = fold(re.sub(r"<[^>]*>", lambda tag: f" {tag[0]} ", without_their_works(world, text)))
    return [folded[max(0, at.start() - 60) : at.end() + 40] for at in re.finditer(r"smith", folded)]


def without_their_records(world: dict[str, Any], said: Any) -> Any:
    """JSON without the records, and places in bylines, of those who go on bearing the old name."""
    if isinstance(said, list):
        return [kept for one in said if (kept := without_their_records(world, one)) is not None]
    if not isinstance(said, dict):
        return said
    theirs = [world[who].pk for who in ("namesake", "split")]
    author = said.get("author")
    person = author if isinstance(author, dict) else said
    if person.get("id") in theirs and f"/people/{person['id']}/" in str(person.get("url")):
        return None
    named = [str(one.get("url")) for one in said.get("authors", ()) if isinstance(one, dict)]
    if any(f"/people/{pk}/" in url for url in named for pk in theirs):
        return None
    if said.get("folded") == fold(OLD) and said["people_count"] == len(theirs):
        return None
    return {name: without_their_records(world, value) for name, value in said.items()}


def without_their_works(world: dict[str, Any], text: str) -> str:
    """The text without the entries, in feeds and formats for citing, of works by those who go on bearing the name."""
    papers = Paper.objects.filter(signatures__assignment__author__in=[world["namesake"], world["split"]])
    theirs = re.compile("|".join(rf"(?<=\d)w{pk}\b|/works/{pk}/" for pk in papers.values_list("pk", flat=True)))
    entries = re.split(r'\n(?=@\w+{|TY  - |{")|(?=<entry>)', text)
    return "\n".join([entries[0], *(entry for entry in entries[1:] if not theirs.search(entry))])


def leaks(world: dict[str, Any], *readers: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for who, address, text in walk(world, readers):
        if where := told(world, text):
            found[f"{who} {address}"] = where[:2]
    return found


def test_the_old_name_is_in_no_public_output(world: dict[str, Any]):
    before = leaks(world, "reader")
    author, paper = world["author"], world["paper"]
    for address in (
        "/",
        "/search/?q=translation",
        f"/people/{author.pk}/",
        f"/people/{author.pk}/history/",
        f"/people/{author.pk}/trust/",
        f"/people/{author.pk}/graph/",
        f"/people/{world['merged'].pk}/history/",
        f"/people/{world['coauthor'].pk}/graph/",
        f"/people/{world['coauthor'].pk}/circles/",
        f"/people/{world['coauthor'].pk}/circles.json",
        f"/people/{world['coauthor'].pk}/trust/",
        f"/people/{world['coauthor'].pk}/history/",
        f"/report/person/{author.pk}/",
        f"/orcid/{ORCID}",
        f"/arxiv/{paper.arxiv_id}",
        f"/doi/{paper.doi}",
        world["topic"].get_absolute_url(),
        world["institution"].get_absolute_url(),
        f"/works/{paper.pk}/graph/",
        f"/topics/{world['topic'].slug}/graph/",
        f"/institutions/{world['institution'].pk}/graph/",
        *(f"/graph/slice.{form}?at=person-{author.pk}" for form in ("json", "csv", "graphml", "gexf")),
        paper.get_absolute_url(),
        *(f"/people/{world['coauthor'].pk}.{suffix}" for suffix in (*FORMATS, *FEEDS)),
        *(f"/works/{paper.pk}.{suffix}" for suffix in MEDIA_TYPES),
        *(f"/topics/{world['topic'].slug}.{suffix}" for suffix in (*FORMATS, *FEEDS)),
        world["collection"].get_absolute_url(),
        *(f"/collections/{world['collection'].pk}.{suffix}" for suffix in MEDIA_TYPES),
        *(f"/institutions/{world['institution'].pk}.{suffix}" for suffix in (*FORMATS, *FEEDS)),
        *(f"/search.{suffix}?q=translation" for suffix in MEDIA_TYPES),
        f"/works/{paper.pk}/attribution/{author.pk}/",
        f"/works/{Paper.objects.get(arxiv_id='2001.00005').pk}/attribution/{world['coauthor'].pk}/",
        "/names/Ada%20Lovelace/",
    ):
        assert f"reader {address}" in before, f"{address} shows no name that could be hidden"
    talk = world["conversation"].get_absolute_url()
    own = ("/following/", "/reports/", "/invitations/?box=sent", "/conversations/", talk)
    for address in (*own, "/alerts/", "/alerts/feed/feed.atom", world["complaint"].get_absolute_url()):
        assert f"reader {address}" in before, address
    rename(world)
    assert leaks(world, "anyone", "reader", "owner") == {}
