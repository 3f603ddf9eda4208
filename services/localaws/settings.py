"""Settings: each declared once, with its default and help; CLI, validation and docs derive from it.

A setting is read from ``LOCALAWS_<NAME>`` in the environment, then from its default.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from localaws.core.errors import LocalAwsError

PREFIX = "LOCALAWS_"


class SettingError(LocalAwsError):
    """A setting has a value that it cannot have."""


def _setting(
    default: Any, help_text: str, choices: tuple[str, ...] = (), *, secret: bool = False
) -> Any:
    return field(default=default, repr=not secret, metadata={"help": help_text, "choices": choices})


@dataclass(frozen=True)
class Settings:
    """The settings of one platform."""

    home: Path = _setting(Path("~/.localaws"), "Folder of all data, logs and sockets.")
    tools: Path = _setting(
        Path("~/.cache/localaws"), "Folder of engines from `localaws install`, for all homes."
    )
    host: str = _setting("127.0.0.1", "Address to listen on; anything but loopback is refused.")
    port: int = _setting(4566, "Port of the AWS endpoint; 0 takes a free one.")
    account: str = _setting("000000000000", "Account of keys that are not a 12-digit account id.")
    region: str = _setting("us-east-1", "Region of requests that are not signed.")
    durability: str = _setting(
        "power",
        "What an acknowledged object survives: 'process' the kill of any process, "
        "'power' the loss of power too (each object is flushed to disk first). 'none' is "
        "'process' without any flush: a loss of power may cost the whole home, for tests.",
        ("none", "process", "power"),
    )
    database_url: str = _setting(
        "", "An external state database; empty starts the embedded one under home.", secret=True
    )
    object_store_url: str = _setting(
        "", "An external object store that speaks S3; empty keeps objects under home."
    )
    object_store_key: str = _setting("", "Access key of the external object store.")
    object_store_secret: str = _setting("", "Secret key of the external object store.", secret=True)
    catalog_url: str = _setting(
        "", "An external metastore, thrift://host:port; empty keeps the catalog in the database."
    )
    stream_url: str = _setting("", "Bootstrap servers of an external stream engine, host:port.")
    spark_url: str = _setting("", "Submission endpoint of a Spark cluster, http://host:port.")
    spark_ui_url: str = _setting(
        "", "Web pages of the Spark cluster's master; empty: port 8080 of the same host."
    )
    sql: str = _setting(
        "auto",
        "SQL engine: 'duckdb' refuses what is not proven to be answered as Athena would; 'trino' "
        "asks Trino everything; 'auto' asks Trino what DuckDB refuses, where it is installed. "
        "With an external SQL engine 'auto' asks only that.",
        ("auto", "duckdb", "trino"),
    )
    sql_url: str = _setting("", "An external Trino, http://host:port.")
    sql_workers: int = _setting(0, "Most SQL workers at once; 0: one per core, at least 2.")
    sql_memory_mb: int = _setting(2048, "Memory limit of one SQL worker in MB.")
    log_level: str = _setting("info", "Log level.", ("debug", "info", "warning", "error"))

    @classmethod
    def from_environment(
        cls, environment: Mapping[str, str] | None = None, **overrides: Any
    ) -> Settings:
        """Read the settings from the environment; overrides that are not None win.

        Raises:
            SettingError: a value has the wrong type, is not among the choices, or the host is not
                loopback.
        """
        environment = os.environ if environment is None else environment
        values: dict[str, Any] = {}
        for item in fields(cls):
            raw: Any = overrides.get(item.name)
            if raw is None:
                raw = environment.get(PREFIX + item.name.upper())
            if raw is None:
                raw = item.default
            values[item.name] = _convert(item.name, raw, type(item.default))
            choices = item.metadata["choices"]
            if choices and values[item.name] not in choices:
                raise SettingError(
                    f"{PREFIX}{item.name.upper()}={raw} is not one of {', '.join(choices)}"
                )
        for name in ("home", "tools"):
            values[name] = values[name].expanduser().absolute()
        if values["host"] not in ("127.0.0.1", "::1", "localhost") and not _in_container():
            raise SettingError(
                f"{PREFIX}HOST={values['host']} is not a loopback address; "
                "the endpoint has no password, so it listens on this machine only"
            )
        return cls(**values)

    @property
    def url(self) -> str:
        """URL of the endpoint on this machine."""
        # 0.0.0.0 is what a container listens on: an address to bind, not one to ask
        host = "127.0.0.1" if self.host == "0.0.0.0" else self.host
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    def environment(self) -> dict[str, str]:
        """Return the variables from which `from_environment` reads these settings."""
        return {PREFIX + item.name.upper(): str(getattr(self, item.name)) for item in fields(self)}


def _convert(name: str, raw: Any, kind: type) -> Any:
    try:
        return kind(raw)
    except (TypeError, ValueError) as error:
        raise SettingError(
            f"{PREFIX}{name.upper()}={raw} is not a valid {kind.__name__}"
        ) from error


def _in_container() -> bool:
    """Return whether a container's own network is the boundary instead of loopback."""
    return os.environ.get(PREFIX + "CONTAINER") == "1"
