"""The Celery app. Tasks are doors: they take ids and call services (see each app's `tasks`)."""

import os
import warnings

from celery import Celery
from celery.platforms import SecurityWarning

# Messages are JSON on a private socket, and root is the usual user inside a container.
warnings.filterwarnings("ignore", category=SecurityWarning)

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bzpeer.settings")
app = Celery("bzpeer")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
