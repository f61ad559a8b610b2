"""Every word that the actions of this app write into the audit; a test finds one that is missing."""

from accounts.audit import Word
from payments.actions import billing, methods

WORDS: tuple[Word, ...] = (
    billing.BILLING_CREATED, billing.BILLING_CHANGED,
    methods.METHOD_SAVED, methods.METHOD_CHANGED, methods.METHOD_REMOVED,
)  # fmt: skip
