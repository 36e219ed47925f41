"""Institutions as entities, from what papers print beside names.

Problem: a place is printed in many forms, and should have one page, whatever order the forms came in and whatever
curators said of them. Idea: a form is known by its folded line; it is at home where a curator put it, or else at the
institution of the place that it folds to (`papers.affiliations`); who was merged leads to the heir. By definition:

    where(form) = heir(home(form)),  home(form) = what a curator said, or the institution whose key is place_of(form)

The rows of `Affiliation` are the forms that `Signature.affiliations` print, each led to where it is, and can be made
again from them. Entry points: `link`; `known`, `of_form`, `forms_of`, `heir_of`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from django.db import connection, transaction
from django.db.models import QuerySet
from django.db.models.expressions import RawSQL

from .affiliations import key_of, name_of, place_of
from .models import Institution, InstitutionName
from .text import plain

_PRINTED = """
SELECT g.id, printed.name FROM papers_signature g CROSS JOIN unnest(g.affiliations) WITH ORDINALITY printed(name, nth)
 WHERE g.paper_id = ANY(%s) AND g.affiliations <> '{}' ORDER BY g.paper_id, g.position, nth
"""
_KNOWN = """
WITH RECURSIVE led(key, id) AS (
    SELECT key, institution_id FROM papers_institutionname WHERE key = ANY(%s)
     UNION ALL
    SELECT led.key, i.merged_into_id FROM led JOIN papers_institution i ON i.id = led.id
     WHERE i.merged_into_id IS NOT NULL
)
SELECT led.key, led.id FROM led JOIN papers_institution i ON i.id = led.id WHERE i.merged_into_id IS NULL
"""
_PLACES = """
INSERT INTO papers_institution (key, name)
SELECT DISTINCT ON (place) place, printed
  FROM unnest(%s::varchar[], %s::text[]) WITH ORDINALITY new(place, printed, nth)
 WHERE place NOT IN (SELECT key FROM papers_institution WHERE key = ANY(%s)) ORDER BY place, nth
    ON CONFLICT DO NOTHING
"""
_NAMES = """
INSERT INTO papers_institutionname (key, printed, institution_id, held)
SELECT new.key, printed, i.id, false
  FROM unnest(%s::varchar[], %s::text[], %s::varchar[]) new(key, printed, place)
  JOIN papers_institution i ON i.key = new.place
    ON CONFLICT DO NOTHING
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


def known(printed: Collection[str]) -> dict[str, int]:
    """The institution (id) that each of these lines names, as far as any is known; nothing is written."""
    keys = {line: key_of(line) for line in printed}
    forms = _led(keys.values())
    places = {line: place_of(key) for line, key in keys.items() if key and key not in forms}
    homes = Institution.objects.filter(key__in=places.values()).select_related("merged_into")
    by_place = {home.key: heir_of(home).pk for home in homes}
    found = {line: forms.get(key) or by_place.get(places.get(line, "")) for line, key in keys.items()}
    return {line: pk for line, pk in found.items() if pk}


def of_form(printed: str) -> Institution | None:
    """The institution that a printed line names; None for a line that no paper prints."""
    form = InstitutionName.objects.filter(key=key_of(printed)).select_related("institution__merged_into").first()
    return heir_of(form.institution) if form else None


def forms_of(institution: Institution) -> QuerySet[InstitutionName]:
    """All forms that lead to it, those of whom it stands for too, in order of their making."""
    family = RawSQL(
        """
        WITH RECURSIVE family(id) AS (
            SELECT %s::bigint UNION SELECT i.id FROM papers_institution i JOIN family f ON i.merged_into_id = f.id
        ) SELECT id FROM family
        """,
        [institution.pk],
    )
    return InstitutionName.objects.filter(institution__in=family).order_by("pk")


def heir_of(institution: Institution) -> Institution:
    """The one that stands for it: itself unless it was merged."""
    while institution.merged_into is not None:
        institution = institution.merged_into
    return institution


def _ids(names: Mapping[str, str]) -> dict[str, int]:
    """Where each key leads; a key that is not known yet becomes a form, of the institution of its place."""
    ids = _led(names)
    if new := [key for key in names if key not in ids]:
        printed, places = [plain(names[key]) for key in new], [place_of(key) for key in new]
        with connection.cursor() as cursor:
            cursor.execute(_PLACES, [places, list(map(name_of, printed)), places])
            cursor.execute(_NAMES, [new, printed, places])
        ids |= _led(new)
    return ids


def _led(keys: Collection[str]) -> dict[str, int]:
    with connection.cursor() as cursor:
        cursor.execute(_KNOWN, [list(keys)])
        return dict(cursor.fetchall())
