"""The service Glue, which the modules beside this one declare their operations on."""

from __future__ import annotations

from localaws.core.service import Service

service = Service("glue")
