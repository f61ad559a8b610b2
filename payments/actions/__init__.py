"""What is done to payments, stored cards and billing information; nothing here decides what money buys."""

from payments.actions.begin import begin, refuse_not_renewable, refuse_unpayable
from payments.actions.billing import may_save_billing, save_billing
from payments.actions.charging import charge
from payments.actions.checkout import start_checkout
from payments.actions.keys import ask_all, ask_due, is_live, last_answer, refuse_not_set_up, refuse_unconfigured
from payments.actions.looking import expire, look_up, second_object
from payments.actions.methods import detach_removed, follow_method, hold_method, keep_method, remove_method
from payments.actions.offers import Offer, SetUp, offered, proposed, proposed_to_renew, set_up
from payments.actions.refunds import note_outside, refundable_minor
from payments.actions.states import FORGOTTEN, matches, note, refuse_in_transaction
from payments.gateways import label
from payments.gateways.base import Remote, RemoteState

__all__ = [
    "FORGOTTEN",
    "Offer",
    "Remote",
    "RemoteState",
    "SetUp",
    "ask_all",
    "ask_due",
    "begin",
    "charge",
    "detach_removed",
    "expire",
    "follow_method",
    "hold_method",
    "is_live",
    "keep_method",
    "label",
    "last_answer",
    "look_up",
    "matches",
    "may_save_billing",
    "note",
    "note_outside",
    "offered",
    "proposed",
    "proposed_to_renew",
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
