"""The buttons of reactions: in place, or by a form that leads back to the paper."""

from __future__ import annotations

from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import BadRequest, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from papers import limits
from papers.fragments import wants_fragment
from papers.models import Paper
from papers.views import gone
from profiles.models import Account

from . import reacting


@require_POST
@login_required
def react(request: HttpRequest, pk: int) -> HttpResponse:
    """`wanted` is the state that the button asks for: "like 1", or "like 0" to take it back."""
    kind, _, wanted = request.POST.get("wanted", "").partition(" ")
    if kind not in reacting.Kind.values or wanted not in {"0", "1"}:
        raise BadRequest("Say what you think of it, or what to take back.")
    paper, problem = Paper.objects.defer("search").filter(pk=pk).first(), ""
    if paper is None:
        return gone(request, pk)
    try:
        reacting.react(cast(Account, request.user), paper, reacting.Kind(kind), wanted == "1", timezone.now())
    except ValidationError as refusal:
        if isinstance(refusal, limits.TooMany) and not wants_fragment(request):
            return limits.refused(request, refusal.wait)
        problem = " ".join(refusal.messages)
    if wants_fragment(request):
        return render(request, "profiles/_reaction_buttons.html", {"paper": paper, "problem": problem})
    if problem:
        messages.error(request, problem)
    return redirect(f"{paper.get_absolute_url()}#next-steps")
