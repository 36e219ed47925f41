"""Celery's doors to the pipeline: ids in, retry policy, nothing else."""

from __future__ import annotations

from celery import shared_task
from django.db import DatabaseError

from papers.models import Batch

from . import pipeline


@shared_task(name="bzpeer.process_batch", autoretry_for=(DatabaseError,), retry_backoff=True, max_retries=8)
def process_batch(batch_id: int) -> None:
    """Work a batch off. A second delivery of the message finds it locked or done, and does nothing."""
    try:
        pipeline.process(batch_id)
    except (pipeline.Busy, Batch.DoesNotExist):
        return


@shared_task(name="bzpeer.resume_batches")
def resume_batches() -> None:
    """Send again what a lost message or a killed worker left; end what only its own command could go on with."""
    for batch in Batch.objects.exclude(stage__in=[Batch.Stage.DONE, Batch.Stage.FAILED]):
        if batch.file:
            process_batch.delay(batch.pk)
            continue
        try:
            with pipeline.lock(batch.pk):
                pipeline.stop(batch, "The command that read it was ended; run the same command again to go on.")
        except pipeline.Busy:
            continue
