"""What a node of the graph stands for, and back: "person-12" is the author of that id.

Entry points: `find`, and `person`, `paper`, `topic`, `institution`, which make nodes.
"""

from __future__ import annotations

from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils.text import Truncator

from papers.institutions import heir_of
from papers.models import Institution, Paper, Topic
from profiles.models import Author
from profiles.views import find_author

from .networks import Node

_LONGEST_LABEL = 120  # letters

Place = Author | Paper | Topic | Institution


def find(at: str) -> Place:
    """What the node id names: of a merged author or institution the heir.

    Raises Http404, and `Hidden`, which answers with the notice.
    """
    kind, _, number = at.partition("-")
    if not (number.isascii() and number.isdigit() and len(number) < 19):
        raise Http404("This is no address of a place in the graph.")
    pk = int(number)
    if kind == "person":
        return find_author(pk)
    if kind == "paper":
        return get_object_or_404(Paper, pk=pk)
    if kind == "topic":
        return get_object_or_404(Topic, pk=pk)
    if kind == "institution":
        return heir_of(get_object_or_404(Institution, pk=pk))
    raise Http404("This is no address of a place in the graph.")


def id_of(place: Place) -> str:
    """The node id that `find` would take."""
    kind = {Author: "person", Paper: "paper", Topic: "topic", Institution: "institution"}[type(place)]
    return f"{kind}-{place.pk}"


def person_id(pk: int) -> str:
    return f"person-{pk}"


def paper_id(pk: int) -> str:
    return f"paper-{pk}"


def topic_id(pk: int) -> str:
    return f"topic-{pk}"


def institution_id(pk: int) -> str:
    return f"institution-{pk}"


def person(author: Author, weight: float) -> Node:
    """`weight`: works shared with the focus, or of the focus itself."""
    return Node("person", person_id(author.pk), author.name, author.get_absolute_url(), weight)


def paper(found: Paper) -> Node:
    return Node("paper", paper_id(found.pk), found.title_text, found.get_absolute_url(), float(found.year or 0))


def topic(found: Topic, works: int) -> Node:
    return Node("topic", topic_id(found.pk), found.name, found.get_absolute_url(), works)


def institution(found: Institution, works: int) -> Node:
    """Whole paragraphs are printed beside names: the label is the beginning, the page has it all."""
    label = Truncator(found.name).chars(_LONGEST_LABEL)
    return Node("institution", institution_id(found.pk), label, found.get_absolute_url(), works)
