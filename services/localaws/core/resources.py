"""Resource types: how a service makes, changes and removes what a template declares.

``services/localaws/aws/<service>/cloudformation.py`` holds::

    @resource_type("AWS::S3::Bucket")
    class Bucket(ResourceType):
        properties = frozenset({"BucketName", "VersioningConfiguration", "Tags"})
        replacement_properties = frozenset({"BucketName"})
        attribute_names = frozenset({"Arn", "DomainName"})
        tags = "list"

        async def exists(self, ctx, properties):
            ...

        async def create(self, ctx, properties, request):
            name = properties.get("BucketName") or request.generated_name(63, lower=True)
            with request.adopting("BucketAlreadyOwnedByYou"):
                await ctx.call("s3", "create_bucket", bucket=name)
            await request.created(name)            # a failure below still removes the bucket
            await ctx.call("s3", "put_bucket_versioning", bucket=name, ...)
            return name

A handler calls the operations the API has (`ctx.call`), so a template and a client get the same
thing. A stack operation may be killed between any two calls and is then resumed: `create` is called
again with the same token and ``resumed=True``, `update` and `delete` with the same arguments.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal, TypeVar

from localaws.core.errors import AwsError
from localaws.core.platform import Context
from localaws.core.service import Shape

_SUFFIX_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_SUFFIX_LENGTH = 12


async def _forget(physical_id: str) -> None:
    """Take note of nothing: for handlers that are called outside a stack."""


@dataclass(frozen=True)
class ResourceRequest:
    """What a handler knows of the stack it works for.

    Attributes:
        stack_id: ARN of the stack.
        stack_name: its name.
        logical_id: the resource's name in the template.
        token: the same each time this very creation is tried, different for any other.
        resumed: True when an earlier try was cut off, which may have got anywhere.
        record: writes the physical id durably; use `created`.
    """

    stack_id: str
    stack_name: str
    logical_id: str
    token: str
    resumed: bool = False
    record: Callable[[str], Awaitable[None]] = field(default=_forget, repr=False, compare=False)

    def generated_name(
        self, max_length: int = 128, *, lower: bool = False, separator: str = "-"
    ) -> str:
        """Return ``<stack>-<logical id>-<suffix>``, always the same for this token.

        AWS cuts the stack's name and the logical id where the limit is short; so is it here.
        https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-name.html
        """
        digest = hashlib.sha256(self.token.encode()).digest()
        suffix = "".join(
            _SUFFIX_ALPHABET[byte % len(_SUFFIX_ALPHABET)] for byte in digest[:_SUFFIX_LENGTH]
        )
        room = max_length - _SUFFIX_LENGTH - 2 * len(separator)
        stack, logical = self.stack_name, self.logical_id
        if len(stack) + len(logical) > room:
            stack = stack[: max(room - len(logical), room // 2)]
            logical = logical[: room - len(stack)]
        name = separator.join((stack, logical, suffix))
        if separator != "-":
            name = name.replace("-", separator)
        return name.lower() if lower else name

    @contextlib.contextmanager
    def adopting(self, *codes: str) -> Iterator[None]:
        """Bear an "already exists" error of these codes in a resumed try: it is our own work."""
        try:
            yield
        except AwsError as error:
            if not (self.resumed and error.code in codes):
                raise

    async def created(self, physical_id: str) -> None:
        """Record that the thing itself is there, before it is configured further.

        From then on a failure or rollback deletes it. What `create` returns is recorded anyway:
        call this only where `create` goes on after the thing is there.
        """
        await self.record(physical_id)


class ResourceType(ABC):
    """One type of resource, e.g. ``AWS::S3::Bucket``.

    `properties` handed to handlers are resolved (no intrinsic functions, ``AWS::NoValue`` gone) and
    hold only names in `properties`; values may still be strings where AWS takes a number or
    a boolean: see `boolean` and `integer`.

    Class attributes:
        name: set by `resource_type`.
        properties: names of the top-level properties that are honoured; any other fails the
            resource by name. Nested members a handler does not honour: `unsupported_property`.
        required: those a template must give.
        replacement_properties: those whose change makes a new resource and deletes the old one.
        attribute_names: what ``Fn::GetAtt`` may ask for; ``"*"`` allows any.
        tags: how `Tags` is written, so that the stack's tags are merged into it: ``list`` of
            Key/Value, ``map``, or None where the type takes no tags.
        capability: what a template with this type needs, e.g. ``CAPABILITY_IAM``.
        name_property: the property that names the resource; with `capability` a named one needs
            ``CAPABILITY_NAMED_IAM``.
    """

    name: ClassVar[str] = ""
    properties: ClassVar[frozenset[str]] = frozenset()
    required: ClassVar[frozenset[str]] = frozenset()
    replacement_properties: ClassVar[frozenset[str]] = frozenset()
    attribute_names: ClassVar[frozenset[str]] = frozenset()
    tags: ClassVar[Literal["list", "map"] | None] = None
    capability: ClassVar[str | None] = None
    name_property: ClassVar[str | None] = None

    async def exists(self, ctx: Context, properties: Shape) -> bool:
        """Return whether a resource of the name given in `properties` is there already.

        Asked before a creation is begun, so that what a resumed creation finds is its own.
        Types without names of their own need not say.
        """
        return False

    @abstractmethod
    async def create(self, ctx: Context, properties: Shape, request: ResourceRequest) -> str:
        """Make the resource and return its physical id.

        Raises:
            AwsError: why it cannot be made; becomes the reason of CREATE_FAILED.
        """

    def needs_replacement(self, old: Shape, new: Shape) -> bool:
        """Return whether the change makes a new resource."""
        return any(old.get(name) != new.get(name) for name in self.replacement_properties)

    async def update(
        self, ctx: Context, physical_id: str, old: Shape, new: Shape, request: ResourceRequest
    ) -> None:
        """Bring the resource from `old` to `new` properties; must bear to be called twice."""
        raise AwsError("ValidationError", f"Update of {self.name} is not supported")

    @abstractmethod
    async def delete(self, ctx: Context, physical_id: str, properties: Shape) -> None:
        """Remove the resource; one that is gone already is no error."""

    def reference(self, physical_id: str, properties: Shape) -> str:
        """Return what ``Ref`` gives."""
        return physical_id

    async def attributes(self, ctx: Context, physical_id: str, properties: Shape) -> Shape:
        """Return what ``Fn::GetAtt`` gives, by attribute (a nested one as ``A.B``)."""
        return {}


T = TypeVar("T", bound=ResourceType)

_declared: dict[str, ResourceType] = {}


def resource_type(name: str) -> Callable[[type[T]], type[T]]:
    """Declare a class as the handler of a resource type."""

    def declare(cls: type[T]) -> type[T]:
        cls.name = name
        _declared[name] = cls()
        return cls

    return declare


def find_resource_type(name: str) -> ResourceType | None:
    """Return the handler of a type, or None where no service declares it."""
    if name not in _declared:
        _import_all()
    return _declared.get(name)


def _import_all() -> None:
    folder = Path(__file__).parent.parent / "aws"
    for path in sorted(folder.glob("*/cloudformation.py")):
        importlib.import_module(f"localaws.aws.{path.parent.name}.cloudformation")


def unsupported_property(type_name: str, path: str) -> AwsError:
    """Return the refusal of a property that is not honoured, in CloudFormation's words."""
    return AwsError(
        "ValidationError",
        f"Encountered unsupported property {path} of {type_name}: it is not implemented here",
    )


def boolean(value: object) -> bool:
    """Return a template's boolean, which may be the text ``true`` or ``false``."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise AwsError("ValidationError", f"Value of property must be a boolean, not {value!r}")


def integer(value: object) -> int:
    """Return a template's integer, which may be text."""
    if not isinstance(value, bool) and isinstance(value, int | str | float):
        with contextlib.suppress(ValueError):
            number = float(value)
            if number.is_integer():
                return int(number)
    raise AwsError("ValidationError", f"Value of property must be an integer, not {value!r}")
