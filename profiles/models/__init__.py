"""Who is who: accounts, authors, what we infer (assignments) and what people decided (corrections).

The three kinds of truth never share a table: `papers.Signature` is what was printed, `Assignment` can be thrown away
and recomputed, `Correction` is never lost and never overruled by the machine.

An author is an identity that the machine recomputes, and people speak of authors. So an author whom a decision names,
or whom somebody claimed, has an anchor: one of its signatures. The id follows the anchor wherever that goes, and what
is decided about the author is held by it.
"""

from .accounts import Account, ApiKey, Code, Letter
from .assignments import Assignment, AssignmentQuerySet, KinKey, PendingGroup, Suggestion, SurnameTie
from .authors import Author, AuthorQuerySet, NameVariant, NameVariantQuerySet, OwnAffiliation, OwnWords, Renaming
from .claims import (
    Claim,
    ClaimEvent,
    ClaimMark,
    ClaimQuerySet,
    Proof,
    ProofQuerySet,
    RightsRequest,
    RightsRequestQuerySet,
    WishedWork,
    WorkProposal,
)
from .conversations import Block, Complaint, Conversation, Invitation, Message, Suspension
from .curating import CaseHolder, Report
from .decisions import (
    BulkReview,
    Change,
    ChangeSet,
    ChangeStep,
    Contradiction,
    Correction,
    CorrectionQuerySet,
    Identifier,
    Move,
    PublishedChange,
)
from .feedback import Collection, CollectionItem, Post, Reaction, Trend
from .following import (
    Alert,
    AlertReason,
    AlertSettings,
    Doubt,
    DoubtQuerySet,
    Follow,
    FollowQuerySet,
    FollowQuestion,
    NameWatch,
    TopicFollow,
)
from .subscriptions import Digest, Pick, Subscriber, Subscription, SubscriptionQuerySet

__all__ = [
    "Account",
    "Alert",
    "AlertReason",
    "AlertSettings",
    "ApiKey",
    "Assignment",
    "AssignmentQuerySet",
    "Author",
    "AuthorQuerySet",
    "Block",
    "BulkReview",
    "CaseHolder",
    "Change",
    "ChangeSet",
    "ChangeStep",
    "Claim",
    "ClaimEvent",
    "ClaimMark",
    "ClaimQuerySet",
    "Code",
    "Collection",
    "CollectionItem",
    "Complaint",
    "Contradiction",
    "Conversation",
    "Correction",
    "CorrectionQuerySet",
    "Digest",
    "Doubt",
    "DoubtQuerySet",
    "Follow",
    "FollowQuerySet",
    "FollowQuestion",
    "Identifier",
    "Invitation",
    "KinKey",
    "Letter",
    "Message",
    "Move",
    "NameVariant",
    "NameVariantQuerySet",
    "NameWatch",
    "OwnAffiliation",
    "OwnWords",
    "PendingGroup",
    "Pick",
    "Post",
    "Proof",
    "ProofQuerySet",
    "PublishedChange",
    "Reaction",
    "Renaming",
    "Report",
    "RightsRequest",
    "RightsRequestQuerySet",
    "Subscriber",
    "Subscription",
    "SubscriptionQuerySet",
    "Suggestion",
    "SurnameTie",
    "Suspension",
    "TopicFollow",
    "Trend",
    "WishedWork",
    "WorkProposal",
]
