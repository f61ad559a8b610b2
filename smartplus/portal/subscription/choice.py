"""What is chosen in the head and the filter bar of Activate: the installer, the project type, what narrows the list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from accounts.models import Organization, firm_of
from accounts.scope import Actor, Grant, Role
from accounts.typed import finding
from accounts.typed.keys import identity_key
from accounts.typed.text import sought
from communities.models import ExpiryDay, Kind, Site
from smartplus import access
from smartplus.portal.kit.numbers import typed_id
from smartplus.portal.subscription.lists import SERVICES
from subscriptions import rights
from subscriptions.models import Cart
from subscriptions.selections import Filter

SUGGESTED = 20  # sites, or installers


@dataclass(frozen=True, slots=True)
class Choice:
    """What is chosen in the head and the filter bar of the page. A site is chosen by its name: `site` is the one of exactly that name,
    `site_name` what was typed where there is none."""

    installer: Organization | None
    kind: str
    site: Site | None = None
    site_name: str = ""
    service: str = ""
    search: str = ""

    @property
    def filter(self) -> Filter:
        """The same choice as what a selection keeps."""
        assert self.installer is not None
        return Filter(
            self.installer.pk, self.kind, site_id=self.site.pk if self.site else None, site_search=self.site_name,
            service_type=self.service, search=self.search,
        )  # fmt: skip

    @property
    def typed_site(self) -> str:
        """What stands in the field of the site."""
        return self.site.name if self.site else self.site_name

    @classmethod
    def back_to(cls, cart: Cart) -> str:
        """The query string of the list that a cart was chosen from, with its filter: "all that match" means no other list."""
        wanted = Filter.read(cart.selection.filter)
        choice = cls(
            cart.installer, cart.site_kind, site_name=wanted.site_search, service=wanted.service_type,
            search=wanted.search,
        )  # fmt: skip
        return choice.query(site=wanted.site_id, cart=cart.pk, months=cart.months)

    def query(self, **changes: Any) -> str:
        """The same choice as a query string."""
        values = {
            "installer": self.installer.pk if self.installer else "",
            "kind": self.kind,
            "site": self.site.pk if self.site else "",
            "site_name": self.site_name,
            "service": self.service,
            "q": self.search,
        } | changes
        return urlencode({key: value for key, value in values.items() if value not in {"", None}})


def choosable(actor: Actor) -> QuerySet[Organization]:
    """The installers in the head of the page: those one pays for, or the own firm, for which one may ask."""
    payable, firm = rights.payable_installers(actor), firm_of(actor)
    if actor.role is Role.INSTALLER and not (firm is not None and firm.is_active and firm.pays_regular):
        own = Organization.objects.visible_to(actor).installers().filter(pk=actor.organization_id)
        return own if Grant.MANAGES_SUBSCRIPTIONS in actor.grants else own.none()
    return payable


def read_choice(request: access.PortalRequest) -> Choice:
    """Installer, project type and filters from the address, each within what the actor may see; the rest falls back."""
    installers = choosable(request.actor).select_related("distributor", "subdistributor")
    wanted = request.GET.get("installer", "")
    if typed := sought(request.GET.get("installer_name", "")):
        named = _named(installers, typed)
        if named is None:
            messages.warning(request, _("There is no one installer called %(name)s.") % {"name": typed})
        else:
            return Choice(named, kind_of(request))
    if wanted:
        installer: Organization | None = installers.get(pk=typed_id(wanted))
    else:
        waiting = ExpiryDay.objects.visible_to(request.actor).filter(day=None).exclude(variant="")
        with_work = Q(pk__in=waiting.values("installer_id"))
        installer = installers.filter(with_work).first() or installers.first()
    kind = kind_of(request)
    site, site_name = _site(request, installer, kind)
    return Choice(
        installer=installer,
        kind=kind,
        site=site,
        site_name=site_name,
        service=SERVICES.chosen(request.GET),
        search=sought(request.GET.get("q", "")),
    )


def _named(installers: QuerySet[Organization], typed: str) -> Organization | None:
    """The installer of exactly this name, else the only one that has these words in it."""
    found = list(installers.filter(finding.matching(typed, "search_key"))[: SUGGESTED + 1])
    same = [row for row in found if identity_key(row.name) == identity_key(typed)]
    return same[0] if same else found[0] if len(found) == 1 else None


def kind_of(request: access.PortalRequest) -> str:
    """The project type of the address, communities where it names none."""
    kind = request.GET.get("kind", Kind.COMMUNITY)
    return kind if kind in Kind.values else Kind.COMMUNITY


def _site(request: access.PortalRequest, installer: Organization | None, kind: str) -> tuple[Site | None, str]:
    """The site of the address, by id or by its whole name, or what was typed of names."""
    pk, typed = typed_id(request.GET.get("site")), sought(request.GET.get("site_name", ""))
    if installer is None or not (pk or typed):
        return None, ""
    sites = Site.objects.visible_to(request.actor).filter(installer=installer, kind=kind)
    if typed:
        site = sites.filter(name_key=identity_key(typed)).first()
        return (site, "") if site else (None, typed)
    return sites.get(pk=pk), ""
