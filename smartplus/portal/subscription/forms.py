"""Forms of the Subscription page and the checkout."""

from __future__ import annotations

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from accounts.errors import ActionError
from payments import actions as payment_actions
from payments.models import BillingProfile
from smartplus.portal.kit.billing import BillingForm
from smartplus.portal.kit.fields import BlockField, IdentifierField, SecretField
from smartplus.portal.kit.months import TermForm
from subscriptions.models import Order

MONTHS = (1, 3, 6, 12)


class RequestForm(TermForm):
    """How many months, and what the payer should know."""

    note = BlockField(
        label=_("Note"),
        max_length=500,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
    )


class PayForm(forms.Form):
    """The last step: the price that was shown, where it is paid, and the terms."""

    fingerprint = SecretField(widget=forms.HiddenInput)
    terms_version = SecretField(widget=forms.HiddenInput, required=False)
    gateway = forms.ChoiceField(
        choices=lambda: [(offer.name, offer.label) for offer in payment_actions.offered()], required=False
    )
    reference = IdentifierField(
        label=_("Your reference or PO number"),
        max_length=Order.REFERENCE_LENGTH,
        required=False,
        help_text=_("Shown on the order."),
    )
    auto_renew = forms.BooleanField(label=_("Renew automatically every 30 days"), required=False)
    renewals = forms.TypedChoiceField(
        label=_("For how long"),
        choices=lambda: [("", _("until I stop it")), *((n, _("%(n)s times") % {"n": n}) for n in (3, 6, 12, 24))],
        coerce=int,
        empty_value=None,
        required=False,
        widget=forms.Select(attrs={"class": "in sel"}),
    )
    terms = forms.BooleanField(
        label=_("I accept the Terms and Conditions"),
        error_messages={"required": _("Please accept the Terms and Conditions.")},
    )


class CheckoutForm(BillingForm):
    """The last page before paying: whom the invoice is made out to, and how it is paid (`pay`), sent together."""

    def __init__(
        self, data: QueryDict | None = None, *, instance: BillingProfile | None, pay: PayForm | None = None
    ) -> None:
        super().__init__(data, instance=instance)
        self.pay = pay or PayForm(data)
        self.parts: list[forms.BaseForm] = [self, self.pay]

    def refuse(self, refusal: ActionError) -> None:
        """Show a refusal where the person looks for it."""
        if refusal.field in self.fields:
            self.add_error(refusal.field, str(refusal))
        else:
            self.pay.add_error(refusal.field if refusal.field in self.pay.fields else None, str(refusal))
