"""Sites that are offered to other installers: what each estate and payer has of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from accounts import actions
from accounts.models import Kind, Membership
from communities import catalogue
from communities.actions import sites
from communities.models import Site
from subscriptions.actions import handovers
from tests.people import NOW, SYSTEM, People, Person
from tests.sites import ADDRESS, OPTIONS

OTHER = "Quay Electric"  # an installer of Dora's that belongs to no estate


def installer_below(above: Person, name: str, email: str) -> Person:
    """A further installer, with its administrator."""
    firm = actions.create_organization(SYSTEM, kind=Kind.INSTALLER, name=name, parent=above.firm, now=NOW)
    member = actions.add_member(SYSTEM, organization=firm, email=email, name=name, now=NOW)
    return Person(Membership.objects.select_related("user", "organization__distributor").get(pk=member.pk))


def bare_site(by: Person, name: str) -> Site:
    """A site without buildings."""
    basics = {"name": name, **ADDRESS}
    switches = dict(catalogue.DEFAULTS)
    return sites.create_community(by.actor, basics=basics, free_members=4, switches=switches, options=OPTIONS, now=NOW)


def offer(by: Person, site: Site, to: Person) -> int:
    """The id of an offer of the site to another installer."""
    return handovers.ask(by.actor, site_id=site.pk, to_name=to.firm.name, now=NOW).pk


def offers(cast: People, holdings: Mapping[str, Any], marks: Mapping[str, str]) -> None:
    """Two sites that Ivan may take over, one that he gives away, one that Dora may withdraw, one of Ines and one in the other tree."""
    quay = installer_below(cast.dora, OTHER, "quay@quay.example")
    second = installer_below(cast.mallory, f"{marks['zephyr']} Second", f"second@{marks['zephyr'].lower()}.example")
    for number in (1, 2):
        holdings["ivan"].add("handover", offer(quay, bare_site(quay, f"Quay {number}"), cast.ivan))
    holdings["ivan"].add("handover", offer(cast.ivan, bare_site(cast.ivan, f"{marks['hafen']} Spare"), quay))
    holdings["dora"].add("handover", offer(quay, bare_site(quay, "Quay 3"), cast.ivan))
    holdings["norden"].add("handover", offer(cast.ines, bare_site(cast.ines, f"{marks['norden']} Spare"), quay))
    holdings["zephyr"].add("handover", offer(cast.igor, bare_site(cast.igor, f"{marks['zephyr']} Spare"), second))
