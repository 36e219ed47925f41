"""Posting: what accounts write about a paper for everybody to read, structured reviews and comments.

Problem: what is open to everybody is open to advertising, insults and authors who praise their own work; two tabs send
at once; and what was answered must not vanish from under the answers. Idea: a post is plain text, nothing in it is a
link, and it is moderated afterwards (`profiles.moderation`) under a limit by how well the account is known. An account
has one review of a paper at a time; who holds the record of one of the paper's authors writes comments and no review,
and is marked as its author where that is proved. Comments form threads one level deep: an answer to an answer stands in
the same thread. Withdrawing empties a post and leaves its place. Who blocked an account does not see its posts, and is
not answered by it. Entry points: `write`, `edit`, `withdraw`; `refusal` says beforehand what forbids; `page` for the
pages, `place` for where a post stands on them, `own` for what an account wrote.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from papers import limits
from papers.models import Paper
from papers.paging import key
from profiles import conversing, levels, links, powers
from profiles.conversing import Shown, readable
from profiles.models import Account, Assignment, Author, Block, Claim, Post
from profiles.models.feedback import THREAD

from . import trending

LONGEST = 10_000  # characters of a comment, and of each part of a review
FEWEST = 10  # letters and digits beside a link: what a link shows is said in words, in Chinese ten are a sentence
LISTED = 20  # posts on a page: each may be long
Kind = Post.Kind

# The parts of a post, by column.
PARTS: Mapping[str, Mapping[str, str | Promise]] = {
    Kind.REVIEW: {
        "strengths": pgettext_lazy("review", "Strengths"),
        "concerns": pgettext_lazy("review", "Concerns"),
        "questions": pgettext_lazy("review", "Questions"),
        "text": pgettext_lazy("review", "Anything else"),
    },
    Kind.COMMENT: {"text": gettext_lazy("Your comment")},
}


def parts(post: Post) -> list[tuple[str, str]]:
    """(heading, text) of each part that is filled; a comment's has no heading."""
    of_comment = post.kind == Kind.COMMENT
    found = ((label, getattr(post, column)) for column, label in PARTS[post.kind].items())
    return [("" if of_comment else str(label), text) for label, text in found if text]


# --- who may ----------------------------------------------------------------------------------------------------------


def refusal(account: Account, paper: Paper, kind: str, answers: Post | None = None, now: datetime | None = None) -> str:
    """Why the account may not write this kind of post, or answer that comment, as a sentence; "" where it may."""
    if now and (suspension := conversing.suspension_of(account, now)):
        return conversing.suspended(suspension)
    if kind == Kind.REVIEW:
        if own_review(account, paper):
            return _("You have reviewed this paper. Edit your review instead.")
        if wrote(account, paper):
            return _(
                "You hold the record of an author of this paper. Authors answer in the discussion, where they are "
                "marked; they do not review their own work."
            )
    if answers is None:
        return ""
    if not answers.is_shown:
        return _("This comment is not there any more.")
    writers = {each.account for each in (answers, answers.answers) if each and each.account and each.account.is_active}
    problems = (conversing.obstacle(account, writer) for writer in writers - {account})
    return next(filter(None, problems), "")


def own_review(account: Account, paper: Paper) -> Post | None:
    """The review of this paper that the account has not withdrawn."""
    return Post.objects.filter(paper=paper, account=account, kind=Kind.REVIEW, withdrawn_at=None).first()


def wrote(account: Account, paper: Paper) -> bool:
    """Whether the account holds the record of one of the paper's authors, at whatever level."""
    claim = powers.held_by(account)
    if claim is None:
        return False
    return Assignment.objects.filter(signature__paper=paper, author=claim.author_id).standing().exists()


def proved(paper: Paper, accounts: Collection[int]) -> dict[int, int]:
    """Of these accounts (ids) the proved authors of the paper: account by id of the author, one query.

    Proved means control of the record (L3), which nobody else proved too, and a work that is on that record.
    """
    of_author = Claim.objects.filter(author=OuterRef("author"), level__gte=levels.CONTROLLED)
    rows = Assignment.objects.filter(
        Exists(of_author.filter(account=OuterRef("author__account"), state=Claim.State.HELD)),
        ~Exists(of_author.filter(state=Claim.State.DISPUTED)),
        signature__paper=paper,
        author__account__in=accounts,
        author__visibility=Author.Visibility.PUBLIC,
    )
    return dict(rows.standing().values_list("author__account", "author"))


# --- what is done -----------------------------------------------------------------------------------------------------


def worded(kind: str, words: Mapping[str, str]) -> dict[str, str]:
    """The parts as they are kept, by column. Raises ValidationError with all that is wrong.

    Links stay text. A post that says nothing beside a link is refused: that is what advertising looks like, and a
    reader cannot tell without following it.
    """
    found, problems = dict[str, str](), list[str]()
    for column, label in PARTS[kind].items():
        text = words.get(column, "")
        try:
            found[column] = readable(text, LONGEST) if text.strip() else ""
        except ValidationError as error:
            problems += [f"{label}: {said}" if kind == Kind.REVIEW else said for said in error.messages]
    if problems:
        raise ValidationError(problems)
    together = " ".join(" ".join(found.values()).split())
    if not together:
        raise ValidationError(_("Fill in at least one part.") if kind == Kind.REVIEW else _("Write something first."))
    said = links.letters(together)
    if said < FEWEST and links.first(together):
        raise ValidationError(_("A link by itself says nothing. Write in a sentence what is to be found there."))
    if not said:
        raise ValidationError(_("Say it in words. For a sign there are the reactions."))
    return found


@transaction.atomic
def write(
    account: Account,
    paper: Paper,
    kind: str,
    words: Mapping[str, str],
    token: UUID,
    now: datetime,
    answers: Post | None = None,
) -> Post:
    """Write a review or a comment, perhaps as an answer. Sent twice (the same `token`), it is the same one.

    Raises ValidationError with the reason why nothing was written; `limits.TooMany` where that is a limit.
    """
    account = Account.objects.select_for_update(no_key=True).get(pk=account.pk)  # its posts stand in one order
    if before := Post.objects.filter(token=token).first():
        if (before.account_id, before.paper_id, before.kind) == (account.pk, paper.pk, kind):
            return before
        raise ValidationError(_("This form was sent already. Send your text once more."))
    # Whoever takes the paper away waits, and then finds that something was written about it.
    if Paper.objects.select_for_update(no_key=True).filter(pk=paper.pk).only("pk").first() is None:
        raise ValidationError(_("This paper was taken away meanwhile."))
    if answers is not None:
        answers = of(paper, Kind.COMMENT).select_related("answers__account").get(pk=answers.pk)
    kept = worded(kind, words)
    if problem := refusal(account, paper, kind, answers, now):
        raise ValidationError(problem)
    limits.spend(conversing.limit_of(account, now, "post"), account.pk)
    thread = (answers.answers or answers) if answers else None
    made = Post.objects.create(paper=paper, account=account, kind=kind, answers=thread, token=token, **kept)
    trending.refresh([paper.pk])
    return made


@transaction.atomic
def edit(account: Account, post: Post, words: Mapping[str, str], now: datetime) -> Post:
    """Write it anew; readers see that it was edited. The same words change nothing.

    Raises ValidationError with the reason why it stays as it was; `limits.TooMany` where that is a limit.
    """
    post = _locked(account, post)
    if problem := unchangeable(account, post, now):
        raise ValidationError(problem)
    kept = worded(post.kind, words)
    if all(getattr(post, column) == text for column, text in kept.items()):
        return post
    limits.spend("post_edit", account.pk)
    for column, text in kept.items():
        setattr(post, column, text)
    post.edited_at = now
    post.save(update_fields=[*kept, "edited_at"])
    return post


def unchangeable(account: Account, post: Post, now: datetime) -> str:
    """Why its writer may not edit the post, as a sentence; "" where that is possible."""
    if post.withdrawn_at:
        return _("You have withdrawn this.")
    if post.hidden_at:
        return _("A curator hid this from everybody else. It can be withdrawn, and not be edited.")
    suspension = conversing.suspension_of(account, now)
    return conversing.suspended(suspension) if suspension else ""


@transaction.atomic
def withdraw(account: Account, post: Post, now: datetime) -> Post:
    """Empty it for good; its place stays. Who is suspended may do that too."""
    post = _locked(account, post)
    if post.withdrawn_at is None:
        post.text = post.strengths = post.concerns = post.questions = ""
        post.withdrawn_at = now
        post.save(update_fields=["text", "strengths", "concerns", "questions", "withdrawn_at"])
        trending.refresh([post.paper_id], by=account.pk)
    return post


def _locked(account: Account, post: Post) -> Post:
    rows = own(account).select_for_update(of=("self",), no_key=True).select_related("paper", "account")
    return rows.get(pk=post.pk)


# --- what is shown ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Seen:
    """A post as one reader sees it: who wrote it, the `receipt` of a proved author of the paper, the `block` (id) by
    which the reader does not see it, its `parts`."""

    post: Post
    who: Shown
    is_mine: bool
    receipt: str
    block: int | None
    parts: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Thread:
    """A post and the answers to it; `first` is None where a page begins in the middle of a thread."""

    first: Seen | None
    answers: list[Seen]


@dataclass(frozen=True, slots=True)
class Page:
    """Threads, the oldest first, and the cursor of what follows or ""."""

    threads: list[Thread]
    following: str


def of(paper: Paper, kind: str) -> QuerySet[Post]:
    """The posts of a kind that have a place on the paper's page. Of comments that is for good: others answered them."""
    rows = Post.objects.filter(paper=paper, kind=kind).select_related("account")
    return rows.filter(withdrawn_at=None) if kind == Kind.REVIEW else rows


def own(account: Account) -> QuerySet[Post]:
    """All that the account wrote."""
    return Post.objects.filter(account=account)


def page(paper: Paper, kind: str, reader: Account | AnonymousUser, cursor: str = "") -> Page:
    """A page of what was written about the paper: four queries, one less for a visitor.

    Raises BadRequest for a cursor that was not made here.
    """
    rows = of(paper, kind).alias(thread=THREAD).order_by("thread", "pk")
    if cursor:
        thread, last = _read(cursor)
        rows = rows.filter(Q(thread__gt=thread) | Q(thread=thread, pk__gt=last))
    found = list(rows[: LISTED + 1])
    shown, threads = found[:LISTED], dict[int, Thread]()
    for one in seen(paper, shown, reader):
        pk = one.post.answers_id or one.post.pk
        if one.post.answers_id is None:
            threads[pk] = Thread(one, [])
        else:
            threads.setdefault(pk, Thread(None, [])).answers.append(one)
    return Page(list(threads.values()), _cursor(shown[-1]) if len(found) > LISTED else "")


def seen(paper: Paper, posts: Sequence[Post], reader: Account | AnonymousUser) -> list[Seen]:
    """These posts about the paper as the reader sees them: three queries, one less for a visitor; none for none."""
    if not posts:
        return []
    writers = {each.account_id for each in posts if each.account_id is not None}
    people = conversing.shown(each.account for each in posts)
    authors = proved(paper, writers)
    blocks: dict[int, int] = {}
    if isinstance(reader, Account):
        blocks = dict(Block.objects.filter(account=reader, blocked__in=writers).values_list("blocked", "pk"))
    found = []
    for each in posts:
        pk = each.account_id or 0
        receipt = reverse("attribution", args=[paper.pk, authors[pk]]) if pk in authors else ""
        mine = pk == reader.pk
        found.append(Seen(each, people[each.account_id], mine, receipt, blocks.get(pk), parts(each)))
    return found


def place(post: Post) -> str:
    """The cursor of the page on which the post is to be found: "" for the first, else one that begins with it."""
    thread = post.answers_id or post.pk
    earlier = of(post.paper, post.kind).alias(thread=THREAD)
    earlier = earlier.filter(Q(thread__lt=thread) | Q(thread=thread, pk__lt=post.pk))
    return f"{thread}~{post.pk - 1}" if earlier[:LISTED].count() == LISTED else ""


def _cursor(last: Post) -> str:
    return f"{last.answers_id or last.pk}~{last.pk}"


def _read(cursor: str) -> tuple[int, int]:
    thread, _tilde, last = cursor.partition("~")
    return key(thread), key(last)
