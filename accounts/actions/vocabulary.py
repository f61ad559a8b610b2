"""Every audit word that the actions of this app write; a test finds a missing one."""

from accounts.actions import (
    addresses,
    invitations,
    long_jobs,
    mail_state,
    members,
    notices,
    organizations,
    profile,
    revocation,
    seller,
    sessions,
    support,
    terms,
    tokens,
    two_factor,
)
from accounts.audit import Word

WORDS: tuple[Word, ...] = (
    addresses.ADDRESS_ASKED, addresses.ADDRESS_WITHDRAWN, addresses.ADDRESS_CHANGED,
    addresses.MEMBER_ADDRESS_ASKED, addresses.MEMBER_ADDRESS_WITHDRAWN,
    invitations.MEMBER_INVITED, invitations.INVITED_AGAIN, invitations.INVITATION_CANCELLED, invitations.MEMBER_JOINED,
    long_jobs.JOB_STARTED, long_jobs.JOB_CANCELLED,
    mail_state.MAIL_TESTED,
    members.MEMBER_ADDED, members.RIGHTS_SET, members.MEMBER_DEACTIVATED, members.MEMBER_REACTIVATED,
    notices.NOTICE_SENT_AGAIN, notices.MUTED_BY_LINK, notices.NOTIFICATIONS_CHANGED,
    organizations.ORGANIZATION_CREATED, organizations.ORGANIZATION_CHANGED, organizations.PERMISSIONS_SET,
    organizations.ORGANIZATION_DEACTIVATED, organizations.ORGANIZATION_REACTIVATED,
    profile.PROFILE_CHANGED, profile.PASSWORD_CHANGED,
    revocation.TOKEN_REVOKED,
    seller.SELLER_PUBLISHED,
    sessions.SESSION_ENDED, sessions.PASSWORD_RESET,
    support.SUPPORT_VIEWED,
    terms.TEXT_DRAFTED, terms.TEXT_DISCARDED, terms.TEXT_PUBLISHED,
    tokens.TOKEN_CREATED,
    two_factor.SWITCHED_ON, two_factor.SWITCHED_OFF, two_factor.CODES_RENEWED, two_factor.TWO_FACTOR_RESET,
)  # fmt: skip
