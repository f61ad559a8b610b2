"""What the tests of payments may ask for."""

from tests.payments.fixtures import begin_payment, sandbox, store_card

__all__ = ["begin_payment", "sandbox", "store_card"]
