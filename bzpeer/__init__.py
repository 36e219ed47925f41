"""The roof of BZPEER: settings, addresses, the Celery app and the pipeline that runs the rooms in order."""

from .celery import app as celery_app

__version__ = "0.1.0"
__all__ = ("__version__", "celery_app")
