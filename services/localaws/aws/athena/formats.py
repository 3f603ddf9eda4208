"""File formats: the classes a catalog entry names for them.

https://docs.aws.amazon.com/athena/latest/ug/supported-serdes.html
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class FileFormat:
    """A format's classes; `sink` is what the SQL port writes for it, None where it cannot."""

    name: str
    input_format: str
    output_format: str
    serde: str
    sink: str | None = None


_TEXT_INPUT = "org.apache.hadoop.mapred.TextInputFormat"
_TEXT_OUTPUT = "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"
LAZY_SIMPLE = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"
JSON_SERDES = (
    "org.apache.hive.hcatalog.data.JsonSerDe",
    "org.openx.data.jsonserde.JsonSerDe",
    "org.apache.hadoop.hive.serde2.JsonSerDe",
)

TEXTFILE = FileFormat("TEXTFILE", _TEXT_INPUT, _TEXT_OUTPUT, LAZY_SIMPLE, "csv")
JSON = FileFormat("JSON", _TEXT_INPUT, _TEXT_OUTPUT, JSON_SERDES[0], "json")
PARQUET = FileFormat(
    "PARQUET",
    "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
    "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
    "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
    "parquet",
)
ORC = FileFormat(
    "ORC",
    "org.apache.hadoop.hive.ql.io.orc.OrcInputFormat",
    "org.apache.hadoop.hive.ql.io.orc.OrcOutputFormat",
    "org.apache.hadoop.hive.ql.io.orc.OrcSerde",
)
AVRO = FileFormat(
    "AVRO",
    "org.apache.hadoop.hive.ql.io.avro.AvroContainerInputFormat",
    "org.apache.hadoop.hive.ql.io.avro.AvroContainerOutputFormat",
    "org.apache.hadoop.hive.serde2.avro.AvroSerDe",
)
SEQUENCEFILE = FileFormat(
    "SEQUENCEFILE",
    "org.apache.hadoop.mapred.SequenceFileInputFormat",
    "org.apache.hadoop.hive.ql.io.HiveSequenceFileOutputFormat",
    LAZY_SIMPLE,
)
RCFILE = FileFormat(
    "RCFILE",
    "org.apache.hadoop.hive.ql.io.RCFileInputFormat",
    "org.apache.hadoop.hive.ql.io.RCFileOutputFormat",
    "org.apache.hadoop.hive.serde2.columnar.LazyBinaryColumnarSerDe",
)

STORED_AS = {
    "TEXTFILE": TEXTFILE,
    "JSONFILE": JSON,
    "JSON": JSON,
    "PARQUET": PARQUET,
    "ORC": ORC,
    "AVRO": AVRO,
    "SEQUENCEFILE": SEQUENCEFILE,
    "RCFILE": RCFILE,
}
"""Formats by their name in STORED AS."""


def format_of(input_format: str, serde: str) -> FileFormat | None:
    """Return the format a catalog entry's classes stand for, or None where it is not known."""
    if serde in JSON_SERDES:
        return JSON
    for candidate in (TEXTFILE, PARQUET, ORC, AVRO, SEQUENCEFILE, RCFILE):
        if candidate.input_format == input_format and candidate.serde == serde:
            return candidate
    return None
