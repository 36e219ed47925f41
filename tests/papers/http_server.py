"""A real HTTP server on this machine whose answers, faults among them, are scripted; and a scripted OAI-PMH repository.

The shapes are those of arXiv's own server: error documents with status 200, tokens that hold %26, no token element
where all fits one page, and an empty one on the last page.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit
from xml.sax.saxutils import escape

from papers.fetching import Fetcher, Limits, is_public_or_loopback


@dataclass
class Answer:
    """What is sent: `length` is stated instead of the true one; after `cut` bytes the connection is closed; `slow`
    seconds pass before each byte."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    length: int | None = None
    cut: int | None = None
    slow: float = 0.0
    no_length: bool = False


class Server(ThreadingHTTPServer):
    """`answer` gets the path with its query; `requests` are the paths that were asked for, in order."""

    daemon_threads = True

    def __init__(self, answer: Callable[[str], Answer], family: int = socket.AF_INET) -> None:
        self.answer, self.requests, self.heads = answer, list[str](), list[dict[str, str]]()
        self.address_family = family
        super().__init__(("::1" if family == socket.AF_INET6 else "127.0.0.1", 0), _Handler)

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/oai"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is what these tests are about."""


class _Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.server.requests.append(self.path)
        self.server.heads.append(dict(self.headers))
        answer = self.server.answer(self.path)
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if not answer.no_length:
            self.send_header("Content-Length", str(len(answer.body) if answer.length is None else answer.length))
        self.send_header("Connection", "close")
        self.end_headers()
        body = answer.body if answer.cut is None else answer.body[: answer.cut]
        if not answer.slow:
            self.wfile.write(body)
        for at in range(len(body) if answer.slow else 0):
            time.sleep(answer.slow)
            self.wfile.write(body[at : at + 1])
        self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextlib.contextmanager
def serving(answer: Callable[[str], Answer], family: int = socket.AF_INET) -> Iterator[Server]:
    """A server as long as the block runs."""
    with Server(answer, family) as server:
        thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.02), daemon=True)
        thread.start()
        try:
            yield server
        finally:  # else its thread would spin on a closed socket to the end of the run
            server.shutdown()
            thread.join(5)


def scripted(*answers: Answer | bytes) -> Callable[[str], Answer]:
    """One answer after the other; the last one again and again."""
    waiting = [answer if isinstance(answer, Answer) else Answer(answer) for answer in answers]
    return lambda path: waiting.pop(0) if len(waiting) > 1 else waiting[0]


def local(pauses: list[float] | None = None, **more: Any) -> Fetcher:
    """A fetcher that may ask this machine and does not sleep; what it would have slept goes to `pauses`."""
    noted = pauses if pauses is not None else []
    given: dict[str, Any] = {"limits": Limits(connect=5, read=5, total=20)} | more
    return Fetcher(hosts={"127.0.0.1"}, allows=is_public_or_loopback, sleep=noted.append, **given)


# --- OAI-PMH ---------------------------------------------------------------------------------------------------------


def document(inner: str, answered: str = "2026-09-25T00:00:00Z") -> bytes:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/">'
        f'<responseDate>{answered}</responseDate><request verb="ListRecords">http://127.0.0.1/oai</request>{inner}'
        "</OAI-PMH>"
    ).encode()


def error(code: str, message: str = "") -> bytes:
    return document(f'<error code="{code}">{message}</error>')


def record(
    id: str, authors: str = "Ada Lovelace", title: str = "", stamp: str = "2026-09-24", more: str = "", **fields: str
) -> str:
    """One arXivRaw record; `more` is put before the title, further fields after it."""
    given = {"title": title or f"On the matter of {id}", "authors": authors, "categories": "cs.LG"} | fields
    versions = '<version version="v1"><date>Fri, 11 Sep 2026 06:31:45 GMT</date><source_type>D</source_type></version>'
    inner = "".join(
        f"<{name.replace('_', '-')}>{escape(value)}</{name.replace('_', '-')}>" for name, value in given.items()
    )
    return (
        f"<record><header><identifier>oai:arXiv.org:{id}</identifier><datestamp>{stamp}</datestamp>"
        f"<setSpec>cs:cs:LG</setSpec></header><metadata><arXivRaw xmlns='http://arxiv.org/OAI/arXivRaw/'>"
        f"<id>{id}</id>{more or versions}{inner}</arXivRaw></metadata></record>"
    )


def deleted(id: str, stamp: str = "2026-09-24") -> str:
    return (
        f'<record><header status="deleted"><identifier>oai:arXiv.org:{id}</identifier><datestamp>{stamp}</datestamp>'
        "</header></record>"
    )


def listed(*records: str, token: str | None = None, answered: str = "2026-09-25T00:00:00Z") -> bytes:
    """A page of records; `token` None leaves the element out, as where everything fits one page."""
    end = "" if token is None else f'<resumptionToken expirationDate="2026-09-26">{escape(token)}</resumptionToken>'
    return document(f"<ListRecords>{''.join(records)}{end}</ListRecords>", answered)


class Repository:
    """Records by datestamp, `size` a page. `faults` maps the number of a request, from 1, to what is sent instead.

    As on arXiv's server, a token is the query of the next page with `from` moved on and `skip` counted from there.
    """

    def __init__(self, records: list[tuple[str, str]], size: int = 2, faults: dict[int, Answer | bytes] | None = None):
        self.records, self.size, self.faults, self.asked = sorted(records, key=lambda r: r[0]), size, faults or {}, 0

    def __call__(self, path: str) -> Answer:
        self.asked += 1
        if (fault := self.faults.get(self.asked)) is not None:
            return fault if isinstance(fault, Answer) else Answer(fault)
        query = {key: values[0] for key, values in parse_qs(urlsplit(path).query).items()}
        if token := query.get("resumptionToken"):
            query = {key: values[0] for key, values in parse_qs(token.replace("%26", "&").replace("%3D", "=")).items()}
        since, skip = query.get("from", ""), int(query.get("skip", "0"))
        found = [(stamp, xml) for stamp, xml in self.records if stamp >= since]
        if not found:
            return Answer(error("noRecordsMatch"))
        page = found[skip : skip + self.size]
        if skip + self.size >= len(found):
            return Answer(listed(*(xml for _, xml in page), token=None if skip == 0 and not since else ""))
        last = page[-1][0]
        further = sum(stamp == last for stamp, _ in found[: skip + self.size])
        token = quote(f"verb=ListRecords&from={last}&metadataPrefix=arXivRaw&skip={further}", safe="")
        return Answer(listed(*(xml for _, xml in page), token=token))
