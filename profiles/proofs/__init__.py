"""Proofs that a record is the claimant's: one module a kind, each a value `KIND`, and one line here.

To add one: a module beside these, its `KIND` in `KINDS`, its template, its test. Entry points: `KINDS`, `BY_SLUG`.
"""

from __future__ import annotations

from . import attestation, institution, mail, orcid, page, review
from .kind import Kind

# In the order in which the claim page offers them: the surest first.
KINDS: tuple[Kind, ...] = (
    orcid.KIND,
    mail.KIND,
    page.KIND,
    attestation.KIND,
    institution.KIND,
    review.KIND,
)
BY_SLUG = {kind.slug: kind for kind in KINDS}
