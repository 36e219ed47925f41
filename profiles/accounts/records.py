"""Everything that the database knows of an account: by table, what goes into its archive and what is left when it goes.

Problem: a table that is added later is forgotten in both. Idea: one row of `PARTS` for each foreign key that leads to
an account or to its claim; a test walks the models and misses whichever is not here. Rows are written with all their
columns but secrets, so that a new column is not forgotten either. Entry points: `PARTS`, `gathered`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from allauth.account.models import EmailAddress
from django.apps import apps
from django.db.models import Field, Model, Q, QuerySet

from papers.models import JournalEntry
from profiles.models import Account, Author, CollectionItem, Identifier, Letter, OwnAffiliation, OwnWords

DECIDED = "others rely on what was decided; it stays under a name that says nothing"
WRITTEN = "the other side has it too; it stays there without your name"
PUBLISHED = "others read and answered it; what you have not withdrawn stays without your name"
STAFF = "what staff did stays on record, under a name that says nothing"


@dataclass(frozen=True)
class Part:
    """What one foreign key leads to.

    `section`: of the archive; "" for rows that would tell what somebody else did in private. `hidden`: columns that are
    secrets, or somebody else's. `also`: what explains ids, as lookups. `stays`: why the rows outlive the account; ""
    where they are deleted with it. `emptied`: columns of rows that stay which hold what the account said in private.
    """

    section: str
    hidden: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    stays: str = ""
    emptied: tuple[str, ...] = ()


# By "app.Model.field".
PARTS: Mapping[str, Part] = {
    "account.EmailAddress.user": Part("addresses"),
    "mfa.Authenticator.user": Part("second_factors", hidden=("data",)),
    "usersessions.UserSession.user": Part("sessions", hidden=("session_key", "data")),
    "socialaccount.SocialAccount.user": Part("connections"),
    "socialaccount.SocialToken.account": Part("connection_tokens", hidden=("token", "token_secret")),
    "profiles.Account_groups.account": Part("roles", also=("group__name",)),
    "profiles.Account_user_permissions.account": Part("permissions", also=("permission__codename",)),
    "admin.LogEntry.user": Part("done_in_the_admin", stays=STAFF),
    "profiles.Author.account": Part("record", stays="it is the record of a person, and free to be claimed again"),
    "profiles.Correction.made_by": Part("decisions", stays=DECIDED),
    "profiles.Correction.withdrawn_by": Part("decisions_withdrawn", stays=DECIDED),
    "profiles.ChangeSet.made_by": Part("change_sets", stays=DECIDED),
    "profiles.Change.undone_by": Part("changes_undone", stays=DECIDED),
    "profiles.ChangeStep.made_by": Part("steps_of_change_sets", stays=DECIDED),
    "profiles.Follow.account": Part("follows", also=("author__name",)),
    "profiles.FollowQuestion.account": Part("questions_to_a_follower", also=("old_author__name", "new_author__name")),
    "profiles.TopicFollow.account": Part("topics_followed", also=("topic__name",)),
    "profiles.NameWatch.account": Part("names_watched"),
    "profiles.AlertSettings.account": Part("alert_settings", hidden=("feed_key",)),
    "profiles.Alert.account": Part("alerts", also=("paper__title_text",)),
    "profiles.Doubt.account": Part("doubts", also=("signature__paper__title_text", "author__name")),
    # Who was ignored is told nothing of it.
    "profiles.Invitation.sender": Part(
        "invitations_sent", hidden=("recipient_id", "state", "answered_at"), stays=WRITTEN
    ),
    "profiles.Invitation.recipient": Part("invitations_received", hidden=("sender_id",), stays=WRITTEN),
    "profiles.Conversation.closed_by": Part(
        "conversations_left", hidden=("sender_muted", "recipient_muted"), stays=WRITTEN
    ),
    "profiles.Message.sender": Part("messages_sent", hidden=("recipient_id", "read_at"), stays=WRITTEN),
    "profiles.Message.recipient": Part("messages_received", hidden=("sender_id",), stays=WRITTEN),
    "profiles.ApiKey.account": Part("api_keys", hidden=("hash",)),
    "profiles.Block.account": Part("blocked", hidden=("blocked_id",)),
    "profiles.Block.blocked": Part(""),
    "profiles.Complaint.reporter": Part("complaints", hidden=("about_id", "quoted"), stays="a curator may be at it"),
    "profiles.Complaint.about": Part("", stays=STAFF),
    "profiles.Complaint.decided_by": Part(
        "complaints_decided", hidden=("reporter_id", "about_id", "text", "quoted"), stays=STAFF
    ),
    "profiles.Suspension.account": Part("suspensions"),
    "profiles.Reaction.account": Part("reactions", also=("paper__title_text",)),
    "profiles.Collection.account": Part("collections", hidden=("key",)),
    "profiles.Post.account": Part("posts", also=("paper__title_text",), stays=PUBLISHED),
    "profiles.Subscriber.account": Part("subscriber", hidden=("key",)),
    "profiles.Subscription.subscriber": Part("subscriptions", also=("topic__name",)),
    "profiles.Digest.subscriber": Part("digests"),
    "profiles.Pick.subscriber": Part("papers_sent", also=("paper__title_text",)),
    "profiles.Suspension.made_by": Part("suspensions_made", hidden=("account_id",), stays=STAFF),
    "profiles.CaseHolder.curator": Part("cases_held"),
    "profiles.Report.reporter": Part("reports", stays="its answer may have changed a page"),
    "profiles.Report.closed_by": Part("reports_answered", hidden=("reporter_id",), stays=STAFF),
    "profiles.BulkReview.made_by": Part("bulk_reviews", stays=DECIDED),
    "profiles.Claim.account": Part(
        "claims", also=("author__name",), stays="who held a record, and when, is its history", emptied=("note",)
    ),
    "profiles.Claim.decided_by": Part("claims_decided", hidden=("account_id", "note"), stays=STAFF),
    "profiles.ClaimMark.claim": Part("marks", stays="", also=("signature__paper__title_text",)),
    "profiles.Proof.claim": Part("proofs", stays="it is why a record was trusted", emptied=("subject", "note")),
    "profiles.ClaimEvent.claim": Part("events_of_claims", stays="the history of a record is public"),
    "profiles.WorkProposal.claim": Part(
        "proposals", also=("signature__paper__title_text",), stays=DECIDED, emptied=("note",)
    ),
    "profiles.WishedWork.claim": Part("missing_works"),
    "profiles.WorkProposal.decided_by": Part("proposals_decided", hidden=("claim_id", "note"), stays=STAFF),
    "profiles.Proof.by": Part("proofs_given_to_others", hidden=("claim_id", "subject", "note"), stays=DECIDED),
    "profiles.ClaimEvent.by": Part("steps_of_claims", stays=DECIDED),
    "profiles.RightsRequest.account": Part(
        "requests", hidden=("key_hash",), stays="it is why a record is hidden", emptied=("contact", "subject", "text")
    ),
    "profiles.RightsRequest.decided_by": Part(
        "requests_decided", hidden=("key_hash", "contact", "subject", "text", "account_id"), stays=STAFF
    ),
    "profiles.Renaming.account": Part("renamings", stays="by the old name it is kept off every page"),
    "papers.Batch.created_by": Part("imports", stays=STAFF),
    "papers.InstitutionChange.made_by": Part("institutions_changed", stays=DECIDED),
    "papers.InstitutionChange.undone_by": Part("changes_of_institutions_undone", stays=DECIDED),
    "papers.Batch.rolled_back_by": Part("imports_rolled_back", stays=STAFF),
    "papers.BatchRecord.rolled_back_by": Part("records_rolled_back", stays=STAFF),
}
SECRETS = ("password",)


def rows_of(path: str, account: Account) -> QuerySet[Any]:
    """The rows that `path` ("app.Model.field") leads to from the account, or from its claims and connections."""
    label, _dot, field = path.rpartition(".")
    model = apps.get_model(label)
    to = model._meta.get_field(field).related_model
    through = "" if to is Account else "__user" if label.startswith("socialaccount.") else "__account"
    rows: QuerySet[Any] = model._default_manager.filter(**{f"{field}{through}": account})
    return rows


def gathered(account: Account) -> dict[str, Any]:
    """The archive: sections of rows, as values that JSON can hold. A constant number of queries."""
    found: dict[str, Any] = {"account": _rows(Account.objects.filter(pk=account.pk), SECRETS)[0]}
    for path, part in PARTS.items():
        if not part.section:
            continue
        found[part.section] = _rows(rows_of(path, account), part.hidden, part.also)
    author = Author.objects.filter(account=account).first()
    for model in (OwnWords, OwnAffiliation, Identifier):
        rows: QuerySet[Any] = model._default_manager.filter(author=author)
        found[model._meta.model_name or ""] = _rows(rows) if author else []
    items = CollectionItem.objects.filter(collection__account=account)
    found["collected"] = _rows(items, also=("collection__name", "paper__title_text"))
    about = Q(account_id=account.pk) | Q(subject_kind="profiles.account", subject_id=account.pk)
    found["journal"] = _rows(JournalEntry.objects.filter(about))
    found["letters"] = _rows(letters_to(account), ("text", "html", "headers"))
    return found


def letters_to(account: Account) -> QuerySet[Letter]:
    """Letters to the account's addresses. Only to confirmed ones: others may be somebody else's."""
    own = EmailAddress.objects.filter(user=account, verified=True).values("email")
    return Letter.objects.filter(to__in=own)


def _rows(rows: QuerySet[Any], hidden: Iterable[str] = (), also: Iterable[str] = ()) -> list[dict[str, Any]]:
    """All columns but the hidden ones, by the id."""
    columns = [name for name in columns_of(rows.model) if name not in {*hidden}]
    return list(rows.order_by("pk").values(*columns, *also))


def columns_of(model: type[Model]) -> list[str]:
    """Names of the columns."""
    return [field.attname for field in model._meta.concrete_fields if isinstance(field, Field)]
