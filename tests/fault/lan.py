"""Several machines on one: each is a network namespace, plugged into two switches, which are bridges; none of it outlives a test.

The network of the machine the tests run on is not touched: the switches have a namespace of their own, and what is at them too.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.commands import Directory

#: The switches. The store is at one, the far sides are at the other, both at the first address; a machine has a link to each.
STORE, FAR = "store", "far"
_NETS = {STORE: "198.18.1", FAR: "198.18.2"}  # set aside for tests of networks (RFC 2544)
_CLONE_NEWNET = 0x40000000
_LIBC = ctypes.CDLL(None, use_errno=True)
#: Gives what follows it a host name of its own.
_NAMED = 'echo "$0" > /proc/sys/kernel/hostname && exec "$@"'


def at(switch: str, number: int = 1) -> str:
    """Return an address at a switch; the first is that of what all machines reach there."""
    return f"{_NETS[switch]}.{number}"


@dataclass
class Machine(Directory):
    """A directory whose commands run on a machine of that name. Its links end at ports of the switches."""

    name: str = ""
    namespace: str = ""
    switches: str = ""
    number: int = 0

    def command(self, *arguments: str) -> list[str]:
        return [*_on(self.namespace), "unshare", "--uts", "sh", "-c", _NAMED, self.name, *super().command(*arguments)]

    def unplug(self, *switches: str) -> None:
        """Switch the ports off: what is on its way is lost, and nobody is told."""
        self._ports(switches, "down")

    def plug(self, *switches: str) -> None:
        """Switch the ports on again."""
        self._ports(switches, "up")

    def address(self, switch: str) -> str:
        """Return by what address it is known at a switch."""
        return at(switch, self.number)

    def log(self) -> str:
        """Return what its hubs have logged."""
        file = self.path / "hub.log"
        return file.read_text("utf-8") if file.exists() else ""

    def _ports(self, switches: tuple[str, ...], state: str) -> None:
        for switch in switches or tuple(_NETS):
            _ip("-n", self.switches, "link", "set", _port(self.number, switch), state)


@dataclass
class Lan:
    """The switches, and the machines at them."""

    switches: str
    namespaces: list[str] = field(default_factory=list)

    def build(self) -> None:
        """Set the switches up. Raises CalledProcessError where the kernel lets us have no such thing."""
        self._namespace(self.switches)
        for switch in _NETS:
            _ip("-n", self.switches, "link", "add", switch, "type", "bridge")
            _up(self.switches, switch, at(switch))

    def machine(self, name: str, path: Path) -> Machine:
        """Plug in one more machine, which works in that directory."""
        number = len(self.namespaces) + 10
        made = Machine(path, name=name, namespace=f"{self.switches}-{name}", switches=self.switches, number=number)
        self._namespace(made.namespace)
        for switch in _NETS:
            port = _port(number, switch)
            _ip("link", "add", port, "netns", self.switches, "type", "veth", "peer", "name", switch, "netns", made.namespace)
            _ip("-n", self.switches, "link", "set", port, "master", switch, "up")
            _up(made.namespace, switch, made.address(switch))
        return made

    def on_switches(self) -> list[str]:
        """Return the words before a command that is to run where all machines reach it."""
        return _on(self.switches)

    def remove(self) -> None:
        """Remove all of it; the links go with the namespaces."""
        for name in self.namespaces:
            with suppress(subprocess.CalledProcessError):
                _ip("netns", "delete", name)

    def _namespace(self, name: str) -> None:
        _ip("netns", "add", name)
        self.namespaces.append(name)
        _ip("-n", name, "link", "set", "lo", "up")


@contextmanager
def lan() -> Iterator[Lan]:
    """Yield two switches and no machine yet. Skips, and says what is missing, where there can be none."""
    if os.geteuid() != 0:
        pytest.skip("no machines: only root makes network namespaces")
    if shutil.which("ip") is None:
        pytest.skip("no machines: there is no `ip` (iproute2)")
    made = Lan(f"hub-{uuid.uuid4().hex[:8]}")
    try:
        _build(made)
        yield made
    finally:
        made.remove()


def _build(made: Lan) -> None:
    try:
        made.build()
    except subprocess.CalledProcessError as error:
        pytest.skip(f"no machines: `{' '.join(error.cmd)}` says {error.stderr.strip()}")


@contextmanager
def inside(namespace: str) -> Iterator[None]:
    """Let this thread be there until the block ends: sockets it makes, and threads it begins, stay."""
    with Path("/proc/thread-self/ns/net").open() as home, Path("/run/netns", namespace).open() as there:
        _enter(there.fileno())
        try:
            yield
        finally:
            _enter(home.fileno())


def _enter(namespace: int) -> None:
    if _LIBC.setns(namespace, _CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


def _port(number: int, switch: str) -> str:
    return f"{switch}-{number}"


def _up(namespace: str, link: str, address: str) -> None:
    _ip("-n", namespace, "address", "add", f"{address}/24", "dev", link)
    _ip("-n", namespace, "link", "set", link, "up")


def _on(namespace: str) -> list[str]:
    return ["ip", "netns", "exec", namespace]


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)
