"""Creating test data for load: trees by actions, estates by copying, then sealing the audit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import connection, transaction

from accounts import chain
from accounts.errors import Refused
from accounts.models import Organization
from accounts.scope import Actor
from communities import expiries
from payments import actions as payment_actions
from smartplus.scale import pattern, sealing
from smartplus.scale.copying import Copier, Copy, Part, loaded_at_once, marks
from smartplus.scale.gateway import stand_in
from subscriptions import numbers

BENCH = "_bench"  # suffix of databases that may be filled for measuring
FLATS = 25  # apartments of each of an estate's four sites, if the data set is large enough
FEWEST = 2  # half of them are paid for at the last site
TREE = 10_000  # apartments of a distributor; the first one has half of everything
DAYS = 27  # copies are dated up to so many days earlier, so that no auto-renewal is due yet
AGE = timedelta(days=365)  # date of the firms and their prices: before all orders
Say = Callable[[str], None]


def is_for_bench() -> bool:
    """Whether this database may be filled and emptied for measuring."""
    return str(connection.settings_dict["NAME"]).split("/")[-1].removesuffix(".sqlite3").endswith(BENCH)


def refuse_other_data() -> None:
    """Refuse a database with organizations."""
    if Organization.objects.exists():
        raise Refused("This database holds organizations. A world for load is built in an empty one only.")


@dataclass
class World:
    """What was created so far, and what is needed to create more."""

    operator: Actor
    estate: pattern.Estate
    part: Part
    now: datetime
    trees: list[pattern.Tree] = field(default_factory=list)
    homes: list[Part] = field(default_factory=list)
    estates: list[int] = field(default_factory=list)  # how many each tree has

    @property
    def apartments(self) -> int:
        """The number of apartments."""
        return sum(self.estates) * self.estate.apartments


def build(apartments: int, *, now: datetime, flats: int = FLATS, say: Say = lambda _text: None) -> World:
    """Create about so many apartments (whole estates, at least one) in an empty database.

    Not one transaction, since the pattern's orders are paid at the sandbox. If it is interrupted, the database can't be used.
    """
    refuse_other_data()
    flats = max(FEWEST, min(flats, apartments // 4))
    operator = pattern.root(now - AGE)
    with stand_in() as sandbox:
        payment_actions.ask_all(now=now - AGE)  # what is known of a gateway's key belongs to no tenant
        before = marks()
        home = pattern.tree(operator, 0, now - AGE)
        middle = marks()
        estate = pattern.estate(home, sandbox, flats=flats, now=now)
    world = World(operator, estate, Part.between(middle, marks()), now, [home], [Part.between(before, middle)], [1])
    say(f"pattern: {estate.apartments} apartments by the actions people use")
    grow(world, apartments, say=say)
    return world


@transaction.atomic
def grow(world: World, apartments: int, *, say: Say = lambda _text: None) -> None:
    """Add estates until there are about so many apartments: half of them belong to the first distributor, the others to one tree for every
    ten thousand."""
    wanted = max(1, apartments // world.estate.apartments)
    per_tree = max(1, TREE // world.estate.apartments)
    small = wanted // 2
    while len(world.trees) - 1 < -(-small // per_tree):
        before = marks()
        world.trees.append(pattern.tree(world.operator, len(world.trees), world.now - AGE))
        world.homes.append(Part.between(before, marks()))
        world.estates.append(0)
    wanted_of = [wanted - small, *(min(per_tree, small - at * per_tree) for at in range(len(world.trees) - 1))]
    places = [
        (at / (wanted_of[home] - have), home, have == at == 0)
        for home, have in enumerate(world.estates)
        for at in range(wanted_of[home] - have)
    ]
    places.sort()  # rows of different tenants alternate, as in an installation that several firms use
    copies = [
        _copy(world, number, home, is_first)
        for number, (_turn, home, is_first) in enumerate(places, start=sum(world.estates))
    ]
    ends = chain.heads()
    with loaded_at_once():
        copier = Copier(world.part, world.homes[0], world.estate.words, world.estate.macs)
        if copies:
            copier.write(copies)
            say(f"copied: {len(copies)} estates")
        say(f"sealed: {sealing.seal_all(ends, now=world.now)} events of the audit")
    say(f"folded: {expiries.fold()} rows of the summary by day")
    world.estates = wanted_of


def _copy(world: World, number: int, home: int, is_first: bool) -> Copy:
    days = number * 10 % DAYS  # even a few copies are far apart in time
    taken = world.estate.numbers_from
    placed = [_number_of_day(word, days) for word in world.estate.words[taken:]]
    return Copy(number, world.homes[home], is_first, days, [str(pattern.MARK + number), *placed])


def _number_of_day(word: str, days: int) -> str:
    """An order number for a copy: of the day so many days before."""
    placed = datetime.strptime(word.split("-")[1], "%y%m%d")  # noqa: DTZ007  (only the day is read)
    return numbers.new(placed - timedelta(days=days))
