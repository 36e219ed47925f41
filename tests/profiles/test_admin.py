"""What people decided is looked at in the admin, and never edited or deleted there."""

import pytest
from django.urls import reverse

from profiles import decisions
from profiles.models import Account, Author
from tests.conftest import fact, with_second_factor


@pytest.mark.parametrize("table", ["correction", "contradiction", "move", "suggestion"])
def test_rows_are_shown_and_not_changed(bring, client, table: str):
    bring(fact("2001.00001", ["Ada Lovelace"], "Engines"), fact("2001.00002", ["Mary Somerville"], "Spheres"))
    admin = with_second_factor(Account.objects.create_superuser("admin"))
    one, other = Author.objects.order_by("pk")
    correction = decisions.decide(admin, one, other, same=True).correction
    client.force_login(admin)
    page = client.get(reverse(f"admin:profiles_{table}_changelist"))
    assert page.status_code == 200
    assert table != "correction" or str(correction) in page.content.decode()
    assert client.get(reverse(f"admin:profiles_{table}_add")).status_code == 403
    gone = client.post(reverse("admin:profiles_correction_delete", args=[correction.pk]), {"post": "yes"})
    assert gone.status_code == 403
