"""What the stories of the review may ask for."""

from tests.flows.conftest import new_cart
from tests.payments.fixtures import sandbox
from tests.subscriptions.conftest import billing, fill_cart, harbour_view, place, price_list
from tests.subscriptions.test_renewals import agree

__all__ = ["agree", "billing", "fill_cart", "harbour_view", "new_cart", "place", "price_list", "sandbox"]
