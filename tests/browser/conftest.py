"""What the browser tests share: one running house for all of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.browser.house import House, running_house


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The running demo and a browser to visit it."""
    with running_house(tmp_path_factory.mktemp("house")) as running:
        yield running
