"""The doors of the house: portal, webhooks, commands. Nothing imports this package."""

from smartplus.celery import app as celery_app

__all__ = ["celery_app"]
