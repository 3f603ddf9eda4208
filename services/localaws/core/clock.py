"""The one clock: every time the platform writes or compares comes from here."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class Clock:
    """The current time in UTC, which tests and simulations may move forward."""

    def __init__(self) -> None:
        self._offset = timedelta()

    def now(self) -> datetime:
        """Return the current time, aware, in UTC."""
        return datetime.now(UTC) + self._offset

    def advance(self, by: timedelta) -> None:
        """Move the clock forward by a positive duration."""
        if by < timedelta():
            raise ValueError("the clock only moves forward")
        self._offset += by
