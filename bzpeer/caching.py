"""Pages for visitors, kept in Redis and never shown when they have become untrue.

Problem: most readers have no account and read what many read, yet each page costs a dozen queries. What a page shows
comes from a dozen tables, so that listing what each write makes untrue would forget something, some day.
Idea: one *generation* for all public data, a random word in Redis; and one for each table that readers write to with a
click (`LIVELY`), or a site on which people like and follow would keep nothing.

- A page is kept with the generation that was read *before* its view ran, and with those of the lively tables that stand
  in its statements. It is found only while they are the current ones.
- Every statement that changes a row of a table which pages may show raises the generation, once a transaction, *after*
  its commit; one that changes lively tables alone raises theirs. That lies in the connection (`watch`), so views,
  workers and commands do it alike, and none can forget it.

So a page made from older rows carries an older generation whatever the race: had its view missed the commit, then the
generation was read before the commit, which was before the raising. When a request that wrote has been answered, nobody
finds what stood before. Between a commit and its raising, a millisecond, the old page may still be found. What dies in
that millisecond, Redis that is away at that moment, or SQL typed by hand is made good by `SECONDS`.

Whoever wrote in a transaction that is still open sees its own rows: it neither finds pages nor keeps any.

A page is kept only where its name is in `PAGES`, its answer is 200 and sets no cookie, and who asks has no cookie that
a view reads. Redis holds `settings.PAGES_KEPT` pages at most: an address has one place by its hash, shared with others,
and the last one stays, so that invented addresses cost memory once. One round trip finds or misses a page; its body is
stored compressed and sent so to browsers that take it: it holds no secret that a guess could be measured by.
Django's own middleware needs three round trips, knows no generation, and keeps as much as it is asked for.

Browsers and proxies keep pages too, but ask each time (`no-cache`): the ETag is a hash of the body, so that a page made
anew and the same needs no second download. Last-Modified is not said: nothing knows it of all that a page shows.
A kept page is nobody's own and costs next to nothing, so limits do not count it. Entry points: `KeepPages`, `watch`.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import re
import secrets
import zlib
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from typing import Any, cast

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.db import connection, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response, patch_cache_control, patch_vary_headers
from django.utils.translation import get_language_from_request
from redis.exceptions import RedisError

from papers.limits import redis_client

from .api.doors import OPEN

# Names of addresses. A page must depend on nothing but the database, its address and the headers `VARIES`.
PAGES = frozenset(
    {
        "home", "search", "name", "robots", "papers_today", "papers_day", "papers_week", "papers_month",
        "person", "person_history", "person_trust", "person_graph", "person_circles", "person_circles_json",
        "coauthor_table", "coauthor_table_csv", "attribution",
        "work", "work_graph", "topic", "topic_graph", "institution", "institution_graph",
        "slice", "accuracy", "ledger", "topic_people", "institution_people",
        "institution_names", "work_linkset", "opensearch", "collection",
        "reviews", "discussion", "person_feed", "topic_feed", "institution_feed", "search_feed",
        "papers_today_feed", "papers_day_feed", "trending_feed",
        "trending", "work_trend",  # of a day (UTC), which they name: at midnight they are `SECONDS` late at most
    }
)  # fmt: skip
# Tables that no page of PAGES reads (a test looks at every statement of such pages): writing to them raises nothing.
PRIVATE = frozenset(
    {
        "account_emailaddress", "account_emailconfirmation", "auth_group", "auth_group_permissions", "auth_permission",
        "django_admin_log", "django_content_type", "django_session", "mfa_authenticator", "profiles_account_groups",
        "profiles_account_user_permissions", "socialaccount_socialaccount",
        "socialaccount_socialapp", "socialaccount_socialtoken", "usersessions_usersession",
        "papers_batch", "papers_batchrecord", "papers_harvest", "papers_host", "papers_journalentry",
        "papers_unanswered", "profiles_apikey",
        "profiles_alert", "profiles_alertreason", "profiles_alertsettings", "profiles_block", "profiles_bulkreview",
        "profiles_caseholder", "profiles_code", "profiles_complaint", "profiles_conversation", "profiles_doubt",
        "profiles_invitation", "profiles_letter", "profiles_message", "profiles_namewatch", "profiles_suspension",
        "profiles_subscriber", "profiles_subscription", "profiles_digest", "profiles_pick",
    }
)  # fmt: skip
# Written to with a click, and shown by some pages: those end, the others stay. No trigger copies from them elsewhere.
LIVELY = (
    "profiles_collection", "profiles_collectionitem", "profiles_follow", "profiles_post", "profiles_reaction",
    "profiles_topicfollow", "profiles_trend",
)  # fmt: skip
SECONDS = 600
AGES = {"home": 60, "accuracy": 60}  # what they count is as old already (`COUNTS_SECONDS`, `DECIDED_SECONDS`)
LARGEST = 128 * 1024  # bytes of a page, compressed
VARIES = ("HTTP_ACCEPT", "HTTP_HX_REQUEST", "HTTP_HX_BOOSTED", "HTTP_HX_HISTORY_RESTORE_REQUEST")
_KNOWN = {"accept", "accept-language", "accept-encoding", "cookie"}
_KNOWN |= {name.removeprefix("HTTP_").replace("_", "-").lower() for name in VARIES}
_SIGNED_IN = re.compile(r'UPDATE "profiles_account" SET "last_login" = \S+ WHERE')
# What Redis calls them: that of all public data, and by its name that of each lively table.
GENERATIONS = {"": "pages:generation"} | {table: f"pages:generation:{table}" for table in LIVELY}
# The lively tables that the statements of the page being made name; None where nobody asks.
_read: ContextVar[set[str] | None] = ContextVar("read", default=None)
_TAKES_GZIP = re.compile(r"\bgzip\b(?!\s*;\s*q=0(?:\.0*)?(?:,|\s|$))")


# --- the generation --------------------------------------------------------------------------------------------------

_TARGET = re.compile(
    r'\b(?:INSERT\s+INTO|UPDATE(?:\s+ONLY)?|DELETE\s+FROM(?:\s+ONLY)?|MERGE\s+INTO|COPY)\s+(?:"?public"?\.)?'
    r'"?(\w+)',
    re.IGNORECASE,
)


def written(sql: str) -> set[str]:
    """The tables that a statement may write to, and perhaps a word more; empty where it only reads.

    >>> written('WITH gone AS (DELETE FROM a RETURNING id) UPDATE "b" SET x = 1 FROM gone') == {"a", "b"}
    True
    >>> written("SELECT 1 FROM a FOR UPDATE"), written("TRUNCATE a, b")
    (set(), {'truncate'})
    """
    verb = sql.lstrip(" \n\t(")[:8].upper()
    if verb.startswith(("SELECT", "SAVEPOIN", "RELEASE", "ROLLBACK", "FETCH", "CLOSE")):
        return set()
    found = {name.lower() for name in _TARGET.findall(sql)} - {"set"}  # ON CONFLICT … DO UPDATE SET
    return found | {"truncate"} if "TRUNCATE" in sql.upper() else found  # it may be of many tables


def watch(connection: BaseDatabaseWrapper, **signal: object) -> None:
    """Let the connection raise the generation by itself: a receiver of `connection_created`."""
    if _watched not in connection.execute_wrappers:
        connection.execute_wrappers.insert(0, _watched)


def _watched(execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:
    result = execute(sql, params, many, context)
    text = sql if isinstance(sql, str) else sql.as_string(None)
    if (read := _read.get()) is not None:
        read.update(table for table in LIVELY if table in text)
    none = _says_how_many(text) and context["cursor"].rowcount == 0
    tables = written(text) - PRIVATE
    if tables and not none and not _SIGNED_IN.match(text):
        database: BaseDatabaseWrapper = context["connection"]
        for table in (tables if tables <= set(LIVELY) else {""}) - _to_raise(database):
            transaction.on_commit(partial(raise_generation, table), using=database.alias)
    return result


def _says_how_many(sql: str) -> bool:
    """Whether `rowcount` is of all that the statement writes; of WITH it is that of its last part."""
    return sql.lstrip()[:6].upper() in {"INSERT", "UPDATE", "DELETE"}


def _has_written(database: BaseDatabaseWrapper) -> bool:
    """Whether the transaction that is open has written to pages. What a savepoint took back, Django has forgotten."""
    return bool(_to_raise(database))


def _to_raise(database: BaseDatabaseWrapper) -> set[str]:
    """The arguments of `raise_generation` that wait for the commit."""
    waiting = (callback[1] for callback in database.run_on_commit)
    return {one.args[0] for one in waiting if isinstance(one, partial) and one.func is raise_generation}


def raise_generation(table: str = "") -> None:
    """Nobody finds any page that was kept until now, or any that read this lively table.

    A random word: where Redis was emptied no number comes again."""
    with contextlib.suppress(RedisError):  # what it still has when it is back, it has not for more than SECONDS
        redis_client().set(GENERATIONS[table], secrets.token_hex(8))


# --- middleware ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Place:
    """Where Redis keeps the answer to a request: its key there, what the answer begins with to be this one's, the
    generations of lively tables, and the headers and compressed body where it is `kept` and still true."""

    key: str
    stamp: bytes
    lively: dict[str, str]
    kept: tuple[dict[str, str], bytes] | None


class KeepPages:
    """The first middleware: answers a kept page before any other has looked at the request, and keeps what all the
    others have finished."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        place = _find(request) if _may_be_shared(request) else None
        if place is None:
            return self.get_response(request)
        if place.kept is not None:
            return _answer(request, *place.kept)
        asking = _read.set(read := set[str]())
        try:
            response = self.get_response(request)
        finally:
            _read.reset(asking)
        name = request.resolver_match.view_name if request.resolver_match else ""
        if name not in PAGES or not isinstance(response, HttpResponse) or not _is_shareable(response):
            return response
        patch_cache_control(response, public=True, no_cache=True)
        patch_vary_headers(response, ["Cookie", "Accept-Encoding"])
        body = gzip.compress(response.content, 1, mtime=0)
        response.headers.setdefault("ETag", f'W/"{blake2b(response.content, digest_size=12).hexdigest()}"')
        del response["Content-Length"]
        headers = dict(response.headers)
        if len(body) <= LARGEST and request.method == "GET" and not _has_written(connection):
            head = json.dumps([headers, {table: place.lively[table] for table in read}]).encode()
            with contextlib.suppress(RedisError):
                page = b"".join((place.stamp, head, b"\n", body))
                redis_client().set(place.key, page, ex=AGES.get(name, SECONDS))
        return _answer(request, headers, body)


def _find(request: HttpRequest) -> _Place | None:
    """In one round trip. None where Redis is away, or the host is not ours."""
    try:
        asked = _key(request)
        key = f"pages:{int.from_bytes(asked[:6]) % settings.PAGES_KEPT}"
        redis = redis_client()
        generation, *words, found = cast(list[bytes | None], redis.mget(*GENERATIONS.values(), key))
        if generation is None:
            redis.set(GENERATIONS[""], secrets.token_hex(8), nx=True)
            generation = cast(bytes, redis.get(GENERATIONS[""]))
    except (DisallowedHost, RedisError):
        return None
    stamp, kept = generation + asked, None
    lively = {table: (word or b"").decode() for table, word in zip(LIVELY, words, strict=True)}
    if found is not None and found.startswith(stamp):
        head, _, body = found.removeprefix(stamp).partition(b"\n")
        headers, of_tables = json.loads(head)
        kept = (headers, body) if of_tables.items() <= lively.items() else None
    return _Place(key, stamp, lively, kept)


def _may_be_shared(request: HttpRequest) -> bool:
    """Whether who asks gets what every visitor gets."""
    personal = {settings.SESSION_COOKIE_NAME, settings.LANGUAGE_COOKIE_NAME, "messages"}
    return (
        settings.PAGES_KEPT > 0
        and request.method in {"GET", "HEAD"}
        and not request.path.startswith((settings.STATIC_URL, *OPEN))  # where no page is: Redis need not be asked
        and personal.isdisjoint(request.COOKIES)
        and "HTTP_AUTHORIZATION" not in request.META
        and not _has_written(connection)
    )


def _is_shareable(response: HttpResponse) -> bool:
    """Whether an answer is for everybody, and depends on nothing that `_key` leaves out."""
    vary = {name.strip().lower() for name in response.get("Vary", "").split(",")} - {""}
    return (
        response.status_code == 200
        and not response.cookies
        and not {"Cache-Control", "Content-Encoding"} & response.headers.keys()
        and vary <= _KNOWN
    )


def _key(request: HttpRequest) -> bytes:
    """(16 bytes) The address with its host and query, the language, and the headers that change an answer."""
    asked = (request.META.get(name, "") for name in VARIES)
    parts = (request.build_absolute_uri(), get_language_from_request(request), *asked)
    return blake2b("\0".join(parts).encode(), digest_size=16).digest()


def _answer(request: HttpRequest, headers: dict[str, str], body: bytes) -> HttpResponseBase:
    """The page, or 304 where who asks has it; `body` is compressed, and sent so to those who take it."""
    response = HttpResponse(body, headers=headers)
    if _TAKES_GZIP.search(request.META.get("HTTP_ACCEPT_ENCODING", "")):
        response["Content-Encoding"] = "gzip"
    else:
        response.content = zlib.decompress(body, wbits=31)
    response["Content-Length"] = str(len(response.content))
    return cast(HttpResponseBase, get_conditional_response(request, etag=headers["ETag"], response=response))
