"""Addresses and links as records print them, and casts of coauthors who would like to be each other."""

import pytest

from papers.contacts import Name, addresses, cast, found_addresses, found_links, has_address, home_of, links
from papers.names import split_name


def people(*printed: str) -> list[Name]:
    return [Name(*split_name(name)[:2]) for name in printed]


def own(printed: str, *coauthors: str, address: str) -> bool:
    return has_address(people(printed)[0], people(*coauthors), address)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Contact: ada@x.org.", ["ada@x.org"]),
        ("(Ada.Lovelace@X.Org)", ["Ada.Lovelace@x.org"]),
        (r"\texttt{ada\_l@x.org}", ["ada_l@x.org"]),
        (r"\href{mailto:ada@x.org}{mail me}", ["ada@x.org"]),
        ("<ada@x.org>; bob@y.co.uk", ["ada@x.org", "bob@y.co.uk"]),
        ("a@x.edu/b@y.edu", ["a@x.edu", "b@y.edu"]),
        ("{ada, bob}@x.edu", ["ada@x.edu", "bob@x.edu"]),
        (r"\{ada,bob\}@x.edu", ["ada@x.edu", "bob@x.edu"]),
        ("(ada | bob)@x.edu", ["ada@x.edu", "bob@x.edu"]),
        ("ada [at] x [dot] org", ["ada@x.org"]),
        ("ada(at)x.org", ["ada@x.org"]),
        ("ada AT x DOT co DOT uk", ["ada@x.co.uk"]),
        ("ada@x.org ADA@x.org", ["ada@x.org"]),
        # no address, or nobody's
        ("confined at quantum dot arrays", []),
        ("precision@1.5, 61 TOp/s/W@0.6 V, F1@20", []),
        ("the watermark (AT) is added", []),
        ("https://git@github.com/a/b and ssh://me@host.org", []),
        ("ftp://anon%40anon@ftp.x.org", []),
        ("info@x.org, firstname.lastname@x.org, permissions@x.org", []),
        ("аda@x.org", []),  # the first letter is Cyrillic
        ("ada@x", []),
        ("ada..b@x.org", []),
    ],
)
def test_addresses_are_read_as_they_are_printed(text, expected):
    assert addresses(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"see \url{https://x.org/~ada/}.", ["https://x.org/~ada/"]),
        (r"\href{https://x.org/a\_b}{here}", ["https://x.org/a_b"]),
        ("(www.adalovelace.org)", ["http://www.adalovelace.org"]),
        ("ada@www.x.org", []),
        ("javascript:alert(1) ftp://x.org/", []),
    ],
)
def test_links_are_read_as_they_are_printed(text, expected):
    assert links(text) == expected


@pytest.mark.parametrize("text", ["@" * 20_000, "a." * 20_000, "{" * 20_000, "a AT " * 5_000, "http://" * 5_000])
def test_hostile_text_is_read_once(text):
    addresses(text), links(text)


@pytest.mark.parametrize(
    ("printed", "coauthors", "address"),
    [
        ("Ada Lovelace", ["Charles Babbage"], "ada.lovelace@x.org"),
        ("Ada Lovelace", ["Charles Babbage"], "lovelace.ada@x.org"),
        ("Ada Lovelace", ["Charles Babbage"], "alovelace@x.org"),
        ("Ada Lovelace", ["Charles Babbage"], "lovelacea@x.org"),
        ("Ada Lovelace", ["Charles Babbage"], "lovelace@x.org"),
        ("A. Lovelace", ["Charles Babbage"], "ada.lovelace@x.org"),
        ("Hinrich Müller", ["Ada Lovelace"], "hmueller@x.org"),
        ("Sophie van der Zee", ["Ada Lovelace"], "vanderzee@x.org"),
        ("Miguel Á. Carreira-Perpiñán", ["Geoffrey J. Goodhill"], "mcarreira-perpinan@x.org"),
        ("Xiang-Ning Chen", ["Ada Lovelace"], "xnchen@x.org"),
        ("Jierui Xie", ["Xiaoming Liu"], "xiej2@x.org"),
        ("Wei Wang", ["Jing Wang"], "wei.wang@x.org"),
        ("Julia Hirschberg", [], "julia@x.org"),
        ("Daniel Klaus Burgarth", [], "dkb3@x.org"),
    ],
)
def test_an_address_that_has_the_form_of_the_name_is_the_persons(printed, coauthors, address):
    assert own(printed, *coauthors, address=address)


@pytest.mark.parametrize(
    ("printed", "coauthors", "address"),
    [
        ("Wei Wang", ["Jing Wang"], "wang@x.org"),
        ("Jing Wang", ["Jun Wang"], "jwang@x.org"),
        ("J. Wang", ["W. Wang"], "wang@x.org"),
        ("Wei Wang", ["W. Wang"], "wei.wang@x.org"),  # the other may be another Wei
        ("Wei Wang", ["Wang Wei"], "wei.wang@x.org"),
        ("Wei Li", ["Li Wei"], "weili@x.org"),
        ("Wei Wang", ["王伟"], "wei.wang@x.org"),  # whose name is read so too
        ("Wei Wang", ["Weixin Wang"], "wei.wang@x.org"),
        ("Jane Lee", ["Jonas Leeson"], "jlee@x.org"),
        ("Jane Lees", ["Jonas Leeson"], "jlees@x.org"),
        ("Ada Lovelace", ["Charles Babbage"], "babbage@x.org"),
        ("Ada Lovelace", ["Charles Babbage"], "ada@x.org"),
        ("Wei Li", ["Ada Lovelace"], "li@x.org"),  # too short to say anything
        ("Lab One", ["Ada Lovelace"], "everybody@x.org"),
        ("Jacopo Pellegrino", [], "marco.maggiora@x.org"),  # one author, who prints the supervisor's
        ("Kang Tan", [], "zhibin.li@x.org"),
        ("Mari Curie", [], "mario.rossi@x.org"),
        ("王伟", ["Ada Lovelace"], "wangwei@x.org"),
    ],
)
def test_an_address_that_could_be_another_persons_is_nobodys(printed, coauthors, address):
    assert not own(printed, *coauthors, address=address)


def test_of_two_authors_never_both_have_one_address():
    printed = ["Wei Wang", "W. Wang", "Li Wei", "Wang Li", "Ada Lovelace", "A. L. Wei", "Jean Pierre Li", "王伟", "Li"]
    accounts = ["wang", "wwang", "wei.wang", "weili", "liwei", "jpli", "li.wang", "lovelace", "ada", "weiwang", "lwang"]
    for one in printed:
        for other in printed:
            if one != other:
                for account in accounts:
                    both = own(one, other, address=f"{account}@x") and own(other, one, address=f"{account}@x")
                    assert not both, (one, other, account)


ADA = "Ada Lovelace"


@pytest.mark.parametrize(
    ("coauthors", "url", "home"),
    [
        (["Wei Li"], "http://www.x.edu/~lovelace/pub/1.pdf", "http://www.x.edu/~lovelace/"),
        (["Wei Li"], "http://www.x.edu/people/alovelace", "http://www.x.edu/people/alovelace/"),
        (["Wei Li"], "https://github.com/alovelace/engine", "https://github.com/alovelace"),
        (["Wei Li"], "http://www.github.com/AdaLovelace", "https://github.com/AdaLovelace"),
        (["Wei Li"], "https://adalovelace.github.io/engine/", "https://adalovelace.github.io/"),
        (["Wei Li"], "https://sites.google.com/view/ada-lovelace/home", "https://sites.google.com/view/ada-lovelace"),
        (["Wei Li"], "http://www.adalovelace.co.uk/x.zip", "http://www.adalovelace.co.uk/"),
        # not hers, or not hers alone
        (["Wei Li"], "https://github.com/lovelace/engine", None),  # anybody may take the name
        (["Wei Li"], "https://github.com/difference-engine/ada-lovelace", None),
        (["Al Lovelace"], "https://github.com/alovelace", None),
        (["Al Lovelace"], "http://www.x.edu/~lovelace/", None),
        (["Wei Li"], "https://arxiv.org/abs/2001.00001", None),
        (["Wei Li"], "https://doi.org/10.1/ada.lovelace", None),
        (["Wei Li"], "https://github.com/", None),
        (["Wei Li"], "https://lovelace.org/", None),
        (["Wei Li"], "https://www.lab.org/people/alovelace/", None),  # a lab's own pages are the lab's
        (["Wei Li"], "https://weili.org/~lovelace/", None),  # a coauthor gives the accounts
        (["Wei Li"], "https://adalovelace.wei-li.org/", None),
        (["Wei Li"], "https://x.org/adalovelace", None),
        (["Wei Li"], "https://x.org/?~lovelace/", None),
        (["Wei Li"], "http://x.edu:8080/~lovelace/", None),
        (["Wei Li"], "http://weili@x.edu/~lovelace/", None),
        ([], "http://www.imstat.org/aos/", None),  # one author, and the publisher's page
        ([], "https://github.com/tensorflow/tensorflow", None),
    ],
)
def test_a_link_is_cut_down_to_the_home_that_is_one_persons(coauthors, url, home):
    assert home_of(people(ADA)[0], people(*coauthors), url) == home


def test_the_only_address_of_ones_own_affiliation_is_ones_own():
    ada, wei = people(ADA, "Wei Li")
    found = found_addresses(ada, [wei], ["X University; xyz1@x.edu"], ["Y University"], "")
    assert [(f.value, f.own) for f in found] == [("xyz1@x.edu", True)]


def test_an_address_that_a_coauthors_affiliation_prints_too_is_nobodys():
    ada, wei = people(ADA, "Wei Li")
    assert not found_addresses(ada, [wei], ["X, xyz1@x.edu"], ["X, xyz1@x.edu"], "")[0].own


def test_of_two_addresses_in_an_affiliation_only_the_one_with_the_name_is_own():
    ada, wei = people(ADA, "Wei Li")
    found = found_addresses(ada, [wei], ["X, {alovelace, wl7}@x.edu"], [], "")
    assert [(f.value, f.own) for f in found] == [("alovelace@x.edu", True), ("wl7@x.edu", False)]


def test_where_not_all_authors_are_named_a_name_proves_nothing():
    assert cast(people("Wei Li"), "Ada Lovelace, Wei Li et al.") is None
    assert cast(people("Wei Li", "Planck Collaboration"), "") is None
    assert cast(people("Wei Li"), "Ada Lovelace, Wei Li") is not None
    assert not found_addresses(people(ADA)[0], None, [], [], "ada.lovelace@x.org")[0].own
    assert not found_links(people(ADA)[0], None, [], "https://adalovelace.org")[0].own
