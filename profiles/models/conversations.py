"""Direct collaboration: invitations, the conversations that come of them, and what keeps them decent."""

from __future__ import annotations

from django.db import models
from django.urls import reverse
from django.utils.translation import pgettext_lazy

from .accounts import Account
from .authors import Author
from .feedback import Collection, Post


class Invitation(models.Model):
    """An account asks the holder of a record for a conversation. Its text is hostile. Accepted, it is one.

    `token` is the form's own: sent twice, the form makes one invitation. An account that is deleted leaves none behind
    that could be answered.
    """

    class Purpose(models.TextChoices):
        COAUTHOR = "coauthor", pgettext_lazy("purpose", "Write together")
        REVIEW = "review", pgettext_lazy("purpose", "A review")
        QUESTION = "question", pgettext_lazy("purpose", "A question about a work")
        TALK = "talk", pgettext_lazy("purpose", "A talk")
        DATASET = "dataset", pgettext_lazy("purpose", "Data or code")

    class State(models.TextChoices):
        OPEN = "open", pgettext_lazy("invitation", "open")
        ACCEPTED = "accepted", pgettext_lazy("invitation", "accepted")
        DECLINED = "declined", pgettext_lazy("invitation", "declined")
        IGNORED = "ignored", pgettext_lazy("invitation", "ignored")  # the sender goes on seeing it as open
        WITHDRAWN = "withdrawn", pgettext_lazy("invitation", "withdrawn")

    UNANSWERED = (State.OPEN, State.IGNORED)

    author = models.ForeignKey(Author, on_delete=models.PROTECT, related_name="invitations")
    sender = models.ForeignKey(Account, on_delete=models.SET_NULL, null=True, related_name="invitations_sent")
    recipient = models.ForeignKey(Account, on_delete=models.SET_NULL, null=True, related_name="invitations_received")
    purpose = models.CharField(max_length=8, choices=Purpose)
    text = models.TextField(max_length=2_000)
    state = models.CharField(max_length=9, choices=State, default=State.OPEN)
    token = models.UUIDField(unique=True)
    made_at = models.DateTimeField(auto_now_add=True)
    answered_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["sender", "recipient"],
                condition=models.Q(state__in=("open", "ignored")),
                name="invitation_one_unanswered",
            )
        ]
        indexes = [models.Index(fields=["recipient", "state", "-id"], name="invitation_received")]

    def __str__(self) -> str:
        return f"invitation #{self.pk}"

    def get_absolute_url(self) -> str:
        return reverse("invitation", args=[self.pk])


class Conversation(models.Model):
    """What became of an accepted invitation, between its sender and its recipient (of the invitation)."""

    invitation = models.OneToOneField(Invitation, on_delete=models.PROTECT, related_name="conversation")
    began_at = models.DateTimeField()
    latest_at = models.DateTimeField(help_text="the newest message, or the beginning where there is none")
    sender_muted = models.BooleanField(default=False, help_text="who invited wants no mail about it")
    recipient_muted = models.BooleanField(default=False, help_text="who was invited wants no mail about it")
    closed_at = models.DateTimeField(null=True, help_text="somebody left: it is read and not written any more")
    closed_by = models.ForeignKey(Account, on_delete=models.SET_NULL, null=True, related_name="+")

    def __str__(self) -> str:
        return f"conversation #{self.pk}"

    def get_absolute_url(self) -> str:
        return reverse("conversation", args=[self.pk])

    def other_than(self, account: Account) -> Account | None:
        """The other side; None where that account is no more."""
        invitation = self.invitation
        return invitation.recipient if invitation.sender_id == account.pk else invitation.sender

    def mute_of(self, account: Account | None) -> str:
        """The column that says whether this side wants no mail."""
        return "sender_muted" if account and account.pk == self.invitation.sender_id else "recipient_muted"


class Message(models.Model):
    """One message. `token` is the form's own: sent twice, the form writes one message."""

    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="messages")
    sender = models.ForeignKey(Account, on_delete=models.SET_NULL, null=True, related_name="messages")
    recipient = models.ForeignKey(Account, on_delete=models.SET_NULL, null=True, related_name="messages_received")
    text = models.TextField(max_length=10_000)
    token = models.UUIDField(unique=True)
    made_at = models.DateTimeField(auto_now_add=True)
    read_at = models.DateTimeField(null=True, help_text="by the recipient; the sender is not told")
    removed_at = models.DateTimeField(null=True, help_text="by a curator, after a complaint")

    class Meta:
        indexes = [
            models.Index(fields=["conversation", "id"], name="message_order"),
            models.Index(fields=["recipient"], name="message_unread", condition=models.Q(read_at=None)),
        ]

    def __str__(self) -> str:
        return f"message #{self.pk}"


class Block(models.Model):
    """An account wants nothing from another any more."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="blocks")
    blocked = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="blocked_by")
    made_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "blocked"], name="block_once")]

    def __str__(self) -> str:
        return f"{self.account_id} blocks {self.blocked_id}"


class Complaint(models.Model):
    """Who got an invitation or a message, or read a post or a collection, says that it is not decent; a curator looks
    at it, and at nothing else but the few messages before it, where whoever reports it wants them to be read."""

    COLUMNS = ("invitation", "message", "post", "collection")  # one of them is set

    class Kind(models.TextChoices):
        SPAM = "spam", pgettext_lazy("complaint", "Unwanted advertising")
        ABUSE = "abuse", pgettext_lazy("complaint", "Insult, threat or harassment")
        PRETENCE = "pretence", pgettext_lazy("complaint", "Somebody pretends to be another")
        OTHER = "other", pgettext_lazy("complaint", "Something else")

    class State(models.TextChoices):
        OPEN = "open", pgettext_lazy("complaint", "open")
        UPHELD = "upheld", pgettext_lazy("complaint", "upheld")
        DISMISSED = "dismissed", pgettext_lazy("complaint", "dismissed")

    invitation = models.ForeignKey(Invitation, on_delete=models.PROTECT, null=True, related_name="complaints")
    message = models.ForeignKey(Message, on_delete=models.PROTECT, null=True, related_name="complaints")
    post = models.ForeignKey(Post, on_delete=models.CASCADE, null=True, related_name="complaints")
    collection = models.ForeignKey(Collection, on_delete=models.CASCADE, null=True, related_name="complaints")
    reporter = models.ForeignKey(Account, on_delete=models.SET_NULL, null=True, related_name="complaints")
    about = models.ForeignKey(Account, on_delete=models.SET_NULL, null=True, related_name="complaints_about")
    kind = models.CharField(max_length=8, choices=Kind)
    text = models.TextField(max_length=2_000, blank=True)
    quoted = models.TextField(blank=True, help_text="the words of a post or a collection when it was reported")
    shows_before = models.BooleanField(default=False, help_text="the curator may read the messages just before it")
    state = models.CharField(max_length=9, choices=State, default=State.OPEN)
    answer = models.TextField(max_length=2_000, blank=True)
    decided_by = models.ForeignKey(Account, on_delete=models.SET_NULL, null=True, related_name="+")
    made_at = models.DateTimeField(auto_now_add=True)
    decided_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(invitation__isnull=False, message=None, post=None, collection=None)
                | models.Q(invitation=None, message__isnull=False, post=None, collection=None)
                | models.Q(invitation=None, message=None, post__isnull=False, collection=None)
                | models.Q(invitation=None, message=None, post=None, collection__isnull=False),
                name="complaint_about_one",
            ),
            models.UniqueConstraint(
                fields=["invitation", "message", "post", "collection", "reporter"],
                condition=models.Q(state="open"),
                nulls_distinct=False,
                name="complaint_once",
            ),
        ]
        indexes = [models.Index(fields=["id"], name="complaint_open", condition=models.Q(state="open"))]

    def __str__(self) -> str:
        return f"complaint #{self.pk}"

    def get_absolute_url(self) -> str:
        """For whom it is from: the page of what it is about."""
        return reverse(f"complain_{self.column}", args=[getattr(self, f"{self.column}_id")])

    @property
    def is_open(self) -> bool:
        return self.state == self.State.OPEN

    @property
    def column(self) -> str:
        """Of what kind that is which is complained of."""
        return next(name for name in self.COLUMNS if getattr(self, f"{name}_id") is not None)

    @property
    def subject(self) -> Invitation | Message | Post | Collection:
        """What is complained of."""
        found: Invitation | Message | Post | Collection = getattr(self, self.column)
        return found


class Suspension(models.Model):
    """A curator had an account stop inviting and writing, for a time and for a reason. Rows stay."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="suspensions")
    until = models.DateTimeField()
    reason = models.TextField(max_length=2_000, help_text="the account is told")
    objection = models.TextField(max_length=2_000, blank=True, help_text="what the account answers, once")
    complaint = models.ForeignKey(Complaint, on_delete=models.SET_NULL, null=True, related_name="suspensions")
    made_by = models.ForeignKey(Account, on_delete=models.SET_NULL, null=True, related_name="+")
    made_at = models.DateTimeField(auto_now_add=True)
    lifted_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"suspension of {self.account_id} until {self.until:%Y-%m-%d}"
