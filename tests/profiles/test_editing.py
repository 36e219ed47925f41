"""The edit page: what an owner says of themselves, read strictly, shown as theirs, and cleared when the claim ends."""

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from papers.models import JournalEntry, Paper, Signature
from profiles import changesets, editing, owning, wording
from profiles.models import Account, Author, Claim, OwnWords
from profiles.proposals import SetIdentifier
from tests.conftest import fact, with_role
from tests.profiles.test_owning import held

pytestmark = pytest.mark.django_db

UNSEEN = "Ada\u202eLovelace"
ROWS = {"INITIAL_FORMS": "0", "MIN_NUM_FORMS": "0", "MAX_NUM_FORMS": "10"}


@pytest.fixture
def claim(xiangning_chen: Author, client: Client) -> Claim:
    """The reference profile, held at L3 by who is signed in."""
    found = held(xiangning_chen)
    client.force_login(found.account)
    return found


def put(client: Client, claim: Claim, section: str, **given: Any) -> Any:
    return client.post(reverse("person_edit", args=[claim.author_id, section]), given)


def rows(prefix: str, *given: dict[str, str]) -> dict[str, str]:
    sent = {f"{prefix}-{key}": value for key, value in (ROWS | {"TOTAL_FORMS": str(len(given))}).items()}
    return sent | {f"{prefix}-{at}-{key}": value for at, row in enumerate(given) for key, value in row.items()}


def shown(claim: Claim) -> str:
    return Client().get(claim.author.get_absolute_url(), follow=True).content.decode()


def test_what_the_owner_says_is_on_the_page(client: Client, claim: Claim):
    put(client, claim, "name", name_order="family", native_name="陈相宁", native_language="zh-Hans", pronouns="he/him")
    put(client, claim, "about", bio="I study learning.\n\nAnd <b>search</b>.")
    place = {"institution": "Ockham Park", "role": "Analyst", "from_year": "2019", "to_year": ""}
    put(client, claim, "affiliations", **rows("places", place, {"institution": ""}))
    put(client, claim, "links", **rows("links", {"label": "Home", "url": "https://example.org/me"}))
    page = shown(claim)
    assert ">Chen Xiangning</h1>" in page
    assert '<span lang="zh-Hans">陈相宁</span>' in page
    assert "he/him" in page
    assert "I study learning.<br><br>And &lt;b&gt;search&lt;/b&gt;." in page
    assert "Affiliations, stated by the owner" in page
    assert "Ockham Park · Analyst" in page
    assert '<a href="https://example.org/me" rel="nofollow ugc noopener external">Home</a>' in page
    assert "Open to collaborate" not in page  # the owner left it off


def test_each_part_can_be_kept_off_the_page(client: Client, claim: Claim):
    put(client, claim, "name", native_name="陈相宁", pronouns="he/him")
    put(client, claim, "about", bio="I study learning.", open_to_collaborate="on")
    put(client, claim, "affiliations", **rows("places", {"institution": "Ockham Park"}))
    put(client, claim, "links", **rows("links", {"label": "Home", "url": "https://example.org/me"}))
    changesets.apply(with_role("ada"), SetIdentifier(claim.author_id, "dblp", "65/9612"), "From their page.")
    said = ("陈相宁", "he/him", "I study learning.", "Ockham Park", "example.org/me", "65/9612", "followers", "topics")
    counts = ("close collaborators", "7 published item")
    before = shown(claim)
    assert [text for text in (*said, *counts) if text not in before] == []
    put(client, claim, "shown", hidden=OwnWords.Hidden.values)
    after = shown(claim)
    figures = after[after.index("Quick read") : after.index("Decide how to stay connected")]
    assert [text for text in (*said[:6], *counts) if text in after] == []
    assert "followers" not in figures
    assert "topics" not in figures
    assert "Affiliation not imported" not in after


def test_a_hidden_affiliation_is_on_no_other_page_either(client: Client, claim: Claim):
    Signature.objects.filter(assignment__author=claim.author).update(affiliations=["Ockham Park"])
    put(client, claim, "about", bio="")
    claim.author.refresh_from_db()
    assert claim.author.affiliation == "Ockham Park"
    put(client, claim, "shown", hidden=["affiliation"])
    claim.author.refresh_from_db()
    assert claim.author.affiliation == ""


def test_featured_works_come_first_in_the_owners_order_as_long_as_they_are_theirs(client: Client, claim: Claim):
    one, two = claim.author.assignments.select_related("signature__paper").order_by("pk")[:2]
    papers = [str(two.signature.paper_id), str(one.signature.paper_id)]
    put(client, claim, "featured", work_1=papers[0], work_2=papers[1], work_3=papers[0])
    assert [a.pk for a in editing.own(Author.objects.get(pk=claim.author_id)).featured] == [two.pk, one.pk]
    page = shown(claim)
    assert page.index("Chosen by the researcher") < page.index("Published work")
    two.delete()
    assert [a.pk for a in editing.own(Author.objects.get(pk=claim.author_id)).featured] == [one.pk]


def test_only_ones_own_works_are_featured(client: Client, claim: Claim, bring):
    bring(fact("2001.00001", ["Ada Lovelace"]))
    foreign = Paper.objects.get(arxiv_id="2001.00001")
    assert put(client, claim, "featured", work_1=str(foreign.pk)).status_code == 400
    assert editing.words_of(claim.author).featured == []


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "//example.org",
        "https://",
        "https://user:pass@example.org/",
        "https://example.org\\@evil.example",
        "http://127.0.0.1/",
        "http://localhost/",
        "ftp://example.org/",
        "https://exa mple.org",
        "https://example.org/\u202egnp",
    ],
)
def test_a_link_that_is_none_is_refused_with_a_sentence(url: str):
    with pytest.raises(ValidationError):
        wording.link(url)


def test_a_host_of_mixed_scripts_is_shown_as_it_is_asked_for(client: Client, claim: Claim):
    sent = rows("links", {"url": "https://аpple.com/"}, {"label": "Stadt", "url": "https://münchen.de/"})
    put(client, claim, "links", **sent)
    page = shown(claim)
    assert "xn--pple-43d.com" in page
    assert "аpple.com" not in page
    assert '<span class="small">münchen.de</span>' in page


@pytest.mark.parametrize("name", ["Xiangning Сhen", "Αda Lovelace", UNSEEN, "Ada\u200bLovelace", "<b>Ada</b>", "***"])
def test_a_name_that_could_pass_for_another_is_refused(client: Client, claim: Claim, name: str):
    response = put(client, claim, "name", native_name=name)
    assert response.status_code == 400
    assert "errorlist" in response.content.decode()
    assert editing.words_of(claim.author).native_name == ""


def test_too_much_is_refused_and_kept_in_the_form(client: Client, claim: Claim):
    response = put(client, claim, "about", bio="x" * 601)
    assert response.status_code == 400
    assert "At most 600 characters" in response.content.decode()
    assert "x" * 601 in response.content.decode()
    many = [{"label": "x", "url": f"https://example.org/{n}"} for n in range(11)]
    assert put(client, claim, "links", **rows("links", *many)).status_code == 400
    backwards = {"institution": "Ockham Park", "from_year": "2020", "to_year": "2010"}
    assert put(client, claim, "affiliations", **rows("places", backwards)).status_code == 400


def test_a_form_changes_nothing_that_it_does_not_name(client: Client, claim: Claim):
    before = Author.objects.values().get(pk=claim.author_id)
    rival = Account.objects.create_user("rival")
    extra = {
        "level": "5",
        "score": "100",
        "account": str(rival.pk),
        "visibility": "gone",
        "author": "1",
        "preferred_name": "X",
        "name": "X",
        "hides_printed": "on",
        "works_count": "900",
        "state": "released",
    }
    sent = rows("places", {"institution": "Ockham Park", **extra}) | rows("links")
    for section in editing.BY_SLUG:
        assert put(client, claim, section, **(extra | sent | {"open_to_collaborate": "on"})).status_code == 302
    client.post(reverse("person_mine", args=[claim.author_id]), extra | {"signature": "1", "answer": "undo"})
    assert Author.objects.values().get(pk=claim.author_id) == before
    claim.refresh_from_db()
    assert (claim.level, claim.state, claim.account_id) == (3, "held", before["account_id"])
    assert claim.author.own_affiliations.get().author_id == claim.author_id


def test_the_journal_says_that_it_was_edited_and_nothing_of_what(client: Client, claim: Claim):
    put(client, claim, "about", bio="A secret sentence.")
    entry = JournalEntry.objects.get(verb="edited")
    assert (entry.subject_id, entry.details) == (claim.author_id, {"section": "about"})


def test_below_level_3_the_page_says_what_to_prove_first_and_changes_nothing(client: Client, claim: Claim):
    Claim.objects.filter(pk=claim.pk).update(level=2)
    page = client.get(reverse("person_edit", args=[claim.author_id])).content.decode()
    assert "First, prove that the record is yours" in page
    assert put(client, claim, "about", bio="x").status_code == 403
    claim.author.refresh_from_db()
    assert claim.author.bio == ""


def test_nobody_else_edits(client: Client, claim: Claim):
    address = reverse("person_edit", args=[claim.author_id])
    assert Client().get(address).status_code == 302
    client.force_login(Account.objects.create_user("rival"))
    for path in (address, f"{address}about/"):
        assert client.get(path).status_code == 403
        assert client.post(path, {"bio": "x"}).status_code == 403


def test_when_the_claim_ends_the_owners_words_are_cleared(client: Client, claim: Claim):
    put(client, claim, "name", native_name="陈相宁")
    put(client, claim, "about", bio="I study learning.")
    put(client, claim, "affiliations", **rows("places", {"institution": "Ockham Park"}))
    owning.on_release(claim.author)
    claim.author.refresh_from_db()
    assert (claim.author.bio, claim.author.open_to_collaborate) == ("", True)
    assert not OwnWords.objects.exists()
    assert not claim.author.own_affiliations.exists()


def test_a_profile_costs_as_many_queries_for_many_words_as_for_one_of_each(client: Client, claim: Claim):
    works = list(claim.author.assignments.values_list("signature__paper", flat=True)[:5])
    asked: list[list[int]] = []
    for many in (1, 5):
        put(client, claim, "links", **rows("links", *({"url": f"https://example.org/{n}"} for n in range(many))))
        put(client, claim, "affiliations", **rows("places", *({"institution": f"Place {n}"} for n in range(many))))
        put(client, claim, "featured", **{f"work_{n}": str(pk) for n, pk in enumerate(works[:many], 1)})
        asked.append([])
        for reader in (Client(), client):
            with CaptureQueriesContext(connection) as captured:
                reader.get(claim.author.get_absolute_url())
            asked[-1].append(len(captured))
    assert asked[0] == asked[1]
