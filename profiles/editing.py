"""Editing: what an owner says about themselves, section by section, and what of it the page shows.

Problem: an owner's words stand beside what papers print and must never pass for it, and a form must change nothing that
it does not name. Idea: the words live in tables of their own (`OwnWords`, `OwnAffiliation`); each section is a form
that lists its fields and writes only those. Entry points: `SECTIONS`, `save`, `own` for the profile.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from papers import journal
from papers.models import Paper
from papers.names import split_name

from . import authors, wording
from .models import Assignment, Author, Claim, OwnAffiliation, OwnWords

LONGEST_BIO = 600
MOST_LINKS, MOST_AFFILIATIONS, MOST_FEATURED = 10, 8, 5
CHOSEN_FROM = 1_000  # the newest works that one can be featured from
# Languages by the code that a page marks the name with (BCP 47).
LANGUAGES = (
    ("", pgettext_lazy("language", "not said")), ("am", pgettext_lazy("language", "Amharic")),
    ("ar", pgettext_lazy("language", "Arabic")), ("hy", pgettext_lazy("language", "Armenian")),
    ("bn", pgettext_lazy("language", "Bengali")), ("bg", pgettext_lazy("language", "Bulgarian")),
    ("zh-Hans", pgettext_lazy("language", "Chinese, simplified")),
    ("zh-Hant", pgettext_lazy("language", "Chinese, traditional")), ("ka", pgettext_lazy("language", "Georgian")),
    ("el", pgettext_lazy("language", "Greek")), ("he", pgettext_lazy("language", "Hebrew")),
    ("hi", pgettext_lazy("language", "Hindi")), ("ja", pgettext_lazy("language", "Japanese")),
    ("kk", pgettext_lazy("language", "Kazakh")), ("ko", pgettext_lazy("language", "Korean")),
    ("fa", pgettext_lazy("language", "Persian")), ("ru", pgettext_lazy("language", "Russian")),
    ("sr", pgettext_lazy("language", "Serbian")), ("ta", pgettext_lazy("language", "Tamil")),
    ("th", pgettext_lazy("language", "Thai")), ("uk", pgettext_lazy("language", "Ukrainian")),
    ("ur", pgettext_lazy("language", "Urdu")), ("vi", pgettext_lazy("language", "Vietnamese")),
)  # fmt: skip


class _Line(forms.CharField):
    """One line, as `wording` reads it."""

    def __init__(self, longest: int, read: Callable[[str, int], str] = wording.line, **more: Any) -> None:
        super().__init__(required=False, **more)
        self.longest, self.read = longest, read
        self.widget.attrs["maxlength"] = longest

    def clean(self, value: Any) -> str:
        return self.read(str(super().clean(value) or ""), self.longest)


class NameForm(forms.Form):
    """How the name is written; the name itself is changed elsewhere."""

    name_order = forms.ChoiceField(
        label=gettext_lazy("Order of my name"), choices=OwnWords.Order, required=False, widget=forms.RadioSelect
    )
    native_name = _Line(120, wording.in_one_script, label=gettext_lazy("My name in its own script"))
    native_language = forms.ChoiceField(label=gettext_lazy("Its language"), choices=LANGUAGES, required=False)
    pronouns = _Line(40, label=gettext_lazy("Pronouns, if you want"))


class AboutForm(forms.Form):
    """A few sentences, and whether invitations are welcome."""

    bio = forms.CharField(label=gettext_lazy("About me"), required=False, widget=forms.Textarea({"rows": 6}))
    open_to_collaborate = forms.BooleanField(label=gettext_lazy("Open to collaborate"), required=False)

    def clean_bio(self) -> str:
        return wording.paragraphs(self.cleaned_data["bio"], LONGEST_BIO)


class AffiliationForm(forms.Form):
    """One place of work or study; without an institution it is left out."""

    institution = _Line(200, label=gettext_lazy("Institution"))
    role = _Line(120, label=gettext_lazy("Role"))
    from_year = forms.IntegerField(label=gettext_lazy("From year"), required=False, min_value=1900)
    to_year = forms.IntegerField(label=gettext_lazy("To year"), required=False, min_value=1900)

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        first, last, latest = given.get("from_year"), given.get("to_year"), timezone.now().year + 10
        if not given.get("institution") and (given.get("role") or first or last) and not self.errors:
            raise ValidationError(_("Name the institution."))
        if any(year and year > latest for year in (first, last)):
            raise ValidationError(_("A year here is at most %(year)s.") % {"year": latest})
        if first and last and last < first:
            raise ValidationError(_("It ends before it begins."))
        return given


class LinkForm(forms.Form):
    """One link; without an address it is left out."""

    label = _Line(60, label=gettext_lazy("Text"))
    url = forms.CharField(label=gettext_lazy("Address"), required=False, max_length=wording.LONGEST_LINK)

    def clean_url(self) -> str:
        return wording.link(self.cleaned_data["url"]) if self.cleaned_data["url"] else ""

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if given.get("label") and not given.get("url") and not self.errors:
            raise ValidationError(_("Type the address of this link."))
        if given.get("url") and not given.get("label"):
            given["label"] = wording.shown_host(given["url"])[:60]
        return given


class FeaturedForm(forms.Form):
    """Up to five of one's works, the first first."""

    def __init__(self, author: Author, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        works = Paper.objects.filter(signatures__assignment__in=_standing(author)).order_by("-created", "-pk")
        chosen = [("", _("none"))] + [
            (str(pk), f"{title[:90]} ({day.year})" if day else title[:90])
            for pk, title, day in works.values_list("pk", "title_text", "created")[:CHOSEN_FROM]
        ]
        for place in range(1, MOST_FEATURED + 1):
            self.fields[f"work_{place}"] = forms.ChoiceField(
                label=_("Place %(n)s") % {"n": place}, choices=chosen, required=False
            )

    @property
    def works(self) -> list[int]:
        return list(dict.fromkeys(int(pk) for pk in self.cleaned_data.values() if pk))


class ShownForm(forms.Form):
    """What is kept off the page."""

    hidden = forms.MultipleChoiceField(
        label=gettext_lazy("Keep off my page"),
        choices=OwnWords.Hidden,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )


Affiliations = forms.formset_factory(
    AffiliationForm, extra=2, max_num=MOST_AFFILIATIONS, absolute_max=MOST_AFFILIATIONS, validate_max=True
)
Links = forms.formset_factory(LinkForm, extra=2, max_num=MOST_LINKS, absolute_max=MOST_LINKS, validate_max=True)

# A section's form, or its formset.
Given = Any


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the edit page: `form` made of (author, words, what was sent or None), `write` of what it holds."""

    slug: str
    label: str | Promise
    about: str | Promise
    form: Callable[[Author, OwnWords, Mapping[str, Any] | None], Given]
    write: Callable[[Author, OwnWords, Given], None]


@transaction.atomic
def save(claim: Claim, section: Section, form: Given) -> None:
    """Write a valid form. The journal says which section, and nothing of what is in it."""
    author = Author.objects.select_for_update().get(pk=claim.author_id)
    words = OwnWords.objects.get_or_create(author=author)[0]
    section.write(author, words, form)
    words.save()
    authors.refresh([author.pk])
    journal.write(claim.account, "edited", author, section=section.slug)


def words_of(author: Author) -> OwnWords:
    """What the owner says, not stored where nothing was said yet."""
    return OwnWords.objects.filter(author=author).first() or OwnWords(author=author)


def _put(words: OwnWords, given: Mapping[str, Any]) -> None:
    for name, value in given.items():
        setattr(words, name, value)


def _about(author: Author, words: OwnWords, form: Given) -> None:
    author.bio, author.open_to_collaborate = form.cleaned_data["bio"], form.cleaned_data["open_to_collaborate"]
    author.save(update_fields=["bio", "open_to_collaborate"])


def _affiliations(author: Author, words: OwnWords, formset: Given) -> None:
    author.own_affiliations.all().delete()
    OwnAffiliation.objects.bulk_create(
        OwnAffiliation(author=author, **given) for given in formset.cleaned_data if given.get("institution")
    )


def _links(author: Author, words: OwnWords, formset: Given) -> None:
    words.links = [{"label": g["label"], "url": g["url"]} for g in formset.cleaned_data if g.get("url")]


def _featured(author: Author, words: OwnWords, form: Given) -> None:
    words.featured = form.works


def _rows(author: Author) -> list[Any]:
    return list(author.own_affiliations.values("institution", "role", "from_year", "to_year"))


SECTIONS = (
    Section(
        "name",
        gettext_lazy("How my name is written"),
        gettext_lazy("Its order, its own script, and pronouns."),
        lambda author, words, sent: NameForm(
            sent, initial={f: getattr(words, f) for f in NameForm.base_fields}, auto_id="%s"
        ),
        lambda author, words, form: _put(words, form.cleaned_data),
    ),
    Section(
        "about",
        gettext_lazy("About me"),
        gettext_lazy("A few sentences in plain text, and whether you are open to collaborate."),
        lambda author, words, sent: AboutForm(
            sent, initial={f: getattr(author, f) for f in AboutForm.base_fields}, auto_id="%s"
        ),
        _about,
    ),
    Section(
        "affiliations",
        gettext_lazy("Affiliations"),
        gettext_lazy("Where you work and worked. The page says that you state them, apart from what papers print."),
        lambda author, words, sent: Affiliations(sent, initial=_rows(author), prefix="places"),
        _affiliations,
    ),
    Section(
        "links",
        gettext_lazy("Links"),
        gettext_lazy("Up to ten. A reader sees where each of them leads."),
        lambda author, words, sent: Links(sent, initial=words.links, prefix="links"),
        _links,
    ),
    Section(
        "featured",
        gettext_lazy("Featured works"),
        gettext_lazy("Up to five of your works, shown before all the others, in your order."),
        lambda author, words, sent: FeaturedForm(
            author, sent, initial={f"work_{n}": pk for n, pk in enumerate(words.featured, 1)}, auto_id="%s"
        ),
        _featured,
    ),
    Section(
        "shown",
        gettext_lazy("What is shown"),
        gettext_lazy("Keep parts and counts off your page. Trust is computed as before."),
        lambda author, words, sent: ShownForm(sent, initial={"hidden": words.hidden}, auto_id="%s"),
        lambda author, words, form: _put(words, form.cleaned_data),
    ),
)
BY_SLUG = {section.slug: section for section in SECTIONS}


# --- the profile -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Link:
    """A link as a reader sees it."""

    label: str
    url: str
    host: str


@dataclass(frozen=True, slots=True)
class Own:
    """What an owner's page shows of the owner's words, and what it keeps off: nothing of both without an owner."""

    name: str = ""
    native_name: str = ""
    native_language: str = ""
    pronouns: str = ""
    affiliations: list[OwnAffiliation] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    featured: list[Assignment] = field(default_factory=list)
    hidden: frozenset[str] = frozenset()

    @property
    def current(self) -> OwnAffiliation | None:
        """Where the owner works now."""
        return next((place for place in self.affiliations if place.to_year is None), None)


def own(author: Author) -> Own:
    """For the profile: no query where nobody holds the record, three where somebody does."""
    if not author.is_claimed:
        return Own()
    words = words_of(author)
    hidden = frozenset(words.hidden)
    return Own(
        name=in_order(author.name, words.name_order),
        native_name="" if "native_name" in hidden else words.native_name,
        native_language=words.native_language,
        pronouns="" if "pronouns" in hidden else words.pronouns,
        affiliations=[] if "affiliation" in hidden else list(author.own_affiliations.all()),
        links=[]
        if "links" in hidden
        else [Link(link["label"], link["url"], wording.shown_host(link["url"])) for link in words.links],
        featured=_chosen(author, words.featured),
        hidden=hidden,
    )


def in_order(name: str, order: str) -> str:
    """The name with its parts in that order; as it is where it cannot be split, or nothing is asked.

    >>> in_order("Xiangning Chen", "family"), in_order("Xiangning Chen", "")
    ('Chen Xiangning', 'Xiangning Chen')
    """
    family, given, suffix = split_name(name)
    if not (order and family and given):
        return name
    parts = (family, given) if order == OwnWords.Order.FAMILY_FIRST else (given, family)
    return " ".join(filter(None, (*parts, suffix)))


def _chosen(author: Author, papers: list[int]) -> list[Assignment]:
    """The assignments of these papers, in their order, as far as they are still the author's."""
    if not papers:
        return []
    found = _standing(author).filter(signature__paper__in=papers).select_related("signature__paper")
    by_paper = {a.signature.paper_id: a for a in found.prefetch_related("signature__paper__topics")}
    return [by_paper[pk] for pk in papers if pk in by_paper]


def _standing(author: Author) -> Any:
    return Assignment.objects.filter(author=author).standing()
