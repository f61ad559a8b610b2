"""Errors of payments: refusals, and missing or negative answers of a gateway."""

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.errors import ActionError, Refused


class GatewayUnavailable(ActionError):
    """No usable answer: a time-out, a broken connection, a 5xx. The outcome is unknown, which never means "declined"."""

    message = _("The payment service did not answer. Nothing is lost: we keep asking it what became of this payment.")

    def __init__(self, detail: str = "") -> None:
        super().__init__()
        self.detail = detail  # what the gateway or the network said, for the log


class GatewayNotSetUp(GatewayUnavailable):
    """No key is set, or the gateway does not know the key. This says nothing about a payment that began before."""

    message = _("Card payment is not set up here.")


class PaymentOpen(GatewayUnavailable):
    """The gateway answered, but the outcome of the payment is not known yet, so its order stays open."""


class GatewayRefused(Refused):
    """A definite refusal (4xx): the gateway did nothing."""

    message = _("The payment service refused this payment. Nothing was charged.")

    def __init__(self, detail: str = "") -> None:
        super().__init__()
        self.detail = detail


class GatewayForgot(GatewayRefused):
    """The gateway does not know an id that it once gave us: our keys changed, or they belong to another account."""

    message = _(
        "The payment service does not know this payment any more. Nothing is charged by it; the order closes by itself."
    )


class CardGone(GatewayRefused):
    """The gateway knows the card, but the card has no customer any more: nobody can charge it again."""


class OtherAccount(PaymentOpen):
    """The gateway can't know the object with our present keys: it belongs to another account or to the other mode. This proves nothing
    about it.
    """

    message = _(
        "The payment service of this installation does not know this payment or card. The operator is told; nothing is lost."
    )


class EarlierOpen(PaymentOpen):
    """An earlier payment for the same order may still be open at the gateway, so no further payment may begin."""


class UnknownGateway(Refused):
    """There is no gateway of this name in this installation."""

    message = _("This payment service is not known here.")


class GatewayCant(Refused):
    """The gateway lacks the capability that is needed: it was not asked, and nothing was written."""

    def __init__(self, label: str, capability: str, *, field: str | None = None) -> None:
        super().__init__(gettext("%(gateway)s can't do this. Nothing was charged.") % {"gateway": label}, field=field)
        self.capability = capability  # "checkout", "vault", "off_session", "events"


class NotRenewable(GatewayCant):
    """This gateway can't charge again without the payer, so Auto Renew can't begin with it."""

    def __init__(self, label: str) -> None:
        super().__init__(label, "off_session", field="auto_renew")
        self.message = gettext("%(gateway)s can't be charged by itself later: pay without Auto Renew.") % {
            "gateway": label
        }


class NotRepresentable(Refused):
    """The gateway does not count in units that small."""

    message = _("This amount can't be paid there.")


class AlreadyPaid(Refused):
    """Money for this reference has arrived; a second payment would charge twice."""

    message = _("This is paid already. Nothing more was charged.")


class TooMuch(Refused):
    """The amount is above the gateway's limit for one charge."""

    message = _("This amount is more than one payment can carry.")


class BadSignature(Refused):
    """The message does not prove that the gateway sent it just now (R50)."""

    message = _("The signature does not match.")


class TooLarge(Refused):
    """The body of the message is larger than any event."""

    message = _("The message is too large.")


class TooSmall(Refused):
    """The amount is below the gateway's minimum."""

    message = _("This amount is too small to be paid by card.")


class MethodUnusable(Refused):
    """The stored card was removed, has expired, or its bank refused it for good."""

    message = _("This card can't be charged any more. Nothing was charged: pay with another one.")
