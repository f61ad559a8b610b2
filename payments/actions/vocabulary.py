"""Every audit word that the actions of this app write; a test finds a missing one."""

from accounts.audit import Word
from payments.actions import billing, methods

WORDS: tuple[Word, ...] = (
    billing.BILLING_CREATED, billing.BILLING_CHANGED,
    methods.METHOD_SAVED, methods.METHOD_CHANGED, methods.METHOD_REMOVED,
)  # fmt: skip
