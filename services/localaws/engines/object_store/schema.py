"""Tables of the index, and how their rows read as objects.

Keys are ``bytea``: UTF-8 compared byte by byte is the order in which S3 lists. The bytes of objects
are blobs; a row is what makes them visible. Triggers hand every blob that a row lets go to
``object_garbage`` in the same transaction, so no path through the code can leak or lose one.
"""

from __future__ import annotations

from typing import Any

import msgspec

from localaws.core.database import declare_schema
from localaws.engines.object_store.base import Attributes, ObjectInfo
from localaws.engines.object_store.errors import MAX_KEY_BYTES, invalid_key, key_too_long

declare_schema(
    "object_store",
    """
    CREATE TABLE bucket (
        name text PRIMARY KEY, account text NOT NULL, region text NOT NULL,
        created_at timestamptz NOT NULL, tags bytea NOT NULL, configuration bytea NOT NULL
    );
    CREATE INDEX bucket_account ON bucket (account, name);

    CREATE TABLE object (
        bucket text NOT NULL REFERENCES bucket, key bytea NOT NULL,
        size bigint NOT NULL, etag text NOT NULL, last_modified timestamptz NOT NULL,
        attributes bytea NOT NULL, part_sizes bigint[] NOT NULL,
        blobs text[] NOT NULL,  -- name:size:md5 of each, in order
        epoch bigint NOT NULL,  -- 0: on disk when written; else on disk when the store says so
        PRIMARY KEY (bucket, key)
    );

    CREATE TABLE object_upload (
        id text PRIMARY KEY, bucket text NOT NULL REFERENCES bucket ON DELETE CASCADE,
        key bytea NOT NULL, started_at timestamptz NOT NULL, attributes bytea NOT NULL,
        completed_at timestamptz, completed_etag text
    );
    CREATE INDEX object_upload_bucket ON object_upload (bucket, key);

    CREATE TABLE object_part (
        upload text NOT NULL REFERENCES object_upload ON DELETE CASCADE, number int NOT NULL,
        size bigint NOT NULL, etag text NOT NULL, last_modified timestamptz NOT NULL,
        checksums bytea NOT NULL, blobs text[] NOT NULL, epoch bigint NOT NULL,
        PRIMARY KEY (upload, number)
    );

    -- the bytes of small blobs, which have no file
    CREATE TABLE object_body (blob text PRIMARY KEY, body bytea NOT NULL);
    ALTER TABLE object_body ALTER COLUMN body SET STORAGE EXTERNAL;

    CREATE TABLE object_garbage (
        blob text PRIMARY KEY, since timestamptz NOT NULL DEFAULT now()
    );
    CREATE INDEX object_garbage_since ON object_garbage (since);

    CREATE FUNCTION object_blobs_to_garbage() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO object_garbage (blob) SELECT unnest(OLD.blobs) ON CONFLICT DO NOTHING;
        RETURN NULL;
    END $$;
    CREATE TRIGGER object_replaced AFTER UPDATE OF blobs ON object FOR EACH ROW
        WHEN (OLD.blobs IS DISTINCT FROM NEW.blobs) EXECUTE FUNCTION object_blobs_to_garbage();
    CREATE TRIGGER object_deleted AFTER DELETE ON object FOR EACH ROW
        EXECUTE FUNCTION object_blobs_to_garbage();
    CREATE TRIGGER object_part_replaced AFTER UPDATE OF blobs ON object_part FOR EACH ROW
        WHEN (OLD.blobs IS DISTINCT FROM NEW.blobs) EXECUTE FUNCTION object_blobs_to_garbage();
    CREATE TRIGGER object_part_deleted AFTER DELETE ON object_part FOR EACH ROW
        EXECUTE FUNCTION object_blobs_to_garbage();

    CREATE TABLE object_store_state (
        id int PRIMARY KEY CHECK (id = 1), boot text NOT NULL, clean boolean NOT NULL,
        epoch bigint NOT NULL, synced bigint NOT NULL
    )
    """,
)

COLUMNS = "key, size, etag, last_modified, attributes, part_sizes, blobs"

NO_KEY_ABOVE = b"\xff"
"""Sorts behind every key: no UTF-8 text has this byte."""


def encode_key(key: str) -> bytes:
    """Return a key as it is kept.

    Raises:
        AwsError: KeyTooLongError above 1,024 bytes; InvalidURI where it is empty or not Unicode.
    """
    try:
        raw = key.encode()
    except UnicodeEncodeError:
        raise invalid_key() from None
    if not raw:
        raise invalid_key()
    if len(raw) > MAX_KEY_BYTES:
        raise key_too_long(len(raw))
    return raw


def encode_text(text: str) -> bytes:
    """Return a prefix, delimiter or marker as it compares with keys."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise invalid_key() from None


def successor(prefix: bytes) -> bytes:
    """Return the first value that sorts behind everything that starts with `prefix`."""
    trimmed = prefix.rstrip(b"\xff")
    return trimmed[:-1] + bytes([trimmed[-1] + 1]) if trimmed else NO_KEY_ABOVE


def object_info(bucket: str, row: Any) -> ObjectInfo:
    """Return a row with `COLUMNS` as an object."""
    return ObjectInfo(
        bucket=bucket,
        key=row["key"].decode(),
        size=row["size"],
        etag=row["etag"],
        last_modified=row["last_modified"],
        attributes=msgspec.json.decode(row["attributes"], type=Attributes),
        part_sizes=tuple(row["part_sizes"]),
        blob=",".join(row["blobs"]),
    )
