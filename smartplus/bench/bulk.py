"""A bulk change of one very large community: the dry run, applying it, taking it back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.db import connection

from accounts.scope import Actor
from communities.models import Apartment, ServiceChange, Site, keys_of
from devices import actions, bulk
from devices.bulk import Wanted
from smartplus.bench.cases import Goal, Result
from smartplus.bench.measure import in_turn, undone

GOAL = Goal(ratio=5, statements=10)  # of the whole, to two statements that write the same values


def of_bulk_changes(installer: Actor, site: Site, *, now: datetime, rounds: int) -> Iterator[Result]:
    """Switch With Indoor Monitor off in all apartments; everything is rolled back, so that each round is the same."""
    wanted = Wanted(indoor_monitor=False)
    shown = bulk.dry_run(site, wanted)
    count = len(shown.rows)

    def look() -> int:
        bulk.dry_run(site, wanted)
        return 0

    ours, _none = in_turn(look, None, rounds=rounds)
    yield Result("bulk", f"dry run of {count} apartments", Goal(statements=2), ours)

    def apply() -> int:
        with undone():
            _apply(installer, site, wanted, shown.digest, now)
        return 0

    ours, under = in_turn(apply, lambda: _write_plainly(site, now), rounds=rounds)
    yield Result("bulk", f"bulk change of {count} apartments", GOAL, ours, under)
    with undone():
        change = _apply(installer, site, wanted, shown.digest, now)
        back = bulk.undo_run(change).digest

        def undo() -> int:
            with undone():
                actions.undo_bulk_change(installer, change_id=change.pk, digest=back, now=now)
            return 0

        ours, under = in_turn(undo, lambda: _write_plainly(site, now), rounds=rounds)
        yield Result("bulk", f"taking back a bulk change of {count} apartments", GOAL, ours, under)


def _apply(installer: Actor, site: Site, wanted: Wanted, digest: str, now: datetime) -> ServiceChange:
    return actions.apply_bulk_change(
        installer, site_id=site.pk, wanted=wanted, digest=digest, monitors={}, may_wait=True, now=now
    )


def _write_plainly(site: Site, now: datetime) -> int:
    """Keep the values before and after, and write the new ones, in two statements without any check."""
    with undone(), connection.cursor() as cursor:
        change = ServiceChange.objects.create(**keys_of(site), created_at=now, count=0, looked_at=0)
        cursor.execute(
            "INSERT INTO communities_servicechangerow (change_id, apartment_id, indoor_monitor_before, indoor_monitor_after, "
            "landline_before, landline_after, video_storage_before, video_storage_after, monitor_pending_before, monitor_pending_after) "
            "SELECT %s, id, indoor_monitor, false, landline, landline, video_storage, video_storage, monitor_pending, false "
            "FROM communities_apartment WHERE site_id = %s",
            [change.pk, site.pk],
        )
        Apartment.objects.filter(site=site).update(indoor_monitor=False)
    return 0
