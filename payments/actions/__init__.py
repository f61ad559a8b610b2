"""What is done to payments, stored cards and billing information; nothing here decides what money buys."""

from payments.actions.begin import begin, refuse_too_large, refuse_too_small
from payments.actions.billing import may_save_billing, save_billing
from payments.actions.charging import charge
from payments.actions.checkout import start_checkout
from payments.actions.keys import ask_all, ask_due, is_live, last_answer, refuse_not_set_up, refuse_unconfigured
from payments.actions.looking import expire, look_up, second_object
from payments.actions.methods import detach_removed, follow_method, keep_method, remove_method
from payments.actions.states import FORGOTTEN, matches, note, refuse_in_transaction
from payments.gateways.base import Remote, RemoteState

__all__ = [
    "FORGOTTEN",
    "Remote",
    "RemoteState",
    "ask_all",
    "ask_due",
    "begin",
    "charge",
    "detach_removed",
    "expire",
    "follow_method",
    "is_live",
    "keep_method",
    "last_answer",
    "look_up",
    "matches",
    "may_save_billing",
    "note",
    "refuse_in_transaction",
    "refuse_not_set_up",
    "refuse_too_large",
    "refuse_too_small",
    "refuse_unconfigured",
    "remove_method",
    "save_billing",
    "second_object",
    "start_checkout",
]
