"""What a claim's proofs and disputes give and take on the trust page."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from allauth.socialaccount.models import SocialAccount
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from papers.models import Signature
from profiles.models import Account, Author, Claim, Proof
from tests.conftest import fact
from trust.scores import facts_of

pytestmark = pytest.mark.django_db
ID, OTHER_ID = "0000-0002-1825-0097", "0000-0001-5109-3700"


@pytest.fixture
def author(bring: Callable[..., Any]) -> Author:
    bring(fact("2001.00001", ["Noor Rahimi", "Ada Berg"]), fact("2001.00002", ["Noor Rahimi", "Ada Berg"]))
    return Author.objects.get(name="Noor Rahimi")


def held(author: Author, level: int, name: str = "noor", state: str = "held") -> Claim:
    return Claim.objects.create(author=author, account=Account.objects.create_user(name), level=level, state=state)


def points(author: Author, client: Client) -> dict[str, int]:
    page = client.get(reverse("person_trust", args=[author.pk]))
    return {component.rule: component.points for component in page.context["components"]}


def test_the_level_of_the_claim_gives_control(client: Client, author: Author):
    claim = held(author, 3)
    now = timezone.now()
    Proof.objects.create(claim=claim, kind="mail", subject="a@x.org", state=Proof.State.VALID, proved_at=now)
    page = client.get(reverse("person_trust", args=[author.pk]))
    assert (points(author, client)["control"], page.context["level"]) == (20, 3)
    said = page.content.decode()
    assert f"An address printed on a paper, since {now.day} {now:%B %Y}" in said
    assert "a@x.org" not in said


def test_a_proved_dispute_suspends_control_and_the_page_says_so(client: Client, author: Author):
    held(author, 3)
    held(author, 3, "eve", "disputed")
    assert points(author, client)["control"] == 0
    assert "suspended" in client.get(reverse("person_trust", args=[author.pk])).content.decode()


def test_a_dispute_that_proves_nothing_suspends_nothing(client: Client, author: Author):
    held(author, 3)
    held(author, 2, "eve", "disputed")
    assert points(author, client)["control"] == 20


def test_a_signed_in_orcid_settles_which_of_two_counts(client: Client, author: Author):
    one, two = Signature.objects.filter(assignment__author=author)
    Signature.objects.filter(pk=one.pk).update(orcid=ID)
    Signature.objects.filter(pk=two.pk).update(orcid=OTHER_ID)
    assert points(author, client)["identifiers"] == 0
    page = client.get(reverse("person_trust", args=[author.pk])).content.decode()
    assert f"suspended: works state ORCID {OTHER_ID} and ORCID {ID}" in page
    claim = held(author, 3)
    SocialAccount.objects.create(user=claim.account, provider="orcid", uid=ID)
    Proof.objects.create(claim=claim, kind="orcid", subject=ID, state=Proof.State.VALID, proved_at=timezone.now())
    assert facts_of([author.pk])[author.pk].identifiers == (f"ORCID {ID}, signed in",)


def test_an_institutions_address_that_a_paper_names_gives_the_affiliation_five(client: Client, author: Author):
    Signature.objects.filter(assignment__author=author).update(affiliations=["Computing, UCLA"])
    assert points(author, client)["affiliation"] == 2
    claim = held(author, 2)
    proof = Proof.objects.create(
        claim=claim, kind="institution", subject="noor@cs.ucla.edu", state=Proof.State.VALID, proved_at=timezone.now()
    )
    assert points(author, client)["affiliation"] == 5
    Proof.objects.filter(pk=proof.pk).update(expires_at=timezone.now() - timedelta(days=1))
    assert points(author, client)["affiliation"] == 2


def test_only_coauthors_who_control_their_own_record_attest(client: Client, author: Author):
    claim, ada = held(author, 3), Author.objects.get(name="Ada Berg")
    hers = held(ada, 2, "ada")
    Proof.objects.create(claim=claim, kind="attestation", author=ada, by=hers.account, state=Proof.State.VALID)
    assert points(author, client)["attestation"] == 0
    Claim.objects.filter(pk=hers.pk).update(level=3)
    assert facts_of([author.pk])[author.pk].attestations == ("Ada Berg",)


def test_an_account_attests_once_whatever_its_record_was_merged_into(author: Author):
    claim, ada = held(author, 3), Author.objects.get(name="Ada Berg")
    hers = held(ada, 3, "ada")
    merged = Author.objects.create(name="A. Berg", merged_into=ada)
    for coauthor in (merged, ada):
        Proof.objects.create(claim=claim, kind="attestation", author=coauthor, by=hers.account, state=Proof.State.VALID)
    assert len(facts_of([author.pk])[author.pk].attestations) == 1


def test_more_claimed_authors_cost_no_more_queries(author: Author, django_assert_num_queries: Any):
    ada = Author.objects.get(name="Ada Berg")
    held(author, 3)
    with django_assert_num_queries(4):
        facts_of([author.pk])
    held(ada, 3, "ada")
    with django_assert_num_queries(4):
        facts_of([author.pk, ada.pk])
