"""DDL and utility statements: what they write in the catalog, and their lines to the byte."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from athena_help import Asker, QueryFailed
from botocore.exceptions import ClientError

PAD = " " * 20


@pytest.fixture
def asker(localaws: Any) -> Asker:
    asker = Asker.create(localaws)
    asker.run("CREATE DATABASE db COMMENT 'of tests' WITH DBPROPERTIES ('owner'='me')")
    return asker


def reason(asker: Asker, sql: str, database: str = "db") -> str:
    with pytest.raises(QueryFailed) as caught:
        asker.run(sql, database)
    return caught.value.reason


def test_databases(asker: Asker) -> None:
    assert asker.glue.get_database(Name="db")["Database"]["Description"] == "of tests"
    assert asker.glue.get_database(Name="db")["Database"]["Parameters"] == {"owner": "me"}
    failure = "FAILED: Execution Error, return code 1 from org.apache.hadoop.hive.ql.exec.DDLTask. "
    assert reason(asker, "CREATE DATABASE db") == failure + "Database db already exists"
    asker.run("CREATE DATABASE IF NOT EXISTS db")
    asker.run("CREATE SCHEMA other")
    assert asker.lines("SHOW DATABASES") == ["db", "other"]
    assert asker.lines("SHOW SCHEMAS LIKE 'o.*'") == ["other"]
    execution = asker.run("ALTER DATABASE db SET DBPROPERTIES ('a'='b')")
    assert execution["StatementType"] == "DDL"
    assert asker.glue.get_database(Name="db")["Database"]["Parameters"] == {"owner": "me", "a": "b"}
    asker.run("CREATE VIEW db.v AS SELECT 1 AS one")
    assert "Database db is not empty. One or more tables exist." in reason(
        asker, "DROP DATABASE db"
    )
    asker.run("DROP DATABASE db CASCADE")
    asker.run("DROP DATABASE IF EXISTS db")
    assert (
        reason(asker, "DROP SCHEMA db")
        == "FAILED: SemanticException [Error 10072]: Database does not exist: db"
    )


def test_create_external_table_writes_what_athena_writes(asker: Asker) -> None:
    location = f"s3://{asker.bucket}/t/"
    execution = asker.run(
        f"""
        -- the table of the test
        CREATE EXTERNAL TABLE IF NOT EXISTS `db`.`T` (
            `Id` int COMMENT 'the key', price decimal(10, 2),
            tags array<string>, point struct<x: double, y: map<string, int>>
        )
        COMMENT 'all of it'
        PARTITIONED BY (day string, region varchar(2))
        ROW FORMAT DELIMITED FIELDS TERMINATED BY '\\t' ESCAPED BY '\\\\' LINES TERMINATED BY '\\n'
        LOCATION '{location}'
        TBLPROPERTIES ('skip.header.line.count'='1')
        """
    )
    assert (execution["StatementType"], execution["SubstatementType"]) == ("DDL", "CREATE_TABLE")
    id = execution["QueryExecutionId"]
    assert execution["ResultConfiguration"]["OutputLocation"] == f"{asker.output}{id}.txt"
    assert asker.body(f"results/{id}.txt") == b""
    table = asker.glue.get_table(DatabaseName="db", Name="t")["Table"]
    assert table["TableType"] == "EXTERNAL_TABLE"
    parameters = table["Parameters"]
    assert parameters.pop("transient_lastDdlTime").isdigit()
    assert parameters == {
        "EXTERNAL": "TRUE",
        "skip.header.line.count": "1",
        "comment": "all of it",
    }
    storage = table["StorageDescriptor"]
    assert storage["Columns"] == [
        {"Name": "id", "Type": "int", "Comment": "the key"},
        {"Name": "price", "Type": "decimal(10,2)"},
        {"Name": "tags", "Type": "array<string>"},
        {"Name": "point", "Type": "struct<x:double,y:map<string,int>>"},
    ]
    assert table["PartitionKeys"] == [
        {"Name": "day", "Type": "string"},
        {"Name": "region", "Type": "varchar(2)"},
    ]
    assert storage["Location"] == location
    assert storage["InputFormat"] == "org.apache.hadoop.mapred.TextInputFormat"
    assert storage["SerdeInfo"] == {
        "SerializationLibrary": "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe",
        "Parameters": {
            "field.delim": "\t",
            "serialization.format": "\t",
            "escape.delim": "\\",
            "line.delim": "\n",
        },
    }
    assert asker.lines("SHOW CREATE TABLE db.t")[:14] == [
        "CREATE EXTERNAL TABLE `db.t`(",
        "  `id` int COMMENT 'the key', ",
        "  `price` decimal(10,2), ",
        "  `tags` array<string>, ",
        "  `point` struct<x:double,y:map<string,int>>)",
        "COMMENT 'all of it'",
        "PARTITIONED BY ( ",
        "  `day` string, ",
        "  `region` varchar(2))",
        "ROW FORMAT DELIMITED ",
        "  FIELDS TERMINATED BY '\\t' ",
        "  ESCAPED BY '\\\\' ",
        "  LINES TERMINATED BY '\\n' ",
        "STORED AS INPUTFORMAT ",
    ]
    again = f"CREATE EXTERNAL TABLE t (a int) LOCATION '{location}'"
    assert reason(asker, again).endswith("AlreadyExistsException(message:Table t already exist)")


def test_what_show_create_table_prints_makes_the_same_table(asker: Asker) -> None:
    asker.run(
        f"""CREATE EXTERNAL TABLE db.csv (a string, b string)
        ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.OpenCSVSerde'
        WITH SERDEPROPERTIES ('separatorChar'=';', 'quoteChar'='\\"', 'escapeChar'='\\\\')
        STORED AS TEXTFILE LOCATION 's3://{asker.bucket}/csv/'"""
    )
    before = asker.glue.get_table(DatabaseName="db", Name="csv")["Table"]["StorageDescriptor"]
    text = "\n".join(asker.lines("SHOW CREATE TABLE csv", "db"))
    asker.run("DROP TABLE csv", "db")
    asker.run(text, "db")
    after = asker.glue.get_table(DatabaseName="db", Name="csv")["Table"]["StorageDescriptor"]
    assert after["SerdeInfo"] == before["SerdeInfo"]
    assert after["Location"] == before["Location"].rstrip("/")
    asker.put("csv/a.csv", 'x;"y; z"\n')
    assert asker.rows("SELECT * FROM csv", "db") == [("x", "y; z")]


def test_tables_athena_refuses(asker: Asker) -> None:
    where = f"LOCATION 's3://{asker.bucket}/x/'"
    assert reason(asker, f"CREATE TABLE t (a int) {where}").startswith("NOT_SUPPORTED: ")
    iceberg = f"CREATE TABLE t (a int) {where} TBLPROPERTIES ('table_type'='ICEBERG')"
    assert reason(asker, iceberg) == "NOT_SUPPORTED: Iceberg tables are not implemented here yet"
    assert "Database does not exist: nodb" in reason(
        asker, f"CREATE EXTERNAL TABLE nodb.t (a int) {where}"
    )
    assert "MetaException" in reason(
        asker, "CREATE EXTERNAL TABLE t (a int) LOCATION 's3://no-such-bucket-at-all/x/'"
    )
    assert "Unrecognized file format" in reason(
        asker, f"CREATE EXTERNAL TABLE t (a int) STORED AS EXCEL {where}"
    )
    assert "Table not found db.t" in reason(asker, "DROP TABLE t")
    asker.run("DROP TABLE IF EXISTS t", "db")


def test_describe_and_columns(asker: Asker) -> None:
    asker.run(
        f"CREATE EXTERNAL TABLE t (n int COMMENT 'abc', a_column_of_21_letters string) "
        f"PARTITIONED BY (p string) LOCATION 's3://{asker.bucket}/t/'",
        "db",
    )
    expected = [
        f"{'n':<20}\t{'int':<20}\t{'abc':<20}",
        f"a_column_of_21_letters\t{'string':<20}\t{PAD}",
        f"{'p':<20}\t{'string':<20}\t{PAD}",
        "\t \t ",
        "# Partition Information\t \t ",
        f"{'# col_name':<20}\t{'data_type':<20}\t{'comment':<20}",
        "\t \t ",
        f"{'p':<20}\t{'string':<20}\t{PAD}",
    ]
    id = asker.run("DESCRIBE t", "db")["QueryExecutionId"]
    assert asker.body(f"results/{id}.txt").decode() == "\n".join(expected)
    page = asker.page(id)
    assert "UpdateCount" not in page
    assert [c["Name"] for c in page["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]] == [
        "col_name",
        "data_type",
        "comment",
    ]
    assert asker.lines("DESC db.t") == expected
    assert asker.lines("SHOW COLUMNS IN t", "db") == [
        f"{'n':<20}",
        "a_column_of_21_letters",
        f"{'p':<20}",
    ]
    formatted = asker.lines("DESCRIBE FORMATTED t", "db")
    assert f"{'Location:':<20}\ts3://{asker.bucket}/t/".rstrip() in [
        line.rstrip("\t ") for line in formatted
    ]
    assert asker.lines("DESCRIBE EXTENDED t", "db")[-1].startswith(
        "Detailed Table Information\tTable(tableName:t, dbName:db"
    )


def test_alter_table(asker: Asker) -> None:
    asker.run(
        f"CREATE EXTERNAL TABLE t (a int) PARTITIONED BY (p string) "
        f"LOCATION 's3://{asker.bucket}/t/'",
        "db",
    )
    asker.run("ALTER TABLE t ADD COLUMNS (b string COMMENT 'new', c array<int>)", "db")
    asker.run("ALTER TABLE t SET TBLPROPERTIES ('note'='x', 'other'='y')", "db")
    asker.run(f"ALTER TABLE t SET LOCATION 's3://{asker.bucket}/moved/'", "db")
    table = asker.glue.get_table(DatabaseName="db", Name="t")["Table"]
    assert [c["Name"] for c in table["StorageDescriptor"]["Columns"]] == ["a", "b", "c"]
    assert table["StorageDescriptor"]["Location"] == f"s3://{asker.bucket}/moved/"
    assert asker.lines("SHOW TBLPROPERTIES t('note')", "db") == ["x"]
    assert "note\tx" in asker.lines("SHOW TBLPROPERTIES t", "db")
    asker.run("ALTER TABLE t REPLACE COLUMNS (z bigint)", "db")
    table = asker.glue.get_table(DatabaseName="db", Name="t")["Table"]
    assert table["StorageDescriptor"]["Columns"] == [{"Name": "z", "Type": "bigint"}]
    assert [key["Name"] for key in table["PartitionKeys"]] == ["p"]
    assert "Duplicate column name: p" in reason(asker, "ALTER TABLE t ADD COLUMNS (p int)")
    versions = asker.glue.get_table_versions(DatabaseName="db", TableName="t")["TableVersions"]
    assert len(versions) == 5


def test_partitions_are_what_the_catalog_says(asker: Asker) -> None:
    for day, rows in (("2024-01-01", "1\n2\n"), ("2024-01-02", "3\n"), ("a b/c", "4\n")):
        folder = day.replace("/", "%2F")
        asker.put(f"t/day={folder}/data.csv", rows)
    asker.put("t/day=2024-01-01/_SUCCESS", "x")
    asker.put("t/day=2024-01-01/.hidden", "99\n")
    asker.put("t/_tmp/day=9/data.csv", "99\n")
    asker.put("t/other=1/data.csv", "99\n")
    asker.run(
        f"CREATE EXTERNAL TABLE t (n int) PARTITIONED BY (day string) "
        f"LOCATION 's3://{asker.bucket}/t/'",
        "db",
    )
    count = "SELECT count(*), sum(n) FROM t"
    assert asker.rows(count, "db") == [("0", None)]
    where = f"s3://{asker.bucket}/t/day=2024-01-01/"
    asker.run(f"ALTER TABLE t ADD PARTITION (day='2024-01-01') LOCATION '{where}'", "db")
    assert asker.rows(count, "db") == [("2", "3")]
    assert "Partition already exists" in reason(
        asker, "ALTER TABLE t ADD PARTITION (day='2024-01-01')"
    )
    asker.run("ALTER TABLE t ADD IF NOT EXISTS PARTITION (day='2024-01-01')", "db")
    assert asker.lines("MSCK REPAIR TABLE t", "db") == [
        "Partitions not in metastore:\tt:day=2024-01-02\tt:day=a b%2Fc",
        "Repair: Added partition to metastore t:day=2024-01-02",
        "Repair: Added partition to metastore t:day=a b%2Fc",
    ]
    assert asker.rows("SELECT day, n FROM t ORDER BY n", "db") == [
        ("2024-01-01", "1"),
        ("2024-01-01", "2"),
        ("2024-01-02", "3"),
        ("a b/c", "4"),
    ]
    assert asker.lines("MSCK REPAIR TABLE t", "db") == []
    assert asker.lines("SHOW PARTITIONS t", "db") == [
        "day=2024-01-01",
        "day=2024-01-02",
        "day=a b%2Fc",
    ]
    one = asker.run("SELECT n FROM t WHERE day = '2024-01-02'", "db")
    every = asker.run("SELECT n FROM t", "db")
    scanned = [item["Statistics"]["DataScannedInBytes"] for item in (one, every)]
    assert 0 < scanned[0] < scanned[1]
    asker.run("ALTER TABLE t DROP PARTITION (day > '2024-01-01')", "db")
    assert asker.rows(count, "db") == [("2", "3")]
    assert "Partition not found" in reason(asker, "ALTER TABLE t DROP PARTITION (day='nope')")
    asker.run("ALTER TABLE t DROP IF EXISTS PARTITION (day='nope')", "db")
    asker.run("ALTER TABLE t PARTITION (day='2024-01-01') RENAME TO PARTITION (day='first')", "db")
    assert asker.rows("SELECT DISTINCT day FROM t", "db") == [("first",)]
    assert asker.keys("t/day=2024-01-02/")  # dropping a partition leaves its data


def test_views(asker: Asker) -> None:
    asker.put("t/a.csv", "1,x\n2,y\n")
    asker.run(
        f"CREATE EXTERNAL TABLE t (n int, s string) ROW FORMAT DELIMITED FIELDS TERMINATED BY ',' "
        f"LOCATION 's3://{asker.bucket}/t/'",
        "db",
    )
    asker.run("CREATE VIEW v AS SELECT n * 2 AS twice, s FROM t", "db")
    asker.run("CREATE VIEW db.of_view AS SELECT max(twice) AS most FROM db.v")
    assert asker.rows("SELECT most FROM db.of_view") == [("4",)]
    table = asker.glue.get_table(DatabaseName="db", Name="v")["Table"]
    assert table["TableType"] == "VIRTUAL_VIEW"
    assert table["Parameters"]["presto_view"] == "true"
    assert table["ViewExpandedText"] == "/* Presto View */"
    assert [c["Type"] for c in table["StorageDescriptor"]["Columns"]] == ["int", "string"]
    text = table["ViewOriginalText"]
    assert text.startswith("/* Presto View: ")
    assert json.loads(base64.b64decode(text[len("/* Presto View: ") : -3])) == {
        "originalSql": "SELECT n * 2 AS twice, s FROM t",
        "catalog": "awsdatacatalog",
        "schema": "db",
        "columns": [
            {"name": "twice", "type": "integer"},
            {"name": "s", "type": "varchar"},
        ],
    }
    assert asker.lines("SHOW VIEWS IN db") == ["of_view", "v"]
    assert asker.lines("SHOW TABLES", "db") == ["of_view", "t", "v"]
    assert asker.lines("SHOW TABLES IN db 'v|t'") == ["t", "v"]
    assert asker.lines("SHOW TABLES IN db LIKE '*v*'") == ["of_view", "v"]
    assert asker.lines("DESCRIBE db.v") == ["twice\tinteger", "s\tvarchar"]
    assert asker.lines("SHOW CREATE VIEW db.v") == [
        "CREATE VIEW db.v AS",
        "SELECT n * 2 AS twice, s FROM t",
    ]
    assert "View already exists" in reason(asker, "CREATE VIEW v AS SELECT 1 AS one")
    assert "COLUMN_NOT_FOUND" in reason(asker, "CREATE OR REPLACE VIEW v AS SELECT nope FROM t")
    asker.run("CREATE OR REPLACE VIEW v AS SELECT n AS twice FROM t", "db")
    assert asker.rows("SELECT most FROM db.of_view") == [("2",)]
    assert "Cannot drop a view" in reason(asker, "DROP TABLE v")
    assert "Did you mean DROP TABLE" in reason(asker, "DROP VIEW t")
    asker.run("DROP VIEW v", "db")
    asker.run("DROP VIEW IF EXISTS v", "db")
    assert "View 'awsdatacatalog.db.v' does not exist" in reason(asker, "DROP VIEW v")


def test_a_failed_ddl_leaves_its_reason_as_the_result(asker: Asker) -> None:
    with pytest.raises(QueryFailed) as caught:
        asker.run("SHOW TABLES IN nowhere")
    failure = caught.value
    assert failure.reason == (
        "FAILED: SemanticException [Error 10072]: Database does not exist: nowhere"
    )
    id = failure.execution["QueryExecutionId"]
    assert asker.body(f"results/{id}.txt").decode() == failure.reason
    assert asker.page(id)["ResultSet"]["Rows"] == []


def test_catalog_operations(asker: Asker, localaws: Any) -> None:
    asker.run("CREATE VIEW db.v AS SELECT 1 AS one")
    athena = asker.athena
    assert athena.list_data_catalogs()["DataCatalogsSummary"] == [
        {"CatalogName": "AwsDataCatalog", "Type": "GLUE"}
    ]
    catalog = athena.get_data_catalog(Name="AwsDataCatalog")["DataCatalog"]
    assert catalog["Parameters"] == {"catalog-id": localaws.account}
    named = {"CatalogName": "AwsDataCatalog"}
    assert athena.get_database(**named, DatabaseName="db")["Database"]["Name"] == "db"
    assert [d["Name"] for d in athena.list_databases(**named)["DatabaseList"]] == ["db"]
    table = athena.get_table_metadata(**named, DatabaseName="db", TableName="v")["TableMetadata"]
    assert table["Columns"] == [{"Name": "one", "Type": "int"}]
    listed = athena.list_table_metadata(**named, DatabaseName="db", Expression="v.*")
    assert [t["Name"] for t in listed["TableMetadataList"]] == ["v"]
    with pytest.raises(ClientError) as caught:
        athena.get_table_metadata(**named, DatabaseName="db", TableName="nope")
    assert caught.value.response["Error"]["Code"] == "MetadataException"
