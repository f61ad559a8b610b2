"""What is stored about a client: a masked address, and the browser in words."""

from __future__ import annotations

import ipaddress
import re
from typing import NamedTuple

from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

# In this order: a browser's header also names the browsers it is derived from.
_BROWSERS = (
    ("Edge", re.compile(r"\bEdgA?(?:iOS)?/(\d{1,4})")),
    ("Opera", re.compile(r"\bOPR/(\d{1,4})")),
    ("Samsung Internet", re.compile(r"\bSamsungBrowser/(\d{1,4})")),
    ("Firefox", re.compile(r"\b(?:Firefox|FxiOS)/(\d{1,4})")),
    ("Chrome", re.compile(r"\b(?:Chrome|CriOS)/(\d{1,4})")),
    ("Safari", re.compile(r"\bVersion/(\d{1,4})[\d.]{0,12} (?:Mobile/\w{1,12} )?Safari/")),
)
_DEVICES = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows PC"),
    ("CrOS", "Chromebook"),
    ("Macintosh", "Mac"),
    ("Linux", "Linux PC"),
)
UNKNOWN_DEVICE: StrOrPromise = _("Unknown device")
_LONGEST = 400  # characters of a user agent that are read; the client chooses its length


class Client(NamedTuple):
    """A browser in words; empty where the header does not say."""

    device: str  # "Windows PC"
    browser: str  # "Firefox 145"


def in_words(user_agent: str) -> Client:
    """The device and the browser that a User-Agent header names."""
    text = user_agent[:_LONGEST]
    device = next((words for sign, words in _DEVICES if sign in text), "")
    found = ((name, pattern.search(text)) for name, pattern in _BROWSERS)
    browser = next((f"{name} {match.group(1)}" for name, match in found if match), "")
    return Client(device, browser)


def masked(address: str | None) -> str:
    """An address with its second half hidden: "84.17.x.x"; for IPv6 its /48. Empty for text that is no address."""
    try:
        known = ipaddress.ip_address(address or "")
    except ValueError:
        return ""
    if isinstance(known, ipaddress.IPv6Address) and known.ipv4_mapped:
        known = known.ipv4_mapped
    if isinstance(known, ipaddress.IPv4Address):
        return ".".join([*str(known).split(".")[:2], "x", "x"])
    return str(ipaddress.ip_network((int(known), 48), strict=False))
