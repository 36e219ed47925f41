"""What an OAI-PMH request asks for, or which of the protocol's errors it is.

Problem: arguments come repeated, unknown, in mixed granularities, with dates that no calendar has, and with tokens from
elsewhere. Idea: one table says what each verb takes; a resumption token is the whole request and the place where its
list went on, signed, so that nothing is kept for it. Entry points: `read`, `Asked.token`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core import signing

VALID_FOR = timedelta(days=1)  # of a token
GRANULARITY = "YYYY-MM-DDThh:mm:ssZ"

# By verb: arguments that must stand, and that may; a token stands alone.
_ARGUMENTS: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    "Identify": (frozenset(), frozenset()),
    "ListMetadataFormats": (frozenset(), frozenset({"identifier"})),
    "ListSets": (frozenset(), frozenset()),
    "ListIdentifiers": (frozenset({"metadataPrefix"}), frozenset({"from", "until", "set"})),
    "ListRecords": (frozenset({"metadataPrefix"}), frozenset({"from", "until", "set"})),
    "GetRecord": (frozenset({"identifier", "metadataPrefix"}), frozenset()),
}
_RESUMED = frozenset({"ListSets", "ListIdentifiers", "ListRecords"})
_SET = re.compile(r"[A-Za-z0-9_.!~*'()-]+(?::[A-Za-z0-9_.!~*'()-]+)*")
_MOMENT = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(T[0-9]{2}:[0-9]{2}:[0-9]{2}Z)?")
_SALT = "papers.providing"


class Refused(Exception):
    """One of the protocol's errors, by its code; the text is a sentence."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that the protocol allows. `until` is the moment after the last one asked for.

    `at` and `key` are the datestamp and the id (of a set: "", its slug) after which the list goes on, `done` the
    records before that, `size` how many the list had at its begin, where they were counted.
    """

    verb: str
    prefix: str = ""
    identifier: str = ""
    since: datetime | None = None
    until: datetime | None = None
    set: str = ""
    resumed: bool = False
    at: datetime | None = None
    key: str = ""
    done: int = 0
    size: int | None = None

    def token(self, at: datetime | None, key: str, done: int, size: int | None) -> str:
        """What asks for the rest of the list."""
        told = asdict(replace(self, resumed=True, at=at, key=key, done=done, size=size))
        kept = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in told.items()}
        return signing.dumps({name: value for name, value in kept.items() if value not in (None, "")}, salt=_SALT)


def read(given: Mapping[str, Sequence[str]]) -> Asked:
    """The request of these arguments, each with all its values; raises `Refused`."""
    verbs = given.get("verb", ())
    if len(verbs) != 1 or verbs[0] not in _ARGUMENTS:
        raise Refused("badVerb", "The verb is missing, repeated or unknown.")
    verb = verbs[0]
    rest = {name: values for name, values in given.items() if name != "verb"}
    if any(len(values) != 1 for values in rest.values()):
        raise Refused("badArgument", "An argument is repeated.")
    arguments = {name: values[0] for name, values in rest.items()}
    if "resumptionToken" in arguments and verb in _RESUMED:
        if len(arguments) > 1:
            raise Refused("badArgument", "A resumption token stands alone.")
        return _resumed(verb, arguments["resumptionToken"])
    required, optional = _ARGUMENTS[verb]
    if arguments.keys() - required - optional:
        raise Refused("badArgument", f"{verb} does not take one of the arguments.")
    if missing := required - arguments.keys():
        raise Refused("badArgument", f"{verb} needs {' and '.join(sorted(missing))}.")
    since, until = _dates(arguments.get("from"), arguments.get("until"))
    wanted = arguments.get("set", "")
    if "set" in arguments and not _SET.fullmatch(wanted):
        raise Refused("badArgument", "The set is not written as sets are.")
    return Asked(
        verb,
        prefix=arguments.get("metadataPrefix", ""),
        identifier=arguments.get("identifier", ""),
        since=since,
        until=until,
        set=wanted,
    )


def _resumed(verb: str, token: str) -> Asked:
    try:
        told: dict[str, Any] = signing.loads(token, salt=_SALT, max_age=VALID_FOR)
    except (signing.BadSignature, ValueError, UnicodeError):
        raise Refused("badResumptionToken", "The resumption token is not one of this repository, or expired.") from None
    if told["verb"] != verb:
        raise Refused("badResumptionToken", "The resumption token is one of another verb.")
    for moment in {"since", "until", "at"} & told.keys():
        told[moment] = datetime.fromisoformat(told[moment])
    return Asked(**told)


def _dates(since: str | None, until: str | None) -> tuple[datetime | None, datetime | None]:
    """From this moment, and before that one."""
    read = [_moment(text) if text is not None else None for text in (since, until)]
    (first, last) = read
    if first and last:
        if first[1] != last[1]:
            raise Refused("badArgument", "The two dates are of different granularity.")
        if first[0] > last[0]:
            raise Refused("badArgument", "The first date lies after the last.")
    try:
        end = last[0] + last[1] if last else None
    except OverflowError:  # the last day of the year 9999
        end = None
    return first[0] if first else None, end


def _moment(text: str) -> tuple[datetime, timedelta]:
    """A date and how long it lasts: a day or a second."""
    match = _MOMENT.fullmatch(text)
    try:
        if match is None:
            raise ValueError
        day, clock = match.groups()
        return datetime.fromisoformat(day + (clock or "T00:00:00Z")).astimezone(UTC), timedelta(
            seconds=1 if clock else 86_400
        )
    except (ValueError, OverflowError):
        raise Refused("badArgument", f"A date is not of the form YYYY-MM-DD or {GRANULARITY}.") from None
