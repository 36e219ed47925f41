"""Institutions: what is printed beside names, by entity, whatever imports and rollbacks come."""

from __future__ import annotations

import json
import random
from importlib import import_module

import pytest
from django.apps import apps
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from papers import importing, reversal
from papers.affiliations import key_of, place_of
from papers.institutions import heir_of, known, link
from papers.models import Affiliation, Batch, BatchRecord, Institution, InstitutionName, Paper, Signature
from tests.conftest import fact
from tests.papers.test_importing import run

PARAGRAPH = "Department of very long names, " * 200


def line(number: int, authors: dict[str, list[str]], updated: str = "2020-01-01") -> bytes:
    """A record of a snapshot: family names with what is printed beside them."""
    record = {
        "id": f"2001.{number:05}",
        "title": f"On {number}",
        "authors": ", ".join(authors),
        "authors_parsed": [[family, "A.", "", *places] for family, places in authors.items()],
        "update_date": updated,
        "versions": [],
    }
    return json.dumps(record).encode()


def imported(*lines: bytes) -> Batch:
    return run(b"\n".join(lines), source="snapshot")


def rows() -> set[tuple[int, str | None]]:
    return set(Affiliation.objects.values_list("signature", "institution__key"))


def printed() -> set[tuple[int, str | None]]:
    pairs = Signature.objects.values_list("pk", "affiliations")
    return {(pk, place_of(key_of(name))) for pk, names in pairs for name in names if key_of(name)}


@pytest.mark.django_db
def test_an_import_links_what_it_prints() -> None:
    imported(line(1, {"Lovelace": ["Ockham Park", "London"], "Babbage": ["LONDON."]}), line(2, {"Lovelace": ["*"]}))
    assert rows() == printed()
    assert set(Institution.objects.values_list("name", flat=True)) == {"Ockham Park", "London"}


@pytest.mark.django_db
def test_an_affiliation_that_a_later_record_fills_in_is_linked() -> None:
    imported(line(1, {"Lovelace": []}))
    assert rows() == set()
    imported(line(1, {"Lovelace": ["London"]}))
    assert rows() == printed() != set()


@pytest.mark.django_db
def test_records_without_affiliations_cost_one_statement() -> None:
    with CaptureQueriesContext(connection) as captured:
        run(fact("2001.00001", ["Ada Lovelace"]))
    about = [query["sql"] for query in captured if "ffiliation" in query["sql"] or "papers_institution" in query["sql"]]
    assert [sql.split()[0] for sql in about if "papers_affiliation" in sql or "papers_institution" in sql] == []
    assert sum(sql.strip().startswith("SELECT DISTINCT s.paper_id") for sql in about) == 1


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(4))
def test_after_any_imports_and_rollbacks_the_rows_equal_what_is_printed(seed: int) -> None:
    chance = random.Random(seed)
    places = ["London", "LONDON,", "Ockham Park", "Zürich", "Zurich", PARAGRAPH, "†", "Paris"]
    batches: list[Batch] = []
    for step in range(12):
        if batches and chance.random() < 0.4:
            records = list(chance.choice(batches).records.values_list("pk", flat=True))
            if chance.random() < 0.3:
                for record in BatchRecord.objects.filter(pk__in=records, rolled_back_at__isnull=False):
                    reversal.redo(record, None, importing.nobody, reversal.Rules())
            else:
                reversal.undo(records, None, importing.nobody, reversal.Rules())
        else:
            names = chance.sample(["Lovelace", "Babbage", "Somerville", "Byron"], chance.randint(1, 3))
            authors = {name: chance.sample(places, chance.randint(0, 3)) for name in names}
            batches.append(imported(line(chance.randint(1, 3), authors, f"2020-01-{step + 1:02}")))
        assert rows() == printed(), step


@pytest.mark.django_db
def test_linking_again_writes_nothing() -> None:
    imported(line(1, {"Lovelace": ["London", "Paris"]}))
    before = list(Affiliation.objects.order_by("pk").values_list("pk", "signature", "institution"))
    with connection.cursor() as cursor:
        counts = "SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_xact_user_tables"
        cursor.execute(counts)
        written = cursor.fetchone()
        link(list(Paper.objects.values_list("pk", flat=True)))
        cursor.execute(counts)
        assert cursor.fetchone() == written
    assert list(Affiliation.objects.order_by("pk").values_list("pk", "signature", "institution")) == before


@pytest.mark.django_db
def test_what_no_import_has_printed_is_not_known(django_assert_num_queries: object) -> None:
    imported(line(1, {"Lovelace": ["Univ. of Oxford"]}))
    [oxford] = Institution.objects.all()
    assert known(["University of Oxford", "univ. of oxford", "Cambridge", "*"]) == {
        "University of Oxford": oxford.pk,
        "univ. of oxford": oxford.pk,
    }
    assert InstitutionName.objects.count() == 1


@pytest.mark.django_db
def test_older_databases_are_linked_by_the_migrations(monkeypatch: pytest.MonkeyPatch) -> None:
    """As 0010 left them: each folded line an institution. Addresses stay: the second of two leads to the first."""
    imported(
        *(
            line(n, {"Lovelace": ["Univ. of York"], "Babbage": [f"Place {n}", "The University of York"]})
            for n in range(1, 6)
        )
    )
    for model in (Affiliation, InstitutionName, Institution):
        model.objects.all().delete()
    first, second = (
        import_module(f"papers.migrations.{name}") for name in ("0010_link_institutions", "0013_institution_names")
    )
    monkeypatch.setattr(first, "BATCH", 2)
    monkeypatch.setattr(second, "BATCH", 2)
    first.forwards(apps, None)
    assert Institution.objects.count() == 7
    second.forwards(apps, None)
    assert rows() == printed() != set()
    one, other = Institution.objects.filter(name__contains="York").order_by("pk")
    assert (other.merged_into, heir_of(other)) == (one, one)
    assert set(InstitutionName.objects.filter(institution=one).values_list("printed", flat=True)) == {
        "Univ. of York",
        "The University of York",
    }


# --- the page ---------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_page_lists_the_works_that_print_it_and_a_wrong_slug_leads_there(client: Client) -> None:
    imported(
        line(1, {"Lovelace": ["London"]}), line(2, {"Babbage": ["London", "Paris"]}), line(3, {"Byron": ["Paris"]})
    )
    london = Institution.objects.get(name="London")
    page = client.get(london.get_absolute_url())
    html = page.content.decode()
    assert page.status_code == 200
    assert "2 works that print this institution" in " ".join(html.split())
    assert [paper.title for paper in page.context["papers"]] == ["On 2", "On 1"]
    for address in (f"/institutions/{london.pk}/", f"/institutions/{london.pk}/paris/"):
        assert client.get(address)["Location"] == london.get_absolute_url()
    assert client.get("/institutions/999999999/").status_code == 404


@pytest.mark.django_db
def test_a_works_page_links_its_institutions_in_printed_order(client: Client) -> None:
    imported(line(1, {"Lovelace": ["Zurich", "London"], "Babbage": ["London", "Amsterdam"]}))
    page = client.get(Paper.objects.get().get_absolute_url())
    assert [place.name for place in page.context["institutions"]][-1] == "Amsterdam"
    for place in Institution.objects.all():
        assert f'<a href="{place.get_absolute_url()}">{place.name}</a>' in page.content.decode()


@pytest.mark.django_db
def test_a_paragraph_is_whole_on_its_page_and_hostile_text_is_text(client: Client) -> None:
    imported(line(1, {"Lovelace": [PARAGRAPH.strip(" ,"), "<script>alert(1)</script>"]}))
    for place in Institution.objects.all():
        html = client.get(place.get_absolute_url()).content.decode()
        assert "<script>alert" not in html
    long = Institution.objects.get(name__startswith="Department")
    assert long.name in client.get(long.get_absolute_url()).content.decode()


@pytest.mark.django_db
def test_a_place_called_graph_has_a_page_beside_its_graph(client: Client) -> None:
    place = Institution.objects.create(name="Graph", key="graph")
    assert client.get(place.get_absolute_url()).context["institution"] == place
    assert client.get(f"/institutions/{place.pk}/graph/").context["kind"] == "institution"
