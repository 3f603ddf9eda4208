"""The parser of statements, imported with the first one: a start does not wait for it."""

from __future__ import annotations

from localaws.aws.athena.statements import Statement


def parse(query: str) -> Statement:
    """Parse one statement of Athena's dialect; see `localaws.aws.athena.parser.parse`."""
    from localaws.aws.athena import parser

    return parser.parse(query)
