"""Ties, slices and their picture: nobody dropped silently, and the same data give the same picture."""

import random
import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from django.template import Context, Engine
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from graph.networks import (
    HEIGHT,
    KINDS,
    LIMITS,
    WIDTH,
    Count,
    Edge,
    Kind,
    Node,
    Slice,
    Tie,
    coauthorship,
    draw,
    layout,
    select,
    team_weight,
)

REPO_ROOT = Path(__file__).resolve().parents[2]
EMPTY = Slice((), (), "")


def around_ada(people: int = 3, papers: int = 2, topics: int = 1, institutions: int = 1) -> Slice:
    """Ada and her surroundings; person i shares 1 + i % 4 works with her and wrote paper i % papers."""
    numbers: dict[Kind, int] = {"person": people, "paper": papers, "topic": topics, "institution": institutions}
    nodes = [Node("person", "ada", "Ada Lovelace", "/people/ada/", 0.0)]
    nodes += [
        Node(kind, f"{kind}{i}", f"{kind.title()} number {i}", f"/{kind}/{i}/", float(1 + i % 4))
        for kind, number in numbers.items()
        for i in range(number)
    ]
    edges = [Edge("ada", f"person{i}", "wrote with", 0.5, 2019, 2020 + i % 4) for i in range(people)]
    edges += [Edge("ada", f"paper{i}", "wrote", 0.5, 2000 + i, 2000 + i) for i in range(papers)]
    edges += [Edge(f"person{i}", f"paper{i % papers}", "wrote", 0.5) for i in range(people) if papers]
    edges += [Edge(f"paper{i % papers}", f"topic{i}", "about", 1.0) for i in range(topics) if papers]
    edges += [Edge("ada", f"institution{i}", "at", 1.0, 1833, 1852) for i in range(institutions)]
    return Slice(tuple(nodes), tuple(edges), "ada")


def shuffled(slice_: Slice, seed: int) -> Slice:
    nodes, edges = list(slice_.nodes), list(slice_.edges)
    random.Random(seed).shuffle(nodes)
    random.Random(seed + 1).shuffle(edges)
    return Slice(tuple(nodes), tuple(edges), slice_.focus, slice_.totals)


def rendered(slice_: Slice) -> str:
    engine = Engine(
        dirs=[str(REPO_ROOT / "templates")],
        libraries={
            "i18n": "django.templatetags.i18n",
            "l10n": "django.templatetags.l10n",
            "humanize": "django.contrib.humanize.templatetags.humanize",
        },
    )
    return engine.get_template("graph/_slice.html").render(Context({"drawing": draw(slice_), "slice": slice_}))


def picture(html: str) -> ElementTree.Element:
    found = re.search(r'<svg class="graph-picture".*?</svg>', html, re.DOTALL)
    assert found
    return ElementTree.fromstring(found[0])


# --- ties


@pytest.mark.parametrize(("team", "weight"), [(1, 0.0), (2, 1.0), (3, 0.5), (5, 0.25), (101, 0.01)])
def test_a_work_gives_each_pair_of_its_team_newmans_weight(team: int, weight: float) -> None:
    assert team_weight(team) == weight


def test_a_team_of_nobody_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one author"):
        team_weight(0)


def test_works_weights_and_years_add_up_over_papers() -> None:
    papers = [(("ada", "wei", "smith"), 2020), (("wei", "ada"), 2018), (("ada",), 1999)]
    assert coauthorship(papers) == {
        ("ada", "wei"): Tie(2, 1.5, 2018, 2020),
        ("ada", "smith"): Tie(1, 0.5, 2020, 2020),
        ("smith", "wei"): Tie(1, 0.5, 2020, 2020),
    }


def test_an_unknown_year_leaves_the_known_ones_alone() -> None:
    assert coauthorship([(("ada", "wei"), None), (("ada", "wei"), 2018)]) == {("ada", "wei"): Tie(2, 2.0, 2018, 2018)}
    assert coauthorship([(("ada", "wei"), None)]) == {("ada", "wei"): Tie(1, 1.0, None, None)}


def test_an_author_listed_twice_on_a_paper_counts_once() -> None:
    assert coauthorship([(("ada", "wei", "ada"), 2020)]) == {("ada", "wei"): Tie(1, 1.0, 2020, 2020)}


@given(st.lists(st.tuples(st.lists(st.sampled_from("abcdefg")).map(tuple), st.none() | st.integers(1990, 2030))))
def test_each_author_of_a_shared_work_gets_one_unit_from_it(papers: list[tuple[tuple[str, ...], int | None]]) -> None:
    ties = coauthorship(papers)
    for author in "abcdefg":
        shared = sum(1 for authors, _ in papers if author in authors and len(set(authors)) > 1)
        assert sum(tie.weight for pair, tie in ties.items() if author in pair) == pytest.approx(shared)


# --- slices


def test_people_are_ranked_by_shared_works_then_tie_then_name() -> None:
    people = [("d", "Bo", 1.0), ("c", "Al", 1.0), ("b", "Cy", 1.0), ("a", "Zoe", 2.0)]
    nodes = (Node("person", "ada", "Ada", "/", 0.0), *(Node("person", id_, name, "/", n) for id_, name, n in people))
    edges = (Edge("ada", "b", "wrote with", 1.0), Edge("c", "ada", "wrote with", 0.5), Edge("ada", "d", "wrote", 0.5))
    kept = select(Slice(nodes, edges, "ada"), {"person": 4})
    assert [node.label for node in kept.nodes] == ["Ada", "Zoe", "Cy", "Al", "Bo"]


def test_papers_are_chosen_newest_first() -> None:
    kept = select(around_ada(papers=5), {"paper": 2})
    assert [node.id for node in kept.nodes] == ["ada", "paper4", "paper3"]


def test_what_is_cut_off_is_counted_and_said() -> None:
    kept = select(around_ada(people=212, papers=1), {"person": 40, "paper": 12})
    assert kept.counts == {
        "person": Count(40, 212),
        "paper": Count(1, 1),
        "topic": Count(0, 1),
        "institution": Count(0, 1),
    }
    assert [cut.text for cut in draw(kept).cut_offs] == [
        "40 of 212 people, by shared works",
        "1 of 1 paper, newest first",
        "0 of 1 topic, by works",
        "0 of 1 institution, by works",
    ]


def test_totals_known_to_the_caller_survive_the_selection() -> None:
    known = around_ada()
    kept = select(Slice(known.nodes, known.edges, known.focus, {"person": 5000}))
    assert kept.counts["person"] == Count(3, 5000)


@given(st.tuples(*[st.integers(0, 40)] * 4), st.tuples(*[st.integers(0, 40)] * 4))
def test_nobody_is_dropped_silently(numbers: tuple[int, ...], limits: tuple[int, ...]) -> None:
    everything = around_ada(*numbers)
    kept = select(everything, dict(zip(KINDS, limits, strict=True)))
    for kind, number, limit in zip(KINDS, numbers, limits, strict=True):
        assert kept.counts[kind] == Count(min(number, limit), number)
    drawing = draw(kept)
    assert len(drawing.marks) == len(kept.nodes) == 1 + sum(len(table.rows) for table in drawing.tables)
    assert sum(cut.total for cut in drawing.cut_offs) == len(everything.nodes) - 1


def test_links_to_what_is_cut_off_go_with_it() -> None:
    kept = select(around_ada(people=3, papers=2), {"person": 1})
    assert {(edge.source, edge.target) for edge in kept.edges} == {("ada", "person2")}


@pytest.mark.parametrize(
    ("nodes", "edges", "focus", "totals", "reason"),
    [
        ([Node("person", "a", "A", "/", 0), Node("paper", "a", "B", "/", 0)], [], "a", {}, "same id"),
        ([Node("person", "a", "A", "/", 0)], [], "b", {}, "focus"),
        ([Node("person", "a", "A", "/", 0)], [Edge("a", "b", "wrote", 1)], "a", {}, "leads out"),
        ([Node("paper", i, i, "/", 0) for i in "ab"], [], "a", {"paper": 0}, "more than there is"),
    ],
)
def test_a_slice_that_contradicts_itself_is_refused(
    nodes: list[Node], edges: list[Edge], focus: str, totals: dict[Kind, int], reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        Slice(tuple(nodes), tuple(edges), focus, totals)


# --- the picture


@pytest.mark.parametrize("seed", range(5))
def test_the_picture_does_not_depend_on_the_order_of_the_data(seed: int) -> None:
    slice_ = around_ada(30, 14, 9, 7)
    assert draw(select(shuffled(slice_, seed))) == draw(select(slice_))


def test_the_focus_stands_in_the_middle() -> None:
    assert layout(around_ada())["ada"] == (WIDTH / 2, HEIGHT / 2)


def test_close_collaborators_stand_nearer_than_the_others() -> None:
    slice_ = around_ada(people=24)
    places = layout(slice_)
    reach: dict[bool, list[float]] = {True: [], False: []}
    for node in slice_.nodes:
        if node.kind == "person" and node.id != "ada":
            x, y = places[node.id]
            reach[node.weight >= 2].append(((x - 480) / 290) ** 2 + ((y - 320) / 304) ** 2)
    # 18 of the 24 share two works or more: the inner ring takes the strongest ten.
    assert sorted(reach[True])[9] < min(reach[False])


@pytest.mark.parametrize("numbers", [(0, 0, 0, 0), (24, 12, 8, 6), (200, 60, 25, 14), (299, 0, 0, 0), (0, 0, 299, 0)])
def test_every_mark_and_label_is_inside_the_picture(numbers: tuple[int, int, int, int]) -> None:
    drawing = draw(around_ada(*numbers))
    assert len(drawing.marks) == 1 + sum(numbers)
    for mark in drawing.marks:
        assert mark.r <= mark.x <= WIDTH - mark.r
        assert mark.r <= mark.y <= HEIGHT - mark.r
        assert 0 < mark.label_x < WIDTH
        assert 0 < mark.label_y < HEIGHT


@given(st.tuples(*[st.integers(0, 30)] * 4))
def test_no_two_marks_stand_on_the_same_spot(numbers: tuple[int, ...]) -> None:
    places = layout(around_ada(*numbers))
    assert len(set(places.values())) == len(places)


def test_a_panel_at_its_limits_names_every_node() -> None:
    drawing = draw(select(around_ada(*(LIMITS[kind] for kind in KINDS))))
    assert drawing.unlabelled == 0
    assert len({(mark.anchor, mark.label_y) for mark in drawing.marks if mark.kind != "person"}) == 12 + 8 + 6


def test_a_long_label_is_cut_and_its_title_is_whole() -> None:
    title = "On the analytical engine and everything that it might one day compute " * 3
    nodes = (Node("person", "ada", "Ada", "/", 0), Node("person", "b", "B", "/", 1), Node("paper", "p", title, "/", 1))
    mark = draw(Slice(nodes, (), "ada")).marks[-1]
    assert mark.title == title
    assert mark.label.endswith("…")
    assert len(mark.label) < 60


def test_wide_letters_count_double() -> None:
    narrow, wide = (
        draw(Slice((Node("paper", "f", "F", "/", 0), Node("paper", "p", letter * 99, "/", 1)), (), "f")).marks[1].label
        for letter in ("a", "陳")
    )
    assert len(narrow) in (2 * len(wide) - 1, 2 * len(wide))


def test_a_person_alone_is_a_picture_of_one_mark() -> None:
    drawing = draw(Slice((Node("person", "ada", "Ada", "/people/ada/", 0),), (), "ada"))
    assert [(mark.x, mark.y, mark.focus) for mark in drawing.marks] == [(480, 320, True)]
    assert (drawing.lines, drawing.cut_offs, drawing.tables) == ((), (), ())


def test_nothing_at_all_is_an_empty_picture() -> None:
    assert layout(EMPTY) == {}
    assert draw(EMPTY).marks == ()
    assert "<svg" not in rendered(EMPTY)


# --- the fragment


class Opened(HTMLParser):
    """Collects the names and the attributes of every tag."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]


def test_every_node_is_a_real_link_with_its_whole_name() -> None:
    slice_ = select(around_ada(24, 12, 8, 6))
    svg = picture(rendered(slice_))
    links = {link.get("href"): link.findtext("title") for link in svg.iter("a")}
    assert links == {node.url: node.label for node in slice_.nodes}


def test_the_tables_hold_what_the_picture_shows() -> None:
    slice_ = around_ada(3, 2, 1, 1)
    html = rendered(slice_)
    tables = html[html.index("<details") :]
    assert re.findall(r"<caption[^>]*>(\w+)<", tables) == ["People", "Papers", "Topics", "Institutions"]
    for node in slice_.nodes[1:]:
        assert f'<th scope="row"><a href="{node.url}">{node.label}</a></th>' in tables
    assert "2019\u20132020" in tables


def test_every_line_is_in_some_row_of_the_tables() -> None:
    rows = {row.label: row for table in draw(around_ada(3, 2, 1, 1)).tables for row in table.rows}
    linked = {label: tuple(node.label for node in row.linked) for label, row in rows.items()}
    assert linked["Paper number 0"] == ("Person number 0", "Person number 2", "Topic number 0")
    assert linked["Paper number 1"] == ("Person number 1",)


def test_the_fragment_says_what_the_drawing_says() -> None:
    slice_ = select(around_ada(40, 1, 9, 7))
    text = " ".join(rendered(slice_).split())
    for cut in draw(slice_).cut_offs:
        assert f"<span>{cut.text}.</span>" in text


def test_a_hostile_label_is_shown_and_never_run() -> None:
    hostile = '<script>alert("x")</script>" onload="y'
    nodes = (Node("person", "a", hostile, "/a/", 0), Node("paper", "p", hostile, '/p/"onclick="z', 1))
    opened = Opened(rendered(Slice(nodes, (Edge("a", "p", "wrote", 1.0),), "a")))
    assert "script" not in opened.tags
    assert not [name for name in opened.attributes if name.startswith("on")]


def test_a_strict_content_security_policy_can_hold() -> None:
    opened = Opened(rendered(select(around_ada(24, 12, 8, 6))))
    assert not {"script", "style"} & set(opened.tags)
    assert not [name for name in opened.attributes if name == "style" or name.startswith("on")]


def test_coordinates_keep_their_point_where_numbers_have_a_comma() -> None:
    with translation.override("de"):
        svg = picture(rendered(around_ada(7, 5, 3, 2)))
    assert all(re.fullmatch(r"[\d.]+", text.get("x", "")) for text in svg.iter("text"))


def test_people_who_write_with_one_another_stand_together() -> None:
    people = [Node("person", f"p{n}", f"Person {n}", f"/p{n}", 1) for n in range(6)]
    focus = Node("person", "focus", "Ada", "/ada", 9)
    spokes = [Edge("focus", person.id, "wrote with", 1) for person in people]
    teams = [Edge(f"p{a}", f"p{b}", "wrote with", 1) for a, b in ((0, 2), (2, 4), (0, 4), (1, 3), (3, 5), (1, 5))]
    places = layout(Slice((focus, *people), (*spokes, *teams), "focus"))
    sides = {n: (places[f"p{n}"][0] > WIDTH / 2, places[f"p{n}"][1]) for n in range(6)}
    for side in (False, True):
        order = [n % 2 for n, (right, _) in sorted(sides.items(), key=lambda item: item[1]) if right is side]
        assert order == sorted(order) or order == sorted(order, reverse=True)
