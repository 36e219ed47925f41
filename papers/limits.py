"""Rate limits that never grant more than they say.

Problem: counting and then deciding lets fifty requests at once through a limit of ten, and a fixed window grants twice
its limit around its edge. Idea: the times of the last grants in one Redis list for each name and key; a script, which
Redis runs alone, looks whether the N-th newest is old enough and only then adds the next, by Redis's own clock. So no
period of any place holds more than N. Not in PostgreSQL: a GET changes nothing. What a limit is kept for is hashed.
Entry points: `take` and `spend`, `left`, `client` and `who` for keys, `limited` for views, `refused` and `answered` for
the answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from ipaddress import IPv6Address, ip_address, ip_network
from math import ceil
from typing import Any, cast

from django.conf import settings
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from redis import Redis
from redis.exceptions import RedisError

from .fragments import wants_fragment
from .permissions import View

MINUTE, HOUR, DAY = 60, 3_600, 86_400
AWAY = 60.0  # seconds to wait where Redis does not answer and the limit is closed without it


@dataclass(frozen=True)
class Limit:
    """At most `most` grants in any `seconds`; without Redis nothing is granted, but where it is `open`."""

    most: int
    seconds: int
    open: bool = False


# The numbers are PyPI's where it has one (warehouse/config.py, rate limits); the reasons are ours. What follows the
# name says what the key is. All limits of a name count the same grants.
LIMITS: dict[str, tuple[Limit, ...]] = {
    # client, and account name as typed: passwords are guessed at ten in five minutes, from wherever (PyPI)
    "sign_in": (Limit(10, 5 * MINUTE),),
    # one key for all: a list of stolen passwords tried from ten thousand addresses (PyPI)
    "sign_in_all": (Limit(1_000, 5 * MINUTE),),
    # account: six digits, three of which are right at any time, are a million to fifty a day (PyPI)
    "second_factor": (Limit(5, 5 * MINUTE), Limit(20, HOUR), Limit(50, DAY)),
    # client: a lecture hall may sign up, a robot may not
    "sign_up": (Limit(20, HOUR),),
    # address typed: a stranger's letter box is not to be filled (PyPI)
    "password_reset": (Limit(5, DAY),),
    # client: the same for many strangers' letter boxes
    "password_reset_client": (Limit(20, HOUR),),
    # account: each sends a letter to an address that may be a stranger's (PyPI)
    "add_email": (Limit(2, DAY),),
    # account: a researcher has one record, and perhaps a few that are to be joined to it
    "claim": (Limit(5, DAY),),
    # address that a letter with a code or a link goes to (PyPI: verification, 3 in 6 hours)
    "code_sent": (Limit(3, 6 * HOUR),),
    # account, or client where there is none: the same for many addresses
    "code_sent_account": (Limit(10, DAY),),
    # account, or client: above what `profiles.codes.TRIES` gives for one code, below what guessing takes
    "code_try": (Limit(10, 5 * MINUTE), Limit(30, HOUR)),
    # account: asks a coauthor by mail (Healthchecks: invitations)
    "attestation": (Limit(20, DAY),),
    # account: each sends a letter to a stranger (Healthchecks: 20 a day). Who proved control of a record is known and
    # has a name to lose; an account that is younger than a week is what a sender of advertising has
    "invitation_new": (Limit(3, DAY),),
    "invitation": (Limit(10, DAY),),
    "invitation_proved": (Limit(20, DAY),),
    # account: a quick exchange, and no circular to everybody
    "message": (Limit(120, HOUR),),
    # account that is younger than a week or below L3: an exchange with one or two people
    "message_new": (Limit(30, HOUR),),
    # account: a review or a comment stands in public and is moderated afterwards; a lively discussion has some an hour
    "post": (Limit(30, HOUR), Limit(100, DAY)),
    # account that is younger than a week or below L3, as one that advertises is: what curators can look at in time
    "post_new": (Limit(5, HOUR), Limit(10, DAY)),
    # account: misprints are corrected a few times, and nobody rewrites a discussion
    "post_edit": (Limit(30, HOUR),),
    # account: a click each, which counts in what is trending. Whoever goes through a conference keeps a few hundred
    # papers in an hour; an account that is younger than a week or below L3 has no name to lose by keeping for others
    "save": (Limit(300, HOUR),),
    "save_new": (Limit(100, HOUR), Limit(300, DAY)),
    # account: makes a collection or words one, which everybody may read then
    "collection": (Limit(60, HOUR),),
    "collection_new": (Limit(20, HOUR), Limit(40, DAY)),
    # account: a sentence beside a paper of a collection, of which one may write one for each of a list
    "note": (Limit(120, HOUR),),
    "note_new": (Limit(40, HOUR), Limit(100, DAY)),
    # account: who reads through a day's list clicks some times on each paper of it, and no faster than one reads titles
    "reaction": (Limit(30, MINUTE), Limit(600, DAY)),
    # account that is younger than a week or below L3: the papers that somebody reads on a day
    "reaction_new": (Limit(15, MINUTE), Limit(100, DAY)),
    # account: each is read by a curator
    "complaint": (Limit(10, DAY),),
    # account: each makes this machine fetch a stranger's page
    "page_proof": (Limit(10, HOUR),),
    # account: each may make this machine ask arXiv or OpenAlex, a few seconds apart
    "add_work": (Limit(30, HOUR), Limit(100, DAY)),
    # account: reads everything that is kept of it
    "export": (Limit(10, DAY),),
    # account: a click on an alert or a receipt; nobody judges one work a minute for an hour
    "doubt": (Limit(60, HOUR),),
    # subscriber: a letter of which nobody knows whether it went, asked for once more; more often it is not the letter
    "digest_again": (Limit(3, DAY),),
    # client: a request without an account is read by a curator
    "rights": (Limit(5, HOUR), Limit(10, DAY)),
    # account, and client of a visitor: a report is read by a curator
    "report": (Limit(30, HOUR),),
    "report_visitor": (Limit(5, HOUR),),
    # account, or client: each sends a letter to an address that may be a stranger's; a lecture hall may subscribe
    "subscribe": (Limit(20, HOUR),),
    # letter box: asked for by however many clients, it gets few letters that ask it to confirm
    "subscribe_address": (Limit(5, DAY), Limit(20, 30 * DAY)),
    # subscriber: clicks on the page of all subscriptions
    "subscription_change": (Limit(120, HOUR),),
    # account: each is asked again with every letter; somebody tidying up changes one a minute
    "save_search": (Limit(60, HOUR),),
    # account, or client: two lists compared cost as much as fifty searches; a committee's chair tries a few times
    "conflicts": (Limit(10, MINUTE), Limit(60, HOUR)),
    # client: the dearest page that anybody may ask for; reading goes on while Redis is away (PyPI: 5 a second). Whoever
    # types asks at most four times a second, for the box waits for a pause of 250 ms
    "search": (Limit(5, 1, open=True), Limit(100, MINUTE, open=True)),
    # client: a list of works to cite or collect; who wants them all harvests
    "export_works": (Limit(10, 1, open=True), Limit(120, MINUTE, open=True)),
    # client: a page of 200 records; a harvester that asks one after the other has a million papers in an hour
    "oai": (Limit(20, 5, open=True), Limit(120, MINUTE, open=True)),
    # client: six searches through the whole graph; who reads an answer asks for the next one some seconds later
    "path": (Limit(10, 5, open=True), Limit(40, MINUTE, open=True)),
    # client without a key, and key: what a program reads page by page; a harvest of everything belongs to /oai
    "api": (Limit(100, MINUTE, open=True),),
    "api_key": (Limit(1_000, MINUTE, open=True),),
}

# KEYS: the list. ARGV: the number of grants that are kept, the seconds that they matter, then most and seconds of each
# limit. Answers nil where it is granted, else the seconds to wait as text.
_SCRIPT = """
local time, wait = redis.call('TIME'), 0
local now = time[1] + time[2] / 1000000
for i = 3, #ARGV, 2 do
    local earlier = redis.call('LINDEX', KEYS[1], -ARGV[i])
    if earlier then wait = math.max(wait, earlier + ARGV[i + 1] - now) end
end
if wait > 0 then return string.format('%.6f', wait) end
redis.call('RPUSH', KEYS[1], string.format('%.6f', now))
redis.call('LTRIM', KEYS[1], -ARGV[1], -1)
redis.call('EXPIRE', KEYS[1], ARGV[2])
return nil
"""


def take(name: str, key: str) -> float | None:
    """Count one use of `name` by `key`: None where it is granted, else the seconds to wait, and nothing is counted."""
    limits = LIMITS[name]
    numbers = [number for limit in limits for number in (limit.most, limit.seconds)]
    kept = (max(limit.most for limit in limits), max(limit.seconds for limit in limits) + 1)
    try:
        wait = cast(bytes | None, redis_client().eval(_SCRIPT, 1, _address(name, key), *kept, *numbers))
    except RedisError:
        return None if all(limit.open for limit in limits) else AWAY
    return None if wait is None else float(wait)


class TooMany(ValidationError):
    """A limit is used up; `wait` are the seconds until it is not."""

    def __init__(self, wait: float) -> None:
        super().__init__(_("That is too much at once. Try again %(wait)s.") % {"wait": words(wait)})
        self.wait = wait


def spend(name: str, account: int) -> None:
    """`take` for an account, where the use is part of what it writes. Raises `TooMany`."""
    if (wait := take(name, f"account {account}")) is not None:
        raise TooMany(wait)


def left(name: str, key: str) -> tuple[int, int]:
    """(uses of `name` that `key` still has, seconds until it has all of them again), by the first limit of the name."""
    limit = LIMITS[name][0]
    try:
        both: Any = redis_client().pipeline()
        both.time()
        both.lrange(_address(name, key), 0, -1)
        (seconds, micros), granted = both.execute()
    except RedisError:
        return limit.most, 0
    recent = [float(at) for at in granted if float(at) > seconds + micros / 1e6 - limit.seconds]
    wait = recent[-1] + limit.seconds - seconds - micros / 1e6 if recent else 0.0
    return max(limit.most - len(recent), 0), ceil(wait)


def _address(name: str, key: str) -> str:
    """Where the grants stand in Redis: what a limit is kept for is hashed."""
    hashed = salted_hmac(f"papers.limits {name}", key.strip().casefold(), algorithm="sha256").hexdigest()
    return f"limit:{name}:{hashed}"


def redis_client() -> Redis:
    """The client behind Django's cache, whose own interface knows no scripts."""
    return cast(Redis, cast(Any, cache)._cache.get_client(None, write=True))


def client(request: HttpRequest) -> str:
    """Where a request comes from: an IPv4 address, or the 64 bits of an IPv6 network, which one person has whole.

    Behind `settings.PROXIES` proxies of ours it is what the first of them saw: the entry of X-Forwarded-For as far from
    the right. All to the left of it is the client's own invention. "unknown", where it is no address: those share.
    """
    given = str(request.META.get("REMOTE_ADDR", ""))
    if settings.PROXIES:
        seen = str(request.META.get("HTTP_X_FORWARDED_FOR", "")).split(",")
        given = seen[-settings.PROXIES] if len(seen) >= settings.PROXIES else ""
    try:
        address = ip_address(given.strip())
    except ValueError:
        return "unknown"
    if isinstance(address, IPv6Address):
        return str(address.ipv4_mapped or ip_network((int(address), 64), strict=False))
    return str(address)


def who(request: HttpRequest) -> str:
    """Whom a limit counts for: the account, or the client of a visitor."""
    return f"account {request.user.pk}" if request.user.is_authenticated else f"client {client(request)}"


def limited(name: str, key: Callable[[HttpRequest], str] = who, method: str = "POST") -> Callable[[View], View]:
    """A view that answers 429 to requests of `method` beyond the limit `name` of `key(request)`."""

    def guard(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if request.method == method and (wait := take(name, key(request))) is not None:
                return refused(request, wait)
            return view(request, *args, **kwargs)

        return cast(View, guarded)

    return guard


def refused(request: HttpRequest, wait: float) -> HttpResponse:
    """429 with Retry-After: a page that says when to try again, or its sentence alone for HTMX."""
    template = "_429.html" if wants_fragment(request) else "429.html"
    response = answered(render(request, template, {"wait": words(wait)}), wait)
    response["Cache-Control"] = "no-store"
    return response


def answered(response: HttpResponse, wait: float) -> HttpResponse:
    """The same as a 429 with Retry-After, for pages that keep what was typed."""
    response.status_code, response["Retry-After"] = 429, str(ceil(wait))
    return response


def words(wait: float) -> str:
    """
    >>> words(0.2), words(61), words(5400)
    ('in 1 second', 'in 2 minutes', 'in 2 hours')
    """
    if wait <= MINUTE:
        return ngettext("in %d second", "in %d seconds", ceil(wait)) % ceil(wait)
    if wait <= HOUR:
        return ngettext("in %d minute", "in %d minutes", ceil(wait / MINUTE)) % ceil(wait / MINUTE)
    return ngettext("in %d hour", "in %d hours", ceil(wait / HOUR)) % ceil(wait / HOUR)
