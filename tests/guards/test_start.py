"""A process starts without what only some of its requests need: commands, workers and pages wait for it nearly three times as long otherwise."""

from __future__ import annotations

import os
import subprocess
import sys

from smartplus.bench.starting import OURS

LATER = {
    "ninja", "pydantic", "celery", "kombu", "redis", "stripe", "requests", "openpyxl", "markdown_it", "nh3", "phonenumbers",
    "email_validator", "netaddr", "unittest",
}  # fmt: skip


def test_what_only_some_requests_need_is_read_when_they_come() -> None:
    told = f"{OURS}; import sys; print(*sys.modules)"
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "smartplus.settings"}
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, env=environment, check=True)
    loaded = set(done.stdout.split())
    assert "smartplus.portal.sites.views" in loaded
    assert not LATER & loaded
