"""The address of the OAI-PMH 2.0 provider. Everything but a limit is answered with status 200, errors too."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parseaddr
from math import ceil

from django.conf import settings
from django.http import HttpRequest, HttpResponse, QueryDict
from django.views.decorators.csrf import csrf_exempt
from lxml import etree

from .. import bounded, datestamps, limits
from ..methods import read_or_post
from ..signposting import authority
from ..sources.xmlrecords import Element
from . import lists
from .formats import FORMATS, XSI, named, storable
from .lists import Entry
from .requests import GRANULARITY, VALID_FOR, Asked, Refused, read

_OAI = "http://www.openarchives.org/OAI/2.0/"
_SCHEMA = f"{_OAI} http://www.openarchives.org/OAI/2.0/OAI-PMH.xsd"
_AT_MOST = 10_000  # milliseconds for a statement
_AGAIN = 60  # seconds, where one took longer
_ID = re.compile("[1-9][0-9]{0,17}")  # what a bigint holds for certain


@csrf_exempt  # it reads only; harvesters may ask by POST
@read_or_post
def oai(request: HttpRequest) -> HttpResponse:
    """One request of the protocol, one answer."""
    if (wait := limits.take("oai", limits.client(request))) is not None:
        return _later(ceil(wait))
    given = request.POST if request.method == "POST" else request.GET
    try:
        with bounded.within(_AT_MOST):
            return _answered(given)
    except bounded.TooSlow:
        return _later(_AGAIN)


def _later(seconds: int) -> HttpResponse:
    sentence = "Too many requests, or one that costs too much: ask again later.\n"
    headers = {"Retry-After": str(seconds), "Cache-Control": "no-store"}
    return HttpResponse(sentence, status=503, content_type="text/plain; charset=utf-8", headers=headers)


def _answered(given: QueryDict) -> HttpResponse:
    root = etree.Element(f"{{{_OAI}}}OAI-PMH", nsmap={None: _OAI, "xsi": XSI})
    root.set(f"{{{XSI}}}schemaLocation", _SCHEMA)
    horizon = datestamps.horizon()
    answered = named(root, f"{{{_OAI}}}responseDate", _stamp(horizon))
    echo = named(root, f"{{{_OAI}}}request", _base())
    try:
        asked = read({str(name): [str(value) for value in values] for name, values in given.lists()})
    except Refused as error:
        if error.code == "badResumptionToken":
            _echo(echo, given)
        named(root, f"{{{_OAI}}}error", str(error), code=error.code)
        return _sent(root)
    _echo(echo, given)
    if not asked.verb.startswith("List"):
        answered.text = _stamp(datetime.now(UTC))
    result = etree.Element(f"{{{_OAI}}}{asked.verb}")
    try:
        _VERBS[asked.verb](result, asked, horizon)
        root.append(result)
    except Refused as error:
        named(root, f"{{{_OAI}}}error", str(error), code=error.code)
    return _sent(root)


def _sent(root: Element) -> HttpResponse:
    body = etree.tostring(root, xml_declaration=True, encoding="UTF-8")
    return HttpResponse(body, content_type="text/xml; charset=utf-8")


def _echo(element: Element, given: QueryDict) -> None:
    for name, value in given.items():
        element.set(str(name), storable(str(value)))


def _base() -> str:
    return f"{settings.SITE_URL}/oai"


def identifier_of(pk: int | str) -> str:
    """What the record of a paper is called, for good."""
    return f"oai:{authority()}:{pk}"


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


# --- verbs -----------------------------------------------------------------------------------------------------------


def _identify(result: Element, asked: Asked, horizon: datetime) -> None:
    for name, text in (
        ("repositoryName", "BZPEER"),
        ("baseURL", _base()),
        ("protocolVersion", "2.0"),
        ("adminEmail", parseaddr(settings.DEFAULT_FROM_EMAIL)[1]),
        ("earliestDatestamp", _stamp(lists.earliest() or horizon)),
        ("deletedRecord", "persistent"),
        ("granularity", GRANULARITY),
    ):
        named(result, f"{{{_OAI}}}{name}", text)


def _list_formats(result: Element, asked: Asked, horizon: datetime) -> None:
    if asked.identifier:
        _found(asked)
    for prefix, form in FORMATS.items():
        element = named(result, f"{{{_OAI}}}metadataFormat")
        named(element, f"{{{_OAI}}}metadataPrefix", prefix)
        named(element, f"{{{_OAI}}}schema", form.schema)
        named(element, f"{{{_OAI}}}metadataNamespace", form.namespace)


def _list_sets(result: Element, asked: Asked, horizon: datetime) -> None:
    topics, more = lists.sets(asked.key)
    told = [(f"{lists.TOPICS}:{topic.slug}", topic.name) for topic in topics]
    for spec, name in told if asked.resumed else [(lists.TOPICS, "All that has a topic"), *told]:
        element = named(result, f"{{{_OAI}}}set")
        named(element, f"{{{_OAI}}}setSpec", spec)
        named(element, f"{{{_OAI}}}setName", name)
    done = asked.done + len(result)
    _resumable(result, asked, asked.token(None, topics[-1].slug, done, None) if more else "", None)


def _list(result: Element, asked: Asked, horizon: datetime) -> None:
    _known(asked.prefix)
    page = lists.page(asked, horizon)
    if not page.entries:
        raise Refused("noRecordsMatch", "Nothing that is asked for has changed in that time.")
    for entry in page.entries:
        if asked.verb == "ListIdentifiers":
            _header(result, entry)
        else:
            _record(result, entry, asked.prefix)
    last = page.entries[-1]
    done = asked.done + len(page.entries)
    _resumable(result, asked, asked.token(last.at, str(last.id), done, page.size) if page.more else "", page.size)


def _get(result: Element, asked: Asked, horizon: datetime) -> None:
    entry = _found(asked)
    _known(asked.prefix)
    _record(result, entry, asked.prefix)


_VERBS = {
    "Identify": _identify,
    "ListMetadataFormats": _list_formats,
    "ListSets": _list_sets,
    "ListIdentifiers": _list,
    "ListRecords": _list,
    "GetRecord": _get,
}


def _known(prefix: str) -> None:
    if prefix not in FORMATS:
        raise Refused("cannotDisseminateFormat", f"The formats are {' and '.join(FORMATS)}.")


def _found(asked: Asked) -> Entry:
    begin, _, pk = asked.identifier.rpartition(":")
    ours = f"{begin}:" == identifier_of("") and _ID.fullmatch(pk)
    if ours and (entry := lists.find(int(pk))):
        return entry
    raise Refused("idDoesNotExist", "There is no record of this identifier.")


def _record(parent: Element, entry: Entry, prefix: str) -> None:
    record = named(parent, f"{{{_OAI}}}record")
    _header(record, entry)
    if entry.paper:
        FORMATS[prefix].write(named(record, f"{{{_OAI}}}metadata"), entry.paper)


def _header(parent: Element, entry: Entry) -> None:
    header = named(parent, f"{{{_OAI}}}header", **({} if entry.paper else {"status": "deleted"}))
    named(header, f"{{{_OAI}}}identifier", identifier_of(entry.id))
    named(header, f"{{{_OAI}}}datestamp", _stamp(entry.at))
    for slug in entry.topics:
        named(header, f"{{{_OAI}}}setSpec", f"{lists.TOPICS}:{slug}")


def _resumable(result: Element, asked: Asked, token: str, size: int | None) -> None:
    """The token, or an empty one at the end of a list of several parts."""
    if not token and not asked.resumed:
        return
    element = named(result, f"{{{_OAI}}}resumptionToken", token, cursor=str(asked.done))
    if token:
        element.set("expirationDate", _stamp(datetime.now(UTC) + VALID_FOR))
    if size is not None:
        element.set("completeListSize", str(size))
