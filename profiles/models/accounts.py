"""Accounts, and what is sent to them."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils.functional import cached_property


class Account(AbstractUser):
    """Someone who signs in. The name is opaque unless an administrator gave one: it stands beside public decisions."""

    @cached_property
    def is_entrusted(self) -> bool:
        """May do more than readers and owners may: needs a second factor (`bzpeer.middleware`)."""
        return self.is_staff or self.is_superuser or self.groups.exists() or self.user_permissions.exists()


class Code(models.Model):
    """A single-use code that was sent to an address: only its keyed hash is kept (`profiles.codes`)."""

    purpose = models.CharField(max_length=40, help_text="what it opens, such as “proof 12”")
    hash = models.CharField(max_length=64)
    tries = models.PositiveSmallIntegerField(default=0)
    made_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["purpose", "-id"], name="code_purpose")]

    def __str__(self) -> str:
        return f"code for {self.purpose}"


class Letter(models.Model):
    """A mail to be sent, or sent: written in the transaction of what it tells, delivered by a worker.

    The text is emptied once it is sent or refused, but where mail is kept to be read on this machine
    (`settings.MAIL_KEPT`).
    """

    to = models.EmailField()
    subject = models.CharField(max_length=300)
    text = models.TextField()
    made_at = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField(null=True)
    tries = models.PositiveSmallIntegerField(default=0)
    problem = models.TextField(blank=True, help_text="why the last try failed, as a sentence")
    html = models.TextField(blank=True, help_text="the same, for programs that show pages")
    headers = models.JSONField(default=dict, help_text="beside those of every letter")
    is_bulk = models.BooleanField(default=False, help_text="one of many: letters that somebody waits for go first")
    taken_until = models.DateTimeField(
        null=True, help_text="a worker has it until then, or it is not tried again before that"
    )
    handed_at = models.DateTimeField(
        null=True, help_text="all but its last line was handed over: without `sent_at`, nobody knows whether it went"
    )
    refused_at = models.DateTimeField(null=True, help_text="the mail server refused it for good, or it came back")

    class Meta:
        indexes = [
            models.Index(
                fields=["is_bulk", "id"],
                name="letter_waiting",
                condition=models.Q(sent_at=None, handed_at=None, refused_at=None),
            )
        ]

    def __str__(self) -> str:
        return f"letter #{self.pk}"


class ApiKey(models.Model):
    """A key by which an account's programs ask more of the API than a visitor may. It opens nothing that is private.

    Only its hash is kept: a key has 256 random bits, so that no salt is needed (`profiles.accounts.keys`).
    """

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=60, help_text="the account's own, to tell its keys apart")
    hash = models.CharField(max_length=64, unique=True)
    hint = models.CharField(max_length=4, help_text="the last letters of the key")
    made_at = models.DateTimeField(auto_now_add=True)
    used_on = models.DateField(null=True, help_text="the last day")

    def __str__(self) -> str:
        return f"API key #{self.pk}"
