"""Institutions as entities, from what papers print beside names.

Problem: "MIT, Cambridge" and "MIT Cambridge" are one place, and should have one page. Idea: printed forms with one key
are one institution, and the key folds case, accents and punctuation and nothing cleverer, so that what it joins is
beyond doubt. The rows of `Affiliation` equal what `Signature.affiliations` print, and can be made again from them.

Entry points: `key_of`, `link`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from django.db import connection, transaction

from .names import fold
from .text import plain

LONGEST_KEY = 400  # letters; whole paragraphs are printed beside names

_PRINTED = """
SELECT g.id, printed.name FROM papers_signature g CROSS JOIN unnest(g.affiliations) WITH ORDINALITY printed(name, nth)
 WHERE g.paper_id = ANY(%s) AND g.affiliations <> '{}' ORDER BY g.paper_id, g.position, nth
"""
_KNOWN = "SELECT key, id FROM papers_institution WHERE key = ANY(%s)"
_NEW = """
INSERT INTO papers_institution (key, name) SELECT * FROM unnest(%s::varchar[], %s::text[]) ON CONFLICT DO NOTHING
"""
_UNLINK = """
DELETE FROM papers_affiliation f USING papers_signature g
 WHERE g.id = f.signature_id AND g.paper_id = ANY(%s)
   AND (f.signature_id, f.institution_id) NOT IN (SELECT * FROM unnest(%s::bigint[], %s::bigint[]))
"""
_LINK = """
INSERT INTO papers_affiliation (signature_id, institution_id)
SELECT * FROM (SELECT * FROM unnest(%s::bigint[], %s::bigint[]) EXCEPT
               SELECT f.signature_id, f.institution_id FROM papers_affiliation f
                 JOIN papers_signature g ON g.id = f.signature_id WHERE g.paper_id = ANY(%s)) missing ORDER BY 1, 2
"""


def key_of(printed: str) -> str:
    """The folded name; "" where it has no letter or digit, which names no place.

    >>> key_of("MIT, Cambridge") == key_of(" mit  Cambridge."), key_of(r"Universit\\'e de Gen\\`eve"), key_of("*")
    (True, 'universite de geneve', '')
    """
    return fold(plain(printed))[:LONGEST_KEY].rstrip()


@transaction.atomic
def link(papers: Collection[int]) -> None:
    """Make the rows of these papers (ids) equal what is printed on them; writes nothing where they are.

    The caller keeps others from writing the same papers (`papers.importing.alone`).
    """
    with connection.cursor() as cursor:
        cursor.execute(_PRINTED, [list(papers)])
        printed = cursor.fetchall()
        keys = {name: key_of(name) for _, name in printed}
        names: dict[str, str] = {}
        for _, name in printed:
            names.setdefault(keys[name], name)
        names.pop("", None)
        ids = _ids(names)
        rows = sorted({(signature, ids[keys[name]]) for signature, name in printed if keys[name]})
        signatures, institutions = [row[0] for row in rows], [row[1] for row in rows]
        cursor.execute(_UNLINK, [list(papers), signatures, institutions])
        if rows:
            cursor.execute(_LINK, [signatures, institutions, list(papers)])


def _ids(names: Mapping[str, str]) -> dict[str, int]:
    """Ids by key; a key that is not known yet becomes an institution of that name."""
    with connection.cursor() as cursor:
        cursor.execute(_KNOWN, [list(names)])
        known: dict[str, int] = dict(cursor.fetchall())
        if new := [key for key in names if key not in known]:
            cursor.execute(_NEW, [new, [plain(names[key]) for key in new]])
            cursor.execute(_KNOWN, [new])
            known |= dict(cursor.fetchall())
    return known
