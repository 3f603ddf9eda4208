"""DESCRIBE, SHOW COLUMNS and SHOW CREATE TABLE, in Hive's layouts as Athena prints them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from localaws.aws.athena.columns import text_columns
from localaws.aws.athena.errors import StatementError, semantic_error
from localaws.aws.athena.formats import LAZY_SIMPLE
from localaws.aws.athena.reader import decode_view, is_view
from localaws.aws.athena.run import Answer, Run, lines
from localaws.aws.athena.statements import Describe, ShowColumns, ShowCreateTable
from localaws.core.service import Shape

_WIDTH = 20
_BLANK = "\t \t "
_DELIMITERS = (
    ("field.delim", "FIELDS TERMINATED BY"),
    ("escape.delim", "ESCAPED BY"),
    ("colelction.delim", "COLLECTION ITEMS TERMINATED BY"),
    ("mapkey.delim", "MAP KEYS TERMINATED BY"),
    ("line.delim", "LINES TERMINATED BY"),
    ("serialization.null.format", "NULL DEFINED AS"),
)


async def describe(run: Run, statement: Describe) -> Answer:
    """Return a table's columns and partition keys, or a view's columns."""
    name = run.resolve(statement.name)
    entry = await run.existing(name)
    if is_view(entry):
        return _view_columns(entry)
    columns = text_columns("col_name", "data_type", "comment")
    storage = entry["StorageDescriptor"]
    keys = entry.get("PartitionKeys") or []
    if statement.detail == "FORMATTED":
        rows = [_row("# col_name", "data_type", "comment"), _BLANK]
        rows += [_column_row(column) for column in storage["Columns"]]
    else:
        rows = [_column_row(column) for column in storage["Columns"] + keys]
    if keys:
        rows += [
            _BLANK,
            "# Partition Information\t \t ",
            _row("# col_name", "data_type", "comment"),
        ]
        rows += [_BLANK] + [_column_row(key) for key in keys]
    if statement.detail == "FORMATTED":
        rows += _details(entry)
    elif statement.detail == "EXTENDED":
        rows += [_BLANK, f"Detailed Table Information\t{_flat(entry)}\t"]
    return lines(columns, rows, update_count=None)


def _view_columns(entry: Shape) -> Answer:
    definition = decode_view(entry.get("ViewOriginalText") or "")
    if definition is None:
        raise StatementError(f"INVALID_VIEW: View {entry['Name']} is not a valid view")
    answer = lines(
        text_columns("column", "type", type="varchar"),
        [f"{column.name}\t{column.type}" for column in definition.columns],
    )
    return Answer(
        columns=answer.columns,
        text=answer.text,
        update_count=0,
        has_metadata=True,
        substatement="DESC_VIEW",
    )


def _row(*cells: str) -> str:
    return "\t".join(cell.ljust(_WIDTH) for cell in cells)


def _column_row(column: Shape) -> str:
    # Athena cuts a comment at its first tab: the row is one text of three cells
    comment = (column.get("Comment") or "").partition("\t")
    last = comment[0] if comment[1] else comment[0].ljust(_WIDTH)
    return _row(column["Name"], column.get("Type") or "string") + "\t" + last


def _details(entry: Shape) -> list[str]:
    storage = entry["StorageDescriptor"]
    serde = storage.get("SerdeInfo") or {}
    rows = [
        _BLANK,
        "# Detailed Table Information\t \t ",
        _detail("Database:", entry.get("DatabaseName", "")),
        _detail("Owner:", entry.get("Owner", "")),
        _detail("CreateTime:", _time(entry.get("CreateTime"))),
        _detail("LastAccessTime:", _time(entry.get("LastAccessTime"))),
        _detail("Protect Mode:", "None"),
        _detail("Retention:", str(entry.get("Retention", 0))),
        _detail("Location:", storage.get("Location") or ""),
        _detail("Table Type:", entry.get("TableType") or ""),
        "Table Parameters:\t \t ",
    ]
    rows += _properties(entry.get("Parameters") or {})
    rows += [
        _BLANK,
        "# Storage Information\t \t ",
        _detail("SerDe Library:", serde.get("SerializationLibrary") or ""),
        _detail("InputFormat:", storage.get("InputFormat") or ""),
        _detail("OutputFormat:", storage.get("OutputFormat") or ""),
        _detail("Compressed:", "Yes" if storage.get("Compressed") else "No"),
        _detail("Num Buckets:", str(storage.get("NumberOfBuckets", -1))),
        _detail("Bucket Columns:", f"[{', '.join(storage.get('BucketColumns') or [])}]"),
        _detail("Sort Columns:", "[]"),
        "Storage Desc Params:\t \t ",
    ]
    return rows + _properties(serde.get("Parameters") or {})


def _detail(label: str, value: str) -> str:
    return f"{label:<{_WIDTH}}\t{value:<{_WIDTH}}\t "


def _properties(properties: Mapping[str, str]) -> list[str]:
    return [f"\t{key:<{_WIDTH}}\t{properties[key]:<{_WIDTH}}" for key in sorted(properties)]


def _time(value: object) -> str:
    return value.strftime("%a %b %d %H:%M:%S UTC %Y") if isinstance(value, datetime) else "UNKNOWN"


def _flat(entry: Shape) -> str:
    storage = entry["StorageDescriptor"]
    columns = storage["Columns"] + (entry.get("PartitionKeys") or [])
    fields = ", ".join(
        f"FieldSchema(name:{c['Name']}, type:{c.get('Type')}, comment:{c.get('Comment') or 'null'})"
        for c in columns
    )
    parameters = ", ".join(f"{k}={v}" for k, v in sorted((entry.get("Parameters") or {}).items()))
    return (
        f"Table(tableName:{entry['Name']}, dbName:{entry.get('DatabaseName', '')}, "
        f"owner:{entry.get('Owner', '')}, sd:StorageDescriptor(cols:[{fields}], "
        f"location:{storage.get('Location')}, inputFormat:{storage.get('InputFormat')}, "
        f"outputFormat:{storage.get('OutputFormat')}), parameters:{{{parameters}}}, "
        f"tableType:{entry.get('TableType')})"
    )


async def show_columns(run: Run, statement: ShowColumns) -> Answer:
    """Return the names of a table's columns and partition keys."""
    entry = await run.existing(run.resolve(statement.name))
    if is_view(entry):
        return _view_columns(entry)
    columns = entry["StorageDescriptor"]["Columns"] + (entry.get("PartitionKeys") or [])
    return lines(text_columns("field"), [column["Name"].ljust(_WIDTH) for column in columns])


async def show_create_table(run: Run, statement: ShowCreateTable) -> Answer:
    """Return the statement that makes a table."""
    entry = await run.existing(run.resolve(statement.name))
    if is_view(entry):
        raise semantic_error(10016, f"{statement.name} is a view. Use SHOW CREATE VIEW")
    storage = entry["StorageDescriptor"]
    rows = [f"CREATE EXTERNAL TABLE `{statement.name}`("]
    rows += _definitions(storage["Columns"])
    if comment := (entry.get("Parameters") or {}).get("comment"):
        rows.append(f"COMMENT {_quoted(comment)}")
    if keys := entry.get("PartitionKeys"):
        rows += ["PARTITIONED BY ( ", *_definitions(keys)]
    if storage.get("NumberOfBuckets", -1) > 0:
        rows += [
            "CLUSTERED BY ( ",
            *[f"  {name}, " for name in storage["BucketColumns"][:-1]],
            f"  {storage['BucketColumns'][-1]}) ",
            f"INTO {storage['NumberOfBuckets']} BUCKETS",
        ]
    rows += _row_format(storage.get("SerdeInfo") or {})
    rows += [
        "STORED AS INPUTFORMAT ",
        f"  {_quoted(storage.get('InputFormat') or '')} ",
        "OUTPUTFORMAT ",
        f"  {_quoted(storage.get('OutputFormat') or '')}",
        "LOCATION",
        f"  {_quoted((storage.get('Location') or '').rstrip('/'))}",
    ]
    hidden = ("EXTERNAL", "comment")
    properties = [
        (key, value)
        for key, value in sorted((entry.get("Parameters") or {}).items())
        if key not in hidden
    ]
    if properties:
        rows += ["TBLPROPERTIES (", *_assignments(dict(properties))]
    return lines(text_columns("createtab_stmt"), rows, update_count=None)


def _definitions(columns: list[Shape]) -> list[str]:
    texts = [
        f"  `{column['Name']}` {column.get('Type') or 'string'}"
        + (f" COMMENT {_quoted(column['Comment'])}" if column.get("Comment") else "")
        for column in columns
    ]
    return [f"{text}, " for text in texts[:-1]] + [f"{text})" for text in texts[-1:]]


def _assignments(properties: Mapping[str, str], end: str = ")") -> list[str]:
    texts = [f"  {_quoted(key)}={_quoted(value)}" for key, value in sorted(properties.items())]
    return [f"{text}, " for text in texts[:-1]] + [f"{text}{end}" for text in texts[-1:]]


def _row_format(serde: Shape) -> list[str]:
    library = serde.get("SerializationLibrary") or LAZY_SIMPLE
    properties = dict(serde.get("Parameters") or {})
    delimiters = [(text, properties[key]) for key, text in _DELIMITERS if key in properties]
    if library == LAZY_SIMPLE and delimiters:
        return ["ROW FORMAT DELIMITED "] + [
            f"  {text} {_quoted(value)} " for text, value in delimiters
        ]
    if properties.get("serialization.format") == "1":
        properties.pop("serialization.format")
    rows = ["ROW FORMAT SERDE ", f"  {_quoted(library)} "]
    if properties:
        rows += ["WITH SERDEPROPERTIES ( ", *_assignments(properties, ") ")]
    return rows


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    for char, name in (("\n", "\\n"), ("\t", "\\t"), ("\r", "\\r")):
        escaped = escaped.replace(char, name)
    return "'" + "".join(c if c >= " " else f"\\u{ord(c):04x}" for c in escaped) + "'"
