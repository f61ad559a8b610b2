"""What the API answers, field by field. The description for programs is English; the page for people is translated."""

from __future__ import annotations

from datetime import datetime
from typing import Generic, TypeVar

from django.utils.translation import gettext_noop as _
from ninja import Field, Schema

Item = TypeVar("Item")


class Page(Schema, Generic[Item]):
    """One page of a list."""

    items: list[Item]
    next: str = Field(description=_("Ask again with after set to this; empty on the last page."))


class Me(Schema):
    """Whom the token stands for."""

    email: str
    name: str
    role: str
    organization_id: int
    organization: str
    token: str = Field(description=_("The name the token was given."))
    scopes: list[str] = Field(description=_("What the token may do right now."))
    expires_at: datetime | None


class Site(Schema):
    """A site."""

    id: int
    name: str
    kind: str
    installer_id: int
    street: str
    postal_code: str
    city: str
    state: str
    country: str
    address_lines: list[str] = Field(description=_("The address as its country writes it, without the country."))
    time_zone: str
    created_at: datetime


class SiteDetail(Site):
    """A site with its services."""

    free_members: int
    switches: dict[str, bool] = Field(description=_("Every service of the feature section: on or off."))


class Order(Schema):
    """An order. Amounts are minor units of the currency, null where prices are hidden."""

    number: str
    type: str
    state: str
    currency: str
    amount_minor: int | None = Field(description=_("The total of who pays; of others the subtotal of their own sites."))
    is_payer: bool
    created_at: datetime
    closed_at: datetime | None


class OrderSite(Schema):
    """What an order holds of one site."""

    site_id: int
    site: str
    items: int
    amount_minor: int | None


class OrderDetail(Order):
    """An order with the sites one sees of it."""

    sites: list[OrderSite]
