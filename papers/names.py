"""Printed names: folding for comparison, and splitting into family and given parts.

Problem: "Yu.V.Ralchenko", "King, Jr., Martin", "LIU Yong", "João Carlos da Silva Neto" and "王伟" are names as printed,
and nothing says which part is the family name.

Idea: read TeX, take away what is no name (footnote marks, "for the X Collaboration"), then ask in order: is there a
comma, a suffix, a script that puts the family first, capitals that mark it, initials at the end, a particle? What is
left is "given given family".

A split is a hypothesis (no rule and no library gets "Ouyang Zhen" or "García Márquez" right), so the printed string is
always kept beside it and matching never relies on the split alone.

Entry points: `fold`, `split_name`, `split_authors`, `is_collaboration`.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from papers.text import clean, decode_accents

# --- folding ---------------------------------------------------------------------------------------------------------

# Letters that Unicode does not decompose but that catalogues write in ASCII.
_UNDECOMPOSED = str.maketrans(
    {"ß": "ss", "ø": "o", "ł": "l", "đ": "d", "ı": "i", "ȷ": "j", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d", "ħ": "h",
     "ŧ": "t", "ŋ": "ng", "ə": "e"}
)  # fmt: skip
_APOSTROPHES = re.compile("['`´ʹʻʼʽˈ‘’‛′＇]")
# Marks over Latin, Greek, Cyrillic, Arabic and Hebrew letters are optional in print; the vowel signs of Indic scripts
# and the voicing marks of Japanese are letters in all but name, and stay.
_OPTIONAL_MARKS = re.compile(
    "[\u0300-\u036f\u0483-\u0489\u0591-\u05c7\u064b-\u065f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]"
)
_NOT_WORD = re.compile(r"[\W_]+")


def _fold_once(text: str) -> str:
    text = unicodedata.normalize("NFKD", _APOSTROPHES.sub("", text)).casefold().translate(_UNDECOMPOSED)
    text = unicodedata.normalize("NFC", _OPTIONAL_MARKS.sub("", unicodedata.normalize("NFKD", text)))
    return " ".join("".join(c if c.isalnum() or unicodedata.category(c)[0] == "M" else " " for c in text).split())


@lru_cache(maxsize=100_000)
def fold(text: str) -> str:
    """Lower-case, without accents or punctuation, words separated by one space: "Guo-qing O’Néill" → "guo qing oneill".

    Idempotent, and never fails. Scripts other than Latin keep their letters. A name of symbols only folds to "".
    """
    if text.isascii():
        return _NOT_WORD.sub(" ", text.replace("'", "").replace("`", "").lower()).strip()
    # Case folding can bring out what normalisation then takes apart, and the other way round: once more until at rest.
    while (folded := _fold_once(text)) != text:
        text = folded
    return folded


# --- splitting -------------------------------------------------------------------------------------------------------


def _words(table: str) -> frozenset[str]:
    return frozenset(table.split())


_SUFFIXES = _words("jr sr jnr snr ii iii")
# A family name or an initial more often than a suffix, unless something of a whole name stands before it.
_LATE_SUFFIXES = _words("iv v vi vii viii neto netto filho sobrinho junior júnior senior phd md")
_NUMERALS = _words("ii iii iv v vi vii viii")
# Left out of the bare name: printed or not, they say little of who somebody is. "Mac" and "Saint" are part of a name.
SILENT_PARTICLES = _words("da das de dei del della den der di dos du el la le van von ter ten zu y")
_SPELT_UMLAUT = re.compile("([aou])e")
_PARTICLES = _words(
    "van von vom zu zur zum der den dem des de del della dello dei degli di da das do dos du d' la las le les lo los "
    "ter ten te op 't af av el al bin ibn ben abu mac vander vande y st st. san santa"
)
# Written with a capital these are still particles; the rest ("Le", "Da", "Mac") are then names in their own right.
_CAPITAL_PARTICLES = _words("Van Von De Del Della Di Der Den Dos El Al Ter La")
_COMPOUND_SURNAMES = _words(
    "欧阳 歐陽 司马 司馬 诸葛 諸葛 上官 司徒"
    " 夏侯 皇甫 尉迟 尉遲 公孙 公孫 令狐 慕容 端木 东方 東方 남궁 황보 제갈 선우 독고 사공 서문"
)
_HAN_OR_HANGUL = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uac00-\ud7a3々]+")
_GLUED = re.compile(r"(?<=[^\W\d_])\.(?=[^\W\d_])")
_INITIALS = re.compile(r"(?:[^\W\d_]{1,2}\.-?)+(?:[^\W\d_]\.?)?|[^\W\d_]")
_MARKS = re.compile(r"\$[^$]{0,40}\$|[*†‡§¶#♯]+|\\thanks\{[^{}]*\}|\^\{[^{}]*\}")
_PARENTHESIS_AT_END = re.compile(r"\([^()]*\)$")
_HOMONYM_NUMBER = re.compile(r" [0-9]{4}$")  # DBLP prints "Di Xu 0001"
_COMMA = re.compile(r"\s*[,，、]\s*")
_GROUP = r"(?:collaborations?|consortium|consortia|collab\.?)"
_FOR_A_GROUP = re.compile(rf",?\s+\(?(?:for|on behalf of|and)\s+(?:the\s+)?[^()]{{0,80}}\b{_GROUP}\)?$", re.IGNORECASE)
_GROUP_PREFIX = re.compile(rf"^[^:]{{0,200}}\b{_GROUP}\s*:\s*(?=\S)", re.IGNORECASE)
_LONGEST = 1000  # no name is longer; beyond it the string is taken as a family name, unread

_ET_AL = re.compile(r"(?:^|[\s,]+)(?:et\.?\s+al\b\.?|(?:and|&)\s+others)$", re.IGNORECASE)
_NOBODY = frozenset(("et al", "and others", "others", "anonymous", "unknown", "n a", "none"))

Parts = tuple[str, str, str]


@lru_cache(maxsize=100_000)
def bare_family(family: str) -> str:
    """A family name folded, without particles or spaces: "Van der Waals" → "waals". Empty only where `fold` is."""
    words = fold(family).split()
    return "".join([word for word in words if word not in SILENT_PARTICLES] or words)


@lru_cache(maxsize=100_000)
def surname_key(family: str) -> str:
    """What family names that could be one person's have in common: "Van der Müller" and "Mueller" → "muller".

    The bare name without the e of a spelt-out umlaut. Coarser than equality on purpose: it only says who is looked at
    together. Empty only where `fold` is.
    """
    return _SPELT_UMLAUT.sub(r"\1", bare_family(family))


@lru_cache(maxsize=200_000)
def tells_nobody_apart(name: str) -> bool:
    """Whether a name says nothing of who somebody is: one letter or none, initials only, "王" alone, "et al."."""
    folded = fold(name)
    words = folded.split()
    initials = all(len(word) == 1 and word.isascii() for word in words)
    return initials or sum(map(str.isalpha, folded)) < 2 or folded in _NOBODY


def split_name(printed: str) -> Parts:
    r"""(family, given, suffix) of one printed name, readable Unicode: "Bal\'azs, C." → ("Balázs", "C.", "").

    Natural order, "Family, Given", "Family, Jr, Given" and "Family, Given, Jr" are read. A name of one word is a family
    name with an empty given name; so is a collaboration. What has no letter, "et al." and "unknown" give three empty
    strings. A trailing initial, as printed in South India, counts as the first given name: "Venkatesh Babu R." and "R.
    Venkatesh Babu" split alike.
    """
    text = _readable(printed)
    if not any(map(str.isalpha, text)) or fold(text) in _NOBODY:
        return "", "", ""
    if len(text) > _LONGEST or is_collaboration(text):
        return text, "", ""
    parts = [part for part in _COMMA.split(text) if part]
    if len(parts) == 2 and _is_suffix(parts[1]):
        family, given, _ = _natural(parts[0].split())
        return family, given, parts[1]
    if len(parts) > 1:
        return _comma_form(parts)
    return _natural(text.split())


def _readable(printed: str) -> str:
    text = _GROUP_PREFIX.sub("", decode_accents(clean(printed[: 4 * _LONGEST])))
    text = _FOR_A_GROUP.sub("", _MARKS.sub("", text).replace("~", " ").strip())
    text = _HOMONYM_NUMBER.sub("", _PARENTHESIS_AT_END.sub("", text).strip())
    text = _GLUED.sub(". ", text.replace("{", "").replace("}", "").replace(". -", ".-").replace("\\", " "))
    return _ET_AL.sub("", " ".join(text.strip(" ,;:").split()))


def _is_suffix(word: str) -> bool:
    bare = word.rstrip(".").lower()
    return bare in _SUFFIXES or (bare in _LATE_SUFFIXES and word not in ("V.", "v."))


def _comma_form(parts: list[str]) -> Parts:
    suffix = ""
    if len(parts) > 2 and (at := next((i for i in (1, len(parts) - 1) if _is_suffix(parts[i])), 0)):
        suffix = parts.pop(at)
    family, given = parts[0], " ".join(parts[1:])
    words = family.split()
    if not suffix and len(words) > 1 and words[-1].rstrip(".").lower() in _SUFFIXES:
        family, suffix = " ".join(words[:-1]), words[-1]
    names = given.split()
    while len(names) > 1 and names[-1] in _PARTICLES:  # "Berg, Vincent van den"
        family = f"{names.pop()} {family}"
    return family, " ".join(names), suffix


def _natural(words: list[str]) -> Parts:
    if not words:
        return "", "", ""
    words, suffix = _without_suffix(words)
    if len(words) == 1:
        return *_one_word(words[0]), suffix
    family, given = _two_parts(words)
    return " ".join(family), " ".join(given), suffix


def _without_suffix(words: list[str]) -> tuple[list[str], str]:
    last, bare = words[-1], words[-1].rstrip(".").lower()
    numeral = bare in _NUMERALS
    if numeral and (not last.isupper() or (bare in ("v", "vi") and len(words) < 3)):
        return words, ""  # "Tran Vi" and "Babu V." are no kings
    enough = 2 if bare in _SUFFIXES or numeral else 3
    if len(words) >= enough and _is_suffix(last):
        return words[:-1], last
    return words, ""


def _one_word(word: str) -> tuple[str, str]:
    if not _HAN_OR_HANGUL.fullmatch(word) or not 2 <= len(word) <= 4:
        return word, ""
    # Four characters that open with no compound surname are most often Japanese, two and two.
    cut = 2 if (word[:2] in _COMPOUND_SURNAMES and len(word) > 2) or len(word) == 4 else 1
    return word[:cut], word[cut:]


def _two_parts(words: list[str]) -> tuple[list[str], list[str]]:
    if all(_HAN_OR_HANGUL.fullmatch(word) for word in words):
        return words[:1], words[1:]
    shouted = [_is_shouted(word) for word in words]
    if shouted[0] and not any(shouted[1:]) and not any(map(_is_initial, words)):
        return words[:1], words[1:]
    if _is_initial(words[-1]) and not _is_initial(words[0]):
        return _initials_last(words)
    return _with_particles(words)


def _is_shouted(word: str) -> bool:
    """Capitals that mark a family name: three letters or more with a vowel, so that "JMF" stays initials."""
    return len(word) > 2 and word.isupper() and "." not in word and any(c in "AEIOUY" for c in fold(word).upper())


def _is_initial(word: str) -> bool:
    return bool(_INITIALS.fullmatch(word)) and word[0].isupper()


def _initials_last(words: list[str]) -> tuple[list[str], list[str]]:
    """ "Ralchenko Yu. V." and "Venkatesh Babu R.": the last full word is the family name."""
    cut = next(i for i in range(len(words), 0, -1) if not _is_initial(words[i - 1]))
    family, given = _with_particles(words[:cut])
    return family, words[cut:] + given


def _with_particles(words: list[str]) -> tuple[list[str], list[str]]:
    cut = len(words) - 1
    while cut > 0 and _is_particle(words[cut - 1], first=cut == 1):
        cut -= 2 if words[cut - 1] == "y" and cut > 2 else 1  # "Ramón y Cajal" is one family name
    return words[cut:], words[:cut]


def is_particle(word: str) -> bool:
    """Whether a word in lower case belongs to the family name that it stands before: "van", "dos"."""
    return word in _PARTICLES


def _is_particle(word: str, first: bool) -> bool:
    """A capital particle in the first place is a given name: "Di Xu", "Van Nguyen"."""
    if word[0].isupper():
        return word in _CAPITAL_PARTICLES and not first
    return word.lower() in _PARTICLES or word.startswith("d'")


# --- collaborations --------------------------------------------------------------------------------------------------

_ANYWHERE = re.compile(rf"\b{_GROUP}(?!\w)", re.IGNORECASE)
_AT_END = re.compile(
    r".\s(?:team|group|project|initiative|network|alliance|task force|committee|society|experiment|survey|authors|"
    r"contributors|laborator(?:y|ies)|university|institute)s?\)?$",
    re.IGNORECASE,
)


def is_collaboration(printed: str) -> bool:
    """Whether the name is a group's: "Planck Collaboration", "The OpenWorm Project".

    "LHCb collaboration: R. Aaij" and "T. Montaruli for the IceCube Collaboration" name a person, so False.
    """
    text = printed[:_LONGEST].strip()
    if _FOR_A_GROUP.search(text) or _GROUP_PREFIX.match(text):
        return False
    return bool(_ANYWHERE.search(text) or _AT_END.search(text))


# --- author lists ----------------------------------------------------------------------------------------------------

_CUT = re.compile(r"[(){}]|,|;(?=\s|$)|(?:\\|(?<=[\s,)])|^)and(?=[\s(\\])|(?<=\s)&(?=\s)")
_DEPTH = {"(": 1, "{": 1, ")": -1, "}": -1}


def split_authors(printed: str) -> list[str]:
    """The names of one printed author list, each byte for byte: "A. Li (1,2) and B. Xu, Jr." → ["A. Li", "B. Xu, Jr."].

    Cut at commas, semicolons and "and" outside parentheses and braces; affiliations in parentheses after a name and
    "et al." are dropped, and so is what has no letter.
    """
    spans = _spans(printed, nested=True) or _spans(printed, nested=False)
    names: list[tuple[int, int]] = []
    if group := _GROUP_PREFIX.match(printed):  # "LHCb collaboration: R. Aaij, …"
        names, spans = [(0, printed.index(":"))], [(max(start, group.end()), end) for start, end in spans]
    for start, end in spans:
        piece = printed[start:end].strip()
        if names and _is_suffix(piece):
            names[-1] = (names[-1][0], end)
        else:
            names.append((start, end))
    found = (_ET_AL.sub("", _without_affiliation(printed[start:end].strip())) for start, end in names)
    return [name for name in found if name[:1].isalpha() or any(map(str.isalpha, name))]


def _spans(printed: str, nested: bool) -> list[tuple[int, int]]:
    """Start and end of each piece; none where the brackets do not match."""
    spans, start, depth = [], 0, 0
    for match in _CUT.finditer(printed):
        if step := _DEPTH.get(match[0]):
            depth += step if nested else 0
        elif depth == 0:
            spans.append((start, match.start()))
            start = match.end()
    return [*spans, (start, len(printed))] if depth == 0 else []


def _without_affiliation(name: str) -> str:
    while name.endswith(")"):
        depth, at = 0, len(name)
        while at and (at == len(name) or depth):
            at -= 1
            depth += {")": 1, "(": -1}.get(name[at], 0)
        if depth or not at:
            return name
        name = name[:at].rstrip()
    return name
