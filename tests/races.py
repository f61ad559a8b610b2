"""Running several actions at the same instant."""

from __future__ import annotations

import threading
from collections.abc import Callable

from django.db import connection


def together(*attempts: Callable[[], object]) -> list[object]:
    """Run every attempt in its own thread, all starting at once; returns what each returned or raised, in order."""
    barrier = threading.Barrier(len(attempts))
    outcomes: list[object] = [None] * len(attempts)

    def run(index: int, attempt: Callable[[], object]) -> None:
        try:
            barrier.wait(timeout=20)
            outcomes[index] = attempt()
        except Exception as error:
            outcomes[index] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(attempts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return outcomes
