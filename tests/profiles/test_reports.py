"""Reports: who may send one, how many, who answers, and who reads the answer."""

from __future__ import annotations

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from papers.limits import HOUR, LIMITS, Limit
from papers.models import Institution, JournalEntry, Paper
from profiles import reports
from profiles.models import Account, Author, Report
from tests.conftest import fact, with_role
from tests.walking import place_of

pytestmark = pytest.mark.django_db

ATTACK = "<script>alert(1)</script><img src=x onerror=alert(1)>"


@pytest.fixture
def ada(bring) -> Author:
    bring(fact("2001.00001", ["Ada Lovelace"], "Engines"))
    return Author.objects.get(name="Ada Lovelace")


def form(**more: str) -> dict[str, str]:
    return {"kind": "fact", "text": "She was born in 1815."} | more


def test_a_visitor_reports_a_person_and_a_paper(client: Client, ada: Author):
    paper = Paper.objects.get()
    for name, subject in (("report_person", ada), ("report_work", paper)):
        address = reverse(name, args=[subject.pk])
        assert f'href="{address}"' in client.get(subject.get_absolute_url()).content.decode()
        assert client.get(address).status_code == 200
        assert client.post(address, form())["Location"] == subject.get_absolute_url()
    one, other = Report.objects.order_by("pk")
    assert (one.subject, other.subject, one.reporter, one.state) == (ada, paper, None, "open")


@pytest.fixture
def york(ada: Author) -> Institution:
    return place_of(Paper.objects.get(), "University of York")


def test_a_visitor_reports_an_institution_and_a_curator_answers(client: Client, york: Institution):
    address = reverse("report_institution", args=[york.pk])
    assert f'href="{address}"' in client.get(york.get_absolute_url()).content.decode()
    assert "University of York" in client.get(address).content.decode()
    sent = client.post(address, {"kind": "form", "text": "The college is a place of its own."})
    assert sent["Location"] == york.get_absolute_url()
    report = Report.objects.get()
    assert (report.subject, report.state) == (york, "open")
    client.force_login(with_role("curator"))
    for page in (reverse("curate_reports"), reverse("curate_report", args=[report.pk])):
        html = client.get(page).content.decode()
        assert f'href="{york.get_absolute_url()}"' in html
        assert "The college is a place of its own." in html
    close = reverse("curate_report_close", args=[report.pk])
    assert client.post(close, {"answer": "Set apart."}).status_code == 302


def test_what_can_be_wrong_is_asked_of_what_it_is_about(client: Client, ada: Author, york: Institution):
    for address, wrong in (
        (reverse("report_institution", args=[york.pk]), "split"),
        (reverse("report_person", args=[ada.pk]), "place"),
        (reverse("report_work", args=[Paper.objects.get().pk]), "form"),
    ):
        assert client.post(address, form(kind=wrong)).status_code == 400
        assert client.post(address, form(kind="fact")).status_code == 302
    assert client.get("/report/institution/999999/").status_code == 404


def test_a_merged_institution_is_reported_as_the_heir(client: Client, york: Institution):
    gone = Institution.objects.create(name="York", key="york", merged_into=york)
    client.post(reverse("report_institution", args=[gone.pk]), form())
    assert Report.objects.get().subject == york


def test_a_report_is_about_one_thing(ada: Author, york: Institution):
    for about in ({}, {"author": ada, "institution": york}, {"paper": Paper.objects.get(), "institution": york}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Report.objects.create(kind="fact", text="Wrong.", **about)


def test_a_get_sends_nothing(client: Client, ada: Author):
    client.get(reverse("report_person", args=[ada.pk]), form())
    assert not Report.objects.exists()


@pytest.mark.parametrize("wrong", [{"kind": "x"}, {"text": ""}, {"text": "x" * 2_001}, {"text": "a\0b"}, {"kind": ""}])
def test_what_is_not_a_report_is_refused_and_what_was_written_stays(client: Client, ada: Author, wrong: dict[str, str]):
    response = client.post(reverse("report_person", args=[ada.pk]), form(**wrong))
    assert response.status_code == 400
    assert 'class="errorlist"' in response.content.decode()
    assert not Report.objects.exists()


def test_a_visitor_sends_five_an_hour_from_one_address_and_is_told_so(client: Client, ada: Author):
    address = reverse("report_person", args=[ada.pk])
    for _ in range(LIMITS["report_visitor"][0].most):
        assert client.post(address, form()).status_code == 302
    refused = client.post(address, form(text="One more"))
    assert refused.status_code == 429
    assert 3_590 < int(refused["Retry-After"]) <= HOUR
    html = refused.content.decode()
    assert "5 reports an hour can be sent." in html
    assert "One more" in html
    assert client.post(address, form(), REMOTE_ADDR="192.0.2.7").status_code == 302
    client.force_login(Account.objects.create_user("bob"))
    assert client.post(address, form()).status_code == 302


def test_an_account_has_its_own_limit(client: Client, ada: Author, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(LIMITS, "report", (Limit(1, HOUR),))
    client.force_login(Account.objects.create_user("bob"))
    address = reverse("report_person", args=[ada.pk])
    assert [client.post(address, form()).status_code for _ in range(2)] == [302, 429]


def test_an_invalid_report_does_not_count(client: Client, ada: Author):
    address = reverse("report_person", args=[ada.pk])
    for _ in range(LIMITS["report_visitor"][0].most + 1):
        assert client.post(address, form(text="")).status_code == 400
    assert client.post(address, form()).status_code == 302


def test_hostile_text_is_shown_as_text_wherever_it_stands(client: Client, ada: Author):
    curator = with_role("curator")
    client.force_login(curator)
    client.post(reverse("report_person", args=[ada.pk]), form(text=ATTACK))
    report = Report.objects.get()
    pages = [reverse(name) for name in ("reports", "curate", "curate_reports")]
    for page in [*pages, reverse("curate_report", args=[report.pk])]:
        html = client.get(page).content.decode()
        assert "&lt;script&gt;alert(1)" in html, page
        assert "<script>alert" not in html, page
        assert "<img src=x" not in html, page


def test_closing_needs_a_sentence_and_the_reporter_reads_it(client: Client, ada: Author):
    bob, curator = Account.objects.create_user("bob"), with_role("curator")
    report = reports.submit(ada, "fact", "She was born in 1815.", bob)
    client.force_login(curator)
    close = reverse("curate_report_close", args=[report.pk])
    assert client.post(close, {"answer": "  "}).status_code == 400
    assert client.post(close, {"answer": "x" * 2_001}).status_code == 400
    assert client.get(close).status_code == 405
    report.refresh_from_db()
    assert report.is_open
    assert client.post(close, {"answer": "No year of birth is shown here."}).status_code == 302
    entry = JournalEntry.objects.get(verb="closed")
    assert (entry.account_name, entry.subject_kind, entry.subject_id) == ("curator", "profiles.report", report.pk)
    assert "No report is open" in client.get(reverse("curate_reports")).content.decode()
    client.force_login(bob)
    assert "No year of birth is shown here." in client.get(reverse("reports")).content.decode()


def test_closing_in_place(client: Client, ada: Author):
    client.force_login(with_role("curator"))
    report = reports.submit(ada, "fact", "Wrong.", None)
    address, htmx = reverse("curate_report_close", args=[report.pk]), {"HX-Request": "true"}
    assert "Say in a sentence" in client.post(address, {"answer": ""}, headers=htmx).content.decode()
    answer = client.post(address, {"answer": "Put right."}, headers=htmx).content.decode()
    assert "Put right." in answer
    assert "<html" not in answer
    assert "closed meanwhile" in client.post(address, {"answer": "Again"}, headers=htmx).content.decode()


def test_nobody_reads_the_reports_of_others(client: Client, ada: Author):
    reports.submit(ada, "fact", "A secret of Bob", Account.objects.create_user("bob"))
    assert client.get(reverse("reports"))["Location"].startswith(reverse("account_login"))
    client.force_login(Account.objects.create_user("eve"))
    assert "A secret" not in client.get(reverse("reports")).content.decode()


def test_only_curators_close_and_a_closed_one_has_an_answer(ada: Author):
    report = reports.submit(ada, "fact", "Wrong.", None)
    with pytest.raises(PermissionDenied):
        reports.close(report, Account.objects.create_user("bob"), "No.")
    with pytest.raises(IntegrityError), transaction.atomic():
        Report.objects.update(state="closed")
    curator = with_role("curator")
    reports.close(report, curator, "Put right.")
    with pytest.raises(ValidationError, match="closed meanwhile"):
        reports.close(report, curator, "Once more.")


def test_a_merged_person_is_reported_as_the_heir(client: Client, ada: Author):
    gone = Author.objects.create(name="A. Lovelace", merged_into=ada)
    client.post(reverse("report_person", args=[gone.pk]), form())
    assert Report.objects.get().author == ada
