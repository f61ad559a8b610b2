"""Terms and privacy notice: the version in force, who accepted it, and publishing the next one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import TypeVar

from django.conf import settings
from django.db import models, transaction
from django.db.models import Subquery
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import audit, sellers
from accounts.errors import Conflict, NotPermitted, Refused
from accounts.markdown import SELLER_MARK
from accounts.models import Acceptance, Document, Kind, Organization, SellerVersion, TextDraft, TextVersion, User
from accounts.models.terms import FALLBACK
from accounts.scope import Actor, Role
from accounts.typed.text import block

Version = TypeVar("Version", TextVersion, SellerVersion)
IN_FORCE, UPCOMING, REPLACED = "in_force", "upcoming", "replaced"
LONGEST = 100_000  # characters of a text in one language
# Sentences of the shipped examples. A text that contains one of them is treated as an example.
EXAMPLE_MARKS = ("This is an example text, not legal advice.", "Dies ist ein Beispieltext und keine Rechtsberatung.")
LATEST: dict[str, str] = {Document.TERMS: "terms_version", Document.PRIVACY: "privacy_version"}  # fields of User
TEXT_DRAFTED = audit.Word(
    "text.drafted", gettext_lazy("Draft saved"), gettext_lazy("%(what)s saved"), area=audit.Area.SETUP, saves=True
)
TEXT_DISCARDED = audit.Word(
    "text.discarded", gettext_lazy("Draft deleted"), gettext_lazy("%(what)s deleted"), area=audit.Area.SETUP, saves=True
)
TEXT_PUBLISHED = audit.Word(
    "text.published",
    gettext_lazy("Text published"),
    gettext_lazy("%(what)s published"),
    area=audit.Area.SETUP,
    saves=True,
)


def in_force(document: str, *, now: datetime) -> TextVersion | None:
    """The version of a document (`Document.TERMS`, `Document.PRIVACY`) in force at `now`; None before the operator published one.

    The shipped examples are valid in the demo only.
    """
    return TextVersion.objects.begun(now).filter(document=document).select_related("seller").first()


def kept(document: str, version: str) -> TextVersion | None:
    """The version that an acceptance or an order names; None where its text is not stored."""
    if not version.isdecimal():
        return None
    return TextVersion.objects.usable().filter(document=document, number=int(version)).first()


def columns_in_force(now: datetime) -> dict[str, Subquery]:
    """For `annotate()`: `terms_in_force` and `privacy_in_force`, the numbers in force (or NULL), for the query that every page runs
    anyway."""
    return {
        f"{document.value}_in_force": Subquery(
            TextVersion.objects.begun(now).filter(document=document.value).values("number")[:1]
        )
        for document in Document
    }


def numbers_in_force(now: datetime) -> dict[str, int]:
    """The number in force, by document; documents without one are left out. One statement."""
    found = TextVersion.objects.begun(now).order_by().values_list("document")
    return dict(found.annotate(newest=models.Max("number")))


def published(document: str, *, now: datetime) -> list[tuple[TextVersion, str]]:
    """Every version with its standing (IN_FORCE, UPCOMING or REPLACED), the newest first. One statement."""
    return standing(
        list(
            TextVersion.objects.usable()
            .filter(document=document)
            .select_related("seller", "published_by")
            .order_by("-number")
        ),
        now=now,
    )


def standing(versions: list[Version], *, now: datetime) -> list[tuple[Version, str]]:
    """Each version with its standing, the highest number first. An upcoming version counts as replaced if a later version begins before
    it."""
    found: list[tuple[Version, str]] = []
    earliest: datetime | None = None  # the first day of any version with a higher number
    for version in versions:
        begins = version.valid_from
        if earliest is not None and earliest <= begins:
            state = REPLACED
        elif begins > now:
            state = UPCOMING
        else:
            state = IN_FORCE if earliest is None or earliest > now else REPLACED
        earliest = begins if earliest is None else min(earliest, begins)
        found.append((version, state))
    return found


def has_accepted(user: User, numbers: Mapping[str, int | None]) -> bool:
    """Whether the person accepted every document in force; `numbers` come from `numbers_in_force`. No statement."""
    return not pending(user, numbers)


def pending(user: User, numbers: Mapping[str, int | None]) -> list[str]:
    """The documents in force whose version the person has not accepted."""
    return [
        document
        for document, field in LATEST.items()
        if (number := numbers.get(document)) and getattr(user, field) != str(number)
    ]


@transaction.atomic
def accept(user: User, *, now: datetime, address: str = "") -> None:
    """Record that `user` accepts what is in force; a second call changes nothing. `address` is masked already.

    No audit row: the table itself is append-only, and it concerns this person only.
    """
    versions = {document: str(number) for document, number in numbers_in_force(now).items()}
    Acceptance.objects.bulk_create(
        [
            Acceptance(user=user, document=document, version=version, accepted_at=now, address=address)
            for document, version in versions.items()
        ],
        ignore_conflicts=True,
    )
    for document, version in versions.items():
        setattr(user, LATEST[document], version)
    user.save(update_fields=[LATEST[document] for document in versions])


def draft_of(actor: Actor, document: str) -> TextDraft | None:
    """The saved draft of a document, if there is one."""
    return TextDraft.objects.visible_to(actor).filter(document=document).select_related("saved_by").first()


@transaction.atomic
def save_draft(
    actor: Actor,
    *,
    document: str,
    texts: Mapping[str, str],
    valid_from: date | None,
    version: int | None,
    now: datetime,
) -> TextDraft:
    """Save a draft. `version` is the draft's version that the page showed, None where there was none; Conflict where somebody saved or
    published meanwhile."""
    operator = _operator(actor)
    _refuse_misshapen(texts)
    draft = _fresh_draft(document, version)
    before = {"texts": draft.texts, "valid_from": draft.valid_from} if draft else {"texts": {}, "valid_from": None}
    if draft is None:
        draft = TextDraft(document=document)
    else:
        draft.version += 1
    draft.texts, draft.valid_from = dict(texts), valid_from
    draft.saved_by_id, draft.saved_at = actor.user_id, now
    draft.save()
    changed = sorted(
        code for code in {**before["texts"], **texts} if before["texts"].get(code, "") != texts.get(code, "")
    )
    audit.record(
        actor,
        TEXT_DRAFTED,
        draft,
        now=now,
        tenant=operator,
        before={"valid_from": _day(before["valid_from"])},
        after={"valid_from": _day(valid_from)} | ({"languages": changed} if changed else {}),
    )
    return draft


@transaction.atomic
def discard_draft(actor: Actor, *, document: str, version: int | None, now: datetime) -> None:
    """Delete a draft; Conflict where somebody saved it meanwhile."""
    operator = _operator(actor)
    draft = _fresh_draft(document, version)
    if draft is None:
        return
    audit.record(
        actor, TEXT_DISCARDED, draft, now=now, tenant=operator, before={"languages": sorted(draft.texts)}
    )  # fmt: skip
    draft.delete()


@transaction.atomic
def publish(
    actor: Actor,
    *,
    document: str,
    texts: Mapping[str, str],
    valid_from: datetime,
    now: datetime,
    version: int | None = None,
) -> TextVersion:
    """Publish the next version and delete the draft. A published text never changes; a mistake is corrected by a further version.

    Operator only, never for the past; at least the English text is required. Texts of the shipped examples are refused outside the
    demo. `version` is the draft's version that the page showed; Conflict where somebody saved or published meanwhile.
    """
    operator = _operator(actor)
    _refuse_misshapen(texts)
    kept = {code: clean for code, text in texts.items() if (clean := block(text).strip())}
    draft = _fresh_draft(document, version)
    if FALLBACK not in kept:
        missing = _("The English text is missing: it is read by everybody whose language is missing.")
        raise Refused(missing, field="text")
    if valid_from < now and actor.role is not Role.SYSTEM:
        raise Refused(_("A version can't be valid from a moment that is past."), field="valid_from")
    is_example = any(mark in text for text in kept.values() for mark in EXAMPLE_MARKS)
    if is_example and not settings.DEMO:
        raise Refused(_("This is the text shipped with the demo. Publish your own."), field="text")
    last = TextVersion.objects.filter(document=document).order_by("-number").first()
    if last is not None and last.texts == kept and last.valid_from == valid_from:
        raise Refused(_("Nothing differs from version %(number)s.") % {"number": last.number})
    made = TextVersion.objects.create(
        document=document,
        number=last.number + 1 if last else _first_number(document),
        texts=kept,
        valid_from=valid_from,
        seller=_named_seller(kept, at=valid_from),
        is_example=is_example,
        published_by_id=actor.user_id,
        published_at=now,
    )
    if draft is not None:
        draft.delete()
    after = {"version": made.number, "valid_from": valid_from.isoformat(), "languages": sorted(kept)}
    audit.record(actor, TEXT_PUBLISHED, made, now=now, tenant=operator, after=after)
    return made


def starts_at(day: date | None, *, now: datetime) -> datetime:
    """The instant from which a version is valid: the start of the day in UTC; for today, now. Refuses a version without a day."""
    if day is None:
        raise Refused(_("Say from which day it is valid."), field="valid_from")
    return now if day == now.astimezone(UTC).date() else datetime.combine(day, time(), tzinfo=UTC)


def _operator(actor: Actor) -> Organization:
    """The operator's organization, locked, so that publications and drafts are written one after the other. Refuses everybody else."""
    if actor.role not in {Role.OPERATOR, Role.SYSTEM}:
        raise NotPermitted
    found = Organization.objects.filter(kind=Kind.OPERATOR).order_by("pk").select_for_update(no_key=True)
    return found[0]


def _fresh_draft(document: str, version: int | None) -> TextDraft | None:
    draft = TextDraft.objects.filter(document=document).first()
    if (draft.version if draft else None) != version:
        raise Conflict
    return draft


def _refuse_misshapen(texts: Mapping[str, str]) -> None:
    if unknown := set(texts) - {code for code, _name in settings.LANGUAGES}:
        raise Refused(_("Unknown language: %(code)s.") % {"code": ", ".join(sorted(unknown))})
    if any(len(text) > LONGEST for text in texts.values()):
        raise Refused(_("A text has at most %(n)s letters.") % {"n": f"{LONGEST:,}"}, field="text")


def _first_number(document: str) -> int:
    """1, or higher where people accepted versions before texts were stored here: an old acceptance must never match a new text."""
    old = Acceptance.objects.filter(document=document).order_by().values_list("version", flat=True).distinct()
    return 1 + max((int(version) for version in old if version.isdecimal()), default=0)


def _named_seller(texts: Mapping[str, str], *, at: datetime) -> SellerVersion | None:
    if not any(SELLER_MARK in text for text in texts.values()):
        return None
    found = sellers.in_force(now=at)
    if found is None:
        raise Refused(
            _("The text names the seller, and there is none on that day yet. Publish the seller first."), field="text"
        )
    return found


def _day(day: date | None) -> str | None:
    return day.isoformat() if day else None
