"""Accepting the terms and the privacy notice in their versions of today."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import transaction

from accounts.models import Acceptance, Document, User


def has_accepted(user: User) -> bool:
    """Whether the person accepted both documents as they are now."""
    return (user.terms_version, user.privacy_version) == (settings.TERMS_VERSION, settings.PRIVACY_VERSION)


@transaction.atomic
def accept(user: User, *, now: datetime, address: str = "") -> None:
    """Write down that `user` accepts both documents as they are now; a second time changes nothing. `address` is masked already.

    There is no audit row: the table is one itself, append-only, and concerns nobody but the person.
    """
    versions = {Document.TERMS: settings.TERMS_VERSION, Document.PRIVACY: settings.PRIVACY_VERSION}
    Acceptance.objects.bulk_create(
        [
            Acceptance(user=user, document=document, version=version, accepted_at=now, address=address)
            for document, version in versions.items()
        ],
        ignore_conflicts=True,
    )
    user.terms_version, user.privacy_version = versions[Document.TERMS], versions[Document.PRIVACY]
    user.save(update_fields=["terms_version", "privacy_version"])
