"""What an account follows, and the questions that a split leaves: whom does it follow from now on?

Entry points: `followed` and `open_questions` for pages, `answer`.
"""

from __future__ import annotations

from typing import cast

from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import BadRequest
from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from .addresses import heir_of
from .models import Account, Author, Follow, FollowQuestion

LISTED = 500  # people followed: more than anyone reads


@require_safe
@login_required
def following(request: HttpRequest) -> HttpResponse:
    """What I follow, and what I am asked."""
    account = cast(Account, request.user)
    return render(
        request, "profiles/following.html", {"people": followed(account), "questions": open_questions(account)}
    )


@require_POST
@login_required
def answer_question(request: HttpRequest, pk: int) -> HttpResponse:
    """The follower's answer; back to where it was asked."""
    question = get_object_or_404(FollowQuestion, pk=pk, account=cast(Account, request.user))
    chosen = request.POST.get("answer", "")
    if chosen not in set(FollowQuestion.Answer.values) - {FollowQuestion.Answer.OPEN}:
        raise BadRequest("Answer with one of the three.")
    answer(question, FollowQuestion.Answer(chosen))
    return redirect(question.new_author if chosen == FollowQuestion.Answer.NEW else "following")


def followed(account: Account) -> list[Author]:
    """Each person once, by name, hidden ones last; of somebody merged, the heir."""
    rows = Follow.objects.filter(account=account).select_related("author__merged_into").order_by("-pk")[:LISTED]
    people = {heir.pk: heir for heir in (heir_of(row.author) for row in rows)}
    return sorted(
        people.values(), key=lambda author: (not author.is_public, author.is_public and author.name, author.pk)
    )


def open_questions(account: Account | AnonymousUser, about: Author | None = None) -> list[FollowQuestion]:
    """What the account has not answered; of one author, where that is given. None that would name a hidden one."""
    if not isinstance(account, Account):
        return []
    public = {f"{end}_author__visibility": Author.Visibility.PUBLIC for end in ("old", "new")}
    # A question about somebody who hides a name would tell it: who was split off may still bear that.
    told = Q(old_author__hides_printed=False, new_author__hides_printed=False)
    rows = FollowQuestion.objects.filter(told, account=account, answer=FollowQuestion.Answer.OPEN, **public)
    if about is not None:
        rows = rows.filter(Q(old_author=about) | Q(new_author=about))
    return list(rows.select_related("old_author", "new_author").order_by("-pk"))


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
