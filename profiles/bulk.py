"""Bulk accept: pairs of people that one rule holds to be one person, joined together after a look at a sample.

Problem: ten thousand pairs that a rule decides rightly are not worth ten thousand minutes, and a rule that is wrong one
time in ten does harm in one click. Idea: a rule gives pairs, each with a sentence; what must not be joined is left out
with its reason; a curator marks a random sample, drawn from a seed that anybody can draw it from again, and sees the
error that it lets expect with its interval; only then the rest is joined, with a reason, as one change set. A pair that
was marked wrong is decided to be two people at once. Entry points: `RULES`, `counts`, `draw`, `mark`, `accept`.
Reference for the interval: Wilson, Probable inference, the law of succession, and statistical inference, JASA 1927.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from papers import journal
from papers.names import fold, split_name

from . import changesets, decisions
from .disambiguation.names import Agreement, compare
from .models import Account, Author, BulkReview, Suggestion
from .statements import rows

# Pairs of one unit: a change set of them is some seconds of work, in one request.
PAIRS = 200
# Suggested pairs that are asked about names and coauthors, the most useful first: some three seconds.
ASKED = 5_000
COUNTED = 1_000  # pairs of a rule are counted so far
# Pairs looked at: with none wrong among 15, the error is below a fifth with 95 % confidence.
SAMPLE = 15
SHARED = 2  # full names of coauthors on papers of both that make a rule of it
Z = 1.96  # of a 95 % interval

Row = tuple[int, int, str]
"""Left author, right author, and the sentence why they would be one."""


@dataclass(frozen=True, slots=True)
class Rule:
    """`pairs` gives at most so many pairs of authors, left below right, in an order that the data decide."""

    slug: str
    label: str | Promise
    about: str | Promise
    pairs: Callable[[int], list[Row]]


@dataclass(frozen=True, slots=True)
class Estimate:
    """`wrong` of `marked` pairs, and the interval of 95 % in which the share of wrong ones lies; all from 0 to 1."""

    marked: int
    wrong: int
    low: float
    high: float

    @property
    def share(self) -> float:
        return self.wrong / self.marked if self.marked else 0.0


def wilson(wrong: int, marked: int) -> tuple[float, float]:
    """Wilson's interval of 95 % for a share seen in a sample.

    >>> [round(end, 3) for end in wilson(0, 15)], [round(end, 3) for end in wilson(3, 10)]
    ([0.0, 0.204], [0.108, 0.603])
    """
    if not marked:
        return 0.0, 1.0
    share, spread = wrong / marked, Z * Z / marked
    middle = share + spread / 2
    half = Z * sqrt(share * (1 - share) / marked + spread / (4 * marked))
    return max(0.0, (middle - half) / (1 + spread)), min(1.0, (middle + half) / (1 + spread))


def estimate(review: BulkReview) -> Estimate:
    """What the marks so far say of the rule."""
    marked, wrong = len(review.marks), list(review.marks.values()).count(False)
    return Estimate(marked, wrong, *wilson(wrong, marked))


def sample(pairs: Sequence[Any], seed: int) -> list[int]:
    """The places of the pairs to look at, ascending: the same for the same pairs and seed.

    >>> sample("abc", seed=1), sample(range(100), seed=1) == sample(range(100), seed=1)
    ([0, 1, 2], True)
    """
    return sorted(random.Random(seed).sample(range(len(pairs)), min(SAMPLE, len(pairs))))  # noqa: S311


def counts() -> dict[str, int]:
    """By rule, the number of its pairs, at most `COUNTED` and one more where there are more."""
    return {rule.slug: len(rule.pairs(COUNTED + 1)) for rule in RULES}


@transaction.atomic
def draw(account: Account, rule: Rule, seed: int) -> BulkReview:
    """Set down the rule's pairs as they are now, without what must be left out, for a sample to be looked at.

    Raises PermissionDenied, and ValidationError where nothing is left.
    """
    account = decisions.curator(account)
    found = rule.pairs(PAIRS)
    why = left_out([(left, right) for left, right, _sentence in found])
    pairs = [row for row in found if row[:2] not in why]
    if not pairs:
        raise ValidationError(_("The rule has no pair that could be joined."))
    out = [[*pair, reason] for pair, reason in why.items()]
    review = BulkReview.objects.create(rule=rule.slug, seed=seed, pairs=pairs, left_out=out, made_by=account)
    journal.write(account, "drew a sample of", review, seed=seed, pairs=len(pairs))
    return review


@transaction.atomic
def mark(review: BulkReview, account: Account, place: int, *, right: bool) -> decisions.Outcome | None:
    """A curator has looked at a sampled pair. A wrong one is decided to be two people: that outcome, else None.

    Raises PermissionDenied, and ValidationError for a pair not in the sample or a review that is done.
    """
    account = decisions.curator(account)
    review = BulkReview.objects.select_for_update().get(pk=review.pk)
    if place not in sample(review.pairs, review.seed):
        raise ValidationError(_("This pair is not in the sample."))
    if review.applied_at:
        raise ValidationError(_("This rule has been applied already."))
    if review.marks.get(str(place)) is False:
        raise ValidationError(_("This pair is decided already; the decision can be withdrawn."))
    review.marks[str(place)] = right
    review.save(update_fields=["marks"])
    journal.write(account, "marked", review, pair=review.pairs[place][:2], right=right)
    if right:
        return None
    left, other = _authors(review.pairs[place])
    return decisions.decide(account, left, other, same=False, reason=_("Wrong in the sample of %s") % review)


@transaction.atomic
def accept(review: BulkReview, account: Account, reason: str) -> list[int]:
    """Join the pairs that no mark and nothing new forbids; returns the authors to be refreshed after commit.

    Raises PermissionDenied, and ValidationError without a reason or before all of the sample is marked.
    """
    account = decisions.curator(account)
    review = BulkReview.objects.select_for_update().get(pk=review.pk)
    if review.applied_at:
        raise ValidationError(_("This rule has been applied already."))
    if len(review.marks) < len(sample(review.pairs, review.seed)):
        raise ValidationError(_("Look at every pair of the sample first, and mark it right or wrong."))
    if not (reason := reason.strip()):
        raise ValidationError(_("Give the reason: it is kept with each decision."))
    pairs = [(left, right) for left, right, _sentence in review.pairs]
    why = left_out(pairs)
    why |= _again([pair for pair in pairs if pair not in why])
    wrong = {pairs[int(place)] for place, right in review.marks.items() if not right}
    chosen = [pair for pair in pairs if pair not in why and pair not in wrong]
    change_set = changesets.merge(account, chosen, reason) if chosen else None
    review.left_out = review.left_out + [[*pair, text] for pair, text in why.items()]
    review.reason, review.applied_at, review.applied = reason, timezone.now(), len(chosen)
    review.change_set = change_set
    review.save(update_fields=["left_out", "reason", "applied_at", "applied", "change_set"])
    found = estimate(review)
    journal.write(account, "accepted", review, pairs=len(chosen), reason=reason, marked=found.marked, wrong=found.wrong)
    return list(change_set.touched) if change_set else []


def _again(pairs: Sequence[tuple[int, int]]) -> dict[tuple[int, int], str]:
    """Pairs with somebody of an earlier pair: a sample of pairs cannot tell whether a chain of people is one."""
    seen: set[int] = set()
    why: dict[tuple[int, int], str] = {}
    for pair in pairs:
        if seen.intersection(pair):
            why[pair] = _("One of them is in another pair; it is asked about again once that is done.")
        else:
            seen.update(pair)
    return why


def _authors(pair: Sequence[Any]) -> tuple[Author, Author]:
    found = Author.objects.in_bulk(pair[:2])
    return found[pair[0]], found[pair[1]]


def left_out(pairs: Sequence[tuple[int, int]]) -> dict[tuple[int, int], str]:
    """The pairs that must not be joined, each with the sentence why: three queries."""
    ends = Author.objects.in_bulk({author for pair in pairs for author in pair})
    why: dict[tuple[int, int], str] = {}
    for pair in pairs:
        found = [ends.get(author) for author in pair]
        if any(author is None or author.merged_into_id is not None or not author.works_count for author in found):
            why[pair] = _("One of them has no works any more.")
        elif all(author and author.is_claimed for author in found):
            why[pair] = _("Both are claimed, by two accounts.")
    texts = {"paper": _("Both names are printed on one paper."), "decision": _("A decision says that they differ.")}
    given = {"lefts": [left for left, _right in pairs], "rights": [right for _left, right in pairs]}
    for left, right, kind in rows(_FORBIDDEN, **given):
        why.setdefault((left, right), texts[kind])
    return why


def works_of(pairs: Sequence[Sequence[Any]]) -> tuple[int, int]:
    """(people, works) that joining these pairs touches: works of the smaller record of each, which would move."""
    ends = Author.objects.in_bulk({author for pair in pairs for author in pair[:2]})
    counted = [[ends[author].works_count for author in pair[:2] if author in ends] for pair in pairs]
    return len(ends), sum(min(works, default=0) for works in counted)


def sampled(review: BulkReview) -> list[tuple[int, Suggestion]]:
    """The places of the sample with their pairs, as the curators' pages show pairs. Who is gone is left aside."""
    places = sample(review.pairs, review.seed)
    ends = Author.objects.in_bulk({author for place in places for author in review.pairs[place][:2]})
    return [
        (place, Suggestion(pk=place, left=ends[left], right=ends[right], sentence=sentence))
        for place in places
        for left, right, sentence in [review.pairs[place]]
        if left in ends and right in ends
    ]


# --- the rules -------------------------------------------------------------------------------------------------------


def same_orcid(most: int) -> list[Row]:
    """Authors of whom papers print one and the same authenticated iD, each with the oldest of them."""
    text = _("the same ORCID iD is on papers of both: %s")
    return [(left, right, text % orcid) for left, right, orcid in rows(_SAME_ORCID, most=most)]


def same_coauthors(most: int) -> list[Row]:
    """Two authors of one full name, with `SHARED` coauthors or more whose full names are on papers of both."""
    text = _("both are printed “%(name)s”, and both wrote with %(coauthors)s")
    return [
        (left, right, text % {"name": name, "coauthors": ", ".join(coauthors)})
        for left, right, name, _other, coauthors in _sharing(_SAME_NAME, SHARED)[:most]
    ]


def misprint(most: int) -> list[Row]:
    """Two authors whose names look like a misprint of each other, with `SHARED` coauthors or more in common.

    The matcher never joins such names by itself.
    """
    text = _("“%(name)s” and “%(other)s” look like one misprinted, and both wrote with %(coauthors)s")
    return [
        (left, right, text % {"name": name, "other": other, "coauthors": ", ".join(coauthors)})
        for left, right, name, other, coauthors in _sharing(_OTHER_NAME, SHARED)
        if _agreement(name, other) == Agreement.MISPRINT
    ][:most]


def _agreement(one: str, other: str) -> Agreement:
    """How the given names of two printed names agree; a conflict where the family names differ."""
    (family, given, _suffix), (other_family, other_given, _other) = map(split_name, (one, other))
    return compare(given, other_given) if fold(family) == fold(other_family) else Agreement.CONFLICT


def only_a_number(most: int) -> list[Row]:
    """As printed, one has a number as DBLP gives namesakes and the other none; and a coauthor is on papers of both.

    Two numbers are two people to DBLP: such pairs are not of this rule.
    """
    text = _("“%(name)s” is printed with and without a number, and both wrote with %(coauthors)s")
    return [
        (left, right, text % {"name": name, "coauthors": ", ".join(coauthors)})
        for left, right, name, _other, coauthors in _sharing(_SAME_NAME, 1, numbered=True)[:most]
    ]


def _sharing(names: str, shared: int, numbered: bool = False) -> list[tuple[int, int, str, str, list[str]]]:
    """Suggested pairs whose `names` are so and who share so many coauthors by full name: the two authors, their printed
    names, and three of the coauthors. `numbered`: a number is printed with the name of one of them alone."""
    return rows(_ASKED + names + _SHARING, asked=ASKED, shared=shared, numbered=numbered)


RULES: tuple[Rule, ...] = (
    Rule(
        "orcid",
        gettext_lazy("The same ORCID iD on both"),
        gettext_lazy("An authenticated iD belongs to one person; a misprint or a decision has kept the records apart."),
        same_orcid,
    ),
    Rule(
        "coauthors",
        gettext_lazy("The same full name, and two coauthors by full name"),
        gettext_lazy("Suggested pairs whose names are the same in full, with two coauthors or more on papers of both."),
        same_coauthors,
    ),
    Rule(
        "misprint",
        gettext_lazy("A misprinted name, and two coauthors by full name"),
        gettext_lazy("“Dongbin Zhao” and “Dongbing Zhao”, with two coauthors or more on papers of both."),
        misprint,
    ),
    Rule(
        "number",
        gettext_lazy("Only a DBLP number differs"),
        gettext_lazy("“Wei Wang 0001” and “Wei Wang”, with a coauthor on papers of both. Two numbers never meet."),
        only_a_number,
    ),
)
BY_SLUG: Mapping[str, Rule] = {rule.slug: rule for rule in RULES}

_SAME_ORCID = """
SELECT i.one, other, min(i.orcid)
  FROM (SELECT g.orcid, min(s.author_id) AS one, array_agg(DISTINCT s.author_id) AS authors
          FROM papers_signature g
          JOIN profiles_assignment s ON s.signature_id = g.id AND s.state <> 'rejected'
         WHERE g.orcid IS NOT NULL
         GROUP BY g.orcid HAVING min(s.author_id) <> max(s.author_id)) i
  CROSS JOIN unnest(i.authors) other
 WHERE other <> i.one
 GROUP BY 1, 2 ORDER BY 1, 2 LIMIT %(most)s
"""

# A full given name is one word of two letters or more before the family name. Coauthors count by such names only.
_ASKED = """
WITH pairs AS MATERIALIZED (
    SELECT DISTINCT ON (u.id) u.id, u.left_id, u.right_id, v.printed, w.printed AS other
      FROM (SELECT * FROM profiles_suggestion ORDER BY usefulness DESC, id LIMIT %(asked)s) u
      JOIN profiles_namevariant v ON v.author_id = u.left_id
      JOIN profiles_namevariant w ON w.author_id = u.right_id
"""
_SAME_NAME = """
     WHERE w.folded = v.folded AND v.folded ~ '^[[:alpha:]]{2,} '
     ORDER BY u.id, v.works DESC, v.printed
"""
_OTHER_NAME = """
     ORDER BY u.id, v.works DESC, v.printed, w.works DESC, w.printed
"""
_SHARING = """
), named AS (
    SELECT p.id, side.is_left, g.paper_id, g.id AS signature_id, g.printed
      FROM pairs p
      CROSS JOIN LATERAL (VALUES (true, p.left_id), (false, p.right_id)) side(is_left, author_id)
      JOIN profiles_assignment s ON s.author_id = side.author_id AND s.state <> 'rejected'
      JOIN papers_signature g ON g.id = s.signature_id
     WHERE NOT %(numbered)s OR p.id IN (
           SELECT q.id
             FROM pairs q
             JOIN profiles_assignment s ON s.author_id IN (q.left_id, q.right_id)
             JOIN papers_signature g ON g.id = s.signature_id
            GROUP BY q.id
           HAVING bool_or(g.printed ~ ' [0-9]{4}$' AND s.author_id = q.left_id)
                  <> bool_or(g.printed ~ ' [0-9]{4}$' AND s.author_id = q.right_id))
), shared AS (
    SELECT n.id, min(concat_ws(' ', h.given, h.family)) AS label
      FROM named n
      JOIN LATERAL (SELECT count(*) AS size FROM papers_signature t WHERE t.paper_id = n.paper_id) team
        ON team.size BETWEEN 2 AND 100
      JOIN papers_signature h ON h.paper_id = n.paper_id AND h.id <> n.signature_id
     WHERE h.given_key ~ '^[[:alpha:]]{2,}'
     GROUP BY n.id, h.given_key, h.family_key HAVING bool_or(n.is_left) AND bool_or(NOT n.is_left)
)
SELECT p.left_id, p.right_id, min(p.printed), min(p.other), (array_agg(x.label ORDER BY x.label))[1:3]
  FROM shared x JOIN pairs p USING (id)
 GROUP BY p.id, p.left_id, p.right_id HAVING count(*) >= %(shared)s
 ORDER BY p.left_id, p.right_id
"""

_FORBIDDEN = """
WITH pairs AS (SELECT * FROM unnest(%(lefts)s::bigint[], %(rights)s::bigint[]) p(one, other))
SELECT DISTINCT p.one, p.other, 'paper'
  FROM pairs p
  JOIN profiles_assignment s ON s.author_id = p.one AND s.state <> 'rejected'
  JOIN papers_signature g ON g.id = s.signature_id
  JOIN papers_signature h ON h.paper_id = g.paper_id AND h.id <> g.id
  JOIN profiles_assignment t ON t.signature_id = h.id AND t.author_id = p.other AND t.state <> 'rejected'
 UNION
SELECT p.one, p.other, 'decision'
  FROM pairs p
  JOIN profiles_correction c ON c.withdrawn_at IS NULL AND NOT c.same
  LEFT JOIN profiles_assignment s ON s.signature_id = c.signature_id
  LEFT JOIN profiles_assignment t ON t.signature_id = c.other_id
 WHERE (coalesce(s.author_id, c.author_id), coalesce(t.author_id, c.other_author_id, c.author_id))
       IN ((p.one, p.other), (p.other, p.one))
 ORDER BY 1, 2, 3
"""
