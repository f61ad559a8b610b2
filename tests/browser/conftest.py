"""What the browser tests of a worker share: one running house."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.browser.house import House, running_house


@pytest.hookimpl(tryfirst=True)  # before `-m` chooses
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whoever asks for the house drives a browser; each worker has a house of its own."""
    for item in items:
        if "house" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The running demo and a browser to visit it."""
    with running_house(tmp_path_factory.mktemp("house")) as running:
        yield running
