"""People, works, topics and institutions as values: what they say, what they keep to themselves, what they cost."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pydantic import TypeAdapter

from bzpeer.api import shapes
from papers.models import Institution, Paper, Signature, Topic
from profiles import renaming
from profiles.models import Account, Assignment, Author, Claim, OwnAffiliation, OwnWords
from tests.conftest import fact
from tests.walking import place_of

pytestmark = pytest.mark.django_db

ORCID = "0000-0002-1825-0097"


@pytest.fixture
def paper(bring: Any) -> Paper:
    """Ada and Charles, together on three papers."""
    for n in (1, 2, 3):
        bring(fact(f"200{n}.00001", ["Ada Lovelace", "Charles Babbage"], f"Engine {n}", doi=f"10.1000/{n}"))
    return Paper.objects.get(arxiv_id="2001.00001")


def work(paper: Paper) -> shapes.Work:
    return shapes.works([Paper.objects.get(pk=paper.pk)])[0]


def person(name: str) -> shapes.Person:
    return shapes.people([Author.objects.get(name=name)])[0]


def hold(author: Author, **words: Any) -> None:
    """An account holds the record and says `words` of itself."""
    account = Account.objects.create_user(f"owner{author.pk}")
    Claim.objects.create(author=author, account=account, state=Claim.State.HELD, level=2)
    Author.objects.filter(pk=author.pk).update(account=account)
    OwnWords.objects.create(author=author, **words)


def test_a_work_says_who_printed_each_name_is_and_why(paper: Paper):
    found = work(paper)
    ada = Author.objects.get(name="Ada Lovelace")
    first = found["authorships"][0]
    assert (first["position"], first["raw_author_name"]) == (1, "Ada Lovelace")
    assert first["author"] == shapes.brief_person(ada)
    assert first["attribution"] is not None
    assert first["attribution"]["evidence_url"].endswith(f"/works/{paper.pk}/attribution/{ada.pk}/")
    assert 0 <= first["attribution"]["confidence"] <= 1
    assert found["ids"] == {"arxiv": "https://arxiv.org/abs/2001.00001", "doi": "https://doi.org/10.1000/1"}


def test_the_shapes_are_what_their_types_say(paper: Paper):
    place_of(paper, "Ockham Park")
    for kind, rows in (
        (shapes.Work, shapes.works(Paper.objects.order_by("pk"))),
        (shapes.Person, shapes.people(Author.objects.order_by("pk"))),
        (shapes.TopicRecord, shapes.topics(Topic.objects.order_by("pk"))),
        (shapes.InstitutionRecord, shapes.institutions(Institution.objects.order_by("pk"))),
    ):
        assert rows
        assert TypeAdapter(list[kind]).validate_python(rows, strict=True) == rows  # type: ignore[valid-type]


def test_a_list_of_a_thousand_names_is_given_whole(bring: Any):
    bring(fact("2001.00001", [f"Ann Aard{'abcdefghij'[n % 10]}{'klmnopqrst'[n // 10]}" for n in range(100)]))
    found = work(Paper.objects.get())
    assert found["authors_count"] == len(found["authorships"]) == 100


def test_a_hidden_person_is_a_name_without_a_number(paper: Paper):
    Author.objects.filter(name="Ada Lovelace").update(visibility=Author.Visibility.NOTICE)
    first = work(paper)["authorships"][0]
    assert (first["raw_author_name"], first["author"], first["attribution"]) == ("Ada Lovelace", None, None)


def test_a_name_that_its_owner_has_left_is_in_no_shape(paper: Paper):
    ada = Author.objects.get(name="Ada Lovelace")
    hold(ada)
    renaming.rename(Claim.objects.get(author=ada), "Augusta King", True, timezone.now())
    assert "Lovelace" not in repr((work(paper), person("Augusta King")))
    assert work(paper)["authorships"][0]["raw_author_name"] == "Augusta King"


def test_a_work_that_was_rejected_names_nobody(paper: Paper):
    Assignment.objects.filter(signature__paper=paper).update(state=Assignment.State.REJECTED)
    assert [row["author"] for row in work(paper)["authorships"]] == [None, None]


def test_a_person_has_variants_topics_and_trust(paper: Paper):
    found = person("Ada Lovelace")
    assert found["name_variants"] == [{"display_name": "Ada Lovelace", "works_count": 3}]
    assert [(topic["display_name"], topic["works_count"]) for topic in found["topics"]] == [("Machine Learning", 3)]
    assert (found["works_count"], found["claimed"], found["verified"]) == (3, False, False)
    assert found["trust"]["url"].endswith("/trust/")


def test_an_orcid_comes_with_who_says_so(paper: Paper):
    Signature.objects.filter(printed="Ada Lovelace").update(orcid=ORCID)
    found = person("Ada Lovelace")
    assert found["orcid"] == f"https://orcid.org/{ORCID}"
    assert [(row["scheme"], row["said_by"]) for row in found["ids"]] == [("orcid", "source")]


def test_what_an_owner_keeps_off_the_page_is_not_here_either(paper: Paper):
    ada = Author.objects.get(name="Ada Lovelace")
    links = [{"label": "Home", "url": "https://example.org/"}]
    hold(ada, native_name="Ада", pronouns="she", links=links)
    OwnAffiliation.objects.create(author=ada, institution="Ockham Park")
    open_ = person("Ada Lovelace")
    assert (open_["native_name"], open_["pronouns"], open_["links"]) == ("Ада", "she", links)
    assert [row["said_by"] for row in open_["affiliations"]] == ["owner"]
    OwnWords.objects.update(hidden=list(OwnWords.Hidden.values))
    closed = person("Ada Lovelace")
    kept_off = ("works_count", "topics", "affiliations", "bio", "pronouns", "native_name", "links", "ids", "orcid")
    assert not any(closed[part] for part in kept_off)  # type: ignore[literal-required]


def test_what_a_former_owner_said_is_gone(paper: Paper):
    OwnWords.objects.create(author=Author.objects.get(name="Ada Lovelace"), native_name="Ада")
    assert person("Ada Lovelace")["native_name"] == ""


def test_the_number_of_queries_does_not_grow_with_the_rows(paper: Paper):
    place_of(paper, "Ockham Park")
    makers: list[tuple[Any, Any]] = [
        (shapes.works, Paper.objects.order_by("pk")),
        (shapes.people, Author.objects.order_by("pk")),
    ]
    for make, rows in makers:
        costs = []
        for size in (1, 2):
            found = list(rows[:size])
            with CaptureQueriesContext(connection) as asked:
                make(found)
            costs.append(len(asked))
        assert costs[0] == costs[1], make
