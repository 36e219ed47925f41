"""What was printed: papers, their topics and signatures, and the batches that brought them in.

Rows here say what a source said. Who is behind a signature is inferred elsewhere (`profiles.Assignment`).
"""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchQuery, SearchVector, SearchVectorField
from django.core.exceptions import ObjectDoesNotExist
from django.db import models
from django.db.models.functions import Coalesce, Left
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from pgvector.django import HalfVectorField, HnswIndex

from .names import split_name


class ClockTimestamp(models.Func):
    """The moment itself, where `Now()` is when the statement came: see `papers.datestamps`."""

    function = "clock_timestamp"
    arity = 0
    output_field = models.DateTimeField()


def _beside_pages(slug: str) -> str:
    """Never a word that names another page of the thing: /works/3/graph/ is the graph around a paper."""
    pages = {"graph", "people", "names", "change", "save", "collect", "react", "trend", "reviews", "discussion"}
    return f"{slug}-" if slug in pages else slug


class Topic(models.Model):
    """A subject by its display name: cs.LG and stat.ML are both "Machine Learning"."""

    name = models.CharField(max_length=120, unique=True)
    slug = models.SlugField(max_length=120, unique=True)

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("topic", args=[self.slug])


class PaperQuerySet(models.QuerySet["Paper"]):
    """Questions asked of papers."""

    def newest_first(self) -> PaperQuerySet:
        """By the date of the latest version known; undated papers last; the id makes the order total."""
        return self.order_by(Coalesce("updated", "created").desc(nulls_last=True), "-pk")

    def matching(self, words: str) -> PaperQuerySet:
        """Papers whose title has every one of `words` (English stems), in no order of its own."""
        return self.filter(search=SearchQuery(words, config="english", search_type="websearch"))

    def with_people(self) -> PaperQuerySet:
        """With topics, and signatures in printed order, each with the author it is attributed to: three queries.

        Without the words for the search, which are longer than all else and which no page shows.
        """
        signatures = Signature.objects.order_by("position").select_related("assignment__author")
        return self.defer("search").prefetch_related("topics", models.Prefetch("signatures", signatures))


class Paper(models.Model):
    """A paper as its sources state it. `title` and `abstract` are as printed, TeX and all; `title_text` is readable."""

    arxiv_id = models.CharField(max_length=32, null=True, unique=True)
    doi = models.CharField(max_length=255, null=True, db_index=True)
    fingerprint = models.CharField(
        max_length=32, db_index=True, help_text="of title and author names; finds records that carry no identifier"
    )
    title = models.TextField()
    title_text = models.TextField()
    abstract = models.TextField(blank=True)
    categories = ArrayField(models.CharField(max_length=64), default=list)
    topics = models.ManyToManyField(Topic, through="PaperTopic", related_name="papers")
    created = models.DateField(null=True, help_text="date of the first version")
    updated = models.DateField(null=True, help_text="date of the latest version")
    day_known = models.BooleanField(default=True)
    versions = models.JSONField(default=list)
    comments = models.TextField(blank=True)
    journal_ref = models.TextField(blank=True)
    license = models.TextField(blank=True)
    source_authors = models.TextField(blank=True, help_text="the author list as one printed string")
    withdrawn = models.BooleanField(default=False)
    source = models.CharField(max_length=32)
    digest = models.BinaryField(
        null=True, editable=False, help_text="of the line that left this row as it is; none where no line did"
    )
    changed_at = models.DateTimeField(
        db_default=ClockTimestamp(), editable=False, help_text="when what is shown of it last changed"
    )
    search = models.GeneratedField(
        # A tsvector has at most 1 MB; no abstract is longer than a few thousand letters, and anybody's text may be.
        expression=SearchVector("title_text", config="english", weight="A")
        + SearchVector(Left("abstract", 20_000), config="english", weight="B"),
        output_field=SearchVectorField(),
        db_persist=True,
    )

    # What a source's daily list states, where `papers.daily` read it.
    listed_votes: int | None = None
    listed_comments: int | None = None

    objects = PaperQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(
                Coalesce("updated", "created").desc(nulls_last=True), models.F("id").desc(), name="paper_newest"
            ),
            GinIndex(fields=["search"], name="paper_search"),
            models.Index(fields=["changed_at", "id"], name="paper_changed"),
            models.Index(fields=["created", "id"], name="paper_created", condition=models.Q(day_known=True)),
        ]

    def __str__(self) -> str:
        return self.title_text

    def get_absolute_url(self) -> str:
        return reverse("work", args=[self.pk, self.slug])

    @property
    def slug(self) -> str:
        """For reading only: the id decides."""
        return _beside_pages(slugify(self.title_text)[:80].strip("-") or "work")

    @property
    def year(self) -> int | None:
        """Year of the latest version, as arXiv's update date gives it."""
        date = self.updated or self.created
        return date.year if date else None

    @cached_property
    def arxiv_url(self) -> str | None:
        return f"https://arxiv.org/abs/{self.arxiv_id}" if self.arxiv_id else None

    @cached_property
    def doi_url(self) -> str | None:
        return f"https://doi.org/{self.doi}" if self.doi else None


class RemovedPaper(models.Model):
    """A paper was here and is no longer; what it said is gone. `topics` are slugs."""

    paper_id = models.BigIntegerField(primary_key=True)
    arxiv_id = models.CharField(max_length=32, null=True)
    doi = models.CharField(max_length=255, null=True)
    topics = ArrayField(models.CharField(max_length=120), default=list)
    removed_at = models.DateTimeField(db_default=ClockTimestamp(), editable=False)

    class Meta:
        indexes = [models.Index(fields=["removed_at", "paper_id"], name="removedpaper_removed")]

    def __str__(self) -> str:
        return f"paper {self.paper_id}, removed"


class PaperEmbedding(models.Model):
    """Where a paper lies by its meaning: near points are near subjects. A paper without one is found by words alone.

    A trigger of the database removes it where the paper's title or abstract changes (`papers.meaning`).
    """

    DIMENSIONS = 384

    paper = models.OneToOneField(Paper, on_delete=models.CASCADE, primary_key=True, related_name="embedding")
    vector = HalfVectorField(dimensions=DIMENSIONS, help_text="of length 1")
    digest = models.BinaryField(db_index=True, help_text="of the model, 4 bytes, and of the text that was embedded")

    class Meta:
        indexes = [HnswIndex(fields=["vector"], name="paperembedding_near", opclasses=["halfvec_cosine_ops"])]

    def __str__(self) -> str:
        return f"embedding of {self.paper_id}"


class PaperTopic(models.Model):
    """A paper is about a topic."""

    paper = models.ForeignKey(Paper, on_delete=models.CASCADE)
    topic = models.ForeignKey(Topic, on_delete=models.CASCADE)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["paper", "topic"], name="papertopic_once")]

    def __str__(self) -> str:
        return f"{self.paper_id} about {self.topic_id}"


class Signature(models.Model):
    """One name as printed on one paper. `printed` is never edited; the parts are a reading of it."""

    paper = models.ForeignKey(Paper, on_delete=models.CASCADE, related_name="signatures")
    position = models.PositiveIntegerField(help_text="from 0, in printed order")
    printed = models.TextField()
    family = models.TextField()
    given = models.TextField(blank=True)
    suffix = models.CharField(max_length=32, blank=True)
    family_key = models.TextField(help_text="folded family name")
    given_key = models.TextField(blank=True, help_text="folded given names")
    surname_key = models.TextField(db_index=True, help_text="equal wherever two family names could be one person's")
    affiliations = ArrayField(models.TextField(), default=list)
    orcid = models.CharField(max_length=19, null=True, db_index=True)
    inferred_orcid = models.CharField(
        max_length=19, null=True, help_text="a source's own guess: for people to look at, no evidence of anything"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["paper", "position"], name="signature_position", deferrable=models.Deferrable.DEFERRED
            )
        ]

    def __str__(self) -> str:
        return self.printed

    @property
    def name(self) -> str:
        """Readable, given names first."""
        return " ".join(part for part in (self.given, self.family, self.suffix) if part)

    @property
    def person_url(self) -> str:
        """The page of whom it is attributed to; "" where that is nobody, or not public."""
        assignment = getattr(self, "assignment", None)
        return assignment.author.get_absolute_url() if assignment and assignment.author.is_public else ""

    @property
    def hides_printed(self) -> bool:
        """Whether it is attributed to an author who lets nobody see the printed name."""
        try:
            return self.assignment.author.hides_printed
        except ObjectDoesNotExist:
            return False

    @property
    def shown_name(self) -> str:
        """What every page, feed and export prints: `name`, or the author's own where the printed one is hidden.

        Load `assignment__author` with whatever prints many.
        """
        return self.assignment.author.name if self.hides_printed else self.name

    @property
    def shown_parts(self) -> tuple[str, str, str]:
        """(family, given, suffix) of `shown_name`."""
        if not self.hides_printed:
            return self.family, self.given, self.suffix
        family, given, suffix = split_name(self.shown_name)
        return (family, given, suffix) if family else (self.shown_name, "", "")


class Institution(models.Model):
    """A place that papers print beside names, in whatever form (`InstitutionName`).

    One that curators merged leads to its heir: no affiliation is at it, and forms that fold to its key are the heir's.
    """

    name = models.TextField(help_text="as first printed, unless a curator said otherwise")
    key = models.CharField(
        max_length=400,
        unique=True,
        null=True,
        help_text="what its forms fold to (papers.affiliations.place_of); none where a curator set it apart",
    )
    merged_into = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="merged")
    signatures = models.ManyToManyField(Signature, through="Affiliation", related_name="institutions")

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("institution", args=[self.pk, self.slug])

    @property
    def slug(self) -> str:
        """For reading only: the id decides."""
        return _beside_pages(slugify(self.name)[:80].strip("-") or "institution")


class InstitutionName(models.Model):
    """A form in which papers print an institution. Its home is where it was put; the heir of that is where it leads."""

    key = models.CharField(max_length=400, unique=True, help_text="folded line: papers.affiliations.key_of")
    printed = models.TextField(help_text="as first printed")
    institution = models.ForeignKey(Institution, on_delete=models.PROTECT, related_name="names")
    held = models.BooleanField(default=False, help_text="a curator said where it belongs, which no rule changes")

    def __str__(self) -> str:
        return self.printed


class InstitutionChange(models.Model):
    """What a curator changed of institutions, with what it takes to undo it (`papers.correcting`)."""

    class Kind(models.TextChoices):
        MOVE = "move", pgettext_lazy("institution", "Forms moved")
        MERGE = "merge", pgettext_lazy("institution", "Merged")
        RENAME = "rename", pgettext_lazy("institution", "Renamed")

    kind = models.CharField(max_length=8, choices=Kind)
    source = models.ForeignKey(Institution, on_delete=models.PROTECT, related_name="changes")
    target = models.ForeignKey(Institution, on_delete=models.PROTECT, null=True, related_name="+")
    before = models.JSONField(default=dict, help_text="the old name, or where each form was: {id: [home, held]}")
    after = models.TextField(blank=True, help_text="the new name")
    reason = models.CharField(max_length=500)
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    made_at = models.DateTimeField(auto_now_add=True)
    undone_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    undone_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.source}"


class Affiliation(models.Model):
    """An institution is printed beside a signature: `Signature.affiliations`, by entity; never one that was merged."""

    signature = models.ForeignKey(Signature, on_delete=models.CASCADE, related_name="+")
    institution = models.ForeignKey(Institution, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["signature", "institution"], name="affiliation_once")]

    def __str__(self) -> str:
        return f"{self.signature_id} at {self.institution_id}"


class DailyListing(models.Model):
    """A paper stood on the list of daily papers of one day."""

    paper = models.ForeignKey(Paper, on_delete=models.CASCADE, related_name="listings")
    day = models.DateField(db_index=True)
    votes = models.PositiveIntegerField(null=True)
    comments = models.PositiveIntegerField(null=True)

    class Meta:
        ordering = ["day"]
        constraints = [models.UniqueConstraint(fields=["paper", "day"], name="dailylisting_once")]

    def __str__(self) -> str:
        return f"{self.paper_id} on {self.day}"


class HarvestQuerySet(models.QuerySet["Harvest"]):
    """Questions asked of harvests."""

    def due(self, now: datetime) -> HarvestQuerySet:
        """Those whose next attempt has come and that nobody works on."""
        running = Batch.objects.running().filter(harvest=models.OuterRef("pk"))
        return self.filter(~models.Exists(running), next_attempt__lte=now)


class Harvest(models.Model):
    """Records of one OAI-PMH repository (or a set of it), fetched by somebody's wish and kept current on a schedule.

    A pass goes over everything that changed since the pass before; where it is stands here, written in the same
    transaction as the records, so that it goes on from there whatever ends it.
    """

    class Prefix(models.TextChoices):
        RAW = "arXivRaw", pgettext_lazy("metadata format", "arXivRaw: all versions and dates (for arXiv)")
        CURRENT = "arXiv", pgettext_lazy("metadata format", "arXiv: names in parts, latest version only")
        DUBLIN_CORE = "oai_dc", pgettext_lazy("metadata format", "oai_dc: what every repository offers")

    endpoint = models.CharField(max_length=300, default="https://oaipmh.arxiv.org/oai")
    prefix = models.CharField(max_length=16, choices=Prefix, default=Prefix.RAW)
    set_spec = models.CharField(_("set"), max_length=100, blank=True, help_text=_("such as cs:cs:LG; empty for all"))
    start = models.DateField(_("from"), null=True, blank=True, help_text=_("records changed on that day or later"))
    until = models.DateField(null=True, blank=True, help_text=_("records changed on that day or earlier"))
    every_hours = models.PositiveIntegerField(
        _("every so many hours"), null=True, blank=True, help_text=_("empty: only when somebody asks for it")
    )

    next_attempt = models.DateTimeField(null=True, blank=True, editable=False, db_index=True)
    token = models.TextField(blank=True, editable=False, help_text="asks for the next page of the pass under way")
    landmark = models.TextField(blank=True, editable=False, help_text="an earlier token, to notice that they go round")
    since = models.DateField(null=True, editable=False, help_text="the pass under way asks from that day on")
    begun_on = models.DateField(null=True, editable=False, help_text="when it began, by the repository's own date")
    reached = models.DateField(null=True, editable=False, help_text="the latest datestamp that it has met")
    in_order = models.BooleanField(default=True, editable=False, help_text="its datestamps have only grown so far")
    pages = models.PositiveIntegerField(default=0, editable=False, help_text="of the pass under way, or the last one")
    records = models.PositiveIntegerField(default=0, editable=False)
    expected = models.PositiveBigIntegerField(null=True, editable=False, help_text="records, where the source says")
    complete_until = models.DateField(null=True, editable=False, help_text="everything that changed before it is in")
    failures = models.PositiveIntegerField(default=0, editable=False, help_text="attempts without a page, in a row")
    problem = models.TextField(blank=True, editable=False, help_text="why the last attempt stopped, as a sentence")

    objects = HarvestQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["endpoint", "prefix", "set_spec"], name="harvest_once")]

    def __str__(self) -> str:
        return " ".join(filter(None, (self.endpoint.split("//")[-1].split("/")[0], self.prefix, self.set_spec)))

    @property
    def is_under_way(self) -> bool:
        """Whether a pass has begun and not ended."""
        return self.begun_on is not None

    def start_over(self) -> None:
        """Forget where it was, for what it asks for is another thing now."""
        self.token = self.landmark = self.problem = ""
        self.begun_on = self.reached = self.since = self.complete_until = None


class Unanswered(models.Model):
    """A paper that arXiv's API was asked about and could not complete; it is not asked again for a while."""

    paper = models.OneToOneField(Paper, on_delete=models.CASCADE, related_name="unanswered")
    asked_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = _("unanswered")

    def __str__(self) -> str:
        return f"{self.paper_id}, {self.asked_at:%Y-%m-%d}"


class Host(models.Model):
    """When a host may next be asked, so that all processes together keep to its pace."""

    name = models.CharField(max_length=260, primary_key=True)
    free_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name


class BatchQuerySet(models.QuerySet["Batch"]):
    """Questions asked of batches."""

    def running(self) -> BatchQuerySet:
        """Those that have not ended, waiting ones among them."""
        return self.exclude(stage__in=Batch.ENDED)

    def begun_with(self, content_key: str, source: str = "") -> Batch | None:
        """The latest import that a command began with this input (as `source`, where given) and did not end."""
        ended = (Batch.Stage.DONE, Batch.Stage.UNDOING, Batch.Stage.UNDONE)
        begun = self.filter(content_key=content_key, file="").exclude(stage__in=ended)
        return (begun.filter(source=source) if source else begun).order_by("pk").last()


class Batch(models.Model):
    """One import: where the records came from, how far it is, and what became of each record."""

    class Stage(models.TextChoices):
        WAITING = "waiting", pgettext_lazy("import", "Waiting for a worker")
        READING = "reading", pgettext_lazy("import", "Reading records")
        RESOLVING = "resolving", pgettext_lazy("import", "Working out who is who")
        GRAPH = "graph", pgettext_lazy("import", "Linking collaborators")
        TRUST = "trust", pgettext_lazy("import", "Computing trust")
        DONE = "done", pgettext_lazy("import", "Done")
        FAILED = "failed", pgettext_lazy("import", "Stopped")
        PREVIEWING = "previewing", pgettext_lazy("import", "Working out what it would change")
        PROPOSED = "proposed", pgettext_lazy("import", "Waiting for a decision")
        DISCARDED = "discarded", pgettext_lazy("import", "Thrown away")
        UNDOING = "undoing", pgettext_lazy("import", "Rolling back")
        UNDONE = "undone", pgettext_lazy("import", "Rolled back")

    # No worker has anything to do: these wait for a person, or for nothing.
    ENDED = (Stage.DONE, Stage.FAILED, Stage.PROPOSED, Stage.DISCARDED, Stage.UNDONE)
    # Nothing of the batch is in the database but what it would do.
    UNAPPLIED = (Stage.PREVIEWING, Stage.PROPOSED, Stage.DISCARDED)

    label = models.CharField(max_length=200)
    file = models.FileField(upload_to="imports/%Y/%m/", blank=True)
    harvest = models.ForeignKey(Harvest, on_delete=models.PROTECT, null=True, blank=True, related_name="batches")
    source = models.CharField(max_length=32, blank=True, help_text="recognised from the content when left empty")
    stage = models.CharField(max_length=16, choices=Stage, default=Stage.WAITING)
    problem = models.TextField(blank=True, help_text="why it stopped, as a sentence")
    content_key = models.CharField(max_length=64, blank=True, db_index=True, help_text="of a command's input")
    checkpoint = models.PositiveBigIntegerField(default=0, help_text="records worked off; a restart goes on after it")
    checksum = models.PositiveBigIntegerField(null=True, editable=False, help_text="CRC-32 of the lines worked off")
    new = models.PositiveIntegerField(default=0)
    updated = models.PositiveIntegerField(default=0)
    unchanged = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)
    undone = models.PositiveIntegerField(default=0, help_text="records rolled back and not brought back since")
    removed_surnames = ArrayField(models.TextField(), default=list, editable=False)
    preview = models.JSONField(null=True, editable=False, help_text="what it would do to authors (`bzpeer.previews`)")
    step_done = models.PositiveBigIntegerField(default=0, help_text="bytes while reading a file, else things")
    step_total = models.PositiveBigIntegerField(default=0, help_text="0 where it is not known")
    step_began = models.DateTimeField(null=True, editable=False)
    step_from = models.PositiveBigIntegerField(default=0, editable=False, help_text="step_done when it began")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    rolled_back_at = models.DateTimeField(null=True, blank=True, help_text="when somebody had the whole of it undone")
    rolled_back_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    objects = BatchQuerySet.as_manager()

    class Meta:
        verbose_name_plural = _("batches")

    def __str__(self) -> str:
        return f"{self.label} #{self.pk}"

    def get_absolute_url(self) -> str:
        return reverse("batch", args=[self.pk])

    @property
    def total(self) -> int:
        """Records met so far; always the sum of the four fates."""
        return self.new + self.updated + self.unchanged + self.refused

    @property
    def is_running(self) -> bool:
        return self.stage not in self.ENDED


class BatchRecord(models.Model):
    """What became of one record of a batch, and what it takes to undo that.

    The ids ascend in the order in which records met a paper. `before` and `after` are states of a paper: its columns,
    `signatures` as whole rows, `topics` as ids, `listings` by day, each only where it differs; `after` of a new paper
    is all of it.
    """

    class Fate(models.TextChoices):
        NEW = "new", pgettext_lazy("record", "New")
        UPDATED = "updated", pgettext_lazy("record", "Updated")
        UNCHANGED = "unchanged", pgettext_lazy("record", "Unchanged")
        REFUSED = "refused", pgettext_lazy("record", "Refused")

    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="records")
    number = models.PositiveBigIntegerField(help_text="place in the input, from 1")
    fate = models.CharField(max_length=10, choices=Fate)
    source_id = models.CharField(max_length=255, blank=True)
    reason = models.TextField(blank=True)
    raw = models.TextField(blank=True, help_text="what was read, for refused records (`jsonlines.RAW_SHOWN`)")
    # A paper that is taken away leaves its id here, by which its address is known to be gone.
    paper = models.ForeignKey(Paper, on_delete=models.DO_NOTHING, null=True, db_constraint=False, db_index=False)
    before = models.JSONField(null=True, help_text="what an update overwrote")
    after = models.JSONField(null=True, help_text="what a rollback took away, or what a preview found would be written")
    rolled_back_at = models.DateTimeField(null=True)
    rolled_back_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+", db_index=False
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["batch", "number"], name="batchrecord_number")]
        indexes = [
            models.Index(fields=["batch", "fate", "number"], name="batchrecord_fate"),
            # Who else vouches for a paper, and whether an address that has no paper once had one.
            models.Index(fields=["paper"], name="batchrecord_paper", condition=models.Q(paper__isnull=False)),
            # What repositories other than arXiv call a record, by which they delete it.
            models.Index(
                fields=["source_id"], name="batchrecord_oai", condition=models.Q(source_id__startswith="oai:")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number}: {self.fate}"

    def get_absolute_url(self) -> str:
        return reverse("batch_record", args=[self.batch_id, self.number])

    @property
    def is_live(self) -> bool:
        """It stands for what it did: nobody rolled it back."""
        return self.rolled_back_at is None


class JournalEntry(models.Model):
    """One thing that somebody did (`papers.journal`). The database refuses to change or delete it."""

    at = models.DateTimeField(auto_now_add=True)
    account_id = models.BigIntegerField(null=True, help_text="none where the program did it by itself")
    account_name = models.CharField(max_length=150, blank=True)
    verb = models.CharField(max_length=40)
    subject_kind = models.CharField(max_length=60, help_text="app.model")
    subject_id = models.BigIntegerField()
    subject = models.CharField(max_length=300, help_text="what it was called then")
    details = models.JSONField(default=dict)

    class Meta:
        verbose_name_plural = _("journal entries")
        indexes = [models.Index(fields=["subject_kind", "subject_id", "id"], name="journal_subject")]

    def __str__(self) -> str:
        return f"{self.account_name or 'BZPEER'} {self.verb} {self.subject}"
