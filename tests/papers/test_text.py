"""TeX to readable text and to safe HTML."""

from __future__ import annotations

import re
import unicodedata
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papers.text import clean, decode_accents, markup, plain


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a\n  b\t c ", "a b c"),
        ("a\x00b", "ab"),
        ("a\ud800b", "ab"),
        ("pay\u202egpj.exe", "paygpj.exe"),
        ("ze\u200bro\ufeff", "zero"),
        ("e\u0301", "é"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("a\u200cb", "ab"),
    ],
)
def test_a_string_is_made_storable(source: str, expected: str) -> None:
    assert clean(source) == expected


@given(st.text(alphabet=st.characters()))
def test_cleaning_twice_changes_nothing_and_the_result_can_be_stored(source: str) -> None:
    cleaned = clean(source)
    assert clean(cleaned) == cleaned
    assert "\0" not in cleaned
    assert cleaned.encode("utf-8").decode("utf-8") == cleaned


@pytest.mark.parametrize(
    ("tex", "expected"),
    [
        (r"Bal\'azs", "Balázs"),
        (r"{\'e}", "é"),
        (r"\'{e}", "é"),
        (r"\"{o}", "ö"),
        (r"\~{\^e}", "ễ"),
        (r"{\~{\^e}}", "ễ"),
        (r"Zangh\`\i", "Zanghì"),
        (r"F\'{\i}sicas", "Físicas"),
        (r"\v{C}ech, \v Sr\'amek", "Čech, Šrámek"),
        (r"Fran\c{c}ois, Fran\c cois", "François, François"),
        (r"Erd\H{o}s", "Erdős"),
        (r"Mei{\ss}ner, Stra\ss e", "Meißner, Straße"),
        (r"\L{}\'od\'z, Pucha{\l}a", "Łódź, Puchała"),
        (r"{\O}bro, {\AA}rhus, \aa", "Øbro, Århus, å"),
        (r"{\rm Li} Wei", "Li Wei"),
        (r"\O(n) steps, 100% more", r"\O(n) steps, 100% more"),
        (r"\alpha and \left", r"\alpha and \left"),
        ("Ren{é}", "René"),
        ("no TeX", "no TeX"),
    ],
)
def test_accents_become_unicode_and_the_rest_is_left(tex: str, expected: str) -> None:
    assert decode_accents(tex) == expected


@pytest.mark.parametrize(
    ("source", "text", "html"),
    [
        (r"75.3\%", "75.3%", None),
        ("$0.52pp$", "0.52pp", None),
        (r"BERT$_{\rm BASE}$", "BERT_BASE", "BERT<sub>BASE</sub>"),
        (r"$1\sim 2 \times$", "1∼2 ×", None),
        (r"$a \leq b$, $\alpha$-decay", "a ≤ b, α-decay", None),
        (r"$O(n\log n)$", "O(n log n)", None),
        (r"$x_i^2 + \mathbb{R}^{n+1}$", "x_i^2 + R^(n+1)", "x<sub>i</sub><sup>2</sup> + R<sup>n+1</sup>"),
        (r"$x_\mathrm{max}$", "x_max", "x<sub>max</sub>"),
        (r"$\tilde{O}(\sqrt{n})$, $\tilde{\Theta}$", "Õ(√n), Θ̃", None),
        (r"$\sqrt{a+b}$, $\frac{1}{2}$, $\frac{a+b}{c}$", "√(a+b), 1/2, (a+b)/c", None),
        ("10^{-3} and 10^5 in snake_case", "10^-3 and 10^5 in snake_case", "10<sup>-3</sup> and 10^5 in snake_case"),
        (r"\emph{a \textbf{b}} \texttt{c}", "a b c", "<em>a <strong>b</strong></em> <code>c</code>"),
        (r"{\em DARTS} is {\sc fast}", "DARTS is fast", "<em>DARTS</em> is fast"),
        (r"\textsc{nas}, {DARTS}", "nas, DARTS", None),
        (r"{$x_\em y$ z}", "x_y z", "x<sub></sub><em>y z</em>"),
        ("``x'' a -- b --- c d~e ~10", "“x” a – b — c d e ~10", None),
        ("the cat's semi-dry hat", "the cat's semi-dry hat", "the cat&#x27;s semi-dry hat"),
        ("R&amp;D, &amp;lt;, A & B", "R&D, &lt;, A & B", "R&amp;D, &amp;lt;, A &amp; B"),
        ("costs $5 and $10 or $7", "costs $5 and $10 or $7", None),
        (r"\$5 and \#1", "$5 and #1", None),
        (r"\foo{a}{b}, \cite{x}, \unknown", r"\foo{a}{b}, \cite{x}, \unknown", None),
        (r"The 50\% rule & 100% more", "The 50% rule & 100% more", "The 50% rule &amp; 100% more"),
        ("a } b { c", "a } b c", None),
        (r"Erd\H{o}s's $\{0,1\}$", "Erdős's {0,1}", "Erdős&#x27;s {0,1}"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
    ],
)
def test_tex_is_shown_rightly_as_text_and_as_html(source: str, text: str, html: str | None) -> None:
    assert plain(source) == text
    assert markup(source) == (text if html is None else html)


def _link(url: str, text: str) -> str:
    return f'<a href="{url}" rel="nofollow ugc noopener">{text}</a>'


@pytest.mark.parametrize(
    ("source", "text", "html"),
    [
        (r"\url{https://x.org/a_b}", "https://x.org/a_b", _link("https://x.org/a_b", "https://x.org/a_b")),
        (r"\url{https://x.org/\%7E}", "https://x.org/%7E", _link("https://x.org/%7E", "https://x.org/%7E")),
        ("(see https://x.org/y).", "(see https://x.org/y).", f"(see {_link('https://x.org/y', 'https://x.org/y')})."),
        (r"\href{https://x.org?a=1&b=2}{t}", "t (https://x.org?a=1&b=2)", _link("https://x.org?a=1&amp;b=2", "t")),
        (r"\url{x}", "x", "x"),
        (r"\url{javascript:alert(1)}", "javascript:alert(1)", "javascript:alert(1)"),
        (r"\href{javascript:alert(1)}{t}", "t (javascript:alert(1))", "t (javascript:alert(1))"),
        (r"\url{https://user@evil.org}", "https://user@evil.org", "https://user@evil.org"),
    ],
)
def test_only_web_addresses_become_links(source: str, text: str, html: str) -> None:
    assert plain(source) == text
    assert markup(source) == html


_TEX_ALPHABET = st.lists(
    st.sampled_from(
        ["\\", "{", "}", "$", "^", "_", "~", "&lt;", "<", ">", '"', "'", "`", "-", "\u0338", " ", "x", "\\em",
         "\\emph{",
         "\\url{", "\\href{", "https://a.b", "javascript:", "<script", " onclick=", "\\frac{", "\\sqrt", "\\hat", "\\'",
         "$x_", "{$", "$", "}"]
    ),
    max_size=30,
).map("".join)  # fmt: skip


class _Balance(HTMLParser):
    """Collects what a browser would see: tags must be ours, balanced, and bear no attribute but a link's."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in {"sub", "sup", "em", "strong", "code", "a"}
        assert [name for name, _ in attrs] == (["href", "rel"] if tag == "a" else [])
        assert tag != "a" or re.match("https?://", attrs[0][1] or "")
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@given(st.one_of(st.text(), _TEX_ALPHABET))
def test_no_input_makes_a_tag_a_link_or_an_attribute_of_its_own(source: str) -> None:
    for page in (markup(source), unicodedata.normalize("NFC", markup(source))):
        parser = _Balance()
        parser.feed(page)
        parser.close()
        assert not parser.open
        assert "<script" not in page


@given(st.one_of(st.text(), _TEX_ALPHABET))
def test_plain_text_is_one_clean_line(source: str) -> None:
    assert clean(plain(source)) == plain(source)


@given(st.text(alphabet=st.characters(categories=["L", "N"]), min_size=1))
def test_letters_and_digits_are_never_lost(word: str) -> None:
    assert plain(f"{word} 100% \\x{{{word}}}").count(clean(word)) >= 2


@pytest.mark.parametrize(
    "piece", ["{", "}", "$", "\\em", "{\\em ", "\\'{", "\\url{", "_", "$_{", "\\frac{", "&lt", "("]
)
def test_deep_and_long_input_is_read_to_its_end(piece: str) -> None:
    assert "end" in plain(piece * 20_000 + " end")
    assert markup(piece * 20_000).count("<sub>") <= 10_000


def test_tags_nest_only_as_deep_as_a_reader_can_follow() -> None:
    assert markup("$" + "_{" * 1_000 + "x").count("<sub>") == 16
