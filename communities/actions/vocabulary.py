"""Every audit word that the actions of this app write; a test finds a missing one."""

from accounts.audit import Word
from communities.actions import (
    apartments,
    archives,
    assignments,
    commercial_accounts,
    equipment,
    households,
    moving,
    pms,
    pms_sync,
    registrations,
    residents,
    sites,
)

WORDS: tuple[Word, ...] = (
    apartments.APARTMENT_CREATED, apartments.APARTMENT_CHANGED,
    residents.RESIDENT_ADDED, residents.RESIDENT_CHANGED, residents.RESIDENT_REMOVED,
    households.RESIDENT_ARRIVED, households.RESIDENT_LEFT, households.RESIDENT_ADMITTED, households.MASTER_SET,
    registrations.CODE_MADE, registrations.CODES_MADE, registrations.CODE_REVOKED, registrations.CODE_USED,
    pms.CONNECTED, pms.ENABLED, pms.RENEWED, pms.REVOKED, pms.CLASS_CHANGED, pms_sync.SYNCED,
    moving.RESIDENT_MOVED, moving.HOUSEHOLD_LEFT, moving.HOUSEHOLD_LEAVES, moving.HOUSEHOLD_ARRIVED,
    assignments.MANAGERS_SET, assignments.TECHNICIANS_SET, assignments.SITES_SET,
    equipment.ADDED, equipment.CHANGED, equipment.MOVED, equipment.ARCHIVED, equipment.RESTORED, equipment.REMOVED,
    commercial_accounts.ADDED, commercial_accounts.CHANGED, commercial_accounts.SWITCHED, commercial_accounts.ARCHIVED,
    commercial_accounts.RESTORED, commercial_accounts.REMOVED,
    sites.SITE_CREATED, sites.SITE_CHANGED, sites.SERVICE_LOST, sites.BUILDING_CREATED, sites.BUILDING_RENAMED,
    archives.APARTMENT_ARCHIVED, archives.APARTMENT_RESTORED, archives.APARTMENT_DELETED,
    archives.BUILDING_ARCHIVED, archives.BUILDING_RESTORED, archives.BUILDING_DELETED,
    archives.SITE_ARCHIVED, archives.SITE_RESTORED, archives.SITE_DELETED,
)  # fmt: skip
