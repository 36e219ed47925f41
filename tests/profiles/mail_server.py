"""A real SMTP server on this machine whose answers, faults among them, are scripted, and which counts what it accepts.

Entry point: `serving`.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

CUT = "cut"  # the connection, instead of an answer
HANG = "hang"  # for as long as the client waits
CUT_AFTER = "cut after"  # the letter is accepted, and the answer never comes


class Mail:
    """`script` says what is answered at a step ("CONNECT", "MAIL", "RCPT", "DATA", "END"), given the address or the
    letter: an answer of SMTP, one of the above, or "" for the usual. `accepted` are letters, as they came."""

    def __init__(self, script: Callable[[str, str], str] | None = None) -> None:
        self.script = script or (lambda step, about: "")
        self.accepted: list[EmailMessage] = []
        self.envelopes: list[tuple[str, list[str]]] = []
        self.steps: list[str] = []
        self.connections = 0
        self._lock = threading.Lock()

    @property
    def ids(self) -> Counter[str]:
        """How often each letter was accepted, by its Message-ID."""
        with self._lock:
            return Counter(str(letter["Message-ID"]) for letter in self.accepted)

    async def answer(self, server: Any, step: str, about: str) -> str:
        self.steps.append(step)
        said = self.script(step, about)
        if said == HANG:
            await asyncio.sleep(60)
        if said in {CUT, HANG}:
            server.transport.abort()
            return "421 gone"
        return said

    async def handle_MAIL(self, server: Any, session: Session, envelope: Envelope, address: str, options: Any) -> str:
        if said := await self.answer(server, "MAIL", address):
            return said
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server: Any, session: Session, envelope: Envelope, address: str, options: Any) -> str:
        if said := await self.answer(server, "RCPT", address):
            return said
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Session, envelope: Envelope) -> str:
        content = envelope.content
        assert isinstance(content, bytes)
        letter = message_from_bytes(content, policy=policy.SMTP)
        assert isinstance(letter, EmailMessage)
        said = await self.answer(server, "END", str(letter["Subject"]))
        if said and said != CUT_AFTER:
            return said
        with self._lock:
            self.accepted.append(letter)
            self.envelopes.append((envelope.mail_from or "", list(envelope.rcpt_tos)))
        if said == CUT_AFTER:
            server.transport.abort()
        return "250 taken"


class _Server(SMTP):
    """Asks the script at the greeting and at DATA too, where the library's handlers are not asked."""

    mail: Mail

    async def _handle_client(self) -> None:
        self.mail.connections += 1
        if said := await self.mail.answer(self, "CONNECT", ""):
            with contextlib.suppress(ConnectionError):
                await self.push(said)
            if self.transport is not None:
                self.transport.close()
            return
        await super()._handle_client()

    async def smtp_DATA(self, arg: str) -> None:
        if said := await self.mail.answer(self, "DATA", ""):
            await self.push(said)
            return
        await super().smtp_DATA(arg)


@contextlib.contextmanager
def serving(script: Callable[[str, str], str] | None = None) -> Iterator[tuple[Mail, int]]:
    """(the server's side, its port)."""
    mail, loop = Mail(script), asyncio.new_event_loop()

    def factory() -> SMTP:
        server = _Server(mail, hostname="mail.example", loop=loop)
        server.mail = mail
        return server

    listening = loop.run_until_complete(loop.create_server(factory, "127.0.0.1", 0))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield mail, int(listening.sockets[0].getsockname()[1])
    finally:
        loop.call_soon_threadsafe(listening.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
