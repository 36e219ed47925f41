"""SMTP that asks before the last line of a letter, so that nothing is sent twice.

Problem: between a server's acceptance and our noting it lies a moment in which a worker may die; whoever sends again
then sends twice, and whoever never does loses letters that were never taken (RFC 1047). Idea: up to the last line, a
single dot, a server has accepted nothing. All is transmitted but that line; then the letter says whether it may go
(`before_last_line`, which notes that in the database), and the line follows. So a worker that died before it left a
letter that may be sent again, and one that died after it a letter of which nobody knows. Entry point: `EmailBackend`.
"""

from __future__ import annotations

import contextlib
import smtplib
from collections.abc import Callable
from smtplib import CRLF
from typing import Any

from django.core.mail import EmailMessage
from django.core.mail.backends.smtp import EmailBackend as DjangosBackend

QUITTING = (smtplib.SMTPException, OSError)
_CUT = 421  # the server ends the connection, because it is too old or too busy


class Withheld(Exception):
    """The letter may not go: its last line was not sent, and the connection was cut."""


class _Asking(smtplib.SMTP):
    """`before_last_line` is asked when all of a letter but its last line is transmitted; `asked` says that it was."""

    before_last_line: Callable[[], bool] | None = None
    asked = False

    def data(self, msg: Any) -> tuple[int, bytes]:
        """DATA as smtplib has it, in two steps. Raises `Withheld`."""
        if self.before_last_line is None:
            return super().data(msg)
        self.putcmd("data")
        code, reply = self.getreply()
        if code != 354:
            with contextlib.suppress(smtplib.SMTPServerDisconnected):
                self.rset()  # smtplib forgets it here, and the next letter would be refused as a second sender
            raise smtplib.SMTPDataError(code, reply)
        lines = smtplib._quote_periods(msg)  # type: ignore[attr-defined]
        self.send(lines if lines.endswith(CRLF.encode()) else lines + CRLF.encode())
        self.asked = True
        may_go = False
        try:
            may_go = self.before_last_line()
        finally:
            if not may_go:
                self.close()
        if not may_go:
            raise Withheld
        self.send(f".{CRLF}".encode())
        return self.getreply()


class _AskingOverTls(_Asking, smtplib.SMTP_SSL):
    """The same over TLS from the first byte."""


class EmailBackend(DjangosBackend):
    """Django's, for many letters over one connection: an attribute of a letter, `before_last_line`, is asked so."""

    asks_before_last_line = True
    _used = False

    @property
    def connection_class(self) -> type[smtplib.SMTP]:
        return _AskingOverTls if self.use_ssl else _Asking

    def open(self) -> bool | None:
        """A connection that the server has cut is none."""
        if self.connection is not None and self.connection.sock is None:
            self.connection = None
        opened = super().open()
        self._used = self._used and not opened
        return opened

    def close(self) -> None:
        """However the server takes leave."""
        with contextlib.suppress(*QUITTING):
            super().close()
        self.connection = None

    def _send(self, email_message: EmailMessage) -> bool:
        """Over a connection that served before, a server may have grown tired of it: then over a new one, once."""
        connection = self._ask(email_message)
        try:
            return bool(super()._send(email_message))  # type: ignore[misc]
        except (smtplib.SMTPServerDisconnected, smtplib.SMTPSenderRefused) as error:
            tired = not isinstance(error, smtplib.SMTPSenderRefused) or error.smtp_code == _CUT
            if not (self._used and tired) or connection.asked:
                raise
            self.close()
            self.open()
            self._ask(email_message)
            return bool(super()._send(email_message))  # type: ignore[misc]
        finally:
            self._used = True

    def _ask(self, message: EmailMessage) -> _Asking:
        connection = self.connection
        assert isinstance(connection, _Asking)
        connection.before_last_line, connection.asked = getattr(message, "before_last_line", None), False
        return connection
