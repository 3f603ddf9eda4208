"""The ``greatfin`` command."""

from greatfin.cli.main import main

__all__ = ["main"]
