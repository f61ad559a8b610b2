"""What is done to payments, stored cards and billing information; nothing here decides what money buys."""

from payments.actions.billing import may_save_billing, save_billing
from payments.actions.charging import charge
from payments.actions.checkout import start_checkout
from payments.actions.creation import PaymentRequest, create_payment, refuse_not_renewable, refuse_unpayable
from payments.actions.keys import ask_all, ask_due, is_live, last_answer, refuse_not_set_up, refuse_unconfigured
from payments.actions.lookup import expire, look_up, second_object
from payments.actions.methods import detach_removed, follow_method, hold_method, keep_method, remove_method
from payments.actions.offers import Offer, SetUp, offered, proposed, proposed_to_renew, set_up
from payments.actions.refunds import record_outside_refund, refundable_minor
from payments.actions.states import FORGOTTEN, apply_remote_state, mismatch_of, refuse_in_transaction
from payments.gateways import label
from payments.gateways.base import Remote, RemoteState

__all__ = [
    "FORGOTTEN",
    "Offer",
    "PaymentRequest",
    "Remote",
    "RemoteState",
    "SetUp",
    "apply_remote_state",
    "ask_all",
    "ask_due",
    "charge",
    "create_payment",
    "detach_removed",
    "expire",
    "follow_method",
    "hold_method",
    "is_live",
    "keep_method",
    "label",
    "last_answer",
    "look_up",
    "may_save_billing",
    "mismatch_of",
    "offered",
    "proposed",
    "proposed_to_renew",
    "record_outside_refund",
    "refundable_minor",
    "refuse_in_transaction",
    "refuse_not_renewable",
    "refuse_not_set_up",
    "refuse_unconfigured",
    "refuse_unpayable",
    "remove_method",
    "save_billing",
    "second_object",
    "set_up",
    "start_checkout",
]
