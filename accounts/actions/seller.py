"""The seller: the version in force, and publishing the next one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import audit, logos
from accounts.errors import Conflict, NotPermitted, Refused
from accounts.models import Kind, Organization, SellerLogo, SellerVersion
from accounts.scope import Actor, Role
from accounts.typed import mail, postal, text

FIELDS = ("name", *postal.FIELDS, "tax_number", "email")
REQUIRED = ("name", "street", "country", "tax_number")
SELLER_PUBLISHED = audit.Word(
    "seller.published",
    gettext_lazy("Seller published"),
    gettext_lazy("%(what)s published"),
    area=audit.Area.SETUP,
    saves=True,
)


@transaction.atomic
def publish(
    actor: Actor,
    *,
    values: Mapping[str, str],
    valid_from: datetime,
    now: datetime,
    picture: bytes | None = None,
    keeps_logo: bool = True,
    newest: int | None = None,
    is_example: bool = False,
) -> SellerVersion:
    """Publish the next version of the seller: `values` are FIELDS. Operator only, never for the past.

    `picture` are the bytes of a PNG or JPEG; without one the last logo is kept, or removed with `keeps_logo=False`. `newest` is the number
    of the last version that the page showed; Conflict where another was published since. `is_example` marks the demo's seller.
    """
    if actor.role not in {Role.OPERATOR, Role.SYSTEM}:
        raise NotPermitted
    operator = Organization.objects.filter(kind=Kind.OPERATOR).order_by("pk").select_for_update(no_key=True)[0]
    kept = _checked(values)
    if valid_from < now and actor.role is not Role.SYSTEM:
        raise Refused(_("A version can't be valid from a moment that is past."), field="valid_from")
    if is_example and not settings.DEMO:
        raise Refused(_("The example seller belongs to the demo."))
    last = SellerVersion.objects.select_related("logo").defer("logo__content").order_by("-number").first()
    if newest is not None and (last.number if last else 0) != newest:
        raise Conflict
    kept_logo = last.logo if last and keeps_logo else None
    was = _values(last) if last else {}
    made = SellerVersion(
        number=last.number + 1 if last else 1,
        logo=_stored(picture) if picture else kept_logo,
        valid_from=valid_from,
        is_example=is_example,
        published_by_id=actor.user_id,
        published_at=now,
        **kept,
    )
    now_is = _values(made)
    if last is not None and was == now_is:
        raise Refused(_("Nothing differs from version %(number)s.") % {"number": last.number})
    made.save()
    after = now_is | {"valid_from": valid_from.isoformat()}
    audit.record(actor, SELLER_PUBLISHED, made, now=now, tenant=operator, before=was, after=after)
    return made


def _checked(values: Mapping[str, str]) -> dict[str, str]:
    """The values to store. Refuses a missing or wrong value, at its field."""
    kept = {name: text.line(values.get(name, "")) for name in FIELDS}
    if kept["email"]:
        kept["email"] = mail.address(kept["email"]).shown
    for name in REQUIRED:
        if not kept[name]:
            raise Refused(_("This is needed on an invoice."), field=name)
    return kept | postal.checked(kept)


def _stored(content: bytes) -> SellerLogo:
    """The stored picture, one row for the same bytes. Refuses bytes that are no PNG or JPEG, or too large."""
    picture = logos.examine(content)
    found, _is_new = SellerLogo.objects.defer("content").get_or_create(
        digest=picture.digest,
        defaults={
            "content": content,
            "content_type": picture.content_type,
            "width": picture.width,
            "height": picture.height,
        },
    )
    return found


def _values(version: SellerVersion) -> dict[str, object]:
    """The values to compare and audit; the logo is represented by the beginning of its digest."""
    return {name: getattr(version, name) for name in FIELDS} | {
        "logo": version.logo.digest[:12] if version.logo else None,
        "valid_from": version.valid_from.isoformat(),
    }
