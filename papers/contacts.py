r"""The e-mail addresses and web pages that a record prints, and which of its authors each belongs to.

Problem: who reads an address that a paper prints has shown to be its author, if only the record said which author. It
seldom does: "Contact: wang@x.edu" stands over two Wangs, a paper of one author prints the address of the supervisor,
and most links lead to a publisher, a video or everybody's code.

Idea: a name has a few forms in which people are given accounts ("ada.lovelace", "alovelace", "lovelacea"). An address
is somebody's where it has such a form of the name as printed and no coauthor could be meant: the shorter the form, the
less a coauthor need resemble it. A page is somebody's where the account in it is: the home of `/~ada/`, of
github.com/alovelace, of adalovelace.org; it is cut down to that home, which nobody but the holder writes. In doubt it
is nobody's: a missed address costs a detour, a wrong one gives a person's record away.

Entry points: `addresses`, `links`, `has_address`, `home_of`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from papers.fetching import is_loopback_host
from papers.names import SILENT_PARTICLES, bare_family, fold, is_collaboration

# --- what is printed -------------------------------------------------------------------------------------------------

LONGEST = 20_000  # characters of one text that are looked at; the longest abstract of arXiv has 6,000

_DOMAIN = r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,8}[A-Za-z]{2,24}"
_LOCAL = r"[A-Za-z0-9](?:[A-Za-z0-9._+-]{0,62}[A-Za-z0-9_])?"
# A letter of another script before the address would belong to it: "аlice@x.org" with a Cyrillic а is not lice@x.org.
_ADDRESS = re.compile(rf"(?<![\w.+%@-])({_LOCAL})@({_DOMAIN})(?![\w@-])")
_LIST = re.compile(rf"[{{(\[]([^{{}}()\[\]@]{{3,300}})[}})\]]\s?@\s?({_DOMAIN})(?![\w@-])")
_BRACKETED_AT = re.compile(r"[ \t]?(?:\[ ?at ?\]|\( ?at ?\)|\{ ?at ?\}|<at>|\[@\]|\(@\))[ \t]?", re.IGNORECASE)
_BRACKETED_DOT = re.compile(r"[ \t]?(?:\[ ?dot ?\]|\( ?dot ?\)|\{ ?dot ?\}|<dot>)[ \t]?", re.IGNORECASE)
# Bare words only in capitals and only together: "confined at quantum dot arrays" is no address.
_SPELT = re.compile(r"(?<![\w.@-])([A-Za-z0-9._-]{1,64}) AT ([A-Za-z0-9-]{1,63}(?: DOT [A-Za-z0-9-]{1,63}){1,5})(?!\w)")
_ESCAPED = re.compile(r"\\([_@{}%#&~$.])")
_WRAPPING = re.compile(r"\\(?:text\w\w|emph|url|mailto|email|href|tt|it|rm)\b\*?")
# Of an office, a list or a program, or words that stand for a name.
_OFFICES = """
    abuse admin administrator anon anonymous author authors cc contact contactus editor editors enquiries feedback
    first.last firstname.lastname git help helpdesk hostmaster hr info inquiries job jobs library list lists mail
    mailinglist marketing media name.surname news no-reply nobody noreply office permissions postmaster press privacy
    pubs-permissions register request root sales secretariat secretary security service ssh subscribe support svn
    team unsubscribe user username webmaster
"""
_NOBODYS = frozenset(_OFFICES.split())

_URL = re.compile(r"(?:https?://|(?<![\w./@-])(?=www\.))[A-Za-z0-9][^\s<>\"'`{}|\\^$]{3,500}")
_AFTER_URL = ".,;:!?)]*"


def addresses(text: str) -> list[str]:
    r"""The e-mail addresses printed in a text, each once, the domain in lower case.

    Read are `a@x.org`, `{a, b}@x.org`, `a [at] x [dot] org`, `a AT x DOT org` and what TeX wraps them in. An address in
    a web address ("git@github.com") and one of an office ("info@") is none.
    """
    text = _WRAPPING.sub(" ", _ESCAPED.sub(r"\1", text[:LONGEST]))
    text = _BRACKETED_DOT.sub(".", _BRACKETED_AT.sub("@", text))
    text = _SPELT.sub(lambda m: f"{m[1]}@{m[2].replace(' DOT ', '.')}", text)
    found = [(m.start(), m[1], m[2]) for m in _ADDRESS.finditer(text) if text[m.start() - 3 : m.start()] != "://"]
    for several in _LIST.finditer(text):
        for local in re.split(r"[\s,;|/]+", several[1]):
            if re.fullmatch(_LOCAL, local):
                found.append((several.start(), local, several[2]))
    kept: dict[str, str] = {}
    for _at, local, domain in sorted(found, key=lambda f: f[0]):
        if local.lower() not in _NOBODYS and ".." not in local:
            kept.setdefault(f"{local}@{domain}".lower(), f"{local}@{domain.lower()}")
    return list(kept.values())


def links(text: str) -> list[str]:
    """The web addresses printed in a text, each once and whole; "www.x.org" is read as http."""
    found: dict[str, None] = {}
    for match in _URL.finditer(_ESCAPED.sub(r"\1", text[:LONGEST])):
        url = match[0].rstrip(_AFTER_URL)
        found[url if "://" in url else f"http://{url}"] = None
    return list(found)


# --- whose it is -----------------------------------------------------------------------------------------------------

# "Müller" is given the account "mueller" or "muller"; `fold` gives the second.
_SPELT_OUT = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe", "æ": "ae", "ß": "ss"})
_PARTS = re.compile(r"[._+-]+")
_NUMBER_AT_END = re.compile(r"(?<=[a-z])[0-9]{1,4}$")


def _letters(name: str) -> str:
    return fold(name).replace(" ", "")


@dataclass(frozen=True)
class Name:
    """A name as printed on one paper, in its two parts."""

    family: str
    given: str

    @cached_property
    def families(self) -> frozenset[str]:
        """The family name in one word: with particles and without, umlauts folded and spelt out."""
        spelt = unicodedata.normalize("NFC", self.family).lower().translate(_SPELT_OUT)
        forms = {_letters(self.family), bare_family(self.family), _letters(spelt), bare_family(spelt)}
        return frozenset(form for form in forms if form)

    @cached_property
    def givens(self) -> tuple[str, ...]:
        return tuple(fold(self.given).split())

    @cached_property
    def whole_givens(self) -> frozenset[str]:
        """The given names in one word: the first, all, or "jeanp" for Jean Pierre; none where initials are printed."""
        if not self.givens or len(self.givens[0]) == 1:
            return frozenset()
        first, *more = self.givens
        return frozenset({first, "".join(self.givens), first + "".join(word[0] for word in more)})

    @cached_property
    def initials(self) -> frozenset[str]:
        """One letter each: the first, all of them, and any one."""
        letters = [word[0] for word in self.givens]
        return frozenset({"".join(letters), *letters} - {""})

    @cached_property
    def words(self) -> tuple[str, ...]:
        return tuple(w for w in fold(f"{self.given} {self.family}").split() if w not in SILENT_PARTICLES)

    @cached_property
    def is_latin(self) -> bool:
        return _letters(f"{self.given}{self.family}").isascii() and bool(self.words)


def _is_whole(account: str, name: Name) -> bool:
    """Given and family name in full, in either order."""
    return any(account in (g + f, f + g) for f in name.families for g in name.whole_givens)


def _is_short(account: str, name: Name, parted: bool) -> bool:
    """The family name with initials, with a given name of which the initial is printed, or alone."""
    for family in name.families:
        if account == family:
            return len(family) > 2
        if any(account in (i + family, family + i) for i in name.initials) and len(account) > 3:
            return True
        initial = name.givens[0] if name.givens and len(name.givens[0]) == 1 else ""
        if parted and initial and len(family) > 2:
            return any(rest.startswith(initial) for rest in _rests(account, family))
    return False


def _rests(account: str, family: str) -> Iterator[str]:
    """What is left of an account before or after a family name."""
    if account.endswith(family) and account != family:
        yield account.removesuffix(family)
    if account.startswith(family) and account != family:
        yield account.removeprefix(family)


def _may_be_whole(account: str, name: Name) -> bool:
    """Whether a coauthor could go by that account, given and family name in full."""
    if not name.is_latin:
        return True
    given = "".join(name.givens)
    return any(
        not given or given.startswith(rest) or any(rest.startswith(form) for form in (given, *name.givens[:1]))
        for family in name.families
        for rest in _rests(account, family)
    ) or _is_whole(account, name)


def _resembles(account: str, name: Name) -> bool:
    """Whether anything of a name is in an account: a word of it, the beginning of one, or its initials."""
    if not name.is_latin:
        return True
    initials = "".join(word[0] for word in name.words)
    if len(initials) > 1 and account[: len(initials)] in (initials, initials[-1] + initials[:-1]):
        return True
    for word in (*name.words, *name.families):
        if len(word) > 1 and (word in account or (len(word) > 3 and word[:4] in account)):
            return True
        # Cut short, as accounts of eight letters were: "jlees" for Leeson.
        if any(len(account) - cut > 2 and word.startswith(account[cut:]) for cut in range(3)):
            return True
        if any(len(account) - cut > 2 and word.startswith(account[: len(account) - cut]) for cut in range(1, 3)):
            return True
    return False


def is_account_of(account: str, name: Name, others: Sequence[Name]) -> bool:
    """Whether an account has a form of the name, and cannot be a coauthor's."""
    if not account.isascii() or not name.is_latin:
        return False
    lower = account.lower()
    letters = _NUMBER_AT_END.sub("", _PARTS.sub("", lower))
    if _is_whole(letters, name):
        return not any(_may_be_whole(letters, other) for other in others)
    if _is_short(letters, name, parted=bool(_PARTS.search(lower))):
        return not any(_resembles(letters, other) for other in others)
    return False


def has_address(name: Name, others: Sequence[Name], address: str) -> bool:
    """Whether an address is that person's, and no coauthor's.

    Of a paper of one author it is enough that the account resembles the name ("julia", "dkb3"), but an account in
    several words must have the form of the name: it is often somebody else's who is thanked or asked.
    """
    local = address.partition("@")[0]
    if is_account_of(local, name, others):
        return True
    letters = _NUMBER_AT_END.sub("", local.lower())
    return not others and name.is_latin and letters.isalpha() and len(letters) > 2 and _resembles(letters, name)


_TAKEN_APART = re.compile(r"(https?)://([A-Za-z0-9.-]{4,250})(:[0-9]{1,5})?((?:/[^?#]*)?)(?:[?#].*)?", re.IGNORECASE)
# Where the first step of the path is an account, and its page is written by who holds it alone. A repository is not:
# coauthors write there too.
_ACCOUNT_HOSTS = {
    "github.com": "", "gitlab.com": "", "codeberg.org": "", "bitbucket.org": "", "huggingface.co": "",
    "sites.google.com": "(?:site|view)/",
}  # fmt: skip
_ACCOUNT_DOMAINS = (
    "github.io", "gitlab.io", "bitbucket.io", "altervista.org", "wordpress.com", "blogspot.com", "weebly.com",
    "netlify.app", "wixsite.com", "free.fr",
)  # fmt: skip
_TILDE = re.compile(r"(/(?:[A-Za-z0-9_.-]+/){0,3}(?:~|%7[Ee])([A-Za-z0-9._-]{2,64}))(?:/.*)?")
_DIRECTORY = re.compile(r"(/(?:[a-z0-9_.-]+/)?(?:homes?|people|users?|staff|faculty)/([A-Za-z0-9._-]{2,64}))(?:/.*)?")
_INSTITUTION = re.compile(r"\.(?:edu|gov|mil|int|(?:ac|edu|gov)\.[a-z]{2}|[a-z]{2})$")
_TWO_PART_ENDS = frozenset({"ac", "co", "com", "edu", "gov", "net", "or", "org"})


def home_of(name: Name, others: Sequence[Name], url: str) -> str | None:
    """The home of that person of which a printed web address is a part; None where it is not theirs alone.

    Never the root of a host that many share, nor a page or a repository below which others write.
    """
    match = _TAKEN_APART.fullmatch(url)
    if match is None:
        return None
    scheme, host, path = match[1].lower(), match[2].lower().rstrip("."), match[4]
    if match[3]:  # any user of a machine may open a port there
        if not is_loopback_host(host):
            return None
        host += match[3]
    bare = host.removeprefix("www.")
    if bare in _ACCOUNT_HOSTS:
        account = re.match(rf"/({_ACCOUNT_HOSTS[bare]}([A-Za-z0-9._-]{{2,64}}))(?:/|$)", path)
        fits = account and _is_sure(account[2], name, others)
        return f"https://{bare}/{account[1]}" if account and fits else None
    for domain in _ACCOUNT_DOMAINS:
        if bare.endswith(f".{domain}"):
            label = bare.removesuffix(f".{domain}")
            return f"{scheme}://{host}/" if "." not in label and _is_sure(label, name, others) else None
    if (tilde := _TILDE.fullmatch(path)) or (_INSTITUTION.search(host) and (tilde := _DIRECTORY.fullmatch(path))):
        # A host that is named for a coauthor is the coauthor's to give accounts on.
        theirs = any(_may_be_whole(label, other) for label in host.split(".") for other in others if other.is_latin)
        return f"{scheme}://{host}{tilde[1]}/" if is_account_of(tilde[2], name, others) and not theirs else None
    labels = bare.split(".")
    ends = 2 if len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in _TWO_PART_ENDS else 1
    if len(labels) != ends + 1:
        return None
    whole = labels[0].replace("-", "")
    own = name.is_latin and _is_whole(whole, name) and not any(_may_be_whole(whole, other) for other in others)
    return f"{scheme}://{host}/" if own else None


def _is_sure(account: str, name: Name, others: Sequence[Name]) -> bool:
    """As `is_account_of` where anyone may take any account: not the family name alone, and no number."""
    letters = _PARTS.sub("", account.lower())
    return letters.isalpha() and letters not in name.families and is_account_of(account, name, others)


@dataclass(frozen=True, slots=True)
class Found:
    """One address or page of a record; `own` where it is the person's who was asked about."""

    value: str
    own: bool


def found_addresses(
    name: Name, others: Sequence[Name] | None, affiliations: Sequence[str], elsewhere: Sequence[str], text: str
) -> list[Found]:
    """The addresses of one record. `others` are all coauthors, None where not all are known.

    `affiliations` are the person's own, `elsewhere` the coauthors'. The only address of one's affiliations is one's
    own, unless a coauthor's print it too.
    """
    printed = addresses("\n".join(affiliations))
    theirs = set(addresses("\n".join(elsewhere))) if printed else set()
    stated = {printed[0]} - theirs if len(printed) == 1 else set()
    both = dict.fromkeys([*printed, *addresses(text)])
    return [Found(a, a in stated or (others is not None and has_address(name, others, a))) for a in both]


def found_links(name: Name, others: Sequence[Name] | None, affiliations: Sequence[str], text: str) -> list[Found]:
    """The pages of one record, the person's own as the home that they are part of. As `found_addresses`."""
    both = dict.fromkeys([*links("\n".join(affiliations)), *links(text)])
    homes = {url: home_of(name, others, url) if others is not None else None for url in both}
    return [Found(home or url, home is not None) for url, home in homes.items()]


def cast(names: Sequence[Name], as_one_string: str) -> Sequence[Name] | None:
    """The coauthors, or None where more people may have written it than are named."""
    unnamed = any(is_collaboration(f"{n.given} {n.family}".strip()) for n in names)
    return None if unnamed or _ET_AL.search(as_one_string) else names


_ET_AL = re.compile(r"\bet\.?\s+al\b|\b(?:and|&)\s+others\b", re.IGNORECASE)
