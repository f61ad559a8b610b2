"""The form of the list to activate, page by page."""

from __future__ import annotations

import re

from django.test import Client

from subscriptions.actions import carts
from subscriptions.models import Cart
from tests.portal.html import assert_clean


class Form:
    """The form of the page as a browser without script keeps it."""

    def __init__(self, client: Client, page: str, address: str = "/subscription/") -> None:
        assert_clean(page)
        self.client, self.page, self.address = client, page, address
        inputs = re.findall(r"<input\b[^>]*>", page[page.index('id="activate"') :])
        self.sent: dict[str, list[str]] = {}
        for tag in inputs:
            name, value = (re.search(rf'\b{what}="([^"]*)"', tag) for what in ("name", "value"))
            is_box = 'type="checkbox"' in tag or 'type="radio"' in tag
            if name and value and (not is_box or " checked" in tag):
                self.sent.setdefault(name[1], []).append(value[1])
        self.rows = re.findall(r'name="item" value="([0-9]+)"', page)
        self.mark = re.search(r'name="all" value="([^"]*)"', page)[1]  # type: ignore[index]

    def tick(self, *rows: str) -> Form:
        self.sent.setdefault("item", []).extend(rows)
        return self

    def untick(self, row: str) -> Form:
        self.sent["item"].remove(row)
        return self

    def tick_all(self) -> Form:
        self.sent["all"] = [self.mark]
        return self

    def press(self, **button: str) -> Form:
        answer = self.client.post(self.address, {**self.sent, **button}, follow=True)
        assert answer.status_code == 200
        return Form(self.client, answer.content.decode(), self.address)

    def turn(self, way: str = "after") -> Form:
        found = re.search(rf'name="{way}" value="([^"]+)"', self.page)
        assert found
        return self.press(**{way: found[1]})

    def go_on(self, action: str = "next") -> str:
        answer = self.client.post(self.address, {**self.sent, "action": action}, follow=True)
        assert answer.redirect_chain
        return str(answer.content.decode())


def opened(client: Client, address: str = "/subscription/") -> Form:
    return Form(client, client.get(address).content.decode(), address)


def chosen() -> set[int]:
    return set(carts.contents(Cart.objects.get()).values_list("pk", flat=True))
