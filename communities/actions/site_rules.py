"""Which services and options a site may have, and how it is paid; the rules that need no lock."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from accounts.errors import Refused
from accounts.typed.keys import identity_key
from communities import catalogue
from communities.errors import NameTaken
from communities.models import Kind, PaymentMode, Site


def refuse_wrong_options(switches: Mapping[str, bool], options: Mapping[str, Any]) -> None:
    """Refuse combinations without a meaning: PM landline without PM App, cameras without viewers, an unknown retention."""
    if switches.get("pm_landline") and not switches.get("pm_app"):
        raise Refused(_("Landline Service for PM needs the PM App. Switch it on as well."), field="pm_landline")
    if switches.get("third_party_camera") and not (options["camera_residents"] or options["camera_administrators"]):
        raise Refused(
            _("Choose who may watch the cameras: residents, administrators or both."), field="third_party_camera"
        )
    if options["retention_days"] not in catalogue.RETENTION_DAYS:
        raise Refused(_("Recordings can be kept for 7, 30 or 90 days."), field="retention_days")


def refuse_foreign_services(kind: str, switches: Mapping[str, bool], options: Mapping[str, Any]) -> None:
    """Refuse a service that sites of this project type do not have (R28)."""
    for code in catalogue.SWITCHES:
        if switches.get(code) and code not in catalogue.switches_of(kind):
            raise Refused(
                _("%(service)s does not exist at sites of this type.") % {"service": catalogue.BY_CODE[code].label},
                field=code,
            )
    if options.get("attendance_plan") and kind != Kind.COMMERCIAL:
        raise Refused(_("Only commercial sites have the Time Attendance Plan."), field="attendance_plan")


def refuse_no_community(site: Site) -> None:
    """Refuse buildings and apartments in a house or at a commercial site."""
    if site.kind != Kind.COMMUNITY:
        raise Refused(_("Only communities have buildings and apartments."))


def payment_mode_of(kind: str, created_at: datetime) -> PaymentMode:
    """What a site of a project type is paid with: commercial ones from a day on with credits, all others with money (R37)."""
    is_new = kind == Kind.COMMERCIAL and created_at >= settings.CREDITS_SINCE
    return PaymentMode.CREDITS if is_new else PaymentMode.REGULAR


def name_taken(installer_id: int, name: str, *, but: int | None = None) -> NameTaken | None:
    """The refusal of a name that another site of the installer has (R77); `but` is the id of the site that is renamed."""
    others = Site.objects.filter(installer_id=installer_id, name_key=identity_key(name)).exclude(pk=but or 0)
    return NameTaken(_("You already have a site called “%(name)s”.") % {"name": name}) if others.exists() else None
