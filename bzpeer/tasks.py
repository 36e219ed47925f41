"""Celery's doors to the pipeline: ids in, retry policy, nothing else."""

from __future__ import annotations

from datetime import timedelta

from celery import shared_task
from django.core.cache import cache
from django.db import DatabaseError
from django.utils import timezone

from graph import snapshots
from papers import harvesting, meaning
from papers.models import Batch, Harvest
from profiles import claims, doubts, letters, resolving, wishes
from profiles.feedback import trending
from profiles.subscriptions import digests, subscribing

from . import pipeline, wishing

# Messages that call for help with one batch; each helper goes on until nothing is left, so more would find nothing.
MOST_HELPERS = 32

# Embedding takes hours of a core: in pieces that nobody minds to wait for, and only where nothing else waits.
EMBEDDING_SECONDS = 5
LAST = 9  # of kombu's priorities over Redis, where 0 comes first
EMBEDDING_MARK, MARK_SECONDS = "bzpeer.embed_papers", 120


@shared_task(name="bzpeer.process_batch", autoretry_for=(DatabaseError,), retry_backoff=True, max_retries=8)
def process_batch(batch_id: int) -> None:
    """Work a batch off. A second delivery of the message finds it locked or done, and does nothing."""

    def call(groups: int) -> None:
        for _ in range(min(groups - 1, MOST_HELPERS)):
            resolve_groups.delay(batch_id)

    try:
        pipeline.process(batch_id, call=call)
    except (pipeline.Busy, Batch.DoesNotExist):
        return
    build_graph.apply_async([0], countdown=15)  # PostgreSQL counts what was written within ten seconds
    if meaning.enabled():
        embed_papers.apply_async(priority=LAST)


@shared_task(name="bzpeer.resolve_groups", autoretry_for=(DatabaseError,), retry_backoff=True, max_retries=8)
def resolve_groups(batch_id: int) -> None:
    """Help with the groups of a batch until none is free. Any number of workers may; late, it finds nothing to do."""
    while resolving.resolve_next(batch_id):
        pass


@shared_task(
    name="bzpeer.refresh_authors", autoretry_for=(DatabaseError, pipeline.Busy), retry_backoff=True, max_retries=None
)
def refresh_authors(ids: list[int]) -> None:
    """Compute counts, coauthorships and trust again after a decision; while a batch does so, try again later."""
    pipeline.refresh(ids)


@shared_task(name="bzpeer.resolve_surnames", autoretry_for=(DatabaseError,), retry_backoff=True, max_retries=8)
def resolve_surnames(surnames: list[str]) -> None:
    """Work out who is who among these surnames again, after single records were rolled back, brought back or fixed."""
    pipeline.rerun(surnames, lambda done, count, total: None)


@shared_task(name="bzpeer.fetch_work", autoretry_for=(DatabaseError,), retry_backoff=True, max_retries=8)
def fetch_work(wish_id: int) -> None:
    """Fetch a work that its author misses. A second delivery of the message finds it taken up, and does nothing."""
    wishing.fetch(wish_id)


@shared_task(
    name="bzpeer.build_graph", autoretry_for=(DatabaseError, snapshots.Busy), retry_backoff=True, max_retries=8
)
def build_graph(older_than: int = 0) -> None:
    """Write the graph's arrays, unless those there are younger than so many seconds or nothing was written since."""
    snapshots.build_if_changed(timedelta(seconds=older_than))


@shared_task(name="bzpeer.embed_papers")
def embed_papers(after: int = 0) -> None:
    """Embed papers for some seconds, from that id on, and send itself again until none is left.

    Asked for while a chain of such messages goes on, it leaves the rest to that one. A broken chain the beat begins
    anew.
    """
    if not meaning.enabled() or (after == 0 and not cache.add(EMBEDDING_MARK, 1, MARK_SECONDS)):
        return
    following = meaning.embed_for(EMBEDDING_SECONDS, after)
    if following is None:
        cache.delete(EMBEDDING_MARK)
    else:
        cache.set(EMBEDDING_MARK, 1, MARK_SECONDS)
        embed_papers.apply_async([following], priority=LAST)


@shared_task(name="bzpeer.resume_batches")
def resume_batches() -> None:
    """Send again what a lost message or a killed worker left; end what only its own command could go on with."""
    for pk in wishes.unsent().values_list("pk", flat=True):
        fetch_work.delay(pk)
    for batch in Batch.objects.running():
        beyond_reading = batch.stage not in {Batch.Stage.WAITING, Batch.Stage.READING, Batch.Stage.PREVIEWING}
        if batch.file or batch.harvest_id or beyond_reading:
            process_batch.delay(batch.pk)
            continue
        try:
            with pipeline.lock(batch.pk):
                pipeline.stop(batch, "The command that read it was ended; run the same command again to go on.")
        except pipeline.Busy:
            continue


@shared_task(name="bzpeer.harvest")
def harvest() -> None:
    """Begin every harvest that is due. Sent twice, it begins nothing twice."""
    for pk in Harvest.objects.due(timezone.now()).values_list("pk", flat=True):
        process_batch.delay(harvesting.begin(pk).pk)


@shared_task(name="bzpeer.deliver_letters")
def deliver_letters() -> None:
    """Send the mail that waits, in pieces. What fails is kept and tried again at a later beat."""
    if letters.deliver(timezone.now()) and letters.waiting(timezone.now()).exists():
        deliver_letters.delay()


@shared_task(name="bzpeer.send_digests", autoretry_for=(DatabaseError,), retry_backoff=True, max_retries=8)
def send_digests() -> None:
    """Make the digests that are due, in pieces, and let their letters go. Sent twice, it makes nothing twice."""
    made = digests.make(timezone.now())
    if made.letters:
        deliver_letters.delay()
    if made.unfinished:
        send_digests.delay()


@shared_task(name="bzpeer.expire_proofs")
def expire_proofs() -> None:
    """End proofs whose time is over and claims that nothing proves. Sent twice, it ends nothing twice."""
    claims.expire(timezone.now())


@shared_task(name="bzpeer.tidy_subscriptions", autoretry_for=(DatabaseError,), retry_backoff=True, max_retries=8)
def tidy_subscriptions() -> None:
    """Forget addresses that nobody confirmed, and let mail follow accounts. Sent twice, it changes nothing twice."""
    subscribing.tidy(timezone.now())


@shared_task(name="bzpeer.weigh_doubts")
def weigh_doubts() -> None:
    """Weigh readers' doubts again where accounts count otherwise than they did. Sent twice, it changes nothing."""
    doubts.settle()


@shared_task(name="bzpeer.settle_trends")
def settle_trends() -> None:
    """Count again what trends, where people were merged or claimed. Sent twice, it changes nothing."""
    trending.settle()
