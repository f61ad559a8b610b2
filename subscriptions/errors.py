"""Refusals of subscriptions."""

from django.utils.translation import gettext_lazy as _

from accounts.errors import Conflict, NotPermitted, Refused


class MayNotPay(NotPermitted):
    """Pay by Installer does not allow it (R5)."""

    message = _("Your organization may not pay for this installer's sites.")


class NotBillable(Refused):
    """The item is not configured any more, activated already, or waits for its monitor (R17, R25, R47)."""


class ItemHeld(Refused):
    """The item is in another open order (R48)."""


class NotApplied(ItemHeld):
    """The items of a paid order changed since it was placed: nothing is applied, and the operator decides (R52)."""


class NothingLeft(NotBillable):
    """Nothing that a cart's filter means is available any more, and an order needs at least one item."""

    message = _("Nothing of this can be activated any more. Change the items.")


class PriceChanged(Refused):
    """The price differs from the one that was shown (R40)."""

    message = _("The price changed since it was shown. Nothing was charged: look at the new price and pay again.")


class TermsNotAccepted(Refused):
    """An order needs accepted terms (R39)."""

    message = _("Please accept the Terms and Conditions.")
    field = "terms"


class TermsMissing(Refused):
    """Nothing can be ordered before the operator has published Terms and Conditions (R39)."""

    message = _(
        "No Terms and Conditions are published here yet, so nothing can be ordered. The operator publishes them."
    )
    field = "terms"


class BillingIncomplete(Refused):
    """An order needs billing information (R39)."""

    message = _("Please complete the billing information.")


class RequestClosed(Refused):
    """The request was withdrawn, refused or paid in the meantime."""


class IllegalTransition(Refused):
    """The order can't go from its present state to the wanted one (R49)."""


class HandoverClosed(Refused):
    """The handover was answered or withdrawn, or it expired, in the meantime."""


class HandoverOutdated(Conflict):
    """The site changed since the dry run was shown: what would go along or end is not the same any more."""

    message = _("The site changed since this page was opened. Nothing was handed over: this is what it would be now.")
