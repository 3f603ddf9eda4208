"""The declaration of Amazon S3, to which the modules of operations add theirs."""

from __future__ import annotations

from localaws.core.service import Service

service = Service("s3", validation_code="InvalidArgument")
