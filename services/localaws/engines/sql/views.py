"""Views as a SQL engine reads them from the catalog by itself.

The catalog keeps a view as Athena does: JSON in base64 within a comment, naming the catalog
``awsdatacatalog``. An engine that serves many accounts has a catalog per account, so what it is
given names that one; and no view, whoever wrote it, may name another.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

import msgspec

from localaws.engines.sql.base import SqlError
from localaws.engines.sql.trino.names import CATALOG, qualify

ENGINE_MARKER = "localaws-sql"
"""The application that the SQL engine's own requests to the catalog API name as their agent."""

_PREFIX = "/* Presto View: "
_SUFFIX = " */"


def decode(text: str) -> dict[str, Any] | None:
    """Return the definition that the text of a view holds, or None where it is no such view."""
    if not (text.startswith(_PREFIX) and text.rstrip().endswith("*/")):
        return None
    encoded = text.rstrip()[len(_PREFIX) : -2].strip()
    try:
        return msgspec.json.decode(base64.b64decode(encoded, validate=True), type=dict[str, Any])
    except (binascii.Error, msgspec.MsgspecError):
        return None


def encode(definition: dict[str, Any]) -> str:
    """Return the text of a view."""
    return _PREFIX + base64.b64encode(msgspec.json.encode(definition)).decode() + _SUFFIX


def for_engine(text: str, catalog: str) -> str:
    """Return the text of a view as the SQL engine reads it; what is no view stays as it is.

    A view whose query names a catalog that is not its account's gets a query that fails with that.

    Args:
        text: ``ViewOriginalText`` as the catalog port has it.
        catalog: the engine's name of its account's catalog.
    """
    definition = decode(text)
    if definition is None:
        return text
    definition["catalog"] = catalog
    try:
        definition["originalSql"] = qualify(
            str(definition.get("originalSql")), catalog, lambda name: name != CATALOG
        ).sql
    except SqlError as error:
        message = error.message.replace("'", "''")
        definition["originalSql"] = f"SELECT fail('{message}')"
    return encode(definition)


def for_clients(text: str) -> str:
    """Return the text of a view with Athena's own catalog name, whatever it names.

    Args:
        text: what `for_engine` made.
    """
    definition = decode(text)
    if definition is None:
        return text
    own = str(definition.get("catalog"))
    definition["originalSql"] = str(definition.get("originalSql")).replace(f'"{own}"', CATALOG)
    definition["catalog"] = CATALOG
    return encode(definition)
