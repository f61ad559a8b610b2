"""What is done to payments and billing information."""

from payments.actions.billing import save_billing
from payments.actions.checkout import begin, expire, look_up, matches, note, refuse_in_transaction, start_checkout

__all__ = ["begin", "expire", "look_up", "matches", "note", "refuse_in_transaction", "save_billing", "start_checkout"]
