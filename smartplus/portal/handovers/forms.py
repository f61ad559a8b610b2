"""Offering a site to another installer, and the answers."""

from __future__ import annotations

from django import forms
from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from accounts.errors import ActionError, Conflict
from accounts.models import Organization
from smartplus.portal.kit.fields import BlockField, LineField, refuse


class OfferForm(forms.Form):
    """To whom: a reseller chooses one of its installers, an installer writes the name of the firm, since it sees no other."""

    to = forms.ModelChoiceField(Organization.objects.none(), label=_("Installer that takes it over"))
    to_name = LineField(
        label=_("Installer that takes it over"),
        max_length=120,
        help_text=_("The name of the firm, as it stands in SmartPlus. It has to belong to the same distributor."),
    )
    note = BlockField(
        label=_("Note"),
        max_length=500,
        required=False,
        help_text=_("The other firm reads it."),
        widget=forms.Textarea(attrs={"rows": 2}),
    )

    def __init__(self, data: QueryDict | None = None, *, takers: QuerySet[Organization], is_chosen: bool) -> None:
        super().__init__(data, label_suffix="")
        del self.fields["to_name" if is_chosen else "to"]
        if is_chosen:
            field = self.fields["to"]
            assert isinstance(field, forms.ModelChoiceField)
            field.queryset = takers

    @property
    def to_id(self) -> int | None:
        """The firm that a reseller chose."""
        return self.cleaned_data["to"].pk if "to" in self.fields else None

    @property
    def named(self) -> str:
        """The name that an installer wrote."""
        return str(self.cleaned_data.get("to_name", ""))


class AcceptForm(forms.Form):
    """Accepting what the dry run shows. A name is asked for where the own firm has a site of this name already. `outdated` says that the
    site changed since the page was shown."""

    name = LineField(label=_("Name of the site at your firm"), max_length=64)
    outdated = ""

    def __init__(self, data: QueryDict | None = None, *, clashes: bool, name: str) -> None:
        super().__init__(data, initial={"name": name}, label_suffix="")
        if clashes:
            self.fields["name"].help_text = _("You have a site of this name already. Give this one another.")
        else:
            del self.fields["name"]

    def refuse(self, refusal: ActionError) -> None:
        """Show a refusal at its field; another dry run is no error of the form."""
        if isinstance(refusal, Conflict):
            self.outdated = str(refusal)
        else:
            refuse(self, refusal)


class RefusalForm(forms.Form):
    """Why a site is not taken over."""

    reason = BlockField(
        label=_("Reason"),
        max_length=500,
        help_text=_("The other firm reads it."),
        widget=forms.Textarea(attrs={"rows": 2}),
        error_messages={"required": _("Say why, so that the other firm knows what to do.")},
    )
