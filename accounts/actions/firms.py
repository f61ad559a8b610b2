"""Adding a firm together with its first person."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from accounts.actions.invitations import invite
from accounts.actions.organizations import create_organization
from accounts.models import Organization
from accounts.scope import Actor


@transaction.atomic
def add_firm(
    actor: Actor, *, kind: str, parent: Organization, person: Mapping[str, Any], now: datetime, **fields: Any
) -> Organization:
    """Add an organization below `parent` and invite its first administrator, or do neither. Refuses as `create_organization` and
    `invite` do.

    `person` has the address, name and language of the administrator.
    """
    firm = create_organization(actor, kind=kind, parent=parent, now=now, **fields)
    invite(actor, organization_id=firm.pk, now=now, **person)
    return firm
