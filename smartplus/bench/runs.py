"""A whole run: a smaller data set that grows into a larger one, with the cases measured in each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from django.core.management import call_command
from django.db import connection

from accounts.errors import Refused
from accounts.models import Organization
from payments.models import Payment
from smartplus.bench import bulk, money, new_sites, pages, starting
from smartplus.bench.cases import Result
from smartplus.bench.people import readers
from smartplus.scale import building, community, pattern
from smartplus.scale.gateway import stand_in

GROUPS = ("start", "lists", "find", "community", "bulk", "new_site", "quote", "place", "settle", "webhook")
OF_MONEY = {"quote", "place", "settle"}
ROUNDS = 9
GROWTH = 10  # factor to the smaller data set
LARGEST = 10_000  # apartments of the large community, and lines of its order
Say = Callable[[str], None]


def refuse_other_databases() -> None:
    """Refuse a database that is not for measuring, since its data is deleted."""
    if not building.is_for_bench():
        raise Refused(
            f"The benchmark empties its database. It works in one whose name ends with {building.BENCH} only."
        )


def empty() -> None:
    """Delete all data. On SQLite the file has to be new."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("DROP SCHEMA IF EXISTS public CASCADE")
            cursor.execute("CREATE SCHEMA public")
    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    if Organization.objects.exists():
        raise Refused("This file holds a world already: delete it first.")


@dataclass(frozen=True)
class Plan:
    """What is measured, and the sizes."""

    scale: int  # apartments of the larger data set
    only: frozenset[str] = frozenset(GROUPS)
    largest: int = LARGEST
    flats: int = building.FLATS
    rounds: int = ROUNDS


def run(plan: Plan, *, now: datetime, say: Say) -> Iterator[Result]:
    """Run every case of the plan's groups, in an empty database."""
    if "start" in plan.only:
        say("starting")
        yield from starting.of_processes(rounds=plan.rounds)
    if plan.only == {"start"}:
        return
    is_growing = "lists" in plan.only
    world = building.build(plan.scale // GROWTH if is_growing else plan.scale, now=now, flats=plan.flats, say=say)
    _settle_down()
    if is_growing:
        say(f"lists at {world.apartments} apartments")
        found = pages.of_readers(readers(world), world, None, rounds=plan.rounds)
        smaller = {one.name: one.ours for one in found}
        building.grow(world, plan.scale, say=say)
        _settle_down()
        say(f"lists at {world.apartments} apartments")
        yield from pages.of_readers(readers(world), world, smaller, rounds=plan.rounds)
    if "find" in plan.only:
        say("searches")
        yield from pages.of_searches(readers(world), rounds=plan.rounds)
    if plan.only & {"community", "bulk", "new_site", *OF_MONEY}:
        say(f"a community of {plan.largest} apartments")
        yield from _of_large_community(world, plan, now)
    if "webhook" in plan.only:
        say("webhooks")
        with stand_in():
            yield from money.of_webhooks(Payment.objects.latest("pk"), rounds=plan.rounds)


def _of_large_community(world: building.World, plan: Plan, now: datetime) -> Iterator[Result]:
    home = world.trees[0]
    site = community.build(home, plan.largest, now=now, block=min(plan.largest, community.BLOCK))
    _settle_down()
    if "community" in plan.only:
        yield from pages.of_community(readers(world), site, rounds=plan.rounds)
    if "bulk" in plan.only:
        yield from bulk.of_bulk_changes(home.installer, site, now=now, rounds=plan.rounds)
    if "new_site" in plan.only:
        yield from new_sites.of_new_sites(home.installer, site, count=plan.largest, now=now, rounds=plan.rounds)
    if plan.only & OF_MONEY:
        with stand_in() as sandbox:
            processor = pattern.Driver(sandbox)
            found = money.of_orders(home.distributor, site, processor, now=now, most=plan.largest, rounds=plan.rounds)
            yield from (one for one in found if one.group in plan.only)


def _settle_down() -> None:
    """Update statistics and the visibility map, as autovacuum does in an installation at night; and switch parallel queries off."""
    if connection.vendor == "postgresql" and not connection.in_atomic_block:
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
            cursor.execute("SET max_parallel_workers_per_gather = 0")
