"""``s3://`` locations."""

from __future__ import annotations

from dataclasses import dataclass

_SCHEMES = ("s3://", "s3a://", "s3n://")


@dataclass(frozen=True)
class Location:
    """A folder or object: `key` has no leading slash."""

    bucket: str
    key: str

    @property
    def folder(self) -> str:
        """The key as a prefix: with a trailing slash, or empty for the bucket's root."""
        return self.key if not self.key or self.key.endswith("/") else self.key + "/"

    @property
    def uri(self) -> str:
        """The location as text."""
        return f"s3://{self.bucket}/{self.key}"

    def child(self, name: str) -> Location:
        """Return a location below this folder."""
        return Location(self.bucket, self.folder + name)


def parse_location(uri: str) -> Location | None:
    """Return the location an ``s3://`` URI names, or None where it is none."""
    for scheme in _SCHEMES:
        if uri.startswith(scheme):
            bucket, _, key = uri[len(scheme) :].partition("/")
            return Location(bucket, key) if bucket else None
    return None


def is_hidden(relative: str) -> bool:
    """Return whether Hive skips an object: a part of its path starts with ``_`` or ``.``."""
    return any(part.startswith(("_", ".")) for part in relative.split("/"))
