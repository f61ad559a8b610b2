"""What the browser tests share: one running house for all of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.browser.house import House, running_house


@pytest.hookimpl(tryfirst=True)  # before the groups are given out
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whoever asks for the house drives a browser, and shares the one house with the others, on one worker."""
    for item in items:
        if "house" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.xdist_group("browser"))


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The running demo and a browser to visit it."""
    with running_house(tmp_path_factory.mktemp("house")) as running:
        yield running
