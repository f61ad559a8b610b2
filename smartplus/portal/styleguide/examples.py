"""What the examples of components are filled with: long words, names of right-to-left scripts, fields in each state."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from django import forms

from smartplus.portal.kit import fields

LONG_NAME = "Wohnungseigentümergemeinschaft Donaudampfschifffahrtsgesellschaft am Hafen 117 bis 131"
LONG_TEXT = (
    f"{LONG_NAME} has 1,240 apartments in forty buildings, and every one of them ends on another day: what is paid for stays paid for, "
    "whoever lives there, and what is not paid for by then rests until somebody pays for it."
)
ARABIC = "برج السلام ٧"
DAYS = [("1", "Monday"), ("2", "Tuesday"), ("3", "Wednesday")]
MOST = 1000
TERMS = [("1", "One month"), ("12", "Twelve months")]


class ExampleForm(forms.Form):
    """A field for each state that a field can be in."""

    name = fields.LineField(max_length=MOST, label="Name", initial="Harbour View")
    empty = fields.LineField(max_length=MOST, label="Name", required=False)
    city = fields.LineField(max_length=MOST, label="City", initial="Hamburg", help_text="As it stands on letters.")
    arabic = fields.LineField(max_length=MOST, label="Name", initial=ARABIC)
    note = fields.BlockField(max_length=MOST, label="Note", required=False, initial="Move-in on Monday.")
    email = fields.MailField(label="Email", initial="ivan@hafen")
    locked = fields.LineField(
        max_length=MOST, label="Currency", initial="USD", disabled=True, help_text="The first order fixed it."
    )
    kind = forms.ChoiceField(label="Project type", choices=[("a", "Apartments"), ("h", "House")])
    long = fields.LineField(max_length=MOST, label=LONG_NAME, initial=LONG_TEXT)
    password = fields.SecretField(label="Password", widget=forms.PasswordInput(render_value=True), initial="secret")
    agreed = forms.BooleanField(label="I accept the terms", initial=True)
    days = forms.MultipleChoiceField(label="Days", choices=DAYS, initial=["1"], widget=forms.CheckboxSelectMultiple)
    term = forms.ChoiceField(label="Term", choices=TERMS, initial="12", widget=forms.RadioSelect)
    switch_off = forms.BooleanField(label="Parking", required=False)
    switch_on = forms.BooleanField(label="Elevator control", required=False, initial=True)
    switch_wrong = forms.BooleanField(label="Landline", initial=True)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["amount"] = fields.AmountField(label="Amount")

    def clean_switch_wrong(self) -> bool:
        """Refused in any case, to show the error."""
        raise forms.ValidationError("A landline needs an indoor monitor.")


def values(prefix: str) -> dict[str, Any]:
    """What the code of an example may name. `prefix` tells its form from the others of the page."""
    typed: dict[str, Any] = {f"{prefix}-amount": "1,240.50"}
    for name, field in ExampleForm.base_fields.items():
        given = "a" if name == "kind" else field.initial
        if given not in (None, False):
            typed[f"{prefix}-{name}"] = "on" if given is True else given
    return {
        "unique": f"{prefix}-of-its-own",
        "form": ExampleForm(typed, prefix=prefix),
        "long_name": LONG_NAME,
        "long_text": LONG_TEXT,
        "arabic": ARABIC,
        "sentence": "Try another number or status.",
        "none": [],
        "sentences": ["The page was open for long."],
        "faults": [
            {"id": "content", "label": "Name", "text": "This field is required."},
            {"id": "content", "label": "Email", "text": "Enter a valid address."},
        ],
        "now": datetime(2026, 12, 14, 8, 30, tzinfo=UTC),
        "column": SimpleNamespace(label="Site", css="", is_silent=False),
        "silent": SimpleNamespace(label="Action", css="r", is_silent=True),
        "plain": SimpleNamespace(url="", way=""),
        "sortable": SimpleNamespace(url="#", way=""),
        "up": SimpleNamespace(url="#", way="ascending"),
        "down": SimpleNamespace(url="#", way="descending"),
        "chips": [_bar(is_select=False)],
        "choice": [_bar(is_select=True)],
        "site": SimpleNamespace(pk=1),
        "why": _why(("Premium", 1200), ("Landline", 300)),
        "why_long": _why((LONG_NAME, 120_000_000), (ARABIC, 300)),
        "fresh": ["Landline"],
        "conflict": _conflict("Ivan Petrov", _line("Street", "Kai 2", "Kai 3"), _line("City", "Hamburg", "Altona")),
        "conflict_own": _conflict("", _line("Name", "Harbour View", "Harbour"), is_self=True),
        "conflict_bare": _conflict(""),
        "conflict_long": _conflict(LONG_NAME, _line(LONG_NAME, LONG_TEXT, ARABIC)),
    }


def _why(*parts: tuple[str, int]) -> SimpleNamespace:
    total = sum(amount for _name, amount in parts)
    return SimpleNamespace(
        named_parts=parts,
        currency="USD",
        unit_minor=total,
        formula="12 × 30 days × 40 apartments",
        amount_minor=480 * total,
        price_list="Price list 4",
    )


def _conflict(who: str, *differences: SimpleNamespace, is_self: bool = False) -> SimpleNamespace:
    return SimpleNamespace(
        who=who,
        what="Site changed" if who else "",
        is_self=is_self,
        when=datetime(2026, 12, 14, 8, 25, tzinfo=UTC) if who else None,
        differences=differences,
        knows_before=True,
        has_untouched=False,
        again="#",
    )


def _line(label: str, theirs: str, yours: str) -> SimpleNamespace:
    return SimpleNamespace(label=label, before="", theirs=theirs, yours=yours, keeps_yours=True)


def _bar(*, is_select: bool) -> SimpleNamespace:
    chips = [
        SimpleNamespace(value=value, label=label, number=number, url="#", is_on=value == "lapsed")
        for value, label, number in (("", "All", None), ("lapsed", "Lapsed", 12), ("paid", "Paid", 0))
    ]
    return SimpleNamespace(filter=SimpleNamespace(is_select=is_select, label="Status", name="state"), chips=chips)
