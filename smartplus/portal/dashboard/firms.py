"""A firm in a table of the dashboard, with its state and a link to Activate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from django.urls import get_urlconf
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from smartplus.portal.kit.routes import address_of
from subscriptions.dashboard import Firm, Standing

PAYS: dict[tuple[bool, bool], Promise] = {
    (True, True): gettext_lazy("Both"),
    (True, False): gettext_lazy("Regular"),
    (False, True): gettext_lazy("Credits"),
    (False, False): gettext_lazy("Not allowed"),
}


@dataclass(frozen=True, slots=True)
class FirmRow:
    """A firm in a table."""

    firm: Firm
    standing: Standing
    pays: Promise | str
    url: str


def firm_row(firm: Firm, by_firm: Mapping[int, Standing]) -> FirmRow:
    """The row of an installer; its link leads to Activate."""
    organization = firm.organization
    page = address_of("subscription", get_urlconf())
    return FirmRow(
        firm,
        by_firm.get(organization.pk, Standing()),
        PAYS[organization.pays_regular, organization.pays_credits],
        f"{page}?{urlencode({'installer': organization.pk})}",
    )
