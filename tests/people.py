"""The people of all stories: Dora and her tree, and Mallory of another tree."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from accounts import actions
from accounts.actions import terms
from accounts.models import Document, Kind, Membership, Organization
from accounts.scope import Actor

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
PASSWORD = "correct horse battery"
TEXTS: dict[str, dict[str, str]] = {  # what the operator of the stories published
    Document.TERMS: {
        "en": "# Terms and Conditions\n\nPaid time belongs to the **apartment**.\n\n## Refunds\n\nAsk within 14 days.",
        "de": "# AGB\n\nBezahlte Zeit gehört zur **Wohnung**.\n\n## Erstattung\n\nFragen Sie binnen 14 Tagen.",
    },
    Document.PRIVACY: {"en": "# Privacy Notice\n\nWe keep your name and address."},
}
SYSTEM = Actor.system("tests")


@dataclass(frozen=True)
class Person:
    """A member of an organization, with what tests need of it."""

    membership: Membership

    @property
    def actor(self) -> Actor:
        """This person's actor."""
        return self.membership.actor()

    @property
    def firm(self) -> Organization:
        """The organization that this person works for."""
        return self.membership.organization

    @property
    def email(self) -> str:
        """The login."""
        return self.membership.user.email


@dataclass(frozen=True)
class People:
    """All people: operator Olga; Dora the distributor, Sam the sub-distributor below her, Ivan the installer below Dora, Tess his
    technician, Petra his property manager; Ines an installer below Sam. Mallory, Igor and Paul belong to another tree."""

    olga: Person
    dora: Person
    sam: Person
    ivan: Person
    tess: Person
    petra: Person
    ines: Person
    mallory: Person
    igor: Person
    paul: Person


def create_people() -> People:
    """Insert all people."""

    def organization(kind: str, name: str, parent: Organization | None = None, **fields: object) -> Organization:
        return actions.create_organization(SYSTEM, kind=kind, name=name, parent=parent, now=NOW, **fields)

    def person(firm: Organization, name: str, email: str, *, is_technician: bool = False) -> Person:
        membership = actions.add_member(
            SYSTEM,
            organization=firm,
            email=email,
            name=name,
            now=NOW,
            is_technician=is_technician,
            password=PASSWORD,
        )
        terms.accept(membership.user, now=NOW)
        return Person(membership)

    operator = organization(Kind.OPERATOR, "Vendor")
    for document in Document:
        terms.publish(SYSTEM, document=document, texts=TEXTS[document], valid_from=NOW - timedelta(days=9), now=NOW)
    nordlys = organization(
        Kind.DISTRIBUTOR, "Nordlys Distribution", operator, currency="USD", country="NO", time_zone="Europe/Oslo"
    )
    sund = organization(Kind.SUBDISTRIBUTOR, "Sund Partner", nordlys)
    hafen = organization(Kind.INSTALLER, "Hafen Intercom GmbH", nordlys, country="DE", time_zone="Europe/Berlin")
    norden = organization(Kind.INSTALLER, "Norden Port AS", sund)
    holm = organization(Kind.MANAGER, "Holm Verwaltung", hafen)
    other = organization(Kind.DISTRIBUTOR, "Zephyr Trading", operator, currency="EUR")
    other_installer = organization(Kind.INSTALLER, "Zephyr Install", other)
    other_manager = organization(Kind.MANAGER, "Zephyr Management", other_installer)
    return People(
        olga=person(operator, "Olga Operator", "olga@vendor.example"),
        dora=person(nordlys, "Dora Lindqvist", "dora@nordlys.example"),
        sam=person(sund, "Sam Okafor", "sam@sund.example"),
        ivan=person(hafen, "Ivan Brandt", "ivan@hafen.example"),
        tess=person(hafen, "Tess Marin", "tess@hafen.example", is_technician=True),
        petra=person(holm, "Petra Holm", "petra@holm.example"),
        ines=person(norden, "Ines Vik", "ines@norden.example"),
        mallory=person(other, "Mallory Black", "mallory@zephyr.example"),
        igor=person(other_installer, "Igor Grey", "igor@zephyr.example"),
        paul=person(other_manager, "Paul White", "paul@zephyr.example"),
    )
