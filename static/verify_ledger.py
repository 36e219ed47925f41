"""Check the public ledger of BZPEER without BZPEER: each hash, the chain, and the score of a person at any date.

python3 verify_ledger.py [--person ID] [--on DATE] [--head NUMBER:HASH] PLACE …    (a file, an address, or - for stdin)
HASH is one that you kept, which the ledger must still hold. Exit code 1 where anything is wrong. Needs Python alone."""

import json
import re
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Iterator
from hashlib import sha256
from typing import Any
from urllib.parse import urljoin
from urllib.request import urlopen


def hashed(*parts: Any) -> str:
    texts = (part if isinstance(part, str) else json.dumps(part, separators=(",", ":")) for part in parts)
    return sha256("".join(texts).encode()).hexdigest()


def lines(place: str) -> Iterator[str | bytes]:
    while place.startswith(("http://", "https://")):  # each part of the export names the next
        with urlopen(place) as answer:  # noqa: S310
            yield from answer
            following = re.search(r'<([^>]+)>; rel="next"', answer.headers.get("Link") or "")
        if following is None:
            return
        place = urljoin(place, following[1])
    with sys.stdin if place == "-" else open(place, encoding="utf-8") as file:  # noqa: PTH123
        yield from file


options = ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter)
options.add_argument("places", nargs="+", metavar="PLACE")
options.add_argument("--person", type=int)
options.add_argument("--on", default="9999-12-31")
options.add_argument("--head")
asked = options.parse_args()
seq, before, points, wrong, kept = 0, "0" * 64, dict[str, int](), 0, not asked.head
for line in (line for place in asked.places for line in lines(place)):
    e = json.loads(line)
    digest = e["digest"] if "digest" in e else hashed(e["salt"], e["sources"])
    told = [e["seq"], e["author"], e["rule"], e["model"], e["points"], digest, e["at"], e["previous"]]
    faults = ["is not as it was written"] if e["hash"] != hashed(told) else []
    faults += [f"does not follow entry {seq}"] if (e["seq"], e["previous"]) != (seq + 1, before) else []
    for fault in faults:
        print(f"Entry {e['seq']} {fault}.")
    wrong += len(faults)
    seq, before = e["seq"], e["hash"]
    kept = kept or asked.head == f"{seq}:{before}"
    if e["author"] == asked.person and e["at"][:10] <= asked.on:
        points[e["rule"]] = e["points"]
if asked.person:
    print(f"Person {asked.person}: {sum(points.values())} of 100", points)
if not kept:
    print(f"The entry {asked.head} that you kept is not in it.")
print("OK:" if kept and not wrong else f"{wrong} faults:", f"{seq} entries, head {seq}:{before}")
sys.exit(bool(wrong or not kept))
