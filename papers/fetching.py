"""Fetching over HTTP from hosts that staff name, made so that it cannot be turned against the network it runs in.

Problem: an endpoint, a redirect or a name whose address changes between check and use can point a server at its own
database, at a cloud's metadata service, or at a file; a body can be endless, slow, or unpack into terabytes.

Idea: one door that can only do the safe thing. Only http and https, only hosts on the caller's list, no account in the
address. The name is resolved here, every address of it must be public, and the connection is made to the very address
that was checked; TLS still asks for the name. Redirects are followed by hand and pass the same checks. A body is
counted as it comes, packed and unpacked, and a watchdog ends whatever takes too long. Proxies of the environment are
not used: they would resolve the name again.

What may pass (a busy server, a cut connection) is tried again, as Retry-After asks. All that can go wrong is one
exception, `Unfetched`, whose text is a sentence for the person who wanted the records.
Entry point: `Fetcher.get`.
"""

from __future__ import annotations

import errno
import ipaddress
import re
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from math import inf
from queue import Empty, Queue
from typing import TypeVar
from urllib.parse import urljoin

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, NameResolutionError, ReadTimeoutError
from urllib3.response import BaseHTTPResponse

from papers.streams import MOST_EXPANSION, Refused, UnreadableFile

_MIB = 1024 * 1024
# arXiv's largest page (2,500 records) is 6 MiB; packed, a quarter of that.
LARGEST_BODY = 64 * _MIB
# Bombs unpack a thousand times; short bodies of repeated records may reach a hundred.
_EXPANSION_FLOOR = 4 * _MIB
MOST_REDIRECTS = 3
TRIES = 4
# 5, 10, 20 seconds between tries: a restart of a repository, not an outage, which the schedule waits for.
FIRST_PAUSE = 5.0
# A repository that asks for a longer rest is not asked again in this run.
LONGEST_PAUSE = 600.0
# What a resolver answers it answers in a second; where a person waits for the page, more is not spent on a name.
LOOKUP = 4.0
USER_AGENT = "BZPEER/0.1 (researcher profiles; metadata harvesting)"

_CHUNK = 64 * 1024
_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?|\[[0-9a-f:.]{2,45}\])(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<target>(?:[/?][!-\"$-\[\]-~]*)?)",
    re.IGNORECASE,
)
_NUMBERS = re.compile(r"(?:0x[0-9a-f]*|[0-9]+)", re.IGNORECASE)
_BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})
_MOVED = frozenset({301, 302, 303, 307, 308})

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
T = TypeVar("T")


class Unfetched(UnreadableFile):
    """What was asked for did not come. Where `transient`, it may come later, after `pause` seconds if that was said."""

    def __init__(self, sentence: str, *, transient: bool = False, pause: float | None = None) -> None:
        super().__init__(sentence)
        self.transient, self.pause = transient, pause


class _Again(Unfetched):
    """Worth another try at once."""

    def __init__(self, sentence: str, pause: float | None = None) -> None:
        super().__init__(sentence, transient=True, pause=pause)


@dataclass(frozen=True, slots=True)
class Target:
    """One address, taken apart: `target` is path and query as they are sent."""

    scheme: str
    host: str
    port: int
    target: str

    @property
    def origin(self) -> str:
        """As the Host header names it."""
        usual = {"http": 80, "https": 443}[self.scheme]
        return self.host if self.port == usual else f"{self.host}:{self.port}"


def parse(url: str) -> Target:
    """An http or https address; raises `Unfetched` for any other, and for any that two readers could read differently.

    Refused are accounts ("user@host"), backslashes, blanks, letters beyond ASCII, and numbers that only look like a
    name ("2130706433", "0x7f.1", "127.1").
    """
    match = _URL.fullmatch(url) if len(url) < 8_000 else None
    if match is None:
        scheme = url.split(":")[0][:20]
        if re.fullmatch("[a-zA-Z][a-zA-Z0-9+.-]*", scheme) and scheme.lower() not in {"http", "https"}:
            raise Unfetched(f"An address that begins with “{scheme}:” is not fetched; only http and https are.")
        raise Unfetched(f"“{url[:100]}” is not an address that can be fetched.")
    host = match["host"].lower()
    port = int(match["port"] or {"http": 80, "https": 443}[match["scheme"].lower()])
    labels = host.split(".")
    if not host.startswith("[") and _NUMBERS.fullmatch(labels[-1]) and not _is_dotted(host):
        raise Unfetched(f"“{host}” is a number written like a name.")
    if "" in labels or not 0 < port < 65_536:
        raise Unfetched(f"“{url[:100]}” is not an address that can be fetched.")
    target = match["target"]
    return Target(match["scheme"].lower(), host, port, target if target.startswith("/") else f"/{target}")


def _is_dotted(host: str) -> bool:
    try:
        return str(ipaddress.IPv4Address(host)) == host
    except ValueError:
        return False


def is_public(address: IpAddress) -> bool:
    """Whether the address is somebody's on the open internet, and so is every address that it wraps."""
    if isinstance(address, ipaddress.IPv6Address):
        if address in _NAT64:  # how a network without IPv4 writes the address of one that has no IPv6
            return is_public(ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF))
        wrapped = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
        if address.is_site_local or address.scope_id or not all(is_public(inner) for inner in wrapped if inner):
            return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def is_public_or_loopback(address: IpAddress) -> bool:
    """As `is_public`, and this machine: for an endpoint that is configured to be there, in tests."""
    return address in _LOOPBACK_4 or address == _LOOPBACK_6 or is_public(address)


_LOOPBACK_4 = ipaddress.IPv4Network("127.0.0.0/8")
_LOOPBACK_6 = ipaddress.IPv6Address("::1")


def is_loopback_host(host: str) -> bool:
    """Whether an address names this machine outright, not by way of a name that happens to lead here."""
    with suppress(ValueError):
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    return host == "localhost"


def resolve(host: str, port: int) -> list[str]:
    """Every address of a name, as the system finds them; raises OSError."""
    found = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def resolve_soon(host: str, port: int) -> list[str]:
    """As `resolve`, but given up after `LOOKUP` seconds, where the system's own patience would be half a minute."""
    found: Queue[list[str] | Exception] = Queue()

    def look() -> None:
        try:
            found.put(resolve(host, port))
        except Exception as error:  # raised again below
            found.put(error)

    threading.Thread(target=look, daemon=True).start()
    try:
        answer = found.get(timeout=LOOKUP)
    except Empty:
        raise TimeoutError(f"no address of {host} after {LOOKUP:.0f} seconds") from None
    if isinstance(answer, Exception):
        raise answer
    return answer


@dataclass(frozen=True, slots=True)
class Limits:
    """In seconds and bytes: `connect` for one address, `read` without a byte, `total` for one answer."""

    connect: float = 20.0
    read: float = 90.0  # arXiv puts a page together in up to a minute
    total: float = 300.0
    body: int = LARGEST_BODY
    whole: float = inf  # for everything: names, tries, redirects


@dataclass(frozen=True)
class Fetcher:
    """Fetches from `hosts` and nowhere else.

    `turn` waits until a host may be asked again (requests to one are spaced out by whoever shares the network);
    `sleep` pauses before another try; `allows` judges addresses; `find` resolves names; `types` are the media types
    that are read, any where it is empty; `tries` is how often an address is asked before that is an end.
    """

    hosts: Collection[str]
    turn: Callable[[str], None] = lambda host: None
    sleep: Callable[[float], None] = time.sleep
    allows: Callable[[IpAddress], bool] = is_public
    find: Callable[[str, int], Iterable[str]] = resolve
    limits: Limits = field(default_factory=Limits)
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    tls: ssl.SSLContext | None = None
    types: Collection[str] = ()
    tries: int = TRIES

    def get(self, url: str, read: Callable[[bytes], T], *, also: Collection[int] = ()) -> T:
        """`read` of the body behind `url`, which must come with status 200 or one of `also`.

        A body that `read` cannot read (`UnreadableFile`) came damaged, and is asked for again like one that was cut.
        Raises `Unfetched`, and what `read` raises as `Refused`.
        """
        target, tries, ends = parse(url), 0, time.monotonic() + self.limits.whole
        while True:
            tries += 1
            try:
                return self._read(self._followed(target, also, ends), read)
            except _Again as error:
                pause = FIRST_PAUSE * 2 ** (tries - 1) if error.pause is None else error.pause
                if tries >= self.tries or pause > LONGEST_PAUSE:
                    raise Unfetched(str(error), transient=True, pause=error.pause) from error
                self.sleep(pause)

    def _read(self, body: bytes, read: Callable[[bytes], T]) -> T:
        try:
            return read(body)
        except (Unfetched, Refused):
            raise
        except UnreadableFile as error:
            raise _Again(str(error)) from error

    def _followed(self, target: Target, also: Collection[int], ends: float) -> bytes:
        for _ in range(MOST_REDIRECTS + 1):
            found = self._one(target, also, ends)
            if isinstance(found, bytes):
                return found
            following = parse(urljoin(f"{target.scheme}://{target.origin}{target.target}", found))
            if target.scheme == "https" and following.scheme == "http":
                raise Unfetched(f"{target.host} redirects from https to plain http.")
            if following.port not in {80, 443, target.port}:
                raise Unfetched(f"{target.host} redirects to port {following.port}.")
            target = following
        raise Unfetched(f"{target.host} redirects more than {MOST_REDIRECTS} times.")

    def _one(self, target: Target, also: Collection[int], ends: float) -> bytes | str:
        """The body, or where it has moved to. `ends` is on the monotonic clock."""
        if target.host not in self.hosts:
            raise Unfetched(
                f"{target.host} is not among the hosts that may be asked ({', '.join(sorted(self.hosts))})."
            )
        self.turn(target.host)
        addresses = self._addresses(target)
        left = min(self.limits.total, ends - time.monotonic())
        if left <= 0:
            raise Unfetched(self._too_late(target), transient=True)
        line, late = _Line(), threading.Event()

        def cut() -> None:
            late.set()
            line.cut()

        watchdog = threading.Timer(left, cut)
        watchdog.daemon = True
        watchdog.start()
        connection: HTTPConnection | None = None
        try:
            connection = self._connected(target, addresses, line, min(self.limits.connect, left))
            headers = {
                "Host": target.origin,
                "User-Agent": USER_AGENT,
                "Accept-Encoding": "gzip",
                "Connection": "close",
            }
            connection.request("GET", target.target, headers=headers, preload_content=False, decode_content=False)
            answer = self._answer(target, connection.getresponse(), also)
            if late.is_set():  # an answer of no stated length looks whole wherever it is cut
                raise _Again(self._too_late(target))
            return answer
        except Unfetched as error:
            if late.is_set():
                raise _Again(self._too_late(target)) from error
            raise
        except (TimeoutError, ReadTimeoutError) as error:
            raise _Again(f"{target.host} sent nothing for {self.limits.read:.0f} seconds.") from error
        except (HTTPError, HTTPException, OSError) as error:
            if late.is_set():
                raise _Again(self._too_late(target)) from error
            raise _Again(f"The connection to {target.host} broke off ({type(error).__name__}).") from error
        finally:
            watchdog.cancel()
            if connection is not None:
                connection.close()
            line.close()

    def _too_late(self, target: Target) -> str:
        return f"{target.host} took more than {min(self.limits.total, self.limits.whole):.0f} seconds for one answer."

    def _addresses(self, target: Target) -> list[str]:
        try:
            found = list(self.find(target.host, target.port))
        except (OSError, UnicodeError) as error:
            raise Unfetched(
                f"The name {target.host} cannot be resolved: is this machine connected to the network?", transient=True
            ) from error
        for address in found:
            # All of them: an honest name has no reason to lead to a private address as well.
            try:
                allowed = self.allows(ipaddress.ip_address(address))
            except ValueError:
                allowed = False
            if not allowed:
                raise Unfetched(f"{target.host} leads to {address}, which is not a public address; it is not asked.")
        if not found:
            raise Unfetched(f"The name {target.host} has no address.", transient=True)
        return found

    def _connected(self, target: Target, addresses: list[str], line: _Line, patience: float) -> HTTPConnection:
        """A connection to the first address that answers, each within `patience` seconds."""
        problem: Exception | None = None
        for address in addresses:
            if target.scheme == "https":
                connection: HTTPConnection = HTTPSConnection(
                    address,
                    target.port,
                    timeout=patience,
                    server_hostname=target.host.strip("[]"),
                    ssl_context=self.tls or ssl.create_default_context(),
                )
            else:
                connection = HTTPConnection(address, target.port, timeout=patience)
            line.watch(connection)
            try:
                connection.connect()
            except ssl.SSLError as error:
                raise Unfetched(f"{target.host} could not show that it is {target.host} ({error.reason}).") from error
            except (HTTPError, OSError) as error:
                problem = error
                connection.close()
                continue
            connection.sock.settimeout(self.limits.read)
            connection.timeout = self.limits.read
            return connection
        raise Unfetched(_unreachable(target, problem), transient=True) from problem

    def _answer(self, target: Target, response: BaseHTTPResponse, also: Collection[int]) -> bytes | str:
        if response.status in _MOVED:
            if location := response.headers.get("Location"):
                return location
            raise Unfetched(f"{target.host} redirects to nowhere.")
        if response.status in _BUSY:
            busy = f"{target.host} is busy or out of order (status {response.status})."
            raise _Again(busy, self._asked_pause(response.headers.get("Retry-After")))
        if response.status != 200 and response.status not in also:
            raise Unfetched(f"{target.host} answers with status {response.status}.")
        media = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if self.types and media not in self.types:
            raise Unfetched(f"{target.host} sends “{media[:60]}” where {' or '.join(sorted(self.types))} was expected.")
        return self._body(target, response)

    def _asked_pause(self, value: str | None) -> float | None:
        """Retry-After in seconds, of either form; None where it is absent or unreadable."""
        value = (value or "").strip()
        if value.isdecimal() and len(value) < 10:
            return float(value)
        try:
            when = parsedate_to_datetime(value)
        except (ValueError, TypeError, IndexError):
            return None
        return max(0.0, ((when if when.tzinfo else when.replace(tzinfo=UTC)) - self.now()).total_seconds())

    def _body(self, target: Target, response: BaseHTTPResponse) -> bytes:
        stated = response.headers.get("Content-Length", "")
        coding = response.headers.get("Content-Encoding", "identity").strip().lower()
        if coding not in {"", "identity", "gzip", "x-gzip"}:
            raise Unfetched(f"{target.host} packs its answer as “{coding[:20]}”; plain and gzip are read.")
        if stated.isdecimal() and len(stated) < 20 and int(stated) > self.limits.body:
            raise Unfetched(self._too_large(target))
        unpacked, body, packed = _Gunzip() if "gzip" in coding else None, bytearray(), 0
        while data := response.read1(_CHUNK):
            packed += len(data)
            for piece in unpacked.feed(data) if unpacked else [data]:
                body += piece
                if len(body) > self.limits.body:
                    raise Unfetched(self._too_large(target))
                if len(body) > _EXPANSION_FLOOR and len(body) > MOST_EXPANSION * packed:
                    raise Unfetched(
                        f"{target.host} sends an answer that unpacks to over {MOST_EXPANSION} times its size."
                    )
        if stated.isdecimal() and packed != int(stated):
            raise _Again(f"The answer of {target.host} is cut short: {packed:,} of {int(stated):,} bytes came.")
        if unpacked and not unpacked.whole:
            raise _Again(f"The answer of {target.host} is cut short: its packing ends before its content does.")
        return bytes(body)

    def _too_large(self, target: Target) -> str:
        return f"{target.host} sends more than {self.limits.body // _MIB} MiB in one answer."


class _Line:
    """A hold on the socket of a connection from before TLS begins, so that it can be cut in the midst of that too.

    TLS and http.client each let go of the socket that they were given; a duplicate stays.
    """

    def __init__(self) -> None:
        self._held: socket.socket | None = None
        self._is_cut = False

    def watch(self, connection: HTTPConnection) -> None:
        """Hold what `connection` opens next, and no longer what was held."""
        opens = connection._new_conn

        def opened() -> socket.socket:
            made = opens()
            self.close()
            self._held = made.dup()
            if self._is_cut:
                self.cut()
            return made

        connection._new_conn = opened  # type: ignore[method-assign]

    def cut(self) -> None:
        """End it in both directions: whoever reads or writes is told at once."""
        self._is_cut = True
        if self._held is not None:
            with suppress(OSError):
                self._held.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        if self._held is not None:
            self._held.close()


class _Gunzip:
    """gzip, unpacked a piece at a time, so that a bomb is noticed before it has gone off."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(zlib.MAX_WBITS | 16)

    @property
    def whole(self) -> bool:
        return self._inner.eof

    def feed(self, data: bytes) -> Iterable[bytes]:
        """Raises `_Again` for damage, which a broken line explains as well as malice."""
        try:
            while data:
                yield self._inner.decompress(data, _MIB)
                data = self._inner.unconsumed_tail
                if self._inner.eof and self._inner.unused_data.strip(b"\0"):
                    data = self._inner.unused_data  # a gzip file may have several members
                    self._inner = zlib.decompressobj(zlib.MAX_WBITS | 16)
        except zlib.error as error:
            raise _Again("The answer is damaged: it cannot be unpacked.") from error


def _unreachable(target: Target, problem: Exception | None) -> str:
    cause = problem.__cause__ if isinstance(problem, HTTPError) else problem
    number = getattr(cause, "errno", None)
    if isinstance(problem, NameResolutionError) or number in {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN}:
        return f"There is no way to {target.host}: is this machine connected to the network?"
    if number == errno.ECONNREFUSED:
        return f"{target.host} refuses connections on port {target.port}."
    return f"{target.host} cannot be reached ({type(cause or problem).__name__})."
