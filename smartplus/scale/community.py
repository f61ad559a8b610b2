"""One very large community: a block of apartments created by actions, then multiplied."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from accounts import chain
from communities import catalogue
from communities.actions import assignments, sites
from communities.models import Site
from smartplus import demo
from smartplus.scale import pattern, sealing
from smartplus.scale.copying import Copier, Copy, Part, loaded_at_once, marks

BLOCK = 250  # apartments that are multiplied
FIRST_MAC = 0x0C1105800000


def build(home: pattern.Tree, apartments: int, *, now: datetime, block: int = BLOCK) -> Site:
    """Create a community of the tree's installer with about so many apartments, none of them paid; the tree's manager is assigned."""
    site = sites.create_community(
        home.installer,
        basics={"name": "Ten Thousand Homes", "state": "", **pattern.PLACES[0]},
        free_members=4,
        switches={**catalogue.DEFAULTS, "booking": True, "landline": True, "pm_app": True},
        options=demo.OPTIONS,
        now=now,
    )
    assignments.set_managers(
        home.installer, site_id=site.pk, pm_app_by_membership={home.manager.membership_id: True}, now=now
    )
    assignments.set_technicians(
        home.installer, site_id=site.pk, membership_ids=[home.technician.membership_id], now=now
    )
    before = marks()
    pattern.furnish(home.installer, home.distributor, site, range(FIRST_MAC, FIRST_MAC + block), now=now)
    part, nowhere = Part.between(before, marks()), Part({})
    copies = [
        Copy(number, nowhere, False, 0, [str(pattern.MARK + number)])
        for number in range(1, max(1, apartments // block))
    ]
    ends = chain.heads()
    with transaction.atomic(), loaded_at_once():
        if copies:
            Copier(part, nowhere, [str(pattern.MARK)], block).write(copies)
        sealing.seal_all(ends, now=now)
    return site
