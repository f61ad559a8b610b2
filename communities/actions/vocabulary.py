"""Every word that the actions of this app write into the audit; a test finds one that is missing."""

from accounts.audit import Word
from communities.actions import apartments, people, sites

WORDS: tuple[Word, ...] = (
    apartments.APARTMENT_CREATED, apartments.APARTMENT_CHANGED,
    people.RESIDENT_ADDED, people.RESIDENT_CHANGED, people.RESIDENT_REMOVED, people.MANAGERS_SET, people.TECHNICIANS_SET, people.SITES_SET,
    sites.SITE_CREATED, sites.SITE_CHANGED, sites.SERVICE_LOST, sites.BUILDING_CREATED, sites.BUILDING_RENAMED,
)  # fmt: skip
