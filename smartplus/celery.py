"""The Celery application: tasks wake up and look for rows; beat wakes them even if nobody else did."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "smartplus.settings")

app = Celery("smartplus")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
