"""Curators' pages of institutions: for curators alone; looked at, applied, refused in a sentence, and undone."""

from __future__ import annotations

import pytest
from django.test import Client

from papers.models import Institution, InstitutionChange, InstitutionName
from profiles.models import Account
from tests.papers.test_institutions import imported, line

pytestmark = pytest.mark.django_db


@pytest.fixture
def york() -> Institution:
    imported(
        line(1, {"Lovelace": ["University of York"]}),
        line(2, {"Lovelace": ["Univ. of York"]}),
        line(3, {"Byron": ["Paris"]}),
    )
    return Institution.objects.get(key="university york")


def form(name: str) -> int:
    return InstitutionName.objects.get(printed=name).pk


def paris() -> Institution:
    return Institution.objects.get(name="Paris")


def test_the_pages_are_for_curators(client: Client, york: Institution) -> None:
    address = f"/institutions/{york.pk}/change/"
    assert client.get(address).status_code == 302
    client.force_login(Account.objects.create_user("reader"))
    assert client.get(address).status_code == 403
    assert client.post(f"{address}apply/", {"kind": "rename", "name": "X", "reason": "x"}).status_code == 403
    assert "Change this institution" not in client.get(york.get_absolute_url()).content.decode()


def test_a_move_is_looked_at_applied_and_undone(curator: Account, client: Client, york: Institution) -> None:
    asked = {"kind": "move", "form": [form("Univ. of York")], "target": paris().pk}
    preview = client.post(f"/institutions/{york.pk}/change/preview/", asked)
    assert preview.status_code == 200
    assert (preview.context["preview"].works, InstitutionChange.objects.count()) == (1, 0)
    seen = preview.context["preview"].seen
    answer = client.post(f"/institutions/{york.pk}/change/apply/", asked | {"reason": "It is there.", "seen": seen})
    assert answer["Location"] == f"/institutions/{york.pk}/change/"
    assert paris().signatures.count() == 2
    again = client.post(f"/institutions/{york.pk}/change/apply/", asked | {"reason": "It is there.", "seen": seen})
    assert again.status_code == 409
    assert "does not belong here any more" in again.content.decode()
    change = InstitutionChange.objects.get()
    assert client.post(f"/institutions/{york.pk}/change/undo/", {"change": change.pk}).status_code == 302
    assert paris().signatures.count() == 1


def test_a_merge_leads_to_the_heirs_page(curator: Account, client: Client, york: Institution) -> None:
    asked = {"kind": "merge", "target": york.pk, "reason": "One."}
    answer = client.post(f"/institutions/{paris().pk}/change/apply/", asked)
    assert answer["Location"] == f"/institutions/{york.pk}/change/"
    assert client.get(f"/institutions/{paris().pk}/change/")["Location"] == f"/institutions/{york.pk}/change/"
    assert client.get(paris().get_absolute_url())["Location"] == york.get_absolute_url()


@pytest.mark.parametrize(
    ("query", "found"), [("par", 1), ("PARIS", 1), ("nowhere", 0), ("*", 1), ("#{pk}", 1), ("/institutions/{pk}/x/", 1)]
)
def test_the_other_institution_is_found(
    curator: Account, client: Client, york: Institution, query: str, found: int
) -> None:
    page = client.get(f"/institutions/{york.pk}/change/", {"q": query.format(pk=paris().pk)})
    assert len(page.context["others"]) == found


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"kind": "nothing"},
        {"kind": "merge"},
        {"kind": "merge", "target": "x"},
        {"kind": "move", "form": "²"},
        {"kind": "move", "form": "9" * 40},
    ],
)
def test_what_no_form_of_ours_says_is_a_bad_request(
    curator: Account, client: Client, york: Institution, asked: dict[str, str]
) -> None:
    for page in ("preview", "apply"):
        assert client.post(f"/institutions/{york.pk}/change/{page}/", asked).status_code == 400
    assert client.post(f"/institutions/{york.pk}/change/undo/", {"change": "x"}).status_code == 400


@pytest.mark.parametrize(
    "asked",
    [
        {"kind": "move"},
        {"kind": "merge", "target": "999999999999999999"},
        {"kind": "rename", "name": "\0"},
        {"kind": "rename", "name": "y" * 10_000},
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(
    curator: Account, client: Client, york: Institution, asked: dict[str, str]
) -> None:
    for page in ("preview", "apply"):
        answer = client.post(f"/institutions/{york.pk}/change/{page}/", asked | {"reason": "Why not."})
        assert answer.status_code == 409
        assert "This cannot be done" in answer.content.decode()
