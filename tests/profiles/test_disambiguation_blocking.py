"""Blocks: who is compared with whom, and that no block grows without bound."""

import pytest

from papers.names import bare_family, surname_key
from profiles.disambiguation.blocking import blocks, pairs
from profiles.disambiguation.names import Agreement
from profiles.disambiguation.signatures import Signature


def people(*names, coauthors=None):
    known = coauthors or {}
    return [Signature(n, n, family, given, coauthors=known.get(n, ())) for n, (family, given) in enumerate(names)]


@pytest.mark.parametrize(
    ("family", "key"), [("Van der Waals", "waals"), ("García", "garcia"), ("El", "el"), ("Mac Donald", "macdonald")]
)
def test_particles_accents_and_spaces_do_not_separate_family_names(family, key):
    assert bare_family(family) == key


def test_bob_meets_robert_and_an_umlaut_meets_its_spelling():
    assert [len(b) for b in blocks(people(("Smith", "Bob"), ("Smith", "Robert")))] == [2]
    assert [
        len(b) for b in blocks(people(("Schütze", "Hinrich"), ("Schuetze", "Hinrich"), ("Schutze", "Hinrich")))
    ] == [3]
    assert [len(b) for b in blocks(people(("Xu", "Wei"), ("Xue", "Wei")))] == [1, 1]


def test_who_shares_a_block_shares_a_surname_key():
    # Signatures are loaded by surname key: a block that reached over it would depend on what else was loaded.
    families = [
        "Schütze",
        "Schuetze",
        "Schutze",
        "Van der Waals",
        "Waals",
        "Mac Donald",
        "MacDonald",
        "Xu",
        "Xue",
        "El",
    ]
    for block in blocks(people(*((family, "Hinrich") for family in families))):
        assert len({surname_key(signature.family) for signature in block}) == 1


def test_pairs_hold_each_agreeing_pair_once_with_how_it_agrees():
    found = pairs(
        people(("Zhao", "Dongbin"), ("Zhao", "D."), ("Zhao", "Dongbing"), ("Zhao", "Dongbin"), ("Zhao", "Dan"))
    )
    listed = {
        (i, j): Agreement(k)
        for i, j, k in zip(found.i.tolist(), found.j.tolist(), found.agreement.tolist(), strict=True)
    }
    assert len(listed) == len(found.i)
    assert listed == {
        (0, 3): Agreement.SAME,
        (0, 1): Agreement.INITIAL,
        (1, 3): Agreement.INITIAL,
        (1, 2): Agreement.INITIAL,
        (1, 4): Agreement.INITIAL,
        (0, 2): Agreement.MISPRINT,
        (2, 3): Agreement.MISPRINT,
    }


def test_an_oversized_block_is_split_by_first_name_and_initials_go_with_their_coauthors():
    known = people(("Li", "Jun"), ("Li", "Jun"), ("Li", "Jian"), ("Li", "J."), coauthors={2: ("x|y",), 3: ("x|y",)})
    assert [[s.id for s in b] for b in blocks(known, cap=3)] == [[2, 3], [0, 1]]


def test_a_name_too_frequent_for_one_block_is_cut_along_coauthors():
    coauthors = {n: ("a|a",) if n % 2 else ("b|b",) for n in range(8)}
    found = list(blocks(people(*[("Wang", "Wei")] * 8, coauthors=coauthors), cap=4))
    assert sorted([s.id for s in b] for b in found) == [[0, 2, 4, 6], [1, 3, 5, 7]]


def test_no_block_exceeds_the_cap_and_nobody_is_lost():
    known = people(
        *[("Wang", given) for given in ("Wei", "W.", "Wen", "Wei-Min") for _ in range(7)],
        coauthors=dict.fromkeys(range(28), ("a|a",)),
    )
    found = list(blocks(known, cap=5))
    assert max(map(len, found)) <= 5
    assert sorted(s.id for b in found for s in b) == list(range(28))
