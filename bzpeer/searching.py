"""The search: one box for people, papers, topics, institutions and identifiers; as a page, and while somebody types.

Problem: each kind of thing is looked for in another way, and none may keep the others from being shown. Idea: every
part is asked for on its own, within its own time; a part that takes too long leaves a sentence. While somebody types,
only what is quick is looked for: names, topics, words of titles. Entry point: `search`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import MAXYEAR
from typing import Any, TypeVar
from urllib.parse import urlencode

from django import forms
from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from papers import identifiers, meaning
from papers.bounded import TooSlow, within
from papers.fragments import wants_fragment
from papers.models import Paper, Topic
from papers.searching import Filters, Page, Query, names
from papers.searching.addresses import Asked
from papers.searching.explaining import explained
from papers.searching.queries import read
from papers.text import storable
from profiles.asking import asked
from profiles.identifiers import holders
from profiles.models import Account, Author
from profiles.search import find_people
from profiles.subscriptions import searches

FEW, MANY = 6, 20  # of a kind that stands beside others, and of one that is asked for alone
LONGEST_NAME = 8  # words; a longer query is a sentence, and nobody's name
NAMES_MS = 500
CHOICES = 30  # people and topics to narrow a search by

KINDS_SHOWN = (
    ("", gettext_lazy("Everything")),
    ("papers", gettext_lazy("Papers")),
    ("people", gettext_lazy("People")),
    ("topics", gettext_lazy("Topics")),
    ("institutions", gettext_lazy("Institutions")),
)

T = TypeVar("T")


class SearchForm(forms.Form):
    """What narrows and orders the papers, as the address carries it: type, from, to, topic, person, sort.

    It says what is wrong with an address, and shows it to be changed; what is searched for is `asked`, as feeds and
    mail read the same address.
    """

    type = forms.ChoiceField(
        choices=KINDS_SHOWN,
        required=False,
        error_messages={"invalid_choice": gettext_lazy("There is no such kind of thing.")},
    )
    topic = forms.CharField(max_length=120, required=False)
    person = forms.IntegerField(min_value=1, max_value=2**62, required=False)
    sort = forms.ChoiceField(
        choices=[
            ("relevance", gettext_lazy("Best first")),
            ("newest", gettext_lazy("Newest first")),
            ("oldest", gettext_lazy("Oldest first")),
        ],
        required=False,
        error_messages={"invalid_choice": gettext_lazy("There is no such order.")},
    )

    def __init__(self, address: QueryDict) -> None:
        super().__init__(address)
        self.asked = asked(address.urlencode())
        for name, label in (("from", _("From year")), ("to", _("To year"))):  # `from` is a word of Python's
            self.fields[name] = forms.IntegerField(label=label, min_value=1, max_value=MAXYEAR, required=False)

    def clean(self) -> dict[str, Any]:
        found, filters = super().clean() or {}, self.asked.filters
        for name, read_as in (("from", filters.year_from), ("to", filters.year_to), ("person", filters.person)):
            if found.get(name) and read_as is None:  # such as “2019.0”
                self.add_error(name, _("Enter a whole number."))
        if filters.year_from and filters.year_to and filters.year_from > filters.year_to:
            self.add_error("to", _("The last year comes before the first one."))
        if filters.topic and not Topic.objects.filter(slug=storable(filters.topic)).exists():
            self.add_error("topic", _("There is no such topic."))
        if filters.person and not Author.objects.listed().filter(pk=filters.person).exists():
            self.add_error("person", _("There is no such person."))
        return found


@dataclass(frozen=True)
class Straight:
    """What an identifier leads to; no address where nothing here has it."""

    scheme: str
    value: str
    label: str = ""
    url: str = ""


def straight_to(typed: str) -> Straight | None:
    """Where the query leads at once, if it is an arXiv id, a DOI or an ORCID iD and nothing else."""
    if arxiv_id := identifiers.arxiv_id(typed):
        return _paper("arXiv", arxiv_id, arxiv_id=arxiv_id)
    if doi := identifiers.doi(typed):
        return _paper("DOI", doi, doi=doi)
    if iD := identifiers.orcid(typed):
        people = holders({iD})["orcid", iD]
        if not people:
            return Straight("ORCID", iD)
        return Straight("ORCID", iD, ", ".join(one.name for one in people), reverse("orcid", args=[iD]))
    return None


def _paper(scheme: str, value: str, **by: str) -> Straight:
    paper = Paper.objects.filter(**by).order_by("pk").first()
    return Straight(scheme, value, paper.title_text, paper.get_absolute_url()) if paper else Straight(scheme, value)


@dataclass
class _Answering:
    """A query on its way to an answer: the parts that took too long are named in `slow`."""

    query: Query
    slow: list[str]

    def within(self, part: str, look: Callable[[], T]) -> T | None:
        """What `look` finds; None where it takes too long."""
        try:
            with within(NAMES_MS):
                return look()
        except TooSlow:
            self.slow.append(part)
            return None

    def others(self, kind: str = "", *, anywhere: bool = True) -> dict[str, Any]:
        """People, topics and institutions, or those of the one kind asked for."""
        query, limit = self.query, MANY if kind else FEW
        found: dict[str, Any] = {}
        if kind in ("", "people") and len(query.words) <= LONGEST_NAME:
            try:
                people = find_people(query.text, limit)  # within a time of its own
                found |= {"people": people.people, "fuzzy": people.fuzzy}
            except TooSlow:
                self.slow.append(_("people"))

        def named() -> dict[str, Any]:
            topics = names.topics(query, limit) if kind in ("", "topics") else []
            places = names.institutions(query, limit, anywhere=anywhere) if kind in ("", "institutions") else []
            return {"topics": topics, "institutions": places}

        if kind not in ("people", "papers"):
            found |= self.within(_("topics and institutions"), named) or {}
        return found


@require_safe
def search(request: HttpRequest) -> HttpResponseBase:
    """Everything that fits a query; with `after` the further papers alone. An identifier leads straight to its page."""
    typed = request.GET.get("q", "")
    straight = straight_to(typed)
    if straight and straight.url and not wants_fragment(request):
        return redirect(straight.url)
    parts = _Answering(read(typed), [])
    context: dict[str, Any] = {"query": " ".join(typed.replace("\0", "").split())[:1_000], "straight": straight}
    context |= {"asked": parts.query, "slow": parts.slow, "by_meaning": meaning.enabled()}
    if not parts.query.text:
        context |= {"examples": _examples()} if not typed.strip() else {}
        return _answer(request, context | {"to_embed": _to_embed()})
    if wants_fragment(request) and "after" not in request.GET:
        return _answer(request, context | _while_typing(parts))
    form = SearchForm(request.GET)
    if not form.is_valid():
        return _answer(request, context | parts.others() | {"form": form}, status=400)
    return _answer(request, context | _whole(request, parts, form))


@require_safe
def suggestions(request: HttpRequest) -> HttpResponse:
    """What begins as a browser's own search field says, for it to show while somebody types (OpenSearch suggestions:
    the query, then names and titles, nothing about each, and the pages that they lead to)."""
    typed = request.GET.get("q", "")
    parts = _Answering(read(typed), [])
    found: dict[str, Any] = _while_typing(parts) if parts.query.text else {}
    named = (*found.get("people", ()), *found.get("topics", ()), *found.get("institutions", ()))
    pages = [(one.name, one) for one in named] + [(paper.title_text, paper) for paper in found.get("titles") or ()]
    addresses = [request.build_absolute_uri(one.get_absolute_url()) for _name, one in pages]
    names_shown = [name for name, _one in pages]
    answer = [typed, names_shown, [""] * len(pages), addresses]
    return JsonResponse(answer, safe=False, content_type="application/x-suggestions+json")


def _answer(request: HttpRequest, context: dict[str, Any], status: int = 200) -> HttpResponse:
    """503 where a part took too long; a fragment is swapped in only with 200, and is not to be kept then."""
    fragment = wants_fragment(request)
    slow = bool(context["slow"])
    template = "bzpeer/_results.html" if fragment else "bzpeer/search.html"
    response = render(request, template, context, status=503 if slow and not fragment else status)
    if slow:
        response["Cache-Control"] = "no-store"
    return response


def _while_typing(parts: _Answering) -> dict[str, Any]:
    titles = parts.within(_("papers"), lambda: list(names.titles(parts.query, FEW)))
    return parts.others(anywhere=False) | {"typing": True, "titles": titles}


def _whole(request: HttpRequest, parts: _Answering, form: SearchForm) -> dict[str, Any]:
    question, after = form.asked, request.GET.get("after", "")
    filters, typed = question.filters, question.query
    try:
        page = question.page(after)
    except TooSlow:
        parts.slow.append(_("papers"))
        page = Page()
    context: dict[str, Any] = {"further": True} if after else parts.others(filters.kind)
    unnarrowed = Asked(typed, Filters(kind=filters.kind))
    context |= {
        "form": form,
        "page": page,
        "papers": explained(page),
        "sort": question.sort,
        "kind": filters.kind,
        "kinds": _kinds(typed, filters.kind),
        "narrowed": any((filters.year_from, filters.year_to, filters.topic, filters.person)),
        "unnarrowed": f"{reverse('search')}?{unnarrowed.canonical}",
        "choices": _choices(page, filters),
        "to_embed": _to_embed() if filters.kind in ("", "papers") else None,
        "asking": question.canonical,
        "question": question,
        "saved": isinstance(request.user, Account) and not after and searches.find(request.user, question),
    }
    if page.following:
        context["following"] = f"{reverse('search')}?{question.canonical}&{urlencode({'after': page.following})}"
    return context


def _to_embed() -> dict[str, int] | None:
    """How many papers are searched by meaning, where some are not yet."""
    embedded, papers = meaning.coverage() if meaning.enabled() else (0, 0)
    return {"embedded": embedded, "papers": papers} if embedded < papers else None


def _kinds(typed: str, chosen: str) -> list[tuple[str, str, bool]]:
    """(label, address, whether it is this one) of everything and of each kind of thing."""
    search = reverse("search")
    return [
        (str(label), f"{search}?{Asked(typed, Filters(kind=kind)).canonical}", kind == chosen)
        for kind, label in KINDS_SHOWN
    ]


def _choices(page: Page, filters: Filters) -> dict[str, list[tuple[Any, str]]]:
    """By what the papers shown can be narrowed further: their topics and people, most frequent first."""
    topics: Counter[tuple[Any, str]] = Counter()
    people: Counter[tuple[Any, str]] = Counter()
    for hit in page.hits:
        topics.update((topic.slug, topic.name) for topic in hit.paper.topics.all())
        authors = (signed.assignment.author for signed in hit.paper.signatures.all() if hasattr(signed, "assignment"))
        people.update(
            {(author.pk, author.name) for author in authors if author.is_public and not author.merged_into_id}
        )
    if filters.topic and not any(slug == filters.topic for slug, _name in topics):
        topics.update((topic.slug, topic.name) for topic in Topic.objects.filter(slug=filters.topic))
    if filters.person and not any(pk == filters.person for pk, _name in people):
        people.update((one.pk, one.name) for one in Author.objects.listed().filter(pk=filters.person))
    return {
        name: sorted((choice for choice, _count in found.most_common(CHOICES)), key=lambda choice: choice[1].casefold())
        for name, found in (("topics", topics), ("people", people))
    }


def _examples() -> list[tuple[str, str]]:
    """(what can be asked, a query that does) from what is here."""
    found = []
    person = Author.objects.listed().order_by("-works_count", "pk").first()
    paper = Paper.objects.exclude(arxiv_id=None).newest_first().first()
    if person:
        found.append((_("A person, in any order of the name"), person.name))
    if paper:
        found.append((_("A paper by its title"), paper.title_text))
        found.append((_("An identifier: arXiv, DOI or ORCID"), f"arXiv:{paper.arxiv_id}"))
    if topic := Topic.objects.order_by("name").first():
        found.append((_("A topic"), topic.name))
    return found
