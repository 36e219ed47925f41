""" "That is another person": a reader's button on a receipt, and its way back."""

from __future__ import annotations

from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import BadRequest, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from papers.fragments import wants_fragment
from papers.limits import limited

from . import doubts
from .curation import next_of
from .models import Account
from .views import find_author

ANSWERS = {"another": doubts.say, "back": doubts.take_back}


@require_POST
@login_required
@limited("doubt")
def doubt(request: HttpRequest, paper: int, author: int) -> HttpResponse:
    """`answer`: "another" says that the work is another person's, "back" takes that back."""
    account, found = cast(Account, request.user), find_author(author)
    answer = ANSWERS.get(request.POST.get("answer", ""))
    if answer is None:
        raise BadRequest("Say that it is another person, or take that back.")
    name = doubts.name_on(paper, found, account)
    if name is None:
        raise Http404("This work is not attributed to this person.")
    problem = ""
    try:
        answer(account, name, found, timezone.now())
    except ValidationError as error:
        problem = " ".join(error.messages)
    said = doubts.live_of(account, found).filter(signature=name).exists()
    if wants_fragment(request):
        context = {"author": found, "paper": name.paper, "doubted": said, "problem": problem, "answered": True}
        return render(request, "profiles/_doubt.html", context)
    if problem:
        messages.error(request, problem)
    else:
        messages.success(request, _("Noted as evidence.") if said else _("Taken back."))
    return redirect(next_of(request.POST) or found)
