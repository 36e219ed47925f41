"""Renaming: the owner of a record chooses the name by which it is shown, in one action and, where so wished, for good.

Problem: a name that somebody has left behind stands in bylines, addresses, search, receipts and other people's pages;
papers go on printing it, and works can only be recognised by it. Idea: what is printed stays untouched, a private key
of the matcher; the author's own name is what is shown, and `Author.hides_printed` makes every output print that instead
(`profiles.shown`). Nothing is recomputed but the author's own row and search keys, so that it holds at once.
Entry points: `rename`, `restore`, and `person_name` for the page.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, cast

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from papers.methods import read_or_post

from . import anchors, authors, claims, powers, wording
from .models import Account, Author, Claim, Renaming
from .proposals import LONGEST_NAME
from .views import find_author

# Enough for a name and second thoughts; whoever has stolen an account cannot play with a name for long.
MOST = 3
PERIOD = timedelta(days=30)


@transaction.atomic
def rename(claim: Claim, name: str, hide_printed: bool, now: datetime) -> None:
    """Show the author by this name; with `hide_printed`, nothing else is shown to anybody any more.

    The claim is one that `powers.owner` gave. Raises ValidationError for what is no name, or too many in `PERIOD`.
    """
    author = _locked(claim)
    name = _checked(name)
    if (name, hide_printed) == (author.name, author.hides_printed) and author.preferred_name == name:
        raise ValidationError(_("This is the name that is shown already."))
    if author.renamings.filter(at__gt=now - PERIOD).exclude(new="").count() >= MOST:
        raise ValidationError(
            _("A name can be changed %(most)d times in %(days)d days. Try again later.")
            % {"most": MOST, "days": PERIOD.days}
        )
    Renaming.objects.create(author=author, account=claim.account, old=author.name, new=name, at=now)
    if author.hides_printed and not hide_printed:
        authors.redate_works(author)
    author.hides_printed = hide_printed
    author.save(update_fields=["hides_printed"])
    authors.prefer(author, name)
    anchors.choose([author.pk])  # whatever the matcher finds later, the name goes where the owner's works go
    if not hide_printed:
        _uncover(author)
    authors.refresh([author.pk])
    claims.refresh_soon([author.pk])


@transaction.atomic
def restore(claim: Claim, now: datetime) -> None:
    """Show what is printed again, and the form of it that `authors.refresh` prefers."""
    author = _locked(claim)
    if not (author.preferred_name or author.hides_printed):
        return
    Renaming.objects.create(author=author, account=claim.account, old=author.name, new="", at=now)
    if author.hides_printed:
        authors.redate_works(author)
    author.hides_printed = False
    author.save(update_fields=["hides_printed"])
    authors.prefer(author, "")
    authors.refresh([author.pk], rename=True)
    author.refresh_from_db(fields=["name"])
    _uncover(author)
    claims.refresh_soon([author.pk])


def _locked(claim: Claim) -> Author:
    return Author.objects.select_for_update(no_key=True).get(pk=claim.author_id)


def _uncover(author: Author) -> None:
    """Those merged into the author hid what it hid, and are shown by its name."""
    was = Author.objects.filter(pk__in=author.with_merged).exclude(pk=author.pk)
    was.filter(hides_printed=True).update(hides_printed=False, name=author.name)


def _checked(name: str) -> str:
    name = wording.in_one_script(name, LONGEST_NAME)
    if not name:
        raise ValidationError(_("Type the name by which you want to be shown."))
    return name


class NameForm(forms.Form):
    """The name, and whether anybody may see another one. The choice is the owner's: none is made beforehand."""

    name = forms.CharField(
        label=gettext_lazy("Name"), max_length=LONGEST_NAME, widget=forms.TextInput({"autocomplete": "name"})
    )
    hide = forms.TypedChoiceField(
        label=gettext_lazy("What is it?"),
        choices=[
            ("0", gettext_lazy("Only show my name in another form")),
            ("1", gettext_lazy("My name has changed: nobody is to see the old one")),
        ],
        coerce=lambda value: value == "1",
        widget=forms.RadioSelect,
    )


@read_or_post
@login_required
def person_name(request: HttpRequest, pk: int) -> HttpResponse:
    """The owner's form for the name, and the way back to what is printed."""
    author = find_author(pk, even_hidden=True)
    claim = powers.owner(cast(Account, request.user), author)
    if author.pk != pk:
        return redirect("person_name", author.pk)
    given = request.POST if request.method == "POST" else None
    if given and "restore" in given:
        restore(claim, timezone.now())
        messages.success(request, _("What is printed on your papers is shown again."))
        return redirect(Author.objects.get(pk=author.pk))
    started: dict[str, Any] = {"name": author.name} | ({"hide": "1"} if author.hides_printed else {})
    form = NameForm(given, initial=started)
    if given is not None and form.is_valid():
        try:
            rename(claim, form.cleaned_data["name"], form.cleaned_data["hide"], timezone.now())
        except ValidationError as error:
            form.add_error("name", error)
        else:
            messages.success(request, _("Every page shows this name now."))
            return redirect(Author.objects.get(pk=author.pk))
    context = {"author": author, "form": form, "chosen": bool(author.preferred_name), "most": MOST, "days": PERIOD.days}
    return render(request, "profiles/person_name.html", context, status=400 if form.errors else 200)
