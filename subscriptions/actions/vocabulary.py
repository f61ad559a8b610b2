"""Every audit word that the actions of this app write; a test finds a missing one."""

from accounts.audit import Word
from subscriptions.actions import (
    auto_renewals,
    cards,
    fulfilment,
    handing_over,
    handovers,
    leaving,
    opening,
    prices,
    request_decisions,
    requests,
    reviews,
    settlement,
    tenancy,
    transitions,
    vacancies,
)
from subscriptions.audit import ORDER_SUCCEEDED

WORDS: tuple[Word, ...] = (
    auto_renewals.AUTO_RENEWAL_MADE, auto_renewals.AUTO_RENEWAL_SUSPENDED, auto_renewals.AUTO_RENEWAL_ENDED,
    cards.CARD_CHANGED, leaving.ITEMS_TAKEN_OUT, leaving.ITEMS_BACK,
    transitions.ORDER_FAILED, transitions.ORDER_TIMED_OUT, transitions.ORDER_CANCELLED,
    opening.ORDER_CREATED,
    prices.PRICES_PUBLISHED,
    auto_renewals.ITEMS_LEFT, vacancies.ITEMS_SUSPENDED, vacancies.ITEMS_RESUMED,
    requests.REQUEST_MADE, request_decisions.REQUEST_APPROVED, request_decisions.REQUEST_REFUSED, request_decisions.REQUEST_WITHDRAWN,
    request_decisions.REQUEST_REOPENED, request_decisions.REQUEST_DONE,
    reviews.ORDER_REVIEWED,
    reviews.DUPLICATE_REPAID,
    ORDER_SUCCEEDED, settlement.ORDER_IN_REVIEW, settlement.PAID_TWICE, fulfilment.PM_APP_SWITCHED_ON,
    handovers.HANDOVER_ASKED, handovers.HANDOVER_WITHDRAWN, handovers.HANDOVER_REFUSED,
    handing_over.SITE_RECEIVED, handing_over.SITE_GIVEN,
    tenancy.INSTALLER_MOVED, tenancy.INSTALLER_MOVED_AWAY,
)  # fmt: skip
# old codes that sealed rows still contain
FORMER: dict[str, Word] = {
    "agreement.made": auto_renewals.AUTO_RENEWAL_MADE,
    "agreement.parked": auto_renewals.AUTO_RENEWAL_SUSPENDED,
    "agreement.ended": auto_renewals.AUTO_RENEWAL_ENDED,
    "agreement.items_left": auto_renewals.ITEMS_LEFT,
    "agreement.card_changed": cards.CARD_CHANGED,
    "order.judged": reviews.ORDER_REVIEWED,
    "payment.surplus": settlement.PAID_TWICE,
    "payment.surplus_repaid": reviews.DUPLICATE_REPAID,
}
