"""Links: what leads anywhere is found in whatever writing, and what only looks a little like it is not."""

from __future__ import annotations

import pytest

from profiles import links


@pytest.mark.parametrize(
    "text",
    [
        "See https://example.org for it",
        "see HTTP://EXAMPLE.ORG",
        "see hxxps://example.org/x",
        "see https : // example",
        r"see http:\\example",
        "ftp://files",
        "tg://resolve?domain=x",
        "javascript:alert(1)",
        "data:text/html,x",
        "mailto:me",
        "www.example",
        "WWW . example",
        "write to me@example.org",
        "write to me＠example．org",
        "write to имя@пример.рф",
        "me (at) example (dot) com",
        "me [at] uni [.] fr",
        "me at example dot com",
        "example.com",
        "example.com上的内容",
        "請看example。com",
        "example .com",
        "ｅｘａｍｐｌｅ．ｃｏｍ",
        "𝐞𝐱𝐚𝐦𝐩𝐥𝐞.𝐜𝐨𝐦",
        "exam\u0301ple.\u034fcom",
        "bit.ly/abc",
        "t.co/abc",
        "example.de/page",
        "example.com∕page",
        "example.de:8080/x",
        "пример.рф/страница",
        "пример.рф",
        "例子.中国/路径",
        "مثال.إختبار/صفحة",
        "xn--e1afmkfd.xn--p1ai/x",
        "10.0.0.1/admin",
        "192.168.1.1:8000",
        "10.1000/x https://example.org",
        "a" * 1_900 + ".example.org",
    ],
)
def test_what_leads_somewhere_is_found(text: str) -> None:
    assert links.first(f"Dear Noor, {text}, thank you.")


@pytest.mark.parametrize(
    "text",
    [
        "Your paper arXiv:2106.00221v3 and doi:10.1145/3292500.3330701",
        "The DOI is 10.1000/xyz.abc/123",
        "e.g. and/or, i.e. he/she, w.r.t. a/b, Fig. 2/3, v1.2/3",
        "It costs $0.52pp; p < 0.05; 75.3% of 3.5/4; Recall@10 was 0.91, Recall@1.25",
        "I read it.It was good.Really",
        "Our data: 3,000 images. Note: this is new",
        "@noor knows me",
        "Node.js, train.py and C++",
        "我读了您的论文。他/她也读了。中国的研究很好。",
        "قرأت ورقتك. هل يمكننا أن نتحدث؟",
        "Leí su artículo. Com respeito",
        "version 1.2.3.4",
        "",
    ],
)
def test_what_leads_nowhere_is_left_alone(text: str) -> None:
    assert links.first(text) == ""


def test_what_is_found_is_given_back_short() -> None:
    assert links.first("look at train.py/test.py now") == "train.py/test.py"
    assert len(links.first("https://example.org/" + "x" * 1_000)) <= 60
