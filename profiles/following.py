"""Following: people, topics and watched names; what an account follows, and the questions that a parting leaves.

Problem: a button that toggles does the opposite in a second tab, and a record that is followed may be merged, parted,
emptied or hidden meanwhile. Idea: who asks says what they want (`follow`, `unfollow`), so that twice is once; whom a
merge leads to is followed; where there is nobody to follow it is said in a sentence, and nothing changes. What an
account follows is its own: no page, export or list of anybody else holds it, but a number. Entry points: the verbs, and
`followed`, `watches_of`, `open_questions`, `marks` for pages.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Count, Q
from django.db.models.expressions import RawSQL
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from papers.models import Paper, Topic
from papers.names import fold, surname_key
from papers.paging import ForeignCursor, key

from . import alerted, watching
from .addresses import heir_of, successors
from .arrays import texts
from .models import (
    Account,
    AlertReason,
    AlertSettings,
    Author,
    Follow,
    FollowQuestion,
    NameVariant,
    NameWatch,
    TopicFollow,
)

# Of one account: more than anyone reads news of, and a bound to what one import has to look through.
MOST_PEOPLE, MOST_TOPICS, MOST_WATCHES = 1_000, 100, 50
PAGE = 50  # people on a page
ASKED_AT_ONCE = 10  # questions on a page; the next come when these are answered
COMMON = 3  # bearers of a printed name from which a watch should say more than the name
# The limits of doubt that can be chosen, as stated probabilities: more likely than not, likely, strong
# (`disambiguation.attribution.STRONG`), next to certain.
LEASTS = (0.5, 0.7, AlertSettings.LEAST, 0.95)


# --- people and topics -----------------------------------------------------------------------------------------------


@transaction.atomic
def follow(account: Account, author: Author) -> Author:
    """Follow the author, or whom they were merged into: returns whom. Again changes nothing.

    Raises ValidationError with the sentence where there is nobody to follow, or too many are followed.
    """
    heir = heir_of(author)
    if not (author.is_public and heir.is_public):
        raise ValidationError(_("This record is hidden, so it cannot be followed. What you follow is as it was."))
    is_empty = not (heir.works_count or heir.is_claimed)
    if (is_empty or heir != author) and len(successors(author)) > 1:
        raise ValidationError(_("The works of this record are with several people now. Follow the one you mean."))
    if is_empty:
        raise ValidationError(_("Nothing is left on this record, so it cannot be followed."))
    _alone(account)
    if Follow.objects.of(heir).filter(account=account).exists():
        return heir
    if Follow.objects.filter(account=account).count() >= MOST_PEOPLE:
        raise ValidationError(
            _("You follow %(n)s people, which is the most. Stop following one first.") % _n(MOST_PEOPLE)
        )
    Follow.objects.create(account=account, author=heir)
    return heir


def unfollow(account: Account, author: Author) -> None:
    """Follow the author no more, nor anyone merged into the same heir."""
    Follow.objects.of(heir_of(author)).filter(account=account).delete()


@transaction.atomic
def follow_topic(account: Account, topic: Topic) -> None:
    """Follow the topic; again changes nothing. Raises ValidationError where too many are followed."""
    _alone(account)
    mine = TopicFollow.objects.filter(account=account)
    if mine.filter(topic=topic).exists():
        return
    if mine.count() >= MOST_TOPICS:
        raise ValidationError(
            _("You follow %(n)s topics, which is the most. Stop following one first.") % _n(MOST_TOPICS)
        )
    TopicFollow.objects.create(account=account, topic=topic)


def unfollow_topic(account: Account, topic: Topic) -> None:
    """Follow the topic no more."""
    TopicFollow.objects.filter(account=account, topic=topic).delete()


def _alone(account: Account) -> None:
    """One request of an account at a time, so that two at once cannot pass a limit or write the same twice."""
    Account.objects.select_for_update(no_key=True).get(pk=account.pk)


def _n(number: int) -> dict[str, str]:
    return {"n": f"{number:,}"}


def followed(account: Account, cursor: str = "", size: int = PAGE) -> tuple[list[Author], str]:
    """(people followed, by name, the next cursor or ""): each once, and of somebody merged the heir.

    Hidden ones come last, in no order that would tell their names. Raises BadRequest for a cursor that this function
    has not made.
    """
    heirs = Author.objects.filter(pk__in=_heirs(account)).select_related("trust", "own_words")
    public = heirs.filter(visibility=Author.Visibility.PUBLIC)
    if cursor:
        name, _tilde, pk = cursor.rpartition("~")
        if "\0" in name:
            raise ForeignCursor
        public = public.filter(Q(name__gt=name) | Q(name=name, pk__gt=key(pk)))
    found = list(public.order_by("name", "pk")[: size + 1])
    if len(found) > size:
        return found[:size], f"{found[size - 1].name}~{found[size - 1].pk}"
    return found + list(heirs.exclude(visibility=Author.Visibility.PUBLIC).order_by("pk")), ""


def people_followed(account: Account) -> int:
    """How many people, merged ones once."""
    return Author.objects.filter(pk__in=_heirs(account)).count()


def _heirs(account: Account) -> RawSQL:
    """The ids of whom the account follows, at the end of every merge, as the rows of a subquery."""
    return RawSQL(
        """WITH RECURSIVE led(id, heir) AS (
               SELECT a.id, a.merged_into_id FROM profiles_follow f JOIN profiles_author a ON a.id = f.author_id
                WHERE f.account_id = %s
                UNION SELECT a.id, a.merged_into_id FROM profiles_author a JOIN led ON a.id = led.heir
           ) SELECT id FROM led WHERE heir IS NULL""",
        [account.pk],
    )


# --- watched names ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Watched:
    """A watch, and how many people here are printed exactly so."""

    watch: NameWatch
    bearers: int

    @property
    def printed(self) -> str:
        """The name as papers print it, given names first."""
        family, given = watching.parts(self.watch.name)
        return f"{given} {family}".strip()

    @property
    def key(self) -> str:
        """One word for what is waited for, the same when it is stopped and begun again."""
        watch = self.watch
        return ".".join(quote(part) for part in (watch.name, str(watch.topic_id or ""), watch.coauthor, watch.words))

    @property
    def is_vague(self) -> bool:
        """Whether it waits for a common name and nothing else."""
        watch = self.watch
        return self.bearers >= COMMON and not (watch.topic_id or watch.coauthor or watch.words)


@transaction.atomic
def watch(account: Account, name: str, topic: Topic | None = None, coauthor: str = "", words: str = "") -> NameWatch:
    """Wait for a name, as `watching` reads it; the watch that there is, where it is the same but for how it is typed.

    Raises ValidationError where there are too many.
    """
    _alone(account)
    new = NameWatch(account=account, name=name, topic=topic, coauthor=coauthor, words=words)
    new.surname_key = surname_key(watching.parts(name)[0])
    mine = list(NameWatch.objects.filter(account=account))
    for one in mine:
        if _essence(one) == _essence(new):
            return one
    if len(mine) >= MOST_WATCHES:
        raise ValidationError(
            _("You watch %(n)s names, which is the most. Stop watching one first.") % _n(MOST_WATCHES)
        )
    new.save()
    return new


def _essence(watch: NameWatch) -> tuple[object, ...]:
    """Equal for watches that differ only in how they are typed."""
    names = (tuple(map(fold, watching.parts(name))) for name in (watch.name, watch.coauthor))
    return (*names, watch.topic_id, fold(watch.words))


def watches_of(account: Account) -> list[Watched]:
    """The account's watches, the newest first: two queries."""
    watches = list(NameWatch.objects.filter(account=account).select_related("topic").order_by("-pk"))
    counted = bearers([watch.name for watch in watches])
    return [Watched(watch, counted[watch.name]) for watch in watches]


def bearers(names: list[str]) -> dict[str, int]:
    """How many people, whose records are public, are printed as each of these names."""
    folded = {name: fold(" ".join(reversed(watching.parts(name)))) for name in names}
    variants = NameVariant.objects.public().filter(folded__in=texts(set(folded.values())))
    people = dict(variants.values_list("folded").annotate(Count("author", distinct=True)).order_by())
    return {name: people.get(form, 0) for name, form in folded.items()}


def said_of(watched: Watched) -> str:
    """What is said of a new watch."""
    if not watched.is_vague:
        return _("You hear of new papers that print this name.")
    return ngettext(
        "%(n)s person here is printed so. Add a topic, a coauthor or a word to hear of the one you mean.",
        "%(n)s people here are printed so. Add a topic, a coauthor or a word to hear of the one you mean.",
        watched.bearers,
    ) % _n(watched.bearers)


# --- papers in lists -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Mark:
    """Why a paper in a list concerns who reads it: a person or a topic that they follow (`url` leads there), or a
    watched name, which leads nowhere. `sure` is False of a person whose the paper may be, below the reader's limit."""

    name: str
    url: str = ""
    sure: bool = True


def marks(account: Account | AnonymousUser, papers: Sequence[Paper]) -> dict[int, list[Mark]]:
    """Of these papers, loaded with their topics, those that concern the account: people first, then topics and names.

    Five queries, however many papers; none for a visitor. A watched name counts where the account was told of it
    (`alerts`): what it fits is worked out when a paper comes.
    """
    found: defaultdict[int, list[Mark]] = defaultdict(list)
    if not isinstance(account, Account) or not papers:
        return found
    ids = [paper.pk for paper in papers]
    people = alerted.people(account, ids)
    authors = Author.objects.in_bulk({author for _paper, author, _sure in people})
    for paper, author, sure in people:
        found[paper].append(Mark(authors[author].name, authors[author].get_absolute_url(), sure))
    topics = set(TopicFollow.objects.filter(account=account).values_list("topic", flat=True))
    for of in papers:
        found[of.pk] += [Mark(str(t), t.get_absolute_url()) for t in of.topics.all() if t.pk in topics]
    for paper, name in _watched_on(account, ids):
        found[paper].append(Mark(name))
    return found


def _watched_on(account: Account, papers: Sequence[int]) -> Sequence[tuple[int, str]]:
    """(paper, watched name) that the account was told of, but names whose bearers let nobody see them by now."""
    told = AlertReason.objects.filter(alert__account=account, alert__paper__in=papers, watch__isnull=False)
    bearer = "signature__assignment__author"
    told = told.exclude(**{f"{bearer}__hides_printed": True})
    public = Q(**{bearer: None}) | Q(**{f"{bearer}__visibility": Author.Visibility.PUBLIC})
    return list(told.filter(public).values_list("alert__paper", "watch__name").order_by("watch__name").distinct())


# --- questions -------------------------------------------------------------------------------------------------------


def open_questions(account: Account | AnonymousUser, about: Author | None = None) -> list[FollowQuestion]:
    """The newest that the account has not answered; of one author, where that is given. None that would name a hidden
    one."""
    if not isinstance(account, Account):
        return []
    public = {f"{end}_author__visibility": Author.Visibility.PUBLIC for end in ("old", "new")}
    # A question about somebody who hides a name would tell it: who was split off may still bear that.
    told = Q(old_author__hides_printed=False, new_author__hides_printed=False)
    rows = FollowQuestion.objects.filter(told, account=account, answer=FollowQuestion.Answer.OPEN, **public)
    if about is not None:
        rows = rows.filter(Q(old_author=about) | Q(new_author=about))
    return list(rows.select_related("old_author", "new_author").order_by("-pk")[:ASKED_AT_ONCE])


@transaction.atomic
def answer(question: FollowQuestion, chosen: FollowQuestion.Answer) -> None:
    """Follow accordingly. The last answer counts."""
    account, old, new = question.account, question.old_author, question.new_author
    if chosen == FollowQuestion.Answer.OLD:
        Follow.objects.of(new).filter(account=account).delete()
    else:
        Follow.objects.get_or_create(account=account, author=new)
    if chosen == FollowQuestion.Answer.NEW:
        Follow.objects.of(old).filter(account=account).delete()
    else:
        Follow.objects.get_or_create(account=account, author=old)
    question.answer, question.answered_at = chosen, timezone.now()
    question.save(update_fields=["answer", "answered_at"])


# --- the limit of doubt ----------------------------------------------------------------------------------------------


def least(account: Account) -> float:
    """The stated probability below which a new work waits."""
    stored = AlertSettings.objects.filter(account=account).values_list("least", flat=True).first()
    return AlertSettings.LEAST if stored is None else stored


def set_least(account: Account, value: float) -> None:
    """Move the limit to one of `LEASTS`."""
    AlertSettings.objects.update_or_create(account=account, defaults={"least": value})
