r"""TeX as it really stands in titles, abstracts and names, made readable and safe.

Problem: sources print `75.3\%`, `BERT$_{\rm BASE}$`, `Bal\'azs`, `\url{x}`. A page must show them rightly, must never
execute them, and must never lose a word of them. (pylatexenc is no way out: it reads a bare `%` as the start of a
comment and drops the rest of "100% more".)

Idea: one regex cuts the string into tokens; one loop with an explicit stack of open braces turns the tokens into
events (a piece of text, a tag opened, a tag closed, a link); `plain` and `markup` write the same events down as text
or as HTML. Nothing is recursive and no quantifier is nested, so the time is linear in the length of the input. A
command that is not in the tables is left as it was printed.

Entry points: `clean` (storable), `decode_accents` (names), `plain` (search, <title>, labels), `markup` (pages).
Reference: D. Knuth, The TeXbook, chapters 7-9 and appendix B; WHATWG HTML for what is escaped.
"""

from __future__ import annotations

import html
import re
import unicodedata

from papers.tex import (
    ESCAPES,
    FRACTIONS,
    MARKS,
    OPERATORS,
    SWITCHES,
    SYMBOLS,
    TAGS,
    TRANSPARENT,
    accented_letters,
    decode_accents,
)

__all__ = ["clean", "decode_accents", "markup", "plain"]

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_CONTROL = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad"  # controls that are not white space; the soft hyphen
    "\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"  # direction overrides, zero width
    "\ud800-\udfff\ufffe\uffff]"  # lone surrogates, non-characters
    # Joiners spell words in Persian and the Indic scripts, and only there.
    "|(?<![\u0600-\u0dff])[\u200c\u200d]"
)


def storable(s: str) -> str:
    """A source's string as printed, less what PostgreSQL cannot hold: NUL and lone surrogates."""
    return _UNSTORABLE.sub("", s)


def clean(s: str) -> str:
    """A source's string as it can be stored: NFC, runs of white space folded, ends trimmed; idempotent.

    Removed: NUL and other controls, lone surrogates, direction overrides, zero-width characters. All else is kept.
    """
    if s.isascii() and s.isprintable():
        if "  " not in s and s[:1] != " " and s[-1:] != " ":  # nearly all strings
            return s
    else:
        s = unicodedata.normalize("NFC", _CONTROL.sub("", s))
        # Composition can bring nothing of the above back, but a joiner may have lost the letter before it.
        s = _CONTROL.sub("", s)
    return " ".join(s.split())


# --- tokens ----------------------------------------------------------------------------------------------------------

_URL_BODY = r"https?://[^\s<>\"'`{}|\\^$]+"
_TOKEN = re.compile(
    r"(?P<link>\\url[ \t\n]*\{(?P<url>[^{}]*)\}|\\href[ \t\n]*\{(?P<target>[^{}]*)\}[ \t\n]*\{(?P<label>[^{}]*)\})"
    rf"|(?P<bare>{_URL_BODY})"
    r"|\\(?P<command>[A-Za-z]+)\*?(?P<after>[ \t\n]*)"
    r"|\\(?P<escape>.)"
    r"|(?P<special>\$\$|[{}$^_~])"
    r"|(?P<dash>---?)|(?P<quote>``|'')"
    r"|(?P<text>(?:[^\\{}$^_~`'\-h]|h(?!ttps?://)|-(?!-)|'(?!'))+|.)",
    re.DOTALL,
)
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_ONE_WORD = re.compile(r"\{(?:\\[a-z]{2,15} ?)?-?\w*\}")
_DOLLARS = re.compile(r"\\.|\$\$|\$", re.DOTALL)
_SAFE_URL = re.compile(r"https?://[A-Za-z0-9]([A-Za-z0-9.-]{0,252})(:[0-9]{1,5})?([/?#][^\s<>\"'`{}|\\^]*)?")
_URL_ESCAPE = re.compile(r"\\([%_#&~$])")
# "(see https://a.org/b)." ends before the parenthesis.
_AFTER_URL = ".,;:!?)]"
# A browser stops at 512 levels; no formula that a reader can read needs more than this.
_MAX_TAGS = 16

# (kind, text, third): "text"; "link" and its address; "open" and "close" of a tag, and the bracket that `plain` writes.
_Event = tuple[str, str, str]


def _math_signs(s: str) -> frozenset[int]:
    """Where `$` opens or closes mathematics; a `$` without a partner, or of "$5 and $10", is money."""
    at = [match.start() for match in _DOLLARS.finditer(s) if match[0][0] == "$"]
    found: list[int] = []
    i = 0
    while i + 1 < len(at):
        start, end = at[i], at[i + 1]
        money = s[start + 1].isdigit() and s[end - 1].isspace() and s[end + 1 : end + 2].isdigit()
        if not money:
            found += (start, end)
        i += 1 if money else 2
    return frozenset(found)


class _Reader:
    """One pass over one string: `events` gives what to write; tags always come balanced and properly nested."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.signs = _math_signs(source) if "$" in source else frozenset()
        self.math = False
        self.out: list[_Event] = []
        self.frames: list[list[str]] = []  # for each open brace, what is written when it closes (last first)
        self.pending: list[str] = []  # closes after the next atom: `x_i`
        self.literal_brace = False  # the next `{` belongs to an unknown command and is printed
        self.tags = 0

    def events(self) -> list[_Event]:
        for match in _TOKEN.finditer(self.source):
            self._token(match)
        self._flush()
        while self.frames:
            self._close()
        return self.out

    def _token(self, match: re.Match[str]) -> None:
        kind = match.lastgroup
        if kind == "text":
            self._text(match[0])
        elif kind == "special":
            self._special(match)
        elif kind == "after":
            self._command(match)
        elif kind == "link":
            self._link(_URL_ESCAPE.sub(r"\1", match["url"] or match["target"] or "").strip(), match["label"])
        elif kind == "bare":
            url = match[0].rstrip(_AFTER_URL)
            self._link(url, None)
            self._atom(match[0][len(url) :])
        elif kind == "escape":
            self._escape(match["escape"])
        elif kind == "dash":
            self._atom(match[0] if self.math else {2: "–", 3: "—"}[len(match[0])])
        else:
            self._atom({"``": "“", "''": "″" if self.math else "”"}[match[0]])

    def _escape(self, sign: str) -> None:
        if sign in "()[]":
            self.math = sign in "(["
        self._atom(ESCAPES.get(sign, "\\" + sign))

    def _text(self, text: str) -> None:
        self.literal_brace = False
        if self.pending:  # in `x_i + y` only the first character is low
            text = text.lstrip()
            self._atom(text[:1])
            text = text[1:]
        if text:
            self.out.append(("text", text, ""))

    def _atom(self, text: str) -> None:
        self.literal_brace = False
        if text:
            self.out.append(("text", text, ""))
            self._flush()

    def _link(self, url: str, label: str | None) -> None:
        self.literal_brace = False
        shown = plain(label) if label else url
        if _SAFE_URL.fullmatch(url):
            self.out.append(("link", shown, url))
        else:
            self.out.append(("text", f"{shown} ({url})" if label else url, ""))
        self._flush()

    def _open(self, tag: str, bracket: str = "") -> str:
        """What closes the tag opened, or "" where nesting is too deep to be honest."""
        if self.tags >= _MAX_TAGS:
            return ""
        self.tags += 1
        self.out.append(("open", tag, bracket))
        return tag + bracket

    def _write_closing(self, closing: list[str]) -> None:
        while closing:
            end = closing.pop()
            if end.startswith("<"):
                self.tags -= 1
                self.out.append(("close", end[1:].rstrip("("), ")" if end.endswith("(") else ""))
            elif end:
                self.out.append(("text", end, ""))

    def _flush(self) -> None:
        self._write_closing(self.pending)

    def _close(self, at: int = 0) -> None:
        frame = self.frames.pop()
        self.literal_brace = "}" in frame
        fraction = frame[-1:] in (["/"], [")/"])
        self._write_closing(frame)
        if fraction:
            self._bracket(at + 1)

    def _bracket(self, at: int, after: str = "") -> None:
        """Parentheses round the brace group at `at` where it is more than one word: `\\sqrt{a+b}` → √(a+b)."""
        if _ONE_WORD.match(self.source, at) or self.source[at : at + 1] != "{":
            self.pending.append(after)
        else:
            self.out.append(("text", "(", ""))
            self.pending.append(")" + after)

    def _push(self) -> None:
        frame, self.pending = self.pending, []
        if self.literal_brace:
            self.out.append(("text", "{", ""))
            frame.append("}")
            self.literal_brace = False
        self.frames.append(frame)

    def _special(self, match: re.Match[str]) -> None:
        sign, at = match[0], match.start()
        if sign == "{":
            self._push()
        elif sign == "}":
            self._flush()
            if self.frames:
                self._close(at)
            else:
                self._atom("}")
        elif sign[0] == "$":
            self._flush()
            self.literal_brace = False
            if at in self.signs:
                self.math = not self.math
            else:
                self._atom(sign)
        elif sign == "~":
            tie = at and not self.source[at - 1].isspace() and not self.source[at + 1 : at + 2].isspace()
            self._atom(" " if tie and at + 1 < len(self.source) else "~")  # "~10 GPUs" means about ten
        elif self.math or self.source[at + 1 : at + 2] == "{":
            self._flush()
            self.literal_brace = False
            wide = self.source[at + 1 : at + 2] == "{" and not _ONE_WORD.match(self.source, at + 1)
            if tag := self._open("sub" if sign == "_" else "sup", "(" if wide else ""):
                self.pending.append("<" + tag)
        else:
            self._atom(sign)

    def _command(self, match: re.Match[str]) -> None:
        name, space = match["command"], " " if match["after"] else ""
        argument = self.source[match.end() : match.end() + 1] == "{"
        if name in TAGS and argument:
            if tag := self._open(TAGS[name]):
                self.pending.append("<" + tag)
        elif name in SWITCHES and self.frames:
            self._flush()
            if tag := self._open(SWITCHES[name]):
                self.frames[-1].append("<" + tag)
        elif name in FRACTIONS and argument:
            self._bracket(match.end(), "/")
        elif name == "sqrt":
            self.out.append(("text", "√", ""))
            self._bracket(match.end())
        elif name in MARKS:
            self.pending.append(MARKS[name])
        elif name in TRANSPARENT or name in TAGS or name in SWITCHES:
            self.literal_brace = False
        elif name in OPERATORS:
            self._atom(("" if self._after_space() or not self._after_word() else " ") + name + space)
        elif name in SYMBOLS:
            # TeX drops the space after a command; it is kept where one stands before too: "a \leq b".
            self._atom(SYMBOLS[name] + (space if self._after_space() else ""))
        else:
            self._atom(match[0])
            self.literal_brace = True

    def _last_character(self) -> str:
        return self.out[-1][1][-1:] if self.out and self.out[-1][0] == "text" else ""

    def _after_space(self) -> bool:
        return self._last_character().isspace()

    def _after_word(self) -> bool:
        return self._last_character().isalnum()


def _events(s: str) -> list[_Event]:
    s = _ENTITY.sub(lambda match: html.unescape(match[0]), s) if "&" in s else s
    return _Reader(accented_letters(clean(s))).events()


_PLAIN_TAGS = {"sub": "_", "sup": "^"}
_NEEDS_READING = re.compile(r"[\\{}$^_~&]|--|``|''")


def _plain_piece(event: _Event) -> str:
    kind, text, third = event
    if kind == "open":
        return _PLAIN_TAGS.get(text, "") + third
    if kind == "close":
        return third
    if kind == "link" and text != third:
        return f"{text} ({third})"
    return text


def plain(s: str) -> str:
    r"""Readable text on one line: `$1\sim 2 \times$` → "1∼2 ×", `BERT$_{\rm BASE}$` → "BERT_BASE".

    HTML entities are decoded once. The result is text, not HTML: escape it like any other.
    """
    return clean("".join(map(_plain_piece, _events(s)))) if _NEEDS_READING.search(s) else clean(s)


def _escaped(text: str) -> str:
    # U+0338 would make one character of itself and the ">" of our tag, if anyone normalised the page to NFC.
    return html.escape(text).replace("\u0338", "&#824;")


def _markup_piece(event: _Event) -> str:
    kind, text, href = event
    if kind == "open":
        return f"<{text}>"
    if kind == "close":
        return f"</{text}>"
    if kind == "link":
        return f'<a href="{_escaped(href)}" rel="nofollow ugc noopener">{_escaped(text)}</a>'
    return _escaped(text)


def markup(s: str) -> str:
    r"""Safe HTML: all is escaped but the <sub>, <sup>, <em>, <strong>, <code> and <a> that are made here.

    Links are http or https only, from `\url`, `\href` and addresses in the text; they pass no rank and no opener.
    """
    return " ".join("".join(map(_markup_piece, _events(s))).split())
