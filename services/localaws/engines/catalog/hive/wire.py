"""What the metastore's Thrift messages hold beyond pymetastore's structures, which are Hive 3's.

A table's id and a database's time of creation tell a re-created one from the former.
"""

from __future__ import annotations

from typing import Any

from pymetastore.hive_metastore import ThriftHiveMetastore, ttypes
from thrift.Thrift import TApplicationException, TMessageType, TType


class ThriftClient(ThriftHiveMetastore.Client):  # type: ignore[misc]
    """The calls of the metastore on one connection."""


class HiveTable(ttypes.Table):  # type: ignore[misc]
    """A table with its id."""

    id: int = 0
    thrift_spec = (
        *ttypes.Table.thrift_spec,
        *(None,) * (25 - len(ttypes.Table.thrift_spec)),
        (25, TType.I64, "id", None, None),
    )


class HiveDatabase(ttypes.Database):  # type: ignore[misc]
    """A database with its time of creation."""

    createTime: int = 0
    thrift_spec = (*ttypes.Database.thrift_spec, (9, TType.I32, "createTime", None, None))


class _Answer:
    """The value in an answer that wraps one."""

    value: Any = None


class _TableAnswer(_Answer):
    thrift_spec = (None, (1, TType.STRUCT, "value", [HiveTable, HiveTable.thrift_spec], None))


class _TablesAnswer(_Answer):
    thrift_spec = (
        None,
        (1, TType.LIST, "value", (TType.STRUCT, [HiveTable, HiveTable.thrift_spec], False), None),
    )


class _Result:
    """What a call returned: its value or one of the errors it declares."""

    success: Any = None
    first: Any = None
    second: Any = None
    third: Any = None
    thrift_spec: tuple[Any, ...] = ()


def _result(answer: Any, *errors: Any) -> type[_Result]:
    names = ("first", "second", "third")
    spec = [(0, TType.STRUCT, "success", [answer, answer.thrift_spec], None)]
    spec += [
        (place, TType.STRUCT, names[place - 1], [error, error.thrift_spec], None)
        for place, error in enumerate(errors, 1)
    ]
    return type("Result", (_Result,), {"thrift_spec": tuple(spec)})


_META, _NOT_THERE = ttypes.MetaException, ttypes.NoSuchObjectException
_TABLE = _result(_TableAnswer, _META, _NOT_THERE)
_TABLES = _result(_TablesAnswer, _META, ttypes.InvalidOperationException, ttypes.UnknownDBException)
_DATABASE = _result(HiveDatabase, _NOT_THERE, _META)


def get_table(client: ThriftClient, catalog: str, database: str, name: str) -> HiveTable | None:
    """Return a table, or None."""
    client.send_get_table_req(ttypes.GetTableRequest(database, name, None, catalog))
    answer = _receive(client, _TABLE)
    return None if answer is None else answer.value


def get_tables(
    client: ThriftClient, catalog: str, database: str, names: list[str]
) -> list[HiveTable]:
    """Return those of the tables that are there."""
    client.send_get_table_objects_by_name_req(
        ttypes.GetTablesRequest(database, names, None, catalog)
    )
    answer = _receive(client, _TABLES)
    return [] if answer is None else list(answer.value)


def get_database(client: ThriftClient, catalog: str, name: str) -> HiveDatabase | None:
    """Return a database, or None."""
    client.send_get_database(f"@{catalog}#{name}")
    database: HiveDatabase | None = _receive(client, _DATABASE)
    return database


def _receive(client: ThriftClient, result: type[_Result]) -> Any:
    """Read an answer; None where the metastore says that the thing is not there."""
    protocol = client._iprot
    _, kind, _ = protocol.readMessageBegin()
    if kind == TMessageType.EXCEPTION:
        error = TApplicationException()
        error.read(protocol)
        protocol.readMessageEnd()
        raise error
    answer = protocol._fast_decode(result(), protocol, [result, result.thrift_spec])
    protocol.readMessageEnd()
    for error in (answer.first, answer.second, answer.third):
        if isinstance(error, ttypes.NoSuchObjectException):
            return None
        if error is not None:
            raise error
    return answer.success
