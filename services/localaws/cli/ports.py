"""Who listens on a port."""

from __future__ import annotations

import socket
from dataclasses import dataclass

import psutil

from localaws.cli.frame import CommandError, ExitCode
from localaws.settings import Settings


@dataclass(frozen=True)
class Owner:
    """The process that listens on a port; the system may not tell which it is."""

    pid: int | None
    name: str

    def __str__(self) -> str:
        return f"{self.name} (pid {self.pid})" if self.pid else self.name


def is_free(host: str, port: int) -> bool:
    """Return whether a server can listen there."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def owner_of(port: int) -> Owner:
    """Return who listens on a TCP port of this machine."""
    unknown = Owner(None, "a process of another user")
    try:
        connections = psutil.net_connections("tcp")
    except psutil.AccessDenied:  # macOS shows other users' connections to root only
        return unknown
    for connection in connections:
        if connection.status == psutil.CONN_LISTEN and getattr(connection.laddr, "port", 0) == port:
            if connection.pid is None:
                return unknown
            try:
                return Owner(connection.pid, psutil.Process(connection.pid).name())
            except psutil.NoSuchProcess:
                return unknown
    return unknown


def port_taken(host: str, port: int) -> CommandError:
    """Return the error of a port in use: its owner and the cure."""
    owner = owner_of(port)
    stop_it = f"kill {owner.pid}" if owner.pid else f"stop what listens on port {port}"
    return CommandError(
        "PortTaken",
        f"port {port} on {host} is taken by {owner}",
        (f"{stop_it}   or", f"localaws up --port {port + 1 if port < 65535 else 0}"),
        exit_code=ExitCode.RESOURCES,
        retryable=True,
    )


def require_free(settings: Settings) -> None:
    """Check that the endpoint's port is free.

    Raises:
        CommandError: it is taken, by whom, and the cure.
    """
    if settings.port and not is_free(settings.host, settings.port):
        raise port_taken(settings.host, settings.port)
