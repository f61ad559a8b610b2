"""What the browser tests of a worker share: one running installation."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.browser.installation import Installation, running_installation


@pytest.hookimpl(tryfirst=True)  # before `-m` chooses
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whoever asks for the installation drives a browser; each worker has an installation of its own."""
    for item in items:
        if "installation" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """The running demo and a browser to visit it."""
    with running_installation(tmp_path_factory.mktemp("installation")) as running:
        yield running
