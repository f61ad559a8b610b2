"""What the tests of payments may ask for."""

from tests.payments.fixtures import begin_payment, sandbox

__all__ = ["begin_payment", "sandbox"]
