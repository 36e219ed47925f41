"""Topics, institutions and titles by the beginnings of their words: what can be found while somebody types.

Entry points: `topics`, `institutions`, `titles`. Each runs in the caller's `papers.bounded.within`.
"""

from __future__ import annotations

from papers.affiliations import key_of, place_of
from papers.institutions import heir_of
from papers.models import Institution, InstitutionName, Paper, PaperQuerySet, Topic

from .queries import Query
from .words import Lexemes, look_up, quoted

_BEGINNING = 3  # letters; a shorter beginning stands in nearly every title


def topics(query: Query, limit: int) -> list[Topic]:
    """Those whose name has every word; the shortest names first, which say least besides."""
    found = Topic.objects.all()
    for word in query.words:
        found = found.filter(name__icontains=word)
    return sorted(found[: 10 * limit], key=lambda topic: (len(topic.name), topic.name))[:limit] if query.words else []


def institutions(query: Query, limit: int, *, anywhere: bool = True) -> list[Institution]:
    """Those that the query names or begins to name, then those of which a printed form has it `anywhere`."""
    key = key_of(query.text)
    if not key:
        return []
    homes = Institution.objects.select_related("merged_into").filter(key__startswith=place_of(key)).order_by("key")
    forms = InstitutionName.objects.select_related("institution__merged_into").order_by("key")
    named = [*homes[:limit], *(form.institution for form in forms.filter(key__startswith=key)[: 4 * limit])]
    if anywhere and len(named) < limit:
        named += [form.institution for form in forms.filter(key__contains=f" {key}")[: 4 * limit]]
    return list({(heir := heir_of(one)).pk: heir for one in named}.values())[:limit]


def titles(query: Query, limit: int) -> PaperQuerySet:
    """The newest papers whose title has every word, the last one perhaps not yet typed to its end."""
    if not query.words:
        return Paper.objects.none()
    *_, last = query.words
    typed = "".join(filter(str.isalnum, last.lower()))
    asked = [f"{quoted(word.lexeme)}:A" for word in look_up(query.words) if word.typed != last]
    ends = [f"{quoted(word.lexeme)}:A" for word in look_up([last])]
    if len(typed) >= _BEGINNING:
        ends.append(f"{quoted(typed)}:*A")
    if ends:
        asked.append(f"({'|'.join(ends)})")
    if not asked:
        return Paper.objects.none()
    return Paper.objects.filter(search=Lexemes("&".join(asked))).newest_first()[:limit]
