"""What is new for one subscriber, and why: a short list, in which no paper ever comes a second time.

Problem: papers are written by imports that commit in any order and at any time, so that "newer than the newest one of
last time" would lose those that were numbered early and committed late; a hundred thousand readers of one topic must
not cost a hundred thousand questions; and a list of everything that is new is read by nobody.
Idea: look back to the last letter but one, and leave out what was ever picked for this reader (a constraint of the
database says the same). What several readers want is asked once for a run (`Fresh`). People whom the reader follows
come first, then one paper of each subscription in turn, `MOST` in all; what did not fit is counted. A pick keeps what
it was chosen for, not the sentence: who was merged, renamed or hidden meanwhile is told of as they are now (`told`).
Entry points: `choose`, `told`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import zip_longest
from typing import Any

from django.db.models import F, Q
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from papers.bounded import TooSlow
from papers.models import Paper, Topic
from profiles import alerted, asking
from profiles.addresses import heir_of
from profiles.feedback import trending
from profiles.models import Account, AlertSettings, Assignment, Author, Pick, Subscriber, Subscription

MOST = 20  # papers of a letter: more than anybody reads, fewer than mail programs cut off
LISTED = 100  # that are looked at of one source: five letters full
SEARCHED = 400  # places of a search: all that there are by relevance (twice `papers.searching.LISTED`)
TRENDING = 20  # places: the hundredth is no news
REMEMBERED = 1_000  # answers of a run, some 10 kB each
_LOG = logging.getLogger(__name__)

Reason = dict[str, Any]  # {"kind": …, and what the sentence needs}
Found = tuple[int, Reason]  # a paper's id, and why
Kind = Subscription.Kind


@dataclass(frozen=True)
class Since:
    """From where on papers are new for a reader: the newest one's id at the last letter but one, and when that was."""

    paper: int = 0
    at: datetime | None = None


@dataclass
class Fresh:
    """What is new, for one run: each question is asked once for all who ask it."""

    _answers: dict[tuple[object, ...], list[Found]] = field(default_factory=dict)

    def of(self, subscription: Subscription, since: Since) -> list[Found]:
        """New papers of a subscription, in the order of its page."""
        floor = max(subscription.newest, since.paper)
        match subscription.kind:
            case Kind.TRENDING:
                return self._once(("trending",), trending_now)
            case Kind.TOPIC:
                topic = subscription.topic_id or 0
                return self._once(("topic", topic, floor), lambda: of_topic(topic, floor))
            case Kind.PERSON:
                author = subscription.author_id or 0
                return self._once(("person", author, floor), lambda: of_person(author, floor))
        query = subscription.query
        return self._once(("search", query, floor), lambda: of_search(query, floor))

    def _once(self, key: tuple[object, ...], ask: Callable[[], list[Found]]) -> list[Found]:
        if key not in self._answers:
            if len(self._answers) >= REMEMBERED:
                self._answers.clear()
            self._answers[key] = ask()
        return self._answers[key]


# --- sources ----------------------------------------------------------------------------------------------------------


def trending_now() -> list[Found]:
    """The first trending papers."""
    return [
        (
            paper.pk,
            {
                "kind": "trending",
                "place": place,
                "likes": paper.trend.likes,
                "saves": paper.trend.saves,
                "comments": paper.trend.comments,
                "reviews": paper.trend.reviews,
            },
        )
        for place, paper in enumerate(trending.hottest(size=TRENDING)[0], start=1)
    ]


def of_topic(topic: int, floor: int) -> list[Found]:
    """Papers of a topic with ids above the floor: those first that readers like, then the newest."""
    papers = Paper.objects.filter(pk__gt=floor, topics=topic).order_by(
        F("trend__heat").desc(nulls_last=True), Coalesce("updated", "created").desc(nulls_last=True), "-pk"
    )
    return [(pk, {"kind": "topic", "topic": topic}) for pk in papers.values_list("pk", flat=True)[:LISTED]]


def of_person(author: int, floor: int) -> list[Found]:
    """Papers of a person, or of whom they were merged into, with ids above the floor; none of one who is hidden."""
    asked = Author.objects.select_related("merged_into").filter(pk=author).first()
    heir = heir_of(asked) if asked else None
    if heir is None or not heir.is_public:
        return []
    sure = Q(state__in=Assignment.STRONG_OR_BETTER) | Q(probability__gte=AlertSettings.LEAST)
    rows = Assignment.objects.standing().filter(sure, author=heir, signature__paper__gt=floor)
    newest = rows.order_by(
        Coalesce("signature__paper__updated", "signature__paper__created").desc(nulls_last=True), "-signature__paper"
    )
    found = newest.values_list("signature__paper", "probability", "state")[:LISTED]
    return [(paper, _by(heir.pk, probability, state)) for paper, probability, state in found]


def of_search(query: str, floor: int) -> list[Found]:
    """What the pages of a search show above the floor, in their order."""
    asked = asking.asked(query)
    try:
        papers = asked.numbers(SEARCHED)
    except TooSlow:
        _LOG.warning("A search took too long for a letter, which goes without it: %s", query[:200])
        return []
    return [
        (pk, {"kind": "search", "query": asked.canonical, "words": asked.query, "place": place})
        for place, pk in enumerate(papers, start=1)
        if pk > floor
    ][:LISTED]


def followed(account: Account, since: datetime) -> list[Found]:
    """What the account's alerts tell of people whom it follows, as its pages do: sure enough, and not doubted."""
    found = []
    for item in alerted.listed(account, size=LISTED)[0]:
        people = [reason.signature for reason in item.reasons if reason.follow_id and reason.signature]
        if people and item.alert.made_at > since:
            given = people[0].assignment
            reason = _by(given.author_id, given.probability, given.state) | {"follows": True}
            found.append((item.paper.pk, reason))
    return found


def _by(author: int, probability: float, state: str) -> Reason:
    sure = state in Assignment.STRONG_OR_BETTER
    return {"kind": "person", "author": author} | ({} if sure else {"percent": round(100 * probability)})


# --- choosing ---------------------------------------------------------------------------------------------------------


@dataclass
class Chosen:
    """Papers and why, in order, and how many more there were."""

    papers: list[tuple[int, list[Reason]]] = field(default_factory=list)
    more: int = 0


def choose(subscriber: Subscriber, subscriptions: Sequence[Subscription], since: Since, fresh: Fresh) -> Chosen:
    """What is new for a subscriber in these subscriptions, of one frequency. `subscriptions` are not empty."""
    people = []
    if subscriber.account is not None:
        began = min(one.confirmed_at for one in subscriptions if one.confirmed_at)
        people.append(followed(subscriber.account, max(began, since.at) if since.at else began))
    people += [fresh.of(one, since) for one in subscriptions if one.kind == Kind.PERSON]
    others = [fresh.of(one, since) for one in subscriptions if one.kind != Kind.PERSON]
    in_turn = [found for row in zip_longest(*others) for found in row if found]
    reasons: dict[int, list[Reason]] = {}
    for paper, reason in (*(found for one in people for found in one), *in_turn):
        reasons.setdefault(paper, [])
        if not any(_same(reason, known) for known in reasons[paper]):
            reasons[paper].append(reason)
    had = set(Pick.objects.filter(subscriber=subscriber, paper__in=list(reasons)).values_list("paper", flat=True))
    there = set(Paper.objects.filter(pk__in=list(reasons)).values_list("pk", flat=True))
    new = [(paper, why) for paper, why in reasons.items() if paper in there and paper not in had]
    return Chosen(new[:MOST], max(len(new) - MOST, 0))


def _same(one: Reason, other: Reason) -> bool:
    """Of one person both who follows and who subscribes is told once."""
    return one == other or (one["kind"] == other["kind"] == "person" and one["author"] == other["author"])


# --- telling ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Told:
    """A pick as it is shown: sentences, each with the address of the page that says more, or ""."""

    paper: Paper
    because: list[tuple[str, str]]


def told(picks: Iterable[tuple[int, Sequence[Reason]]]) -> list[Told]:
    """Picks as they are shown now, in order: a constant number of queries."""
    picks = list(picks)
    reasons = [reason for _paper, why in picks for reason in why]
    people = {one["author"] for one in reasons if one["kind"] == "person"}
    authors = Author.objects.select_related("merged_into").in_bulk(people)
    topics = Topic.objects.in_bulk({one["topic"] for one in reasons if one["kind"] == "topic"})
    papers = Paper.objects.with_people().in_bulk([paper for paper, _why in picks])
    return [
        Told(papers[pk], [said for one in why if (said := _sentence(one, papers[pk], authors, topics))])
        for pk, why in picks
        if pk in papers
    ]


def _sentence(
    reason: Reason, paper: Paper, authors: Mapping[int, Author], topics: Mapping[int, Topic]
) -> tuple[str, str] | None:
    """(why, where more is said of it); None where there is nobody any more to speak of."""
    match reason["kind"]:
        case "person":
            return _of_person(reason, paper, authors)
        case "topic":
            topic = topics.get(reason["topic"])
            return (_("It is new in %(topic)s.") % {"topic": topic.name}, topic.get_absolute_url()) if topic else None
        case "search":
            told = {"words": reason["words"], "place": reason["place"]}
            said = _("It is new in your search “%(words)s”, at place %(place)s.") % told
            return said, f"{reverse('search')}?{reason['query']}"
    counted = ", ".join(words for words in _counted(reason) if words)
    said = _("Place %(place)s of the trending papers: %(counted)s.") % {"place": reason["place"], "counted": counted}
    return said, reverse("work_trend", args=[paper.pk])


def _of_person(reason: Reason, paper: Paper, authors: Mapping[int, Author]) -> tuple[str, str] | None:
    author = authors.get(reason["author"])
    heir = heir_of(author) if author else None
    if heir is None or not heir.is_public:
        return None
    given = {"name": heir.name, "percent": reason.get("percent")}
    if "percent" not in reason:
        said = _("%(name)s, whom you follow, wrote it.") % given
    else:
        said = _("%(name)s, whom you follow, probably wrote it: %(percent)s %%.") % given
    return said, reverse("attribution", args=[paper.pk, heir.pk])


def _counted(trend: Mapping[str, int]) -> Iterable[str]:
    likes, saves, comments, reviews = (trend[name] for name in ("likes", "saves", "comments", "reviews"))
    yield ngettext("%(n)s like", "%(n)s likes", likes) % {"n": likes} if likes else ""
    yield ngettext("%(n)s save", "%(n)s saves", saves) % {"n": saves} if saves else ""
    yield ngettext("%(n)s comment", "%(n)s comments", comments) % {"n": comments} if comments else ""
    yield ngettext("%(n)s review", "%(n)s reviews", reviews) % {"n": reviews} if reviews else ""
