"""Any other Django command, with the servers it needs: those of a running `up`, or its own for as long as it runs.

A command that needs none says so in its class (`needs_services`, False or a question of its arguments); Django's own
are listed below.
Entry point: `run`.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from types import FrameType

import django
from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line, get_commands, load_command_class

from .services import ServiceError, Services

# Django's commands that read files and settings only. (makemigrations compares with the database.)
NEED_NOTHING = frozenset(
    {
        "check",
        "collectstatic",
        "compilemessages",
        "diffsettings",
        "findstatic",
        "help",
        "makemessages",
        "startapp",
        "startproject",
        "version",
    }
)


def run(arguments: Sequence[str]) -> int:
    """Run `manage.py ARGUMENTS` as Django would; returns the exit code. Failures to start are told on stderr."""
    try:
        services = Services()
        services.configure()
        django.setup()
        if not (services.urls() and needs_services(arguments)):
            execute_from_command_line(["manage.py", *arguments])
            return 0
        return _run_with(services, arguments)
    except (ServiceError, ImproperlyConfigured) as error:
        print(error, file=sys.stderr)
        return 1


def needs_services(arguments: Sequence[str]) -> bool:
    """Does this command line need the database or the broker?"""
    name = arguments[0] if arguments else "help"
    if name.startswith("-") or name in NEED_NOTHING or {"--help", "-h", "--version"} & set(arguments):
        return False
    app = get_commands().get(name)
    if app is None:  # Django will say so
        return False
    command = load_command_class(app, name) if isinstance(app, str) else app
    needs = getattr(command, "needs_services", True)
    return bool(needs(arguments[1:]) if callable(needs) else needs)


def _run_with(services: Services, arguments: Sequence[str]) -> int:
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)
    try:
        services.start_or_join(f"manage.py {arguments[0]}")
        execute_from_command_line(["manage.py", *arguments])
        services.wait_for_guests()
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)  # nothing may interrupt the stopping
        services.stop()
    return 0


def _leave(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)
