"""Files as lines: what text and JSON tables are read from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath

from localaws.engines.sql.base import DataFile
from localaws.engines.sql.duckdb.scan import FILE, Scan
from localaws.engines.sql.duckdb.text import literal, literals, name
from localaws.engines.sql.duckdb.values import unsupported

LINE = "l"
MAX_LINE = 8 * 1024 * 1024

# Hadoop picks the codec by the key's extension; see
# https://docs.aws.amazon.com/athena/latest/ug/compression-formats.html
_CODECS = {".gz": "gzip", ".zst": "zstd"}
_UNREADABLE = {".bz2", ".deflate", ".lz4", ".lzo", ".snappy", ".lzo_deflate"}


def line_sources(scan: Scan, parameters: Mapping[str, str]) -> list[str]:
    """Return relations with a column ``l``, one line a row, and the file's path.

    Lines end in LF, CR or CR LF; a byte order mark is dropped; an empty line is an empty text. A
    file that mixes line ends fails the query: the reader would count empty lines that are none.

    Raises:
        SqlError: a codec or an option that cannot be honoured.
    """
    options = {**scan.table.parameters, **parameters}
    if options.get("line.delim", "\n") not in ("\n", "\\n", "10", ""):
        raise unsupported("line.delim other than a line feed")
    if int(options.get("skip.footer.line.count") or 0):
        raise unsupported("skip.footer.line.count")
    if (options.get("serialization.encoding") or "UTF-8").upper() not in ("UTF-8", "UTF8"):
        raise unsupported("serialization.encoding other than UTF-8")
    skip = max(0, int(options.get("skip.header.line.count") or 0))
    by_codec: dict[str, list[str]] = {}
    for file in scan.files:
        by_codec.setdefault(_codec(file), []).append(file.path)
    return [
        # the delimiter never occurs in text; with '' as null an empty line is a row, as in Hive;
        # only in strict mode is a second kind of line end an error
        f"(SELECT coalesce({LINE}, '') AS {LINE}, {name(FILE)} FROM read_csv({literals(paths)},"
        f" columns = {{'{LINE}': 'VARCHAR'}}, delim = {literal(chr(1) + chr(2) + chr(3) + chr(4))},"
        f" quote = '', escape = '', nullstr = '', header = false, skip = {skip},"
        f" auto_detect = false, strict_mode = true, max_line_size = {MAX_LINE},"
        f" buffer_size = {2 * MAX_LINE},"
        f" compression = '{codec}', filename = {literal(FILE)}, hive_partitioning = false))"
        for codec, paths in by_codec.items()
    ]


def _codec(file: DataFile) -> str:
    extension = PurePosixPath(file.uri).suffix.lower()
    if extension in _UNREADABLE:
        raise unsupported(f"Reading {extension} files ({file.uri})")
    return _CODECS.get(extension, "none")
