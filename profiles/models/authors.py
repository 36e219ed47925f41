"""Authors: people as far as the records show, the names they go by, and what their owners say of themselves."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models.expressions import RawSQL
from django.urls import reverse
from django.utils.text import slugify
from django.utils.translation import pgettext_lazy

from papers.models import Signature

from .accounts import Account


class AuthorQuerySet(models.QuerySet["Author"]):
    """Questions asked of authors."""

    def listed(self) -> AuthorQuerySet:
        """Those that lists, searches, graphs and feeds show: with works, merged into nobody, and not hidden."""
        return self.filter(merged_into=None, works_count__gt=0, visibility=Author.Visibility.PUBLIC)

    def keeping_their_ids(self) -> AuthorQuerySet:
        """Those whom the matcher merges into nobody (`Author.keeps_its_id`)."""
        hidden = ~models.Q(visibility=Author.Visibility.PUBLIC) | models.Q(hides_printed=True)
        return self.filter(models.Q(account__isnull=False) | hidden)


class Author(models.Model):
    """A person as far as the records show: the signatures assigned to one `Author` are held to be one person's.

    The counts and years are computed from the assignments for the pages that read them.
    """

    class Visibility(models.TextChoices):
        PUBLIC = "public", pgettext_lazy("visibility", "public")
        NOTICE = "notice", pgettext_lazy("visibility", "a notice that search engines do not keep")
        GONE = "gone", pgettext_lazy("visibility", "gone (410)")

    PAGES = frozenset(
        {
            "circles",
            "claim",
            "coauthors",
            "edit",
            "follow",
            "graph",
            "history",
            "invite",
            "mine",
            "name",
            "rights",
            "trust",
        }
    )

    name = models.TextField(help_text="the fullest form printed, most frequent first; or the preferred name")
    preferred_name = models.TextField(blank=True, help_text="set by a change set; what is printed stays as it is")
    works_count = models.PositiveIntegerField(default=0)
    topics_count = models.PositiveIntegerField(default=0)
    first_year = models.PositiveSmallIntegerField(null=True)
    last_year = models.PositiveSmallIntegerField(null=True)
    affiliation = models.TextField(blank=True, help_text="as printed on the newest paper that prints one")
    bio = models.TextField(blank=True)
    open_to_collaborate = models.BooleanField(default=True)
    account = models.OneToOneField(Account, on_delete=models.SET_NULL, null=True, blank=True, related_name="author")
    visibility = models.CharField(
        max_length=8,
        choices=Visibility,
        default=Visibility.PUBLIC,
        help_text="what is not public is a notice: in no list, search, graph or feed; the matcher still knows it",
    )
    hides_printed = models.BooleanField(
        default=False,
        help_text="the owner changed the name: what papers print is a private key of the matcher, and shown nowhere",
    )
    merged_into = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, blank=True)
    anchor = models.ForeignKey(
        Signature,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        db_index=False,
        related_name="+",
        help_text="the signature that the id follows, once somebody has claimed the author or decided about it",
    )
    stale = models.BooleanField(default=True, help_text="counts, coauthorships and trust are to be computed again")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = AuthorQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["-works_count", "id"], name="author_most_works"),
            models.Index(fields=["id"], name="author_stale", condition=models.Q(stale=True)),
            models.Index(fields=["anchor"], name="author_anchor", condition=models.Q(anchor__isnull=False)),
            models.Index(fields=["id"], name="author_hidden", condition=~models.Q(visibility="public")),
            models.Index(fields=["id"], name="author_hiding", condition=models.Q(hides_printed=True)),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """Without the slug, which is a name, where the record is hidden."""
        return reverse("person", args=[self.pk, self.slug] if self.is_public else [self.pk])

    @property
    def slug(self) -> str:
        """For reading only: the id decides. Never a word that names another page of the person."""
        slug = slugify(self.name)[:80].strip("-") or "person"
        return f"{slug}-" if slug in self.PAGES else slug

    @property
    def is_claimed(self) -> bool:
        return self.account_id is not None

    @property
    def is_public(self) -> bool:
        return self.visibility == self.Visibility.PUBLIC

    @property
    def keeps_its_id(self) -> bool:
        """Whether the matcher merges it into no other author: it is held, or it or its printed name is hidden."""
        return self.is_claimed or self.hides_printed or not self.is_public

    @property
    def with_merged(self) -> RawSQL:
        """The ids of this author and of all that were merged into it, as the rows of a subquery."""
        return RawSQL(
            """WITH RECURSIVE was(id) AS (
                   SELECT %s::bigint
                    UNION SELECT a.id FROM profiles_author a JOIN was ON a.merged_into_id = was.id
               ) SELECT id FROM was""",
            [self.pk],
        )


class Renaming(models.Model):
    """An owner gave the author another name. `old` is private: by it the name is recognised where it must not be shown.

    An empty `new` gave back what is printed.
    """

    author = models.ForeignKey(Author, on_delete=models.CASCADE, related_name="renamings")
    account = models.ForeignKey(Account, on_delete=models.SET_NULL, null=True, related_name="+")
    old = models.TextField()
    new = models.TextField(blank=True)
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["author", "-at"], name="renaming_newest")]

    def __str__(self) -> str:
        return f"renaming #{self.pk} of {self.author_id}"


class NameVariantQuerySet(models.QuerySet["NameVariant"]):
    """Questions asked of printed forms."""

    def public(self) -> NameVariantQuerySet:
        """Those of authors whom a search may name."""
        return self.filter(author__merged_into=None, author__visibility=Author.Visibility.PUBLIC)


class NameVariant(models.Model):
    """A form in which an author's name was printed, folded for search, with the number of works that print it.

    A preferred name that no work prints is a variant too, of no works, so that people find it. Of an author who hides
    what is printed it is the only one.
    """

    author = models.ForeignKey(Author, on_delete=models.CASCADE, related_name="variants")
    printed = models.TextField()
    folded = models.TextField(help_text="given names, then family name")
    family_key = models.TextField()
    surname_key = models.TextField()
    works = models.PositiveIntegerField()

    objects = NameVariantQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["author", "printed"], name="namevariant_once")]
        indexes = [
            models.Index(fields=["folded"], name="namevariant_folded"),
            models.Index(fields=["family_key"], name="namevariant_family"),
            models.Index(fields=["surname_key", "-works"], name="namevariant_surname_works"),
            GinIndex(OpClass("folded", name="gin_trgm_ops"), name="namevariant_trigram"),
        ]

    def __str__(self) -> str:
        return self.printed


class OwnWords(models.Model):
    """What an owner says about themselves, and what they keep off their page. Emptied when the claim ends."""

    class Order(models.TextChoices):
        AS_PRINTED = "", pgettext_lazy("name order", "as printed")
        GIVEN_FIRST = "given", pgettext_lazy("name order", "given name, then family name")
        FAMILY_FIRST = "family", pgettext_lazy("name order", "family name, then given name")

    class Hidden(models.TextChoices):
        """Parts of the page that an owner may keep off it."""

        AFFILIATION = "affiliation", pgettext_lazy("part of a page", "affiliation")
        BIO = "bio", pgettext_lazy("part of a page", "about me")
        PRONOUNS = "pronouns", pgettext_lazy("part of a page", "pronouns")
        NATIVE_NAME = "native_name", pgettext_lazy("part of a page", "name in its own script")
        LINKS = "links", pgettext_lazy("part of a page", "links")
        IDENTIFIERS = "identifiers", pgettext_lazy("part of a page", "identifiers")
        WORKS = "works", pgettext_lazy("part of a page", "number of works")
        FOLLOWERS = "followers", pgettext_lazy("part of a page", "number of followers")
        TOPICS = "topics", pgettext_lazy("part of a page", "number of topics")
        COLLABORATORS = "collaborators", pgettext_lazy("part of a page", "number of close collaborators")

    author = models.OneToOneField(Author, on_delete=models.CASCADE, related_name="own_words")
    name_order = models.CharField(max_length=6, choices=Order, blank=True)
    native_name = models.CharField(max_length=200, blank=True)
    native_language = models.CharField(max_length=12, blank=True, help_text="of the native name, as BCP 47")
    pronouns = models.CharField(max_length=40, blank=True)
    links = models.JSONField(default=list, help_text="[{label, url}], in order")
    featured = ArrayField(models.BigIntegerField(), default=list, help_text="ids of papers, in order")
    hidden = ArrayField(models.CharField(max_length=16), default=list, help_text="of `Hidden`")

    def __str__(self) -> str:
        return f"own words of {self.author_id}"


class OwnAffiliation(models.Model):
    """An affiliation as its owner states it, apart from what papers print."""

    author = models.ForeignKey(Author, on_delete=models.CASCADE, related_name="own_affiliations")
    institution = models.CharField(max_length=200)
    role = models.CharField(max_length=120, blank=True)
    from_year = models.PositiveSmallIntegerField(null=True, blank=True)
    to_year = models.PositiveSmallIntegerField(null=True, blank=True, help_text="none: still there")

    class Meta:
        ordering = [models.F("to_year").desc(nulls_first=True), models.F("from_year").desc(nulls_last=True), "pk"]

    def __str__(self) -> str:
        return self.institution
