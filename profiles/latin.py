"""Names in Cyrillic and Greek letters as catalogues write them in Latin ones: "Иван Петров" → "ivan petrov".

By the tables of BGN/PCGN 1947 (Russian), 2019 (Ukrainian) and ELOT 743 (Greek), without marks; other scripts stay as
they are. A hypothesis, as every transliteration: what is found by it must be near, not equal. Entry point: `latin`.
"""

from __future__ import annotations

import re

from papers.names import fold

_CYRILLIC = (
    "а a б b в v г g д d е e ж zh з z и i й y к k л l м m н n о o п p р r с s т t у u ф f х kh ц ts ч ch ш sh щ shch "
    "ъ - ы y ь - э e ю yu я ya і i ї yi є ye ґ g ў u ђ dj ј j љ lj њ nj ћ c џ dz"
)
_GREEK = "α a β v γ g δ d ε e ζ z η i θ th ι i κ k λ l μ m ν n ξ x ο o π p ρ r σ s ς s τ t υ y φ f χ ch ψ ps ω o"
_GREEK_PAIRS = {"ου": "ou", "αυ": "av", "ευ": "ev", "γγ": "ng", "γχ": "nch", "γξ": "nx"}


def _table(line: str) -> dict[str, str]:
    words = line.split()
    return {letter: latin.strip("-") for letter, latin in zip(words[::2], words[1::2], strict=True)}


_LETTERS = str.maketrans(_table(_CYRILLIC) | _table(_GREEK))
_PAIRS = re.compile("|".join(_GREEK_PAIRS))


def latin(text: str) -> str:
    """The folded text with Cyrillic and Greek letters written in Latin ones.

    >>> latin("Чебышёв"), latin("Παπαδόπουλος Γ."), latin("王伟"), latin("O’Néill")
    ('chebyshev', 'papadopoulos g', '王伟', 'oneill')
    """
    return fold(_PAIRS.sub(lambda pair: _GREEK_PAIRS[pair[0]], fold(text)).translate(_LETTERS))
