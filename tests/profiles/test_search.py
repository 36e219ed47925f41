"""People by what somebody types: names in any order, spelling or script, and words of the person's work."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from papers.bounded import TooSlow
from papers.models import Batch, Signature
from profiles import search, search_context
from profiles.models import Account, Author, OwnWords
from profiles.search import find_people
from profiles.search_context import Reason
from tests.conftest import PARITY, SHARED, fact

pytestmark = pytest.mark.django_db
Bring = Callable[..., Batch]

DING = PARITY.with_name("zixiang_ding.jsonl")
OTHERS = (
    fact("2001.00001", ["Jean-Pierre Serre", "Alexandre Grothendieck"], "On coherent sheaves", categories=["math.AG"]),
    fact("2001.00002", ["Hans Müller", "Johannes van der Waals"], "On liquids", categories=["physics.chem-ph"]),
    fact("2001.00003", ["Dieter Mueller", "Gabriel García Márquez"], "On solitude", categories=["cs.CY"]),
    fact("2001.00004", ["Pafnuty Chebyshev", "Ivan Petrov"], "On polynomials", categories=["math.CA"]),
    fact("2001.00005", ["Dimitris Papadopoulos", "Seán O’Néill"], "On islands", categories=["cs.GT"]),
    fact("2001.00006", ["王伟", "Søren Kierkegård"], "On either of two", categories=["cs.LO"]),
    fact("2001.00007", ["M. Curie", "Łukasz Đorđević"], "On radiant matter", categories=["nucl-ex"]),
)


@pytest.fixture
def world(bring: Bring) -> None:
    bring(PARITY.read_bytes())
    bring(DING.read_bytes())
    bring(*OTHERS)


def names(query: str) -> list[str]:
    return [author.name for author in find_people(query).people]


# As typed, who it is, and among how many of the first.
TYPED = [
    ("Xiangning Chen", "Xiangning Chen", 1),
    ("chen xiangning", "Xiangning Chen", 1),
    ("CHEN, Xiangning", "Xiangning Chen", 1),
    ("x chen", "Xiangning Chen", 3),
    ("chen x", "Xiangning Chen", 3),
    ("X. Chen", "Xiangning Chen", 3),
    ("xiangn", "Xiangning Chen", 1),
    ("xiang ning chen", "Xiangning Chen", 1),
    ("xiangnign chen", "Xiangning Chen", 1),
    ("chen xianging", "Xiangning Chen", 1),
    ("ding broad nas", "Zixiang Ding", 1),
    ("nas broad ding", "Zixiang Ding", 1),
    ("zixiang ding nas", "Zixiang Ding", 1),
    ("ding dongbin", "Zixiang Ding", 3),
    ("chen hsieh perturbation", "Xiangning Chen", 1),
    ("xiangning collaborative filtering chen", "Xiangning Chen", 1),
    ("chen sharpness vision", "Xiangning Chen", 3),
    ("cho jui hsieh", "Cho-Jui Hsieh", 1),
    ("chojui hsieh", "Cho-Jui Hsieh", 1),
    ("cj hsieh", "Cho-Jui Hsieh", 1),
    ("c.-j. hsieh", "Cho-Jui Hsieh", 1),
    ("hsieh, c. j.", "Cho-Jui Hsieh", 1),
    ("le quoc", "Quoc V. Le", 1),
    ("j.-p. serre", "Jean-Pierre Serre", 1),
    ("serre jp", "Jean-Pierre Serre", 1),
    ("jeanpierre serre", "Jean-Pierre Serre", 1),
    ("serre sheaves", "Jean-Pierre Serre", 1),
    ("serre grothendieck", "Jean-Pierre Serre", 1),
    ("serre algebraic geometry", "Jean-Pierre Serre", 1),
    ("Hans Mueller", "Hans Müller", 1),
    ("hans muller", "Hans Müller", 1),
    ("Müller", "Dieter Mueller", 3),
    ("Dieter Müller", "Dieter Mueller", 1),
    ("muller dieter", "Dieter Mueller", 1),
    ("waals", "Johannes van der Waals", 1),
    ("van der waals johannes", "Johannes van der Waals", 1),
    ("garcia marquez", "Gabriel García Márquez", 1),
    ("Пафнутий Чебышев", "Pafnuty Chebyshev", 1),
    ("Петров Иван", "Ivan Petrov", 1),
    ("Παπαδόπουλος Δημήτρης", "Dimitris Papadopoulos", 1),
    ("oneill", "Seán O’Néill", 1),
    ("Sean O'Neill", "Seán O’Néill", 1),
    ("王伟", "伟 王", 1),
    ("王 伟", "伟 王", 1),
    ("soren kierkegard", "Søren Kierkegård", 1),
    ("kirkegard", "Søren Kierkegård", 1),
    ("Marie Curie", "M. Curie", 1),
    ("lukasz dordevic", "Łukasz Đorđević", 1),
    ("ＭＡＲＱＵＥＺ", "Gabriel García Márquez", 1),
]


def test_what_is_typed_finds_the_person(world: None) -> None:
    missed = [(query, who, got[:3]) for query, who, among in TYPED if who not in (got := names(query))[:among]]
    assert missed == []


def test_the_answer_says_which_words_stand_where(world: None) -> None:
    [ding, *_] = find_people("ding broad nas").people
    [reason] = ding.context  # type: ignore[attr-defined]
    assert (ding.matched, reason.where, reason.words) == ("Zixiang Ding", "title", ("broad", "nas"))  # type: ignore[attr-defined]
    assert "Broad" in reason.text
    [serre, *_] = find_people("serre grothendieck").people
    assert serre.context == (Reason("coauthor", ("grothendieck",), "Alexandre Grothendieck"),)  # type: ignore[attr-defined]
    [serre, *_] = find_people("serre of sheaves geometry").people
    assert {reason.where for reason in serre.context} == {"title", "topic"}  # type: ignore[attr-defined]


def test_a_misprint_of_a_whole_name_comes_before_words_of_the_work_and_does_not_displace_them(world: None) -> None:
    found = find_people("Xiangning Cheng")
    assert [author.name for author in found.people[:2]] == ["Xiangning Chen", "Minhao Cheng"]
    assert found.fuzzy
    assert found.people[1].context == (Reason("coauthor", ("xiangning",), "Xiangning Chen"),)  # type: ignore[attr-defined]
    assert not find_people("ding broad nas").fuzzy


def test_the_page_says_it_too(world: None, client: Client) -> None:
    page = " ".join(client.get("/search/", {"q": "ding broad nas"}).content.decode().split())
    assert "with “broad nas” in the title" in page
    assert "coauthor Alexandre Grothendieck" in " ".join(
        client.get("/search/", {"q": "serre grothendieck"}).content.decode().split()
    )


def test_a_name_is_enough_and_context_is_for_words_left_over(world: None) -> None:
    assert all(author.context == () for author in find_people("chen x").people)  # type: ignore[attr-defined]
    assert names("serre nowhereprinted") == []


def test_the_seeds_are_found(bring: Bring) -> None:
    seeds = SHARED / "seeds" / "facts.jsonl"
    if not seeds.exists():
        pytest.skip("the shared seeds are not beside this checkout")
    bring(seeds.read_bytes())
    for query in ("ding broad nas", "zixiang ding", "ding tensor ring", "ding zhao broad"):
        assert names(query)[0] == "Zixiang Ding", query


def test_an_orcid_finds_its_person_alone(bring: Bring) -> None:
    bring(fact("2001.00001", ["Ada Lovelace", "Ada Byron"]))
    Signature.objects.filter(position=0).update(orcid="0000-0002-1825-0097")
    assert names("0000-0002-1825-0097") == names("https://orcid.org/0000-0002-1825-0097") == ["Ada Lovelace"]
    assert names("0000-0001-5109-3700") == []


def test_a_fuller_form_than_any_that_is_printed_finds_initials_only_where_nobody_has_the_name(bring: Bring) -> None:
    bring(fact("2001.00001", ["M. Curie"], "On one"), fact("2001.00002", ["Marie Skłodowska"], "On two"))
    assert names("Marie Curie") == ["M. Curie"]
    bring(fact("2001.00003", ["Marie Curie", "Zoe Quill"], "Of other things", categories=["math.LO"]))
    assert names("Marie Curie") == ["Marie Curie"]


def test_owners_are_found_in_their_own_script_unless_they_hide_it(bring: Bring) -> None:
    bring(fact("2001.00001", ["Wei Wang", "Li Na"]))
    author = Author.objects.get(name="Wei Wang")
    author.account = Account.objects.create_user("wei")
    author.save()
    words = OwnWords.objects.create(author=author, native_name="王伟")
    [found] = find_people("王伟").people
    assert (found.name, found.matched) == ("Wei Wang", "王伟")  # type: ignore[attr-defined]
    words.hidden = ["native_name"]
    words.save()
    assert names("王伟") == []


def test_who_is_hidden_or_hides_what_is_printed_is_neither_found_nor_a_reason(world: None) -> None:
    Author.objects.filter(name="Alexandre Grothendieck").update(visibility=Author.Visibility.GONE)
    assert names("serre grothendieck") == names("grothendieck sheaves") == []
    Author.objects.filter(name="Jean-Pierre Serre").update(visibility=Author.Visibility.NOTICE)
    assert names("serre sheaves") == names("jp serre") == []


@pytest.mark.parametrize(
    "query",
    [
        "",
        " ",
        "\0",
        "...,;-()[]{}",
        "'\"`´’",
        "😀 👩‍🔬",
        "😀 chen",
        "x" * 10_000,
        "chen " * 2_000,
        "a b c d e f g h i j k l m n o p q r s t u v w x y z",
        "the of and",
        "chen the of",
        "'; DROP TABLE profiles_author; --",
        "chen' | ! & <-> :*A",
        "(a+)+$ .*? [^\\w]{1,9999}",
        "%_%\\",
        "chen \\",
        "\ud800 chen",
        "محمد علي",
        "שלום עולם",
        "नमस्ते दुनिया",
        "ﷺ ﷺ ﷺ",
        "Z̸̢̛͓a̸l̷g̶o̵",
        "<script>alert(1)</script> chen",
        "1234567890 42",
        "0000-0000-0000-0000",
    ],
)
def test_whatever_is_typed_is_answered_with_few_queries(world: None, query: str) -> None:
    with CaptureQueriesContext(connection) as asked:
        found = find_people(query)
    assert len(found.people) <= search.SHOWN
    assert len(asked) <= 16
    assert Author.objects.exists()


def test_the_number_of_queries_does_not_grow_with_what_is_found(bring: Bring) -> None:
    def asked(query: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            find_people(query)
        return len(queries)

    bring(fact("2001.00001", ["Ada Chen", "Bea Holm"], "Looms that weave"))
    one = asked("chen weave"), asked("chen")
    bring(*(fact(f"2002.{n:05}", [f"Q{n} Chen", f"Z{n} Holm"], f"Looms that weave {n}") for n in range(30)))
    assert asked("chen weave") == one[0]
    assert asked("chen") < one[1]  # twenty are found sooner than one
    assert len(find_people("chen weave").people) == search.SHOWN


def test_of_a_frequent_name_who_wrote_the_rare_title_is_found(bring: Bring, monkeypatch: pytest.MonkeyPatch) -> None:
    bring(*(fact(f"2002.{n:05}", [f"Q{n} Chen"], f"Looms that weave {n}") for n in range(5)))
    bring(fact("2002.00099", ["Ada Chen"], "Looms that unravel"))
    read_one = search_context._BY_TITLE.replace(str(search_context.READ), "1")
    monkeypatch.setattr(search_context, "_BY_TITLE", read_one)
    monkeypatch.setattr(search_context, "_CANDIDATES", search_context._CANDIDATES.replace("LIMIT 100", "LIMIT 0"))
    assert [author.name for author in find_people("chen unravel").people] == ["Ada Chen"]


def test_what_takes_too_long_is_given_up(world: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "TIMEOUT_MS", 50)
    monkeypatch.setattr(search_context, "_BY_TITLE", "SELECT 1 FROM pg_sleep(5) WHERE (%s, %s, %s, %s, %s) IS NOT NULL")
    with pytest.raises(TooSlow):
        find_people("serre sheaves")
