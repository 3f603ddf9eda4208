"""Results: the files a finished statement leaves, and the typed pages read back from them."""

from __future__ import annotations

import base64
import re
from collections.abc import AsyncIterator

from localaws.aws.athena.errors import execution_not_found, invalid_request, result_not_found
from localaws.aws.athena.locations import parse_location
from localaws.aws.athena.model import QueryExecution
from localaws.aws.athena.store import Executions
from localaws.core.errors import AwsError
from localaws.core.platform import Context
from localaws.core.service import Shape
from localaws.engines.object_store.base import ObjectInfo

MAX_ROWS = 1000

_CELL = re.compile(rb'(?:"([^"]*(?:""[^"]*)*)"|([^",\n]*))([,\n])')


async def get_query_results(
    ctx: Context, id: str, next_token: str | None, max_results: int | None
) -> Shape:
    """Return a page of a query's result, its first row the header where the result is a query's."""
    execution = await Executions(ctx.platform.database, ctx.scope).get(id)
    if execution is None:
        raise execution_not_found(id)
    _check_state(execution)
    offset = _decode_token(next_token, id)
    answer: Shape = {"ResultSet": {"ResultSetMetadata": {"ColumnInfo": execution.columns}}}
    if execution.update_count is not None:
        answer["UpdateCount"] = execution.update_count
    rows: list[list[str | None]] = []
    limit = max_results or MAX_ROWS
    if execution.has_text and execution.statement_type == "DML" and offset == 0:
        rows = [[column["Label"] for column in execution.columns]]
    if execution.has_result and execution.state == "SUCCEEDED":
        info = await _result_object(ctx, execution)
        if info.size == 0:
            more: list[list[str | None]] = []
        elif execution.has_text:
            more, offset = await _text_rows(ctx, info, offset, limit - len(rows))
        else:
            more, offset = await _csv_rows(ctx, info, offset, limit)
        rows += more
        if offset < info.size:
            answer["NextToken"] = _encode_token(offset, id)
    answer["ResultSet"]["Rows"] = [
        {"Data": [{} if cell is None else {"VarCharValue": cell} for cell in row]} for row in rows
    ]
    return answer


def _check_state(execution: QueryExecution) -> None:
    state = execution.state
    if state in ("QUEUED", "RUNNING"):
        raise invalid_request(
            f"Query has not yet finished. Current state: {state}", "INVALID_QUERY_EXECUTION_STATE"
        )
    if state == "CANCELLED":
        raise result_not_found()
    if state == "FAILED" and not execution.has_result:
        raise invalid_request(
            f"Query did not finish successfully. Final query state: {state}",
            "INVALID_QUERY_EXECUTION_STATE",
        )


async def _result_object(ctx: Context, execution: QueryExecution) -> ObjectInfo:
    where = parse_location(execution.location)
    if where is None:
        raise result_not_found()
    try:
        return await ctx.platform.object_store.head(where.bucket, where.key)
    except AwsError as error:
        if error.code in ("NoSuchKey", "NoSuchBucket"):
            raise result_not_found() from error
        raise


async def _csv_rows(
    ctx: Context, info: ObjectInfo, offset: int, limit: int
) -> tuple[list[list[str | None]], int]:
    """Return rows from a byte offset on, and the offset behind them."""
    rows: list[list[str | None]] = []
    row: list[str | None] = []
    row_end = offset
    async for buffer, base, last in _windows(ctx.platform.object_store.read(info, offset), offset):
        position = row_end - base
        row = []
        while match := _CELL.match(buffer, position):
            quoted, bare, separator = match.groups()
            row.append(
                quoted.replace(b'""', b'"').decode() if quoted is not None else _bare_cell(bare)
            )
            position = match.end()
            if separator == b"\n":
                rows.append(row)
                row, row_end = [], base + position
                if len(rows) == limit:
                    return rows, row_end
        if last and row_end < info.size:
            raise AwsError("InternalServerException", f"Result {info.key} is damaged", 500)
    return rows, row_end


def _bare_cell(cell: bytes) -> str | None:
    return cell.decode() if cell else None


async def _text_rows(
    ctx: Context, info: ObjectInfo, offset: int, limit: int
) -> tuple[list[list[str | None]], int]:
    rows: list[list[str | None]] = []
    end = offset
    async for buffer, base, last in _windows(ctx.platform.object_store.read(info, offset), offset):
        position = end - base
        while (newline := buffer.find(b"\n", position)) >= 0 and len(rows) < limit:
            rows.append([buffer[position:newline].decode()])
            position = newline + 1
        end = base + position
        if len(rows) == limit:
            break
        if last:
            # what follows the last newline is a row too, even an empty one
            rows.append([buffer[position:].decode()])
            end = info.size
    return rows, end


async def _windows(
    chunks: AsyncIterator[bytes], offset: int
) -> AsyncIterator[tuple[bytes, int, bool]]:
    """Yield (bytes so far, their offset, whether they are the last), growing until consumed."""
    buffer = b""
    pending: bytes | None = None
    async for chunk in chunks:
        if pending is not None:
            buffer += pending
            yield buffer, offset, False
        pending = chunk
    yield buffer + (pending or b""), offset, True


def _encode_token(offset: int, id: str) -> str:
    return base64.urlsafe_b64encode(f"{id}:{offset}".encode()).decode()


def _decode_token(token: str | None, id: str) -> int:
    if token is None:
        return 0
    try:
        owner, _, offset = base64.urlsafe_b64decode(token.encode()).decode().rpartition(":")
        if owner == id and offset.isdigit():
            return int(offset)
    except ValueError:
        pass
    raise invalid_request(f"Malformed nextPageToken {token}")
