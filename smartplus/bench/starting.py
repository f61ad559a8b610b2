"""The case of starting: a process until it is ready for its first request, beside bare Django."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from statistics import median

from smartplus.bench.cases import Goal, Result
from smartplus.bench.measure import Cost

OURS = "import django; django.setup(); from django.urls import get_resolver; get_resolver().url_patterns"
BARE = (
    "from django.conf import settings; settings.configure(ROOT_URLCONF='django.contrib.auth.urls', "
    "INSTALLED_APPS=['django.contrib.contenttypes', 'django.contrib.auth', 'django.contrib.sessions']); " + OURS
)


def of_processes(*, rounds: int) -> Iterator[Result]:
    """Both in processes of their own, in turn; first one of each to write the bytecode cache."""
    found: dict[str, list[float]] = {OURS: [], BARE: []}
    for code in found:
        _cpu_ms(code)
    for _round in range(rounds):
        for code, times in found.items():
            times.append(_cpu_ms(code))
    ours, floor = (Cost(median(times), 0.0, 0, 0, 0) for times in found.values())
    yield Result("start", "start of a process", Goal(ratio=3), ours, floor)


def _cpu_ms(code: str) -> float:
    surroundings = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    surroundings["DJANGO_SETTINGS_MODULE"] = "smartplus.settings"
    process = subprocess.Popen([sys.executable, "-c", code], env=surroundings)
    _pid, status, usage = os.wait4(process.pid, 0)
    process.returncode = status
    if status:
        raise RuntimeError("a process for measuring did not start")
    return (usage.ru_utime + usage.ru_stime) * 1000
