"""The circles of a researcher: a section that arrives after the page, a page of its own, and JSON."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from papers.fragments import wants_fragment
from profiles.views import find_author

from .circles import MOST_BRIDGES, MOST_PEOPLE, MOST_TIES, MOST_WORKS, Circle, Circles, Link, circles
from .coauthorships import LARGEST_TEAM
from .courses import TIMEOUT_MS
from .models import Coauthorship
from .networks.timelines import Reach, Year
from .places import paper_id, person_id


@require_safe
def person(request: HttpRequest, pk: int) -> HttpResponse:
    """The fragment for HTMX, otherwise a whole page."""
    author = find_author(pk)
    if author.pk != pk:
        return redirect("person_circles", author.pk, permanent=True)
    context = {"author": author, "found": circles(author), "most_ties": MOST_TIES, "largest_team": LARGEST_TEAM}
    return render(request, "graph/_circles.html" if wants_fragment(request) else "graph/circles.html", context)


@require_safe
def person_json(request: HttpRequest, pk: int) -> HttpResponse:
    """The same data."""
    author = find_author(pk)
    if author.pk != pk:
        return redirect("person_circles_json", author.pk, permanent=True)
    return JsonResponse(_json(circles(author)))


def _json(found: Circles) -> dict[str, Any]:
    """The same data: people and papers by the ids of their nodes. What the owner keeps off the page is null."""
    counted, together, course = found.shows_collaborators, found.communities, found.course
    return {
        "focus": person_id(found.author.pk),
        "limits": {
            "people": MOST_PEOPLE,
            "ties": MOST_TIES,
            "bridges": MOST_BRIDGES,
            "papers": MOST_WORKS,
            "large_team": LARGEST_TEAM,
            "milliseconds": TIMEOUT_MS,
        },
        "people": {"shown": together.shown, "total": together.total, "order": _("by shared works")}
        if together and counted
        else None,
        "communities": [_circle_json(circle, found.shows_works) for circle in together.circles] if together else None,
        "alone": [_person_json(tie) for tie in together.alone] if together else None,
        "bridges": [_link_json(link) for link in together.links] if together else None,
        "connected_only_by_focus": [[circle.number for circle in part] for part in together.islands]
        if together and together.is_whole and len(together.islands) > 1
        else [],
        "years": [_year_json(year, reach, found.shows_works) for year, reach in course.rows] if course else None,
        "undated": {
            "works": course.timeline.undated_works if found.shows_works else None,
            "people": course.timeline.undated_people,
        }
        if course
        else None,
    }


def _person_json(tie: Coauthorship) -> dict[str, Any]:
    author = tie.coauthor
    return {
        "id": person_id(author.pk),
        "label": author.name,
        "url": author.get_absolute_url(),
        "shared_works": tie.works,
    }


def _circle_json(circle: Circle, shows_works: bool) -> dict[str, Any]:
    return {
        "number": circle.number,
        "name": circle.name,
        "people": [_person_json(tie) for tie in circle.people],
        "works": circle.works if shows_works else None,
        "works_by_year": circle.years if shows_works else None,
        "first_year": circle.first_year,
        "last_year": circle.last_year,
    }


def _link_json(link: Link) -> dict[str, Any]:
    return {
        "person": person_id(link.person.pk),
        "label": link.person.name,
        "of": link.home.number,
        "to": link.other.number,
        "people": [person_id(author.pk) for author in link.people],
        "works": link.works,
        "papers": [
            {"id": paper_id(paper.pk), "label": paper.title_text, "url": paper.get_absolute_url()}
            for paper in link.papers
        ],
        "other_people_between": link.others,
        "is_only": link.is_only,
    }


def _year_json(year: Year, reach: Reach | None, shows_works: bool) -> dict[str, Any]:
    return {
        "year": year.year,
        "works": year.works if shows_works else None,
        "new": year.new,
        "returning": year.returning,
        "large_teams_only": year.large,
        "collaborators_so_far": reach.collaborators if reach else None,
        "within_two_steps": reach.within_two if reach else None,
    }
