"""The pages of following: one to manage all of it, and what its buttons say.

Each form says what is wanted, `follow` 1 or 0, so that a second click or tab asks for the same again. HTMX gets the
piece that changed, whose button keeps its id: so htmx leaves the focus there. Without it a POST leads back to where it
was sent from: the list, or the page with the button.
"""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import BadRequest, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from papers.fragments import wants_fragment
from papers.models import Topic
from papers.names import fold, tells_nobody_apart

from . import editing, following, watching, wording
from .addresses import heir_of
from .models import Account, AlertSettings, Author, Follow, FollowQuestion, NameWatch, TopicFollow

LONGEST = 200  # of a watched name, a coauthor, the words


def _line(label: Any, **more: Any) -> forms.CharField:
    return forms.CharField(label=label, widget=forms.TextInput({"maxlength": LONGEST, "autocomplete": "off"}), **more)


class WatchForm(forms.Form):
    """A name as printed, and what else a paper must show."""

    name = _line(
        gettext_lazy("Name"), error_messages={"required": gettext_lazy("Type the name, as a paper would print it.")}
    )
    topic = forms.ModelChoiceField(
        Topic.objects.order_by("name"),
        label=gettext_lazy("Topic"),
        required=False,
        empty_label=gettext_lazy("any"),
        error_messages={"invalid_choice": gettext_lazy("There is no such topic.")},
    )
    coauthor = _line(gettext_lazy("Coauthor"), required=False)
    words = _line(gettext_lazy("Words"), required=False)

    def clean_name(self) -> str:
        return _read_name(self.cleaned_data["name"])

    def clean_coauthor(self) -> str:
        return _read_name(self.cleaned_data["coauthor"]) if self.cleaned_data["coauthor"] else ""

    def clean_words(self) -> str:
        words = wording.line(self.cleaned_data["words"], LONGEST)
        if words and not fold(words):
            raise ValidationError(_("These are no words."))
        return words


def _read_name(typed: str) -> str:
    name = wording.name(typed, LONGEST)
    if tells_nobody_apart(name) or not fold(watching.parts(name)[0]):
        raise ValidationError(_("This tells nobody apart. Type a family name and a given name or an initial."))
    return name


@require_safe
@login_required
def page(request: HttpRequest) -> HttpResponse:
    """What I follow, and what I am asked. `name` begins a watch."""
    return _page(request, WatchForm(initial={"name": request.GET.get("name", "")[:LONGEST]}))


def _page(request: HttpRequest, form: WatchForm, status: int = 200) -> HttpResponse:
    account = cast(Account, request.user)
    people, after = following.followed(account, request.GET.get("after", ""))
    chosen = following.least(account)
    context = {
        "people": people,
        "after": after,
        "people_count": following.people_followed(account),
        "topics": TopicFollow.objects.filter(account=account).select_related("topic").order_by("topic__name"),
        "watches": following.watches_of(account),
        "questions": following.open_questions(account),
        "form": form,
        "most": (following.MOST_PEOPLE, following.MOST_TOPICS, following.MOST_WATCHES),
        "limits": [
            (value, round(100 * value), round(100 * (1 - value)), value == chosen) for value in following.LEASTS
        ],
        "usual": AlertSettings.LEAST,
    }
    return render(request, "profiles/following.html", context, status=status)


@require_POST
@login_required
def person(request: HttpRequest, pk: int) -> HttpResponse:
    """Follow a person, or stop."""
    wanted, account = _wanted(request), cast(Account, request.user)
    author, problem = get_object_or_404(Author, pk=pk), ""
    heir = heir_of(author)
    is_told = author.is_public and heir.is_public
    try:
        if wanted:
            following.follow(account, author)
        else:
            following.unfollow(account, author)
    except ValidationError as refusal:
        problem = " ".join(refusal.messages)
    if not wants_fragment(request):
        return _back(request, problem, author if problem else heir, listed=not is_told)
    if _is_listed(request):
        context = {"author": heir, "stopped": not wanted, "problem": problem}
        return render(request, "profiles/_followed_person.html", context)
    if problem or not is_told:
        return render(request, "profiles/_follow.html", {"problem": problem or _("You no longer follow this record.")})
    context = {
        "author": heir,
        "own": editing.own(heir),
        "is_following": wanted,
        "followers": Follow.objects.of(heir).followers(),
    }
    return render(request, "profiles/_follow.html", context)


@require_POST
@login_required
def topic(request: HttpRequest, slug: str) -> HttpResponse:
    """Follow a topic, or stop."""
    wanted, account = _wanted(request), cast(Account, request.user)
    found, problem = get_object_or_404(Topic, slug=slug), ""
    try:
        if wanted:
            following.follow_topic(account, found)
        else:
            following.unfollow_topic(account, found)
    except ValidationError as refusal:
        problem = " ".join(refusal.messages)
    if not wants_fragment(request):
        return _back(request, problem, found)
    context = {"topic": found, "problem": problem}
    if _is_listed(request):
        context["stopped"] = not wanted
        return render(request, "profiles/_followed_topic.html", context)
    context |= {"is_following": wanted and not problem, "followers": TopicFollow.objects.filter(topic=found).count()}
    return render(request, "profiles/_follow_topic.html", context)


@require_POST
@login_required
def add_watch(request: HttpRequest) -> HttpResponse:
    """Watch a name. What cannot be read comes back with the sentences, and nothing is lost of what was typed."""
    account, form = cast(Account, request.user), WatchForm(request.POST)
    if form.is_valid():
        try:
            watch = following.watch(account, **form.cleaned_data)
        except ValidationError as refusal:
            form.add_error("name", refusal)
        else:
            watched = following.Watched(watch, following.bearers([watch.name])[watch.name])
            if _is_listed(request) and wants_fragment(request):
                return render(request, "profiles/_watched.html", {"watched": watched})
            messages.success(request, following.said_of(watched))
            return redirect("following")
    return _page(request, form, status=400)


@require_POST
@login_required
def stop_watch(request: HttpRequest, pk: int) -> HttpResponse:
    """Watch a name no more. What is no watch of this account changes nothing, whether it is another's or gone."""
    watch = NameWatch.objects.filter(account=cast(Account, request.user), pk=pk).select_related("topic").first()
    if watch is not None:
        NameWatch.objects.filter(pk=pk).delete()
    if wants_fragment(request):
        context = {"watched": following.Watched(watch, 0) if watch else None, "stopped": True}
        return render(request, "profiles/_watched.html", context)
    return redirect("following")


@require_POST
@login_required
def settings(request: HttpRequest) -> HttpResponse:
    """Move the limit of doubt."""
    chosen = {str(value): value for value in following.LEASTS}.get(request.POST.get("least", ""))
    if chosen is None:
        raise BadRequest("Choose one of the limits.")
    following.set_least(cast(Account, request.user), chosen)
    messages.success(request, _("Saved."))
    return redirect("following")


@require_POST
@login_required
def answer_question(request: HttpRequest, pk: int) -> HttpResponse:
    """The follower's answer; back to where it was asked."""
    question = get_object_or_404(FollowQuestion, pk=pk, account=cast(Account, request.user))
    chosen = request.POST.get("answer", "")
    if chosen not in set(FollowQuestion.Answer.values) - {FollowQuestion.Answer.OPEN}:
        raise BadRequest("Answer with one of the three.")
    following.answer(question, FollowQuestion.Answer(chosen))
    return redirect(question.new_author if chosen == FollowQuestion.Answer.NEW else "following")


def _wanted(request: HttpRequest) -> bool:
    """What the form says: to follow, or to stop."""
    wanted = request.POST.get("follow", "")
    if wanted not in {"0", "1"}:
        raise BadRequest("Say whether to follow.")
    return wanted == "1"


def _is_listed(request: HttpRequest) -> bool:
    """Whether the button stands on the page of all that is followed."""
    return request.POST.get("from") == "list"


def _back(request: HttpRequest, problem: str, to: Author | Topic, listed: bool = False) -> HttpResponse:
    if problem:
        messages.error(request, problem)
    return redirect("following") if listed or _is_listed(request) else redirect(to)
