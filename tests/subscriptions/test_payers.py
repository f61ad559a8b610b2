"""Who pays is asked in one place, and every page names the same firm."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client

from accounts.models import Organization
from communities.models import Entitlement, Site, keys_of
from communities.models import Kind as SiteKind
from smartplus.portal.dashboard.manager import who_pays
from subscriptions import payers, reports
from subscriptions.actions import prices
from subscriptions.models import AutoRenewal, AutoRenewalItem, Cart, Order
from subscriptions.prices import PriceKey
from tests.factories import PaymentMethodFactory, SubscriptionFactory
from tests.people import NOW, SYSTEM, People, Person
from tests.portal.html import page_of

SignIn = Callable[[Person], Client]


def firm(person: Person) -> Organization:
    """The firm with those above it, as it is now."""
    return Organization.objects.select_related("distributor", "subdistributor").get(pk=person.firm.pk)


def test_the_sub_distributor_stands_between_an_installer_and_its_distributor(people: People) -> None:
    assert payers.payer_above(firm(people.ines)) == people.sam.firm
    assert payers.payer_above(firm(people.ivan)) == people.dora.firm
    Organization.objects.filter(pk=people.sam.firm.pk).update(is_active=False)
    assert payers.payer_above(firm(people.ines)) == people.dora.firm


@pytest.mark.parametrize(
    ("regular", "credits", "kind", "pays_itself"),
    [
        (False, False, SiteKind.COMMUNITY, False),
        (True, False, SiteKind.COMMUNITY, True),
        (False, True, SiteKind.COMMUNITY, False),
        (False, True, SiteKind.COMMERCIAL, True),
        (False, False, SiteKind.COMMERCIAL, False),
    ],
)
def test_an_installer_that_may_pay_for_such_a_site_is_its_payer(
    people: People, *, regular: bool, credits: bool, kind: str, pays_itself: bool
) -> None:
    Organization.objects.filter(pk=people.ines.firm.pk).update(pays_regular=regular, pays_credits=credits)
    norden = firm(people.ines)
    assert payers.default_payer(norden, site_kind=kind) == (norden if pays_itself else people.sam.firm)


@pytest.mark.usefixtures("time_machine_at_noon")
def test_every_page_of_ines_names_the_same_firm(
    people: People,
    make_site: Callable[..., Site],
    make_apartment: Callable[..., object],
    sign_in: SignIn,
    settings: object,
) -> None:
    settings.SECURE_SSL_REDIRECT = False  # type: ignore[attr-defined]
    prices.publish_price_list(
        SYSTEM,
        currency="USD",
        amounts={PriceKey("app", "no_monitor"): 250},
        valid_from=NOW - timedelta(days=1),
        now=NOW,
    )
    ines = sign_in(people.ines)
    assert "Sund Partner activates and pays for you." in ines.get("/dashboard/").content.decode()
    site = make_site("Pier", by=people.ines, indoor_monitor=False)
    make_apartment(site, by=people.ines)
    for address, words in (
        (f"/sites/{site.pk}/facts/", "Sund Partner pays it: ask for it."),
        (f"/sites/{site.pk}/billing/", '<div class="v names"> Sund Partner </div>'),
        (f"/subscription/?installer={people.ines.firm.pk}&kind=community", "Sund Partner pays for your firm"),
    ):
        page = page_of(ines.get(address))
        assert words in page
        assert "Nordlys Distribution" not in page
    assert reports.payers_of(site, now=NOW).default.name == "Sund Partner"


def test_a_site_says_how_much_of_it_renews_by_itself(
    people: People, harbour_view: Site, fill_cart: Callable[..., Cart], place: Callable[..., Order]
) -> None:
    site = harbour_view
    items = list(Entitlement.objects.filter(site=site).wanted().order_by("pk"))
    auto_renewal = SubscriptionFactory.create(
        payer=people.dora.firm,
        installer=people.ivan.firm,
        distributor=people.dora.firm,
        method=PaymentMethodFactory.create(owner=people.dora.firm),
        order=place(fill_cart()),
    )
    AutoRenewalItem.objects.create(auto_renewal=auto_renewal, entitlement=items[0], **keys_of(site))
    Organization.objects.filter(pk=people.ivan.firm.pk).update(pays_regular=True)
    seen = Site.objects.select_related("installer__distributor", "installer__subdistributor").get()
    n = len(items)
    both = "Nordlys Distribution, Hafen Intercom GmbH"  # the auto-renewal's, and whoever pays the rest
    for state, renewal in (("active", f"1 of {n} items renews by itself"), ("suspended", "renewed by hand")):
        AutoRenewal.objects.update(state=state)
        agreed = payers.under_auto_renewal(people.dora.actor, [site.pk])[site.pk]
        assert who_pays(seen, n, agreed) == {"payer": both, "renewal": renewal}
    AutoRenewal.objects.update(state="active")
    whole = payers.under_auto_renewal(people.dora.actor, [site.pk])[site.pk]
    assert who_pays(seen, 1, whole) == {"payer": "Nordlys Distribution", "renewal": "renews by itself"}
    AutoRenewal.objects.update(state="ended")
    assert payers.under_auto_renewal(people.dora.actor, [site.pk]) == {}
