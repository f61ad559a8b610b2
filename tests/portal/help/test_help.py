"""The help: an index, and a page for each service."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse

from communities.catalogue import SERVICES

pytestmark = pytest.mark.django_db


def test_every_service_has_a_help_page_of_some_length(people, sign_in):
    client = sign_in(people.ivan)
    index = client.get("/help/").content.decode()
    for service in SERVICES:
        address = reverse("help-service", args=[service.code])
        assert f'href="{address}"' in index
        page = client.get(address).content.decode()
        (prose,) = re.findall(r'<article class="prose">(.*?)</article>', page, re.S)
        assert 120 <= len(re.sub(r"<[^>]+>", " ", prose).split()) <= 240
