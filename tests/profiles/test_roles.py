"""Roles: which page answers whom, what the admin gives to whom, and what of it the journal keeps."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.test import Client
from django.urls import URLPattern, reverse

from papers.models import JournalEntry
from profiles import bulk, decisions, moderation, reports
from profiles.models import Account, Author, BulkReview, Claim, Invitation, RightsRequest, Suggestion
from profiles.urls import urlpatterns
from tests.conftest import fact, with_role, with_second_factor

pytestmark = pytest.mark.django_db


LOGIN, REFUSED = 302, 403
PAGES = [
    "curate",
    "curate_people",
    "curate_works",
    "curate_doubts",
    "curate_contradictions",
    "curate_reports",
    "curate_report",
    "curate_proposals",
    "curate_claims",
    "curate_claim",
    "curate_complaints",
    "curate_complaint",
    "curate_rights",
    "curate_rights_request",
    "curate_decided",
    "curate_decision",
    "curate_compare",
    "curate_journal",
    "curate_bulk",
    "curate_rule",
    "curate_review",
]
# What a curator gets for an empty form: nothing is decided by it.
FORMS = {
    "curate_decide": 400,
    "curate_withdraw": 302,  # it says all by its address
    "curate_hold": 400,
    "curate_report_close": 400,
    "curate_draw": 302,
    "curate_mark": 400,
    "curate_accept": 400,
}


@pytest.fixture
def addresses(bring) -> dict[str, str]:
    """Every address of curation, of things that are there."""
    shared = ["Ann Aard", "Bob Bern"]
    bring(
        fact("2001.00001", ["John Smith", *shared], "Quark notes", categories=["hep-ph"]),
        fact("2001.00002", ["Jane Smith", "Carl Dahl"], "On cells", categories=["q-bio.NC"]),
    )
    maker = with_role("maker")
    one, other = Author.objects.filter(name__in=["John Smith", "Jane Smith"]).order_by("pk")
    ann, carl = Author.objects.get(name="Ann Aard"), Author.objects.get(name="Carl Dahl")
    correction = decisions.decide(maker, ann, carl, same=False).correction
    report = reports.submit(one, "fact", "Wrong.", None)
    review = BulkReview.objects.create(rule="coauthors", seed=1, pairs=[[one.pk, other.pk, "names"]], made_by=maker)
    Suggestion.objects.get_or_create(left=one, right=other, defaults={"probability": 0.5, "sentence": "names"})
    claim = Claim.objects.create(author=one, account=maker, state=Claim.State.HELD, level=2)
    sender, guest = Account.objects.create_user("sender"), Account.objects.create_user("guest")
    invitation = Invitation.objects.create(
        author=one, sender=sender, recipient=guest, purpose="talk", text="Come.", token=uuid4()
    )
    asked = RightsRequest.objects.create(author=one, kind="hide", proof="curator", state="waiting", text="It is me.")
    by_name: dict[str, list[int | str]] = {
        "curate_rights_request": [asked.pk],
        "curate_complaint": [moderation.complain(guest, invitation, "spam", "").pk],
        "curate_claim": [claim.pk],
        "curate_report": [report.pk],
        "curate_report_close": [report.pk],
        "curate_decision": [correction.pk],
        "curate_withdraw": [correction.pk],
        "curate_compare": [one.pk, other.pk],
        "curate_rule": ["coauthors"],
        "curate_draw": ["coauthors"],
        "curate_review": [review.pk],
        "curate_mark": [review.pk],
        "curate_accept": [review.pk],
    }
    return {name: reverse(name, args=by_name.get(name, [])) for name in [*PAGES, *FORMS]}


@pytest.fixture(params=["visitor", "account", "staff", "curator", "administrator"])
def somebody(request: pytest.FixtureRequest, client: Client) -> str:
    """Logged in with `client`, unless a visitor."""
    name = str(request.param)
    if name == "account":
        client.force_login(Account.objects.create_user(name))
    elif name == "staff":
        client.force_login(with_second_factor(Account.objects.create_user(name, is_staff=True)))
    elif name != "visitor":
        client.force_login(with_role(name, f"{name.capitalize()}s"))
    return name


def expected(who: str, granted: int) -> int:
    return {"visitor": LOGIN, "account": REFUSED, "staff": REFUSED}.get(who, granted)


def test_the_tables_below_name_every_address_of_curation():
    curation = {pattern.name for pattern in urlpatterns if str(pattern.pattern).startswith("curate/")}
    assert all(isinstance(pattern, URLPattern) for pattern in urlpatterns)
    assert curation == {*PAGES, *FORMS}


def test_a_page_answers_whom_it_is_for(client: Client, somebody: str, addresses: dict[str, str]):
    answered = {name: client.get(addresses[name]).status_code for name in PAGES}
    assert answered == dict.fromkeys(PAGES, expected(somebody, 200))


def test_a_form_is_taken_from_whom_it_is_for(
    client: Client, somebody: str, addresses: dict[str, str], monkeypatch: pytest.MonkeyPatch
):
    one, other = Author.objects.filter(name__in=["John Smith", "Jane Smith"]).order_by("pk")
    rule = bulk.Rule("coauthors", "", "", lambda most: [(one.pk, other.pk, "names")])
    monkeypatch.setattr(bulk, "BY_SLUG", {"coauthors": rule})
    for name, granted in FORMS.items():
        response = client.post(addresses[name])
        assert response.status_code == expected(somebody, granted), name
        if somebody == "visitor":
            assert response["Location"].startswith(reverse("account_login")), name


def test_the_navigation_shows_what_one_may_open(client: Client, somebody: str):
    html = client.get("/accuracy/").content.decode()
    assert (f'href="{reverse("curate")}"' in html) == (somebody in {"curator", "administrator"})
    assert (f'href="{reverse("admin:index")}"' in html) == (somebody in {"staff", "curator", "administrator"})


def admin_addresses() -> dict[str, list[str]]:
    """By "app.model": the addresses of its list, its form for a new row and one row's form, history and deletion."""
    ada, group = Account.objects.create_user("ada"), Group.objects.get(name="Curators")
    found = {}
    for model in admin.site._registry:
        meta = model._meta
        row = {"account": ada.pk, "group": group.pk}.get(str(meta.model_name))
        names = [f"admin:{meta.app_label}_{meta.model_name}_{page}" for page in ("changelist", "add")]
        found[meta.label_lower] = [reverse(name) for name in names] + [
            reverse(f"admin:{meta.app_label}_{meta.model_name}_{page}", args=[row])
            for page in ("change", "delete", "history")
            if row
        ]
    found["profiles.account"].append(reverse("admin:auth_user_password_change", args=[ada.pk]))
    return found


def test_a_curator_touches_no_account_group_or_permission_by_the_admin(client: Client):
    client.force_login(with_role("curator"))
    addresses = admin_addresses()
    for address in addresses["profiles.account"] + addresses["auth.group"]:
        form = {"username": "mallory", "is_superuser": "on", "name": "x", "post": "yes", "action": "delete_selected"}
        assert client.get(address).status_code == REFUSED, address
        assert client.post(address, form).status_code == REFUSED, address
    index = client.get(reverse("admin:index")).content.decode()
    assert "/admin/papers/batch/" in index
    assert not any(f"/admin/{part}" in index for part in ("profiles/account", "auth/", "profiles/author"))


def test_a_curator_imports_by_the_admin_and_edits_nothing_else(client: Client):
    client.force_login(with_role("curator"))
    addresses = admin_addresses()
    assert client.get(addresses["papers.batch"][1]).status_code == 200
    for label in addresses.keys() - {"papers.batch", "profiles.account", "auth.group"}:
        assert client.get(addresses[label][0]).status_code in (200, REFUSED), label
        assert client.get(addresses[label][1]).status_code == REFUSED, label


def test_an_administrator_gives_a_role_and_the_journal_says_so(client: Client):
    root = with_role("root", "Administrators")
    client.force_login(root)
    ada, curators = Account.objects.create_user("ada"), Group.objects.get_or_create(name="Curators")[0]
    form = {
        "username": "ada",
        "is_active": "on",
        "is_staff": "on",
        "groups": [curators.pk],
        "date_joined_0": "2026-01-01",
        "date_joined_1": "00:00:00",
    }
    assert client.post(reverse("admin:profiles_account_change", args=[ada.pk]), form).status_code == 302
    entry = JournalEntry.objects.get()
    assert (entry.account_name, entry.verb, entry.subject_kind, entry.subject) == (
        "root",
        "changed",
        "profiles.account",
        "ada",
    )
    assert entry.details["roles"] == ["Curators"]
    assert entry.details["is_staff"] is True
    assert client.post(reverse("admin:profiles_account_delete", args=[ada.pk]), {"post": "yes"}).status_code == 302
    assert JournalEntry.objects.latest("pk").verb == "deleted"


def test_a_change_of_a_role_is_in_the_journal(client: Client):
    client.force_login(with_role("root", "Administrators"))
    allowed = Permission.objects.get(codename="view_batch")
    client.post(reverse("admin:auth_group_add"), {"name": "Readers", "permissions": [allowed.pk]})
    entry = JournalEntry.objects.get()
    assert (entry.verb, entry.subject, entry.details["permissions"]) == ("added", "Readers", ["view_batch"])


def test_an_administrator_makes_no_superuser_and_touches_none(client: Client):
    client.force_login(with_role("root", "Administrators"))
    ada, top = Account.objects.create_user("ada"), Account.objects.create_superuser("top")
    form = {"username": "ada", "is_active": "on", "is_superuser": "on", "user_permissions": ["1"]}
    form |= {"date_joined_0": "2026-01-01", "date_joined_1": "00:00:00"}
    assert client.post(reverse("admin:profiles_account_change", args=[ada.pk]), form).status_code == 302
    ada.refresh_from_db()
    assert not ada.is_superuser
    assert not ada.user_permissions.exists()
    assert client.post(reverse("admin:profiles_account_change", args=[top.pk]), form).status_code == REFUSED
    assert client.post(reverse("admin:auth_user_password_change", args=[top.pk]), {}).status_code == REFUSED
    chosen = {"action": "delete_selected", "_selected_action": [top.pk], "post": "yes"}
    client.post(reverse("admin:profiles_account_changelist"), chosen)
    assert Account.objects.filter(pk=top.pk).exists()


def test_a_role_that_is_taken_away_opens_nothing_any_more(client: Client):
    account = with_role("curator")
    client.force_login(account)
    assert client.get(reverse("curate")).status_code == 200
    account.groups.clear()
    assert client.get(reverse("curate")).status_code == REFUSED
