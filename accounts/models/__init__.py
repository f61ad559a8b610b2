"""Tables of accounts: organizations, people and invitations, audit, mail."""

from accounts.models.audit import AuditEvent
from accounts.models.chain import AuditSeal
from accounts.models.invitations import Invitation
from accounts.models.links import FailureCount, MailLink
from accounts.models.long_jobs import FailedRow, JobFilePart, LongJob
from accounts.models.notices import Mute, Notice, Topic
from accounts.models.organizations import Kind, Organization, firm_of
from accounts.models.people import Membership, User
from accounts.models.seller import SellerLogo, SellerVersion
from accounts.models.sent_forms import SentForm
from accounts.models.sessions import UserSession
from accounts.models.terms import Acceptance, Document, TextDraft, TextVersion
from accounts.models.tokens import ApiToken, Scope
from accounts.models.work import CircuitBreaker, ItemFailure

__all__ = [
    "Acceptance",
    "ApiToken",
    "AuditEvent",
    "AuditSeal",
    "CircuitBreaker",
    "Document",
    "FailedRow",
    "FailureCount",
    "Invitation",
    "ItemFailure",
    "JobFilePart",
    "Kind",
    "LongJob",
    "MailLink",
    "Membership",
    "Mute",
    "Notice",
    "Organization",
    "Scope",
    "SellerLogo",
    "SellerVersion",
    "SentForm",
    "TextDraft",
    "TextVersion",
    "Topic",
    "User",
    "UserSession",
    "firm_of",
]
