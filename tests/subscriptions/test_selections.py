"""Selections: a filter with exceptions and what it was shown with; what is different is said, and places nothing (R1, R40)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.errors import Refused
from communities.models import Entitlement, Site
from smartplus.demo import INVENTED_PRICES
from subscriptions.actions import carts, orders, prices, transitions
from subscriptions.errors import MayNotPay, NotBillable, PriceChanged
from subscriptions.id_digests import BUCKETS, IdDigest, Mark
from subscriptions.models import Cart, Order, PriceList
from subscriptions.selections import Filter
from tests.people import NOW, SYSTEM, People, Person
from tests.subscriptions.lookups import BASE

IDS = st.sets(st.integers(1, 40_000), max_size=60)


# --- digests -----------------------------------------------------------------------------------------------------------


@given(IDS, IDS)
def test_a_sketch_never_says_a_wrong_difference_of_a_few(before: set[int], now: set[int]) -> None:
    found = IdDigest.of(before).until(IdDigest.of(now))
    went, came = before - now, now - before
    alone = len({pk % BUCKETS for pk in went | came}) == len(went | came)
    if alone:
        assert (set(found.went), set(found.came), found.is_whole) == (went, came, True)
    assert IdDigest.of(before).count == len(before)


@given(IDS)
def test_a_mark_comes_back_as_it_was_and_stays_small(ids: set[int]) -> None:
    mark = Mark(max(ids, default=0), IdDigest.of(ids))
    assert Mark.read(mark.text) == mark
    assert len(IdDigest.of(range(10_000_000, 10_020_000)).text) < 2_200


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "1:",
        ":" + "," * (BUCKETS - 1),
        "5:" + "x," * (BUCKETS - 1),
        "9" * 30 + ":" + "," * (BUCKETS - 1),
        "²:1-1",
        "5:1-" + "9" * 19 + "," * (BUCKETS - 1),
    ],
)
def test_what_is_no_mark_is_none(text: str) -> None:
    assert Mark.read(text) is None


@pytest.mark.django_db
def test_the_database_makes_the_same_mark(people: People, harbour_view: Site) -> None:
    ids = list(Entitlement.objects.values_list("pk", flat=True))
    assert Mark.of(Entitlement.objects.all()) == Mark(max(ids), IdDigest.of(ids))
    assert Mark.of(Entitlement.objects.none()) == Mark(0, IdDigest.of(()))


# --- filters ------------------------------------------------------------------------------------------------------------


def test_a_filter_comes_back_as_it_was_kept() -> None:
    whole = Filter(7, "community", 3, "app", "Quay", ids=(1, 2), request_id=4, up_to=9)
    assert Filter.read(whole.stored) == whole
    assert Filter(7, "house").stored == {"installer_id": 7, "project_type": "house"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"project_type": "castle"},
        {"service_type": "lift"},
        {"site_id": "3"},
        {"up_to": -1},
        {"ids": (1, "2")},
        {"search": None},
    ],
)
def test_what_is_no_filter_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r".*"):
        Filter(**{"installer_id": 7, "project_type": "community"} | wrong)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        Filter.read({"installer_id": 7, "project_type": "community", "owner": 3})


# --- carts --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def everything(people: People, harbour_view: Site, price_list: PriceList, billing: None) -> Callable[..., Cart]:
    """A cart of all that matches."""

    def fill(*, exceptions: tuple[int, ...] = (), by: Person | None = None, **narrowed: object) -> Cart:
        wanted = Filter(people.ivan.firm.pk, "community", **narrowed)  # type: ignore[arg-type]
        return carts.fill_cart(
            (by or people.dora).actor, installer_id=people.ivan.firm.pk, site_kind="community", matching=wanted,
            exceptions=exceptions, months=1, now=NOW,
        )  # fmt: skip

    return fill


def place_as_shown(people: People, cart: Cart) -> Order:
    """At the price it was shown with."""
    return orders.place_order(
        people.dora.actor,
        cart_id=cart.pk,
        fingerprint=cart.selection.digest,
        terms_version="1",
        return_base=BASE,
        now=NOW,
    )


@pytest.mark.django_db
@pytest.mark.rule("R40")
def test_a_filter_with_exceptions_is_ordered_as_it_was_shown(people: People, everything: Callable[..., Cart]) -> None:
    left_out = Entitlement.objects.get(service_type="pm_app").pk
    cart = everything(exceptions=(left_out,))
    kept = cart.selection
    assert (kept.count, kept.total_minor, kept.currency) == (4, 520, "USD")
    assert kept.price_list is not None
    assert "ids" not in kept.filter
    order = place_as_shown(people, cart)
    assert (order.line_count, order.total_minor) == (4, 520)
    assert not order.lines.filter(entitlement=left_out).exists()
    assert set(carts.contents(Cart.objects.get())) == {line.entitlement for line in order.lines.all()}


@pytest.mark.django_db
def test_a_filter_that_means_nothing_any_more_is_no_order(
    people: People, everything: Callable[..., Cart], fill_cart, place, sign_in
) -> None:
    cart = everything()
    place(fill_cart())
    shown = carts.priced(carts.contents(cart), distributor=people.dora.firm, months=1, now=NOW)
    assert shown.count == 0
    with pytest.raises(NotBillable, match="Nothing of this can be activated any more"):
        orders.place_order(
            people.dora.actor, cart_id=cart.pk, fingerprint=shown.fingerprint(), terms_version="1", return_base=BASE, now=NOW
        )  # fmt: skip
    assert Order.objects.count() == 1
    page = sign_in(people.dora).get(f"/subscription/carts/{cart.pk}/").content.decode()
    assert "Nothing of this can be activated any more" in page
    assert "pay-b" not in page


@pytest.mark.django_db
@pytest.mark.rule("R1")
def test_a_filter_runs_within_what_who_places_sees(
    people: People, everything: Callable[..., Cart], make_site, make_apartment
) -> None:
    foreign = make_site("Les Tilleuls", by=people.igor)
    make_apartment(foreign, by=people.igor)
    assert carts.contents(everything(), people.dora.actor).count() == 5
    with pytest.raises(Refused, match="Tick at least one item"):
        everything(site_id=foreign.pk)
    with pytest.raises(MayNotPay, match="may not pay"):
        everything(by=people.ivan)


def went(people: People, site: Site) -> str:
    Entitlement.objects.filter(service_type="pm_app").update(variant="")
    return "1 item is not there any more (PM App, Petra Holm). US$10.20 before, US$5.20 now."


def came(people: People, site: Site) -> str:
    Entitlement.objects.filter(reserved_by=-1).update(reserved_by=None)
    return "1 item came in (Premium Plan, Quay House 1.01). US$10.20 before, US$11.10 now."


def changed(people: People, site: Site) -> str:
    Entitlement.objects.filter(service_type="app", variant="monitor").update(variant="no_monitor")
    return "1 item is configured differently now. US$10.20 before, US$11.20 now."


def dearer(people: People, site: Site) -> str:
    doubled = {key: 2 * amount for key, amount in INVENTED_PRICES.items()}
    prices.publish_price_list(SYSTEM, currency="USD", amounts=doubled, valid_from=NOW, now=NOW)
    return "There is another price list now. US$10.20 before, US$20.40 now."


def all_at_once(people: People, site: Site) -> str:
    went(people, site)
    changed(people, site)
    return "1 item is not there any more (PM App, Petra Holm). 1 item is configured differently now. US$10.20 before, US$6.20 now."


@pytest.mark.django_db
@pytest.mark.rule("R40")
@pytest.mark.parametrize("change", [went, came, changed, dearer, all_at_once])
def test_any_difference_places_nothing_and_is_said(
    people: People, harbour_view: Site, everything: Callable[..., Cart], make_apartment, change: Callable[..., str]
) -> None:
    held = Entitlement.objects.filter(service_type="premium", target__number="1.01")
    if change is came:
        held.update(reserved_by=-1)
    cart = everything()
    before = cart.selection.total_minor or 0
    said = change(people, harbour_view)
    said = said.replace("US$10.20 before", f"US${before / 100:.2f} before")
    if change is came:
        said = said.replace("US$11.10 now", f"US${(before + 90) / 100:.2f} now")
    with pytest.raises(PriceChanged) as refused:
        place_as_shown(people, cart)
    assert str(refused.value) == f"{PriceChanged.message} {said}"
    assert not Order.objects.exists()
    assert not Entitlement.objects.filter(reserved_by__gt=0).exists()


@pytest.mark.django_db
def test_another_price_than_the_one_that_is_kept_is_not_explained_by_it(
    people: People, everything: Callable[..., Cart]
) -> None:
    cart = everything()
    cart.selection.digest = "0" * 24
    Entitlement.objects.filter(service_type="pm_app").update(variant="")
    with pytest.raises(PriceChanged) as refused:
        place_as_shown(people, cart)
    assert str(refused.value) == str(PriceChanged.message)


@pytest.mark.django_db
@pytest.mark.rule("R48")
def test_what_an_order_let_go_of_is_in_the_filter_again(people: People, everything: Callable[..., Cart]) -> None:
    order = place_as_shown(people, everything())
    with pytest.raises(Refused, match="Tick at least one item"):
        everything()
    transitions.close(order, Order.State.CANCELLED, now=NOW, actor=SYSTEM)
    assert place_as_shown(people, everything()).line_count == 5
