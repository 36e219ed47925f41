"""What the explorer's script says, in the reader's language. Entry point: `words`.

A number of things is a pair (one, many); `{n}`, `{name}` and the like are filled in by the script.
"""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import ngettext


def words() -> dict[str, object]:
    return {
        "person": _("Person"),
        "paper": _("Paper"),
        "topic": _("Topic"),
        "institution": _("Institution"),
        "count": {
            "person": (ngettext("{n} person", "{n} people", 1), ngettext("{n} person", "{n} people", 2)),
            "paper": (ngettext("{n} paper", "{n} papers", 1), ngettext("{n} paper", "{n} papers", 2)),
            "topic": (ngettext("{n} topic", "{n} topics", 1), ngettext("{n} topic", "{n} topics", 2)),
            "institution": (
                ngettext("{n} institution", "{n} institutions", 1),
                ngettext("{n} institution", "{n} institutions", 2),
            ),
        },
        "works": (ngettext("{n} work", "{n} works", 1), ngettext("{n} work", "{n} works", 2)),
        "shared": (
            ngettext("{n} work with {name}", "{n} works with {name}", 1),
            ngettext("{n} work with {name}", "{n} works with {name}", 2),
        ),
        "of": (
            ngettext("{n} work of what lies around {name}", "{n} works of what lies around {name}", 1),
            ngettext("{n} work of what lies around {name}", "{n} works of what lies around {name}", 2),
        ),
        "years": _("Years of its ties: {years}"),
        "published": _("Published {years}"),
        "ties": (
            ngettext("{n} tie in the picture", "{n} ties in the picture", 1),
            ngettext("{n} tie in the picture", "{n} ties in the picture", 2),
        ),
        "cut": _("{shown} of {total}, {order}"),
        "order": {
            "by shared works": _("by shared works"),
            "by works": _("by works"),
            "by works here": _("by works here"),
            "newest first": _("newest first"),
            "in printed order": _("in printed order"),
            "by people in common": _("by people in common"),
            "by name": _("by name"),
        },
        "newest": (
            ngettext("Counted within the newest {n} work.", "Counted within the newest {n} works.", 1),
            ngettext("Counted within the newest {n} work.", "Counted within the newest {n} works.", 2),
        ),
        "names": (
            ngettext("Related through the first {n} name.", "Related through the first {n} names.", 1),
            ngettext("Related through the first {n} name.", "Related through the first {n} names.", 2),
        ),
        "around": _("Around {name}: {cuts}."),
        "title": _("Explore the graph around {name}"),
        "name": _("Research graph around {name}"),
        "loading": _("Loading what is around {name}."),
        "slow": _("This takes longer than usual."),
        "failed": _("What is around {name} did not arrive."),
        "empty": _("Nothing is known around {name}."),
        "emptied": _("Nothing around {name} fits the filters."),
        "full": _("The explorer holds {most} nodes. Not added around {name}: {names}."),
        "and_more": _("{names} and {n} more"),
        "shown": _("{name}: {counts} shown."),
        "added": _("Added around {name}: {counts}."),
        "added_nothing": _("All that is around {name} was here already."),
        "removed": _("Closed {name}: {counts} left the picture."),
        "filtered": _("Filters applied: {counts} shown."),
        "selected": _("{kind} {name}, {ties}"),
        "no_way": _("There is no neighbour in that direction."),
        "nothing_selected": _("Nothing is selected."),
        "copied": _("The link is copied."),
        "not_copied": _("The browser does not let this page copy. The address bar holds the link."),
        "here": _("{name} is in the picture."),
        "expand": _("Expand"),
        "collapse": _("Collapse"),
        "again": _("Try again"),
        "nothing": _("nothing"),
    }
