"""The price beside a form as a fragment: the unsaved form is priced, nothing is written."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render

from smartplus.access import PortalRequest
from smartplus.portal.price_preview.queries import FormPreview
from subscriptions import rights


def fragment(request: PortalRequest, preview: FormPreview | None) -> HttpResponse:
    """The price of the form; refused where the distributor hides prices from this installer."""
    rights.refuse_hidden_prices(request.actor)
    assert preview is not None  # there is none where prices are hidden
    return render(request, preview.template, {"preview": preview, "price": preview.price})
