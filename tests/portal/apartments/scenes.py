"""What stories of apartments name: fixtures, and addresses of pages."""

from __future__ import annotations

from collections.abc import Callable

from django.test import Client

from communities.models import Site
from tests.people import Person

SignIn = Callable[[Person], Client]
MakeSite = Callable[..., Site]


def new(site: Site) -> str:
    """The address of the New-apartment form."""
    return f"/sites/{site.pk}/apartments/new/"
