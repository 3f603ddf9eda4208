"""The type of the fixture that opens the store of a test."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from localaws.engines.object_store.files import FileObjectStore

OpenStore = Callable[..., AbstractAsyncContextManager[FileObjectStore]]
"""Takes durability, grace and clean (False: as after a kill) and opens the store."""
