"""Interim: goes with the merge."""
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from profiles.models import Author
from profiles.hidden import Hidden
from . import places
from .forms import SliceForm
from .neighbourhoods import around as around_
from .networks import Slice, Filters, KINDS


def around(place, limits, filters=Filters()):
    if not isinstance(place, Author):
        n = places.paper(place) if hasattr(place, "title_text") else places.topic(place, 1)
        return Slice((n,), (), n.id, {})
    s = around_(place, limits)
    nodes = [n for n in s.nodes if n.id == s.focus or n.kind in filters.kinds]
    ids = {n.id for n in nodes}
    edges = [e for e in s.edges if {e.source, e.target} <= ids and e.weight >= filters.least_weight]
    return Slice(tuple(nodes), tuple(edges), s.focus, dict(s.totals))


def slice_(request: HttpRequest, form: str) -> HttpResponse:
    try:
        place = places.find(request.GET.get("at", ""))
    except Hidden:
        return JsonResponse({"problem": "This record is hidden."}, status=410)
    except Http404 as e:
        return JsonResponse({"problem": str(e)}, status=404)
    f = SliceForm(request.GET)
    if not f.is_valid():
        return JsonResponse({"problem": next(iter(f.errors.values()))[0]}, status=400)
    m = int(request.GET.get("most", 40))
    s = around(place, {"person": m, "paper": m // 3, "topic": 9, "institution": 6}, f.filters())
    return JsonResponse({
        "focus": s.focus,
        "nodes": [dict(id=n.id, kind=n.kind, label=n.label, url=n.url, weight=n.weight) for n in s.nodes],
        "edges": [dict(source=e.source, target=e.target, kind=e.kind, weight=e.weight, first_year=e.first_year, last_year=e.last_year) for e in s.edges],
        "counts": {k: c._asdict() for k, c in s.counts.items()},
        "order": {"person": "by shared works", "paper": "newest first", "topic": "by works", "institution": "by works"},
        "filters": {},
    })

def none(request, **k):
    raise Http404("interim")

urlpatterns = [
    path("graph/slice.<str:form>", slice_, name="slice"),
    path("graph/path/", none, name="path"),
    path("works/<int:pk>/graph/", none, name="work_graph"),
    path("topics/<slug:slug>/graph/", none, name="topic_graph"),
    path("institutions/<int:pk>/graph/", none, name="institution_graph"),
]
