"""Actions on devices and MAC libraries. One function is one intention and one transaction."""

from devices.actions.apartments import add_apartment, edit_apartment
from devices.actions.bulk import apply_bulk_change, refuse_unready, undo_bulk_change
from devices.actions.checks import CheckedMac, MonitorEntry, check_mac
from devices.actions.equipment_devices import (
    AT_DOORS,
    add_equipment,
    archive_equipment,
    edit_equipment,
    move_equipment,
    remove_equipment,
    restore_equipment,
    type_at_door,
)
from devices.actions.houses import add_house, edit_house
from devices.actions.import_writing import Written, write_rows
from devices.actions.imports import (
    begin_import,
    correct_import,
    discard_import,
    note_job,
    numbers_to_write,
    start_import,
)
from devices.actions.library import LibraryRow, add_to_library, assign_library_entry, retire_library_entry
from devices.actions.monitors import add_monitor, remove_device, rename_device, swap_device
from devices.actions.sheet import Applied, apply_sheet
from devices.actions.sheet_run import Edit, New, Person, SheetRun, dry_run_of_sheet, mark_of
from devices.actions.structures import NewSite, add_building, create_site

__all__ = [
    "AT_DOORS",
    "Applied",
    "CheckedMac",
    "Edit",
    "LibraryRow",
    "MonitorEntry",
    "New",
    "NewSite",
    "Person",
    "SheetRun",
    "Written",
    "add_apartment",
    "add_building",
    "add_equipment",
    "add_house",
    "add_monitor",
    "add_to_library",
    "apply_bulk_change",
    "apply_sheet",
    "archive_equipment",
    "assign_library_entry",
    "begin_import",
    "check_mac",
    "correct_import",
    "create_site",
    "discard_import",
    "dry_run_of_sheet",
    "edit_apartment",
    "edit_equipment",
    "edit_house",
    "mark_of",
    "move_equipment",
    "note_job",
    "numbers_to_write",
    "refuse_unready",
    "remove_device",
    "remove_equipment",
    "rename_device",
    "restore_equipment",
    "retire_library_entry",
    "start_import",
    "swap_device",
    "type_at_door",
    "undo_bulk_change",
    "write_rows",
]
