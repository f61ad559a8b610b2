"""What payments refuse, and what gateways answer when they do not answer."""

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.errors import ActionError, Refused


class GatewayUnavailable(ActionError):
    """No usable answer: a time-out, a broken connection, a 5xx. The outcome is unknown, which is never "declined"."""

    message = _("The payment service did not answer. Nothing is lost: we keep asking it what became of this payment.")

    def __init__(self, detail: str = "") -> None:
        super().__init__()
        self.detail = detail  # what the gateway or the network said, for the log


class GatewayNotSetUp(GatewayUnavailable):
    """No key, or one that the gateway does not know. Of a payment begun before, that says nothing."""

    message = _("Card payment is not set up here.")


class PaymentOpen(GatewayUnavailable):
    """The gateway answered, but what becomes of the payment is not known yet, so its order stays open."""


class GatewayRefused(Refused):
    """A definite refusal (4xx): the gateway did nothing."""

    message = _("The payment service refused this payment. Nothing was charged.")

    def __init__(self, detail: str = "") -> None:
        super().__init__()
        self.detail = detail


class GatewayForgot(GatewayRefused):
    """The gateway has nothing of the name it once gave us: other keys, or another account."""

    message = _(
        "The payment service does not know this payment any more. Nothing is charged by it; the order closes by itself."
    )


class CardGone(GatewayRefused):
    """The gateway has the card, but it belongs to its customer no more: it can't be charged again, by nobody."""


class OtherAccount(PaymentOpen):
    """The gateway of our present keys can't know it: it lies in another account, or in the other mode. That proves nothing."""

    message = _(
        "The payment service of this installation does not know this payment or card. The operator is told; nothing is lost."
    )


class EarlierOpen(PaymentOpen):
    """An earlier attempt for the same order is not known to be closed at the gateway: no further one may begin."""


class UnknownGateway(Refused):
    """There is no gateway of this name in this installation."""

    message = _("This payment service is not known here.")


class GatewayCant(Refused):
    """The gateway lacks what would be needed: it was never asked, and nothing was written."""

    def __init__(self, label: str, capability: str, *, field: str | None = None) -> None:
        super().__init__(gettext("%(gateway)s can't do this. Nothing was charged.") % {"gateway": label}, field=field)
        self.capability = capability  # "checkout", "vault", "off_session", "events"


class NotRenewable(GatewayCant):
    """What is paid there can't be charged again by itself, so no Auto Renew begins with it."""

    def __init__(self, label: str) -> None:
        super().__init__(label, "off_session", field="auto_renew")
        self.message = gettext("%(gateway)s can't be charged by itself later: pay without Auto Renew.") % {
            "gateway": label
        }


class NotRepresentable(Refused):
    """The gateway does not count in units that small."""

    message = _("This amount can't be paid there.")


class AlreadyPaid(Refused):
    """Money for this reference has arrived; a second payment would take it twice."""

    message = _("This is paid already. Nothing more was charged.")


class TooMuch(Refused):
    """More than one charge may carry."""

    message = _("This amount is more than one payment can carry.")


class BadSignature(Refused):
    """A webhook that does not prove that the gateway sent it just now (R50)."""

    message = _("The signature does not match.")


class TooLarge(Refused):
    """A webhook body beyond what any event needs."""

    message = _("The message is too large.")


class TooSmall(Refused):
    """Less than the gateway takes at all."""

    message = _("This amount is too small to be paid by card.")


class MethodUnusable(Refused):
    """The stored card was removed, has expired, or its bank refused it for good."""

    message = _("This card can't be charged any more. Nothing was charged: pay with another one.")
