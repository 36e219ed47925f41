"""What a reader may ask of a slice, as the address carries it: at, kind, from, to, weight."""

from __future__ import annotations

from datetime import MAXYEAR
from typing import Any, cast

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from .networks import KINDS, Filters
from .networks.slices import Kind

_KINDS = {
    "person": gettext_lazy("People"),
    "paper": gettext_lazy("Papers"),
    "topic": gettext_lazy("Topics"),
    "institution": gettext_lazy("Institutions"),
}


class SliceForm(forms.Form):
    """Filters of a slice; no kind chosen is every kind. Its fields stand in the address, so that it can be shared."""

    kind = forms.MultipleChoiceField(
        label=gettext_lazy("Show"),
        choices=[(kind, _KINDS[kind]) for kind in KINDS],
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    most = forms.IntegerField(label=gettext_lazy("Most people"), min_value=1, required=False)
    weight = forms.FloatField(label=gettext_lazy("Least weight of a tie"), min_value=0, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, label in (("from", _("From year")), ("to", _("To year"))):  # `from` is a word of Python's
            self.fields[name] = forms.IntegerField(label=label, min_value=1, max_value=MAXYEAR, required=False)

    def clean(self) -> dict[str, Any]:
        found = cast(dict[str, Any], super().clean())
        first, last = found.get("from"), found.get("to")
        if first and last and first > last:
            self.add_error("to", _("The last year comes before the first one."))
        return found

    def filters(self) -> Filters:
        """Of a valid form."""
        found = self.cleaned_data
        kinds = cast("list[Kind]", found["kind"]) or KINDS
        return Filters(frozenset(kinds), found["from"], found["to"], found["weight"] or 0.0)
