"""What the user sees: domain code tells a `Console`, and never prints."""

from greatfin.console.base import Check, Console, Report, Table
from greatfin.console.captured import CapturedConsole
from greatfin.console.plain import PlainConsole

__all__ = ["CapturedConsole", "Check", "Console", "PlainConsole", "Report", "Table"]
