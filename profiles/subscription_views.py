"""The pages of subscriptions to mail about papers: asking, confirming, all that one has, and stopping.

A link in a letter stands for an account: it opens what it names, and a button there changes it. Whoever asks for an
address gets one answer, whatever is known of it. Mail programs end a subscription by POST alone (RFC 8058), without
cookie or token: the link is the proof.
"""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.csrf import csrf_exempt

from papers import limits
from papers.fragments import wants_fragment
from papers.methods import read_or_post
from papers.models import Topic

from .models import Account, Subscriber, Subscription
from .subscriptions import letterboxes, links, log, subjects, subscribing
from .subscriptions.subjects import Subject
from .unlisted import unlisted

ENDED_SHOWN = 20  # subscriptions that were ended, the last ones
ONE_CLICK = ("List-Unsubscribe", "One-Click")  # field and value, RFC 8058


class SubscribeForm(forms.Form):
    """To whom, about what, how often. What stands in the address already is not asked."""

    email = forms.CharField(
        label=gettext_lazy("Your e-mail address"),
        widget=forms.EmailInput({"maxlength": letterboxes.LONGEST, "autocomplete": "email"}),
        error_messages={"required": gettext_lazy("Type your e-mail address.")},
    )
    topic = forms.ModelChoiceField(
        Topic.objects.order_by("name"),
        label=gettext_lazy("About"),
        to_field_name="slug",
        required=False,
        empty_label=gettext_lazy("Trending papers"),
        error_messages={"invalid_choice": gettext_lazy("There is no such topic.")},
    )
    frequency = forms.ChoiceField(
        label=gettext_lazy("How often"),
        choices=[(one.value, one.label) for one in subscribing.BY_MAIL],
        widget=forms.RadioSelect,
        error_messages={
            "required": gettext_lazy("Choose how often: every day or every week."),
            "invalid_choice": gettext_lazy("Choose how often: every day or every week."),
        },
    )

    def clean_email(self) -> letterboxes.LetterBox:
        return letterboxes.read(self.cleaned_data["email"])


@read_or_post
@limits.limited("subscribe", limits.who)
def subscribe(request: HttpRequest) -> HttpResponse:
    """The form. A confirmed account subscribes at once; all others get the same answer, and perhaps a letter."""
    given = request.POST if request.method == "POST" else request.GET
    account = request.user if isinstance(request.user, Account) else None
    own = subscribing.address_of(account) if account else None
    named = ("topic" if given.get("topic") else subjects.Kind.TRENDING.value) if "kind" not in given else given["kind"]
    subject, problem = None, ""
    try:
        subject = subjects.read(named, given.get("topic", ""), given.get("person", ""), given.get("query", ""))
    except ValidationError as error:
        problem = " ".join(error.messages)
    form = SubscribeForm(request.POST if request.method == "POST" else None, initial={"frequency": "daily"})
    if own:
        del form.fields["email"]
    elif wants_fragment(request):  # it takes the place of the link that had the focus
        form.fields["email"].widget.attrs["autofocus"] = True
    if request.method == "POST" and subject and form.is_valid():
        frequency = Subscription.Frequency(form.cleaned_data["frequency"])
        try:
            return _asked(request, account if own else None, subject, frequency, form.cleaned_data.get("email"))
        except ValidationError as error:
            problem = " ".join(error.messages)
    context = {
        "form": form,
        "subject": subject,
        "fixed": "kind" in given and subject is not None,
        "problem": problem,
        "own": own,
        "asked": "asked" in request.GET,
        "days": subscribing.UNCONFIRMED.days,
    }
    status = 400 if problem or form.errors else 200
    return unlisted(render(request, "profiles/subscribe.html", context, status=status))


def _asked(
    request: HttpRequest,
    account: Account | None,
    subject: Subject,
    frequency: Subscription.Frequency,
    box: letterboxes.LetterBox | None,
) -> HttpResponse:
    """Subscribe a confirmed account, or send the letter to whoever it may be. Raises ValidationError."""
    if account:
        subscribing.subscribe(account, subject, frequency)
        messages.success(request, _("Subscribed. The next letter comes once something is new."))
        return redirect("subscriptions")
    assert box is not None
    write = limits.take("subscribe_address", box.counted) is None
    subscribing.ask(box, subject, frequency, timezone.now(), write=write)
    return unlisted(redirect(f"{reverse('subscribe')}?asked"))


@read_or_post
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """What a letter asks to confirm, and the button that does."""
    found = links.read(token)
    subscription = found[1] if found else None
    if subscription is None:
        return unknown(request)
    problem = ""
    if request.method == "POST":
        try:
            subscribing.confirm(subscription, timezone.now())
        except ValidationError as error:
            problem = " ".join(error.messages)
        else:
            messages.success(request, _("Confirmed. The first letter comes once something is new."))
            return unlisted(redirect("subscriptions_manage", links.token(subscription.subscriber)))
    context = {
        "subscription": subscription,
        "subject": subjects.of(subscription),
        "problem": problem,
        "manage": links.token(subscription.subscriber),
    }
    return unlisted(render(request, "profiles/subscription_confirm.html", context))


@read_or_post
def manage(request: HttpRequest, token: str) -> HttpResponse:
    """Everything of the subscriber whom the link names."""
    found = links.read(token)
    if found is None:
        return unknown(request)
    return _managed(request, found[0], reverse("subscriptions_manage", args=[token]))


@read_or_post
@login_required
def own(request: HttpRequest) -> HttpResponse:
    """The same for an account that has confirmed its address."""
    subscriber = subscribing.found(cast(Account, request.user))
    return _managed(request, subscriber, reverse("subscriptions"))


def _managed(request: HttpRequest, subscriber: Subscriber | None, here: str) -> HttpResponse:
    problem = _("There is nothing to change.") if request.method == "POST" else ""
    if subscriber and problem:
        if (wait := limits.take("subscription_change", str(subscriber.pk))) is not None:
            return unlisted(limits.refused(request, wait))
        try:
            messages.success(request, _changed(request, subscriber))
        except ValidationError as error:
            problem = " ".join(error.messages)
        else:
            is_gone = not Subscriber.objects.filter(pk=subscriber.pk).exists()
            return unlisted(redirect("subscribe" if is_gone else here))
    context: dict[str, Any] = {"subscriber": subscriber, "here": here, "problem": problem}
    if subscriber is not None:
        before = request.GET.get("before", "")
        older_than = int(before) if before.isdecimal() and len(before) < 19 else None
        sent, older = log.page(subscriber, timezone.now(), older_than)
        context |= {"live": _live(subscriber), "ended": _ended(subscriber), "sent": sent, "older": older}
        context |= {"token": links.token(subscriber), "frequencies": Subscription.Frequency.choices}
    # Always 200, as on the pages around: the address is a secret, and those of refused requests stand in the log.
    return unlisted(render(request, "profiles/subscriptions.html", context))


def _changed(request: HttpRequest, subscriber: Subscriber) -> str:
    """Do the step that the form says, and tell it. Raises ValidationError."""
    step, now = request.POST.get("step", ""), timezone.now()
    if step == "end_all":
        subscribing.stop(subscriber, None, now)
        return _("All have ended. Nothing more is sent.")
    if step == "wake":
        subscribing.wake(subscriber)
        return _("Mail is sent again.")
    if step in ("erase", "refuse"):
        if "sure" not in request.POST:
            raise ValidationError(_("Tick the box first: nothing was erased."))
        subscribing.erase(subscriber, now, refuse=step == "refuse")
        return _("Your address and all that was sent to it are erased.")
    pk = request.POST.get("subscription", "")
    rows = subscriber.subscriptions.select_related("subscriber", "topic", "author__merged_into")
    row = rows.filter(pk=int(pk)).first() if pk.isdecimal() and len(pk) < 19 else None
    if row is None or step not in ("frequency", "end", "again"):
        raise ValidationError(_("There is no such step."))
    if step == "frequency":
        subscribing.set_frequency(row, request.POST.get("frequency", ""))
        return _("Saved.")
    if step == "end":
        subscribing.end(row, now)
        return _("Ended. Nothing more is sent of it.")
    subscribing.again(row, now)
    return _("It goes on.")


def _live(subscriber: Subscriber) -> list[tuple[Subscription, Subject]]:
    rows = subscriber.subscriptions.live().select_related("topic", "author__merged_into__merged_into")
    return [(row, subjects.of(row)) for row in rows.order_by("pk")]


def _ended(subscriber: Subscriber) -> list[tuple[Subscription, Subject]]:
    """Those that could begin again: each once, and none that goes on."""
    rows = subscriber.subscriptions.select_related("topic", "author__merged_into__merged_into")
    rows = rows.exclude(confirmed_at=None).exclude(ended_at=None).order_by("-ended_at")[:ENDED_SHOWN]
    live = set(subscriber.subscriptions.live().values_list("kind", "topic", "author", "query"))
    found: dict[tuple[Any, ...], tuple[Subscription, Subject]] = {}
    for row in rows:
        key = (row.kind, row.topic_id, row.author_id, row.query)
        if key not in live:
            found.setdefault(key, (row, subjects.of(row)))
    return list(found.values())


@csrf_exempt  # the link is the proof: mail programs have no cookie (RFC 8058)
@read_or_post
def stop(request: HttpRequest, token: str) -> HttpResponse:
    """A page with a button; a POST ends what the link names, or all."""
    found = links.read(token)
    is_program = request.method == "POST" and request.POST.get(ONE_CLICK[0]) == ONE_CLICK[1]
    if found is None:
        return unknown(request, plain=is_program)
    subscriber, subscription = found
    stopped = request.method == "POST"
    if stopped:
        subscribing.stop(subscriber, None if "all" in request.POST else subscription, timezone.now())
    if is_program:
        return unlisted(HttpResponse(_("Ended. Nothing more is sent of it."), content_type="text/plain; charset=utf-8"))
    context = {
        "subscription": subscription,
        "subject": subjects.of(subscription) if subscription else None,
        "stopped": stopped,
        "all": subscription is None or (stopped and "all" in request.POST),
        "manage": links.token(subscriber),
    }
    return unlisted(render(request, "profiles/subscription_stop.html", context))


def unknown(request: HttpRequest, plain: bool = False) -> HttpResponse:
    """For a link that was not made here, was forgotten, or is of an address that was erased."""
    sentence = _("This link opens nothing. It may be incomplete, or older than what it was for.")
    if plain:
        return unlisted(HttpResponse(sentence, content_type="text/plain; charset=utf-8", status=404))
    return unlisted(render(request, "profiles/subscription_unknown.html", {"sentence": sentence}, status=404))
