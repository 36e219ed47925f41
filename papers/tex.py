r"""The words of TeX that titles, abstracts and names really use: tables, and the accents that make letters.

`papers.text` reads whole strings with these tables; `decode_accents` alone is what names need. What stands in no table
is not TeX that we know, and is left as printed.
The tables were chosen by counting commands in 120,000 arXiv records; authors' own macros (`\eps`, `\poly`) are not in
them.
Reference: D. Knuth, The TeXbook, chapter 9 and appendix F.
"""

from __future__ import annotations

import re
import unicodedata

# --- accents and letters ---------------------------------------------------------------------------------------------

MARKS = {
    "'": "\u0301", "`": "\u0300", "^": "\u0302", '"': "\u0308", "~": "\u0303", "=": "\u0304", ".": "\u0307",
    "c": "\u0327", "v": "\u030c", "u": "\u0306", "H": "\u030b", "k": "\u0328", "r": "\u030a", "d": "\u0323",
    "b": "\u0331", "hat": "\u0302", "widehat": "\u0302", "tilde": "\u0303", "widetilde": "\u0303", "bar": "\u0304",
    "overline": "\u0304", "dot": "\u0307", "ddot": "\u0308", "check": "\u030c", "acute": "\u0301", "grave": "\u0300",
    "breve": "\u0306", "vec": "\u20d7", "mathring": "\u030a",
}  # fmt: skip
_LETTERS = {
    "ss": "ß", "l": "ł", "L": "Ł", "o": "ø", "O": "Ø", "aa": "å", "AA": "Å", "ae": "æ", "AE": "Æ", "oe": "œ",
    "OE": "Œ", "i": "ı", "j": "ȷ", "dh": "ð", "DH": "Ð", "th": "þ", "TH": "Þ", "dj": "đ", "DJ": "Đ", "ng": "ŋ",
    "NG": "Ŋ",
}  # fmt: skip
_DOTLESS = {"ı": "i", "ȷ": "j", "\\i": "i", "\\j": "j"}
# `\O(n)` and `\L(x)` are an author's own macros for a complexity or a loss, hence no letter before a parenthesis.
_LETTER = re.compile(r"\\(" + "|".join(sorted(_LETTERS, key=len, reverse=True)) + r")(?:\{\}|(?![A-Za-z(])[ \t\n]*)")
_ACCENT = re.compile(
    r"\\(?:(?P<sign>[\"'`^~=.])[ \t\n]*|(?P<name>[cvuHkrdb]|(?:wide)?hat|(?:wide)?tilde|bar|overline|d?dot|check|acute"
    r"|grave|breve|vec|mathring)(?![A-Za-z])[ \t\n]*)"
    r"(?:\{[ \t\n]*(?P<braced>\\[ij]|[^\W\d_])[ \t\n]*\}|(?P<dotless>\\[ij])(?![A-Za-z])(?:\{\})?|(?P<bare>[^\W\d_]))"
)
_BRACED_LETTER = re.compile(r"\{([^\x00-\x7f][\u0300-\u036f]?)\}")
_FONT_GROUP = re.compile(r"\{\\(?:rm|em|it|bf|sl|sc|tt|sf)(?![A-Za-z])[ \t\n]*([^{}\\]*)\}")
# `\~{\^e}` is two accents deep, the deepest that any language writes; braces round one of them add a round.
_ACCENT_ROUNDS = 3


def _accented(match: re.Match[str]) -> str:
    letter = match["braced"] or match["dotless"] or match["bare"]
    mark = MARKS[match["sign"] or match["name"]]
    return unicodedata.normalize("NFC", _DOTLESS.get(letter, letter) + mark)


def accented_letters(s: str) -> str:
    r"""Accents and letters as Unicode, font switches untouched: `BERT$_{\rm B\'e}$` → `BERT$_{\rm Bé}$`."""
    if "{" not in s and "\\" not in s:
        return s
    for _ in range(_ACCENT_ROUNDS):
        before = s
        s = _ACCENT.sub(_accented, s)
        s = _LETTER.sub(lambda match: _LETTERS[match[1]], s)
        s = _BRACED_LETTER.sub(r"\1", s)
        if s == before:
            break
    return s


def decode_accents(s: str) -> str:
    r"""LaTeX accents and letters as Unicode: `Bal\'azs` → "Balázs", `{\O}bro` → "Øbro"; all else untouched.

    Braces round one decoded letter go with it, and so do font switches (`{\rm Li}` → "Li").
    """
    return _FONT_GROUP.sub(r"\1", accented_letters(s)) if "\\" in s else accented_letters(s)


# --- tables of commands ----------------------------------------------------------------------------------------------


def _words(table: str) -> frozenset[str]:
    return frozenset(table.split())


def _pairs(table: str) -> dict[str, str]:
    words = table.split()
    return dict(zip(words[::2], words[1::2], strict=True))


SYMBOLS = _pairs(r"""
    alpha α beta β gamma γ delta δ epsilon ϵ varepsilon ε zeta ζ eta η theta θ vartheta ϑ iota ι kappa κ lambda λ mu μ
    nu ν xi ξ pi π varpi ϖ rho ρ varrho ϱ sigma σ varsigma ς tau τ upsilon υ phi ϕ varphi φ chi χ psi ψ omega ω
    Gamma Γ Delta Δ Theta Θ Lambda Λ Xi Ξ Pi Π Sigma Σ Upsilon Υ Phi Φ Psi Ψ Omega Ω
    sim ∼ times × cdot · pm ± mp ∓ div ÷ ast ∗ star ⋆ circ ∘ bullet • oplus ⊕ ominus ⊖ otimes ⊗ odot ⊙
    dagger † ddagger ‡
    le ≤ leq ≤ leqslant ⩽ ge ≥ geq ≥ geqslant ⩾ ll ≪ gg ≫ ne ≠ neq ≠ equiv ≡ approx ≈ simeq ≃ cong ≅ propto ∝
    lesssim ≲ gtrsim ≳ prec ≺ succ ≻ in ∈ notin ∉ ni ∋ subset ⊂ supset ⊃ subseteq ⊆ supseteq ⊇
    cup ∪ cap ∩ preceq ⪯ succeq ⪰ sqsubseteq ⊑ lvert | rvert | lVert ‖ rVert ‖ bigwedge ⋀ bigvee ⋁
    setminus ∖ emptyset ∅ varnothing ∅ forall ∀ exists ∃ neg ¬ lnot ¬ wedge ∧ land ∧ vee ∨ lor ∨ vdash ⊢ models ⊨
    top ⊤ bot ⊥ perp ⊥ parallel ∥ mid ∣ vert | Vert ‖ to → rightarrow → leftarrow ← leftrightarrow ↔ Rightarrow ⇒
    Leftarrow ⇐ Leftrightarrow ⇔ implies ⇒ iff ⇔ longrightarrow ⟶ mapsto ↦ uparrow ↑ downarrow ↓ infty ∞ partial ∂
    nabla ∇ sum ∑ prod ∏ int ∫ oint ∮ surd √ ell ℓ hbar ℏ Re ℜ Im ℑ aleph ℵ wp ℘ prime ′ angle ∠ degree °
    langle ⟨ rangle ⟩ lceil ⌈ rceil ⌉ lfloor ⌊ rfloor ⌋ lbrace { rbrace } backslash \ triangle △ square □ Box □
    diamond ⋄
    ldots … dots … cdots ⋯ vdots ⋮ ddots ⋱ colon : bigcup ⋃ bigcap ⋂ bigoplus ⨁ bigotimes ⨂ odot ⊙ S § P ¶
    copyright © pounds £ euro € textregistered ® texttrademark ™ textdegree ° textbackslash \ textasciitilde ~
    textasciicircum ^ textbraceleft { textbraceright } textunderscore _ textendash – textemdash — textmu µ
    textquoteright ’ textquoteleft ‘ textgreater > textless < lt < gt > slash / TeX TeX LaTeX LaTeX
""") | dict.fromkeys(("quad", "qquad", "newline", "par", "linebreak", "space", "noindent"), " ")
OPERATORS = _words(
    "log ln lg exp min max sup inf lim limsup liminf deg dim det ker arg argmin argmax sin cos tan cot sec csc sinh "
    "cosh tanh arcsin arccos arctan gcd Pr hom bmod mod"
)
TAGS = {"emph": "em", "textit": "em", "textsl": "em", "textbf": "strong", "texttt": "code"}
SWITCHES = {"em": "em", "it": "em", "sl": "em", "bf": "strong", "tt": "code"}
FRACTIONS = frozenset(("frac", "tfrac", "dfrac"))
# They change how their argument looks, not what it says.
TRANSPARENT = _words(
    "text textrm textsc textsf textup textmd textnormal mbox hbox fbox mathrm mathbf mathit mathsf mathtt mathcal "
    "mathbb mathfrak mathscr Bbb boldsymbol bm pmb operatorname underline ensuremath rm sc sf cal normalfont left "
    "right big Big bigg Bigg bigl bigr Bigl Bigr biggl biggr Biggl Biggr displaystyle textstyle scriptstyle mathop"
    " scriptscriptstyle limits "
    "nolimits protect xspace boldmath unboldmath"
)
ESCAPES = {c: c for c in "%&#$_{}"} | {
    " ": " ", "\n": " ", "\t": " ", ",": " ", ";": " ", ":": " ", ">": " ", "\\": " ", "!": "", "-": "", "/": "",
    "(": "", ")": "", "[": "", "]": "", "|": "‖",
}  # fmt: skip
