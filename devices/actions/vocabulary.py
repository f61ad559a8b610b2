"""Every audit word that the actions of this app write; a test finds a missing one."""

from accounts.audit import Word
from devices.actions import bulk, import_writing, library, monitors, registration, sheet

WORDS: tuple[Word, ...] = (
    bulk.BULK_APPLIED, bulk.BULK_UNDONE,
    import_writing.APARTMENTS_IMPORTED,
    library.LIBRARY_ADDED, library.ENTRY_ADDED, library.ENTRY_ASSIGNED, library.ENTRY_RETIRED,
    monitors.DEVICE_RENAMED, monitors.DEVICE_REMOVED, monitors.DEVICE_SWAPPED,
    registration.DEVICE_REGISTERED, sheet.SHEET_APPLIED,
)  # fmt: skip
