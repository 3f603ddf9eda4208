"""Tables beside the store: open uploads' parts are in `schema` of the port, the rest is here."""

from __future__ import annotations

from localaws.core.database import declare_schema

NOTIFICATIONS = "object_store_notification"
"""The table to which the store writes what changed."""

declare_schema(
    "object_store_minio",
    f"""
    -- what an adoption has written or replaces, until all of it is done
    CREATE TABLE object_adoption (
        id text PRIMARY KEY, bucket text NOT NULL, written bytea[] NOT NULL,
        removed bytea[] NOT NULL DEFAULT '{{}}', committed boolean NOT NULL DEFAULT false
    );

    -- keys whose name is needed as a folder
    CREATE TABLE object_aside (
        bucket text NOT NULL REFERENCES bucket ON DELETE CASCADE, key bytea NOT NULL,
        PRIMARY KEY (bucket, key)
    );

    -- whose folder of the staging bucket is whose, where platforms share a store
    CREATE TABLE object_staging_owner (id text PRIMARY KEY);
    INSERT INTO object_staging_owner VALUES (replace(gen_random_uuid()::text, '-', ''));

    -- The store makes this table itself where it is first.
    CREATE TABLE IF NOT EXISTS {NOTIFICATIONS} (
        event_time timestamptz NOT NULL, event_data jsonb
    );
    ALTER TABLE {NOTIFICATIONS} ADD COLUMN IF NOT EXISTS
        id bigint GENERATED ALWAYS AS IDENTITY;
    CREATE INDEX IF NOT EXISTS {NOTIFICATIONS}_id ON {NOTIFICATIONS} (id)
    """,
)
