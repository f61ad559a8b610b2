"""Audit rows in words: one sentence for every action, for whichever page tells what happened."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.models import AuditEvent
from smartplus.portal import told_whole
from smartplus.portal.audit_words import Names

DEEDS: dict[str, Promise] = {
    "site.created": _("Site created"),
    "site.changed": _("Basics or services changed"),
    "site.managers_set": _("Managers chosen"),
    "site.technicians_set": _("Technicians chosen"),
    "site.pm_app_switched_on": _("PM App switched on by its activation"),
    "building.created": _("%(what)s added"),
    "building.renamed": _("Building renamed to %(what)s"),
    "apartment.created": _("%(what)s created"),
    "apartment.changed": _("%(what)s changed"),
    "resident.added": _("Resident added in %(what)s"),
    "resident.changed": _("Resident changed in %(what)s"),
    "resident.removed": _("Resident removed from %(what)s"),
    "device.registered": _("%(what)s registered"),
    "device.renamed": _("Device renamed to %(what)s"),
    "device.removed": _("%(what)s removed"),
    "device.swapped": _("%(what)s swapped"),
    "library.assigned": _("%(what)s assigned to an installer"),
    "library.retired": _("%(what)s retired from the MAC library"),
    "mail.tested": _("Test mail sent to %(what)s"),
    "order.created": _("Order %(what)s placed"),
    "order.succeeded": _("Order %(what)s paid and applied"),
    "order.failed": _("Order %(what)s failed"),
    "order.timeout": _("Order %(what)s was not paid in time"),
    "order.cancelled": _("Order %(what)s cancelled"),
    "order.review": _("Order %(what)s needs a look"),
    "order.judged": _("Order %(what)s decided by the operator"),
    "request.made": _("%(what)s sent to who pays"),
    "request.approved": _("%(what)s approved"),
    "request.refused": _("%(what)s refused"),
    "request.withdrawn": _("%(what)s withdrawn"),
    "request.reopened": _("%(what)s waits again: its order was given up"),
    "request.done": _("%(what)s paid and done"),
    "payment.surplus": _("%(what)s was paid twice"),
    "payment_method.saved": _("%(what)s stored for auto-renewal"),
    "payment_method.changed": _("%(what)s changed at the payment service"),
    "payment_method.removed": _("%(what)s removed"),
    "agreement.made": _("%(what)s agreed"),
    "agreement.card_changed": _("%(what)s: another card"),
    "agreement.parked": _("%(what)s stopped by a problem"),
    "agreement.items_left": _("Items left %(what)s"),
    "agreement.ended": _("%(what)s ended"),
    "billing.created": _("Billing information entered"),
    "billing.changed": _("Billing information changed"),
    "price_list.published": _("%(what)s published"),
    "text.drafted": _("%(what)s saved"),
    "text.discarded": _("%(what)s thrown away"),
    "text.published": _("%(what)s published"),
    "seller.published": _("%(what)s published"),
    "organization.created": _("%(what)s added"),
    "organization.changed": _("Name or address of %(what)s changed"),
    "organization.permissions_set": _("Permissions of %(what)s set"),
    "organization.moved": _("%(what)s moved with all it owns"),
    "organization.deactivated": _("%(what)s deactivated"),
    "organization.reactivated": _("%(what)s reactivated"),
    "organization.moved_away": _("%(what)s was moved away"),
    "member.added": _("%(what)s added as a member"),
    "member.invited": _("%(what)s invited"),
    "member.invited_again": _("%(what)s invited again, the old link withdrawn"),
    "member.invitation_cancelled": _("Invitation of %(what)s withdrawn"),
    "member.joined": _("%(what)s took up the invitation"),
    "member.rights_set": _("Rights of %(what)s set"),
    "member.deactivated": _("%(what)s deactivated"),
    "member.reactivated": _("%(what)s reactivated"),
    "session.ended": _("Signed out elsewhere"),
    "two_factor.on": _("Two-factor authentication switched on"),
    "two_factor.off": _("Two-factor authentication switched off"),
    "two_factor.codes_renewed": _("Recovery codes made anew"),
    "token.created": _("API token “%(what)s” made"),
    "token.revoked": _("API token “%(what)s” revoked"),
    "profile.changed": _("Own profile changed"),
    "password.changed": _("Own password changed"),
    "notifications.changed": _("Own notifications changed"),
    "notifications.muted_by_link": _("Own mail of a kind stopped by the link in it"),
    "notice.sent_again": _("Failed mail sent again"),
    "work.tried_again": _("Failed background work tried again"),
    "password.reset": _("Own password set anew by mail"),
    "support.viewed": _("Support view opened: %(what)s"),
    "address.asked": _("Another address of one's own asked for"),
    "address.withdrawn": _("Change of one's own address withdrawn"),
    "address.changed": _("Own address changed by the link of a mail"),
    "member.address_asked": _("Another address asked for %(what)s"),
    "member.address_withdrawn": _("Change of the address of %(what)s withdrawn"),
    "two_factor.reset": _("Second factor of %(what)s reset"),
}


def sentence(event: AuditEvent, names: Names | None = None) -> str:
    """What an audit row says happened; an action without words of its own is named as it is. With what the reader knows of the
    change, `names`, it says who, where and how much."""
    if names and (whole := told_whole.WHOLE.get(event.action)) and (told := whole(event, names)):
        return told
    if event.action == "library.added":
        n = len(event.after.get("macs", ()))
        words = ngettext("%(n)s MAC address added to the library", "%(n)s MAC addresses added to the library", n)
        return words % {"n": n}
    if event.action in DEEDS:
        return str(DEEDS[event.action]) % {"what": event.subject_label}
    return f"{event.action.replace('.', ' ').replace('_', ' ').capitalize()}: {event.subject_label}"
