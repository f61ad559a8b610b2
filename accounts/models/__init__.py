"""Tables of the ground floor: organizations, people, audit."""

from accounts.models.audit import AuditEvent
from accounts.models.notices import Mute, Notice, Topic
from accounts.models.organizations import Kind, Organization
from accounts.models.people import Membership, User

__all__ = ["AuditEvent", "Kind", "Membership", "Mute", "Notice", "Organization", "Topic", "User"]
