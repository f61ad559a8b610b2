"""Houses that start at the same time get in nobody's way."""

from __future__ import annotations

import socket
from contextlib import ExitStack

import pytest

from tests.browser import installation


def test_houses_that_start_at_once_have_ports_of_their_own() -> None:
    with ExitStack() as stack:
        ports = [stack.enter_context(installation.two_ports()) for _ in range(30)]
        taken = [number for port in ports for number in (port, port + 1)]
        assert len(set(taken)) == 60


def test_a_pair_is_nobody_elses_before_anything_listens_there(monkeypatch: pytest.MonkeyPatch) -> None:
    with installation.two_ports() as port:
        monkeypatch.setattr(installation, "PORTS", (port, port + 2))
        with pytest.raises(RuntimeError), installation.two_ports():
            pass
    with installation.two_ports() as again:
        assert again == port


@pytest.mark.parametrize("which", [0, 1])
def test_a_port_that_somebody_else_listens_at_is_passed_over(monkeypatch: pytest.MonkeyPatch, which: int) -> None:
    with installation.two_ports() as port:
        pass
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", port + which))
        other.listen()
        monkeypatch.setattr(installation, "PORTS", (port, port + 2))
        with pytest.raises(RuntimeError), installation.two_ports():
            pass
