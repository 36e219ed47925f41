"""Objections: what people have built on a name or a paper, so that an import that brought it is not simply rolled back.

What somebody wrote is an obstacle. A click is not, neither a reaction nor a paper that is saved without a word: else
every account could keep an import from being undone by clicking through it.

Rules of `papers.reversal`; who composes them stands above both (`bzpeer.rollbacks`). Entry points: the functions.
"""

from __future__ import annotations

from collections.abc import Collection

from django.db.models import Count, Q
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from papers.models import Paper
from papers.reversal import Objection

from .arrays import ids
from .models import Author, CollectionItem, Correction, Post


def decided(signatures: Collection[int]) -> dict[int, Objection]:
    """Names that a live decision is about."""
    here = ids(signatures)
    found: dict[int, Objection] = {}
    rows = Correction.objects.live().filter(Q(signature__in=here) | Q(other__in=here)).select_related("made_by")
    for correction in rows.select_related("made_by", "signature", "other", "author", "other_author").order_by("pk"):
        sentence = _("%(who)s has decided about a name on it: %(what)s.") % {
            "who": correction.by,
            "what": correction,
        }
        for end in (correction.signature_id, correction.other_id):
            if end is not None and end in signatures:
                found[end] = Objection(sentence, reverse("curate_decision", args=[correction.pk]))
    return found


def anchored(signatures: Collection[int]) -> dict[int, Objection]:
    """Names by which an author is known whom somebody has claimed."""
    sentence = _("The record of %(who)s, which has been claimed, is known by a name on it.")
    rows = Author.objects.filter(anchor__in=ids(signatures), account__isnull=False)
    return {a.anchor_id or 0: Objection(sentence % {"who": a.name}, a.get_absolute_url()) for a in rows}


def discussed(papers: Collection[int]) -> dict[int, Objection]:
    """Papers about which somebody has written what is not withdrawn, or was reported to a curator."""
    here = Post.objects.filter(paper__in=ids(papers)).filter(Q(withdrawn_at=None) | Q(complaints__isnull=False))
    found: dict[int, Objection] = {}
    for paper, n in here.values_list("paper").annotate(Count("pk", distinct=True)).order_by("paper"):
        sentence = ngettext(
            "%(n)s review or comment was written about the paper.",
            "%(n)s reviews and comments were written about the paper.",
            n,
        ) % {"n": n}
        found[paper] = Objection(sentence, reverse("discussion", args=[paper]))
    return found


def annotated(papers: Collection[int]) -> dict[int, Objection]:
    """Papers on which somebody has written a note in a collection: whose, and how many, is theirs."""
    kept = CollectionItem.objects.filter(paper__in=ids(papers)).exclude(note="").values("paper")
    sentence = _("A reader has written a note on the paper in a collection.")
    return {paper.pk: Objection(sentence, paper.get_absolute_url()) for paper in Paper.objects.filter(pk__in=kept)}
