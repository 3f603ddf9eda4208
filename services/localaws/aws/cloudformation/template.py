"""A template: its sections, checked for structure, and its text from wherever it is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import unquote, urlsplit

from localaws.aws.cloudformation.documents import read_document
from localaws.aws.cloudformation.errors import format_error, template_error, validation_error
from localaws.core.errors import AwsError
from localaws.core.platform import Context
from localaws.core.resources import find_resource_type

MAX_BODY_BYTES = 51_200
MAX_URL_BYTES = 1_048_576
MAX_RESOURCES = 500
NO_TEMPLATE = "Either Template URL or Template Body must be specified."
LANGUAGE_EXTENSIONS = "AWS::LanguageExtensions"

_SECTIONS = frozenset(
    {
        "AWSTemplateFormatVersion",
        "Conditions",
        "Description",
        "Mappings",
        "Metadata",
        "Outputs",
        "Parameters",
        "Resources",
        "Rules",
        "Transform",
    }
)
_RESOURCE_MEMBERS = frozenset(
    {
        "Condition",
        "DeletionPolicy",
        "DependsOn",
        "Description",
        "Metadata",
        "Properties",
        "Type",
        "UpdateReplacePolicy",
    }
)
_POLICIES = {
    "DeletionPolicy": ("Delete", "Retain", "RetainExceptOnCreate"),
    "UpdateReplacePolicy": ("Delete", "Retain"),
}
_LOGICAL_ID = re.compile(r"[A-Za-z0-9]{1,255}")


@dataclass(frozen=True)
class ResourceDefinition:
    """A resource as the template declares it, functions not yet evaluated."""

    logical_id: str
    type: str
    properties: Mapping[str, Any] = field(default_factory=dict)
    condition: str | None = None
    depends_on: tuple[str, ...] = ()
    deletion_policy: str = "Delete"
    update_replace_policy: str = "Delete"
    metadata: Any = None
    description: str | None = None


@dataclass(frozen=True)
class Template:
    """A template whose structure is sound; what its functions give is not known yet."""

    text: str
    resources: Mapping[str, ResourceDefinition]
    parameters: Mapping[str, Mapping[str, Any]]
    conditions: Mapping[str, Any]
    mappings: Mapping[str, Mapping[str, Mapping[str, Any]]]
    outputs: Mapping[str, Mapping[str, Any]]
    transforms: tuple[str, ...]
    description: str | None
    metadata: Any
    version: str | None

    @property
    def language_extensions(self) -> bool:
        """Return whether the functions of the language extensions may be used."""
        return LANGUAGE_EXTENSIONS in self.transforms

    def capabilities(self) -> tuple[list[str], list[str]]:
        """Return the capabilities a deployment must acknowledge, and the types that ask so."""
        needed: set[str] = set()
        types: list[str] = []
        for resource in self.resources.values():
            handler = find_resource_type(resource.type)
            if handler is None or handler.capability is None:
                continue
            named = handler.name_property is not None and (
                handler.name_property in resource.properties
            )
            needed.add("CAPABILITY_NAMED_IAM" if named else handler.capability)
            if resource.type not in types:
                types.append(resource.type)
        if "CAPABILITY_NAMED_IAM" in needed:
            needed.discard("CAPABILITY_IAM")
        if self.transforms:
            needed.add("CAPABILITY_AUTO_EXPAND")
        return sorted(needed), types


@lru_cache(maxsize=64)
def parse_template(text: str) -> Template:
    """Return the template of a text.

    Raises:
        AwsError: ValidationError naming what is wrong: sections, members, types, policies.
    """
    document = read_document(text)
    if unknown := sorted(set(document) - _SECTIONS):
        raise format_error(f"Invalid template property or properties [{', '.join(unknown)}]")
    version = document.get("AWSTemplateFormatVersion")
    if version not in (None, "2010-09-09"):
        raise format_error(f"template version {version} is not supported.")
    description = document.get("Description")
    if description is not None and not isinstance(description, str):
        raise format_error("Every Description member must be a string.")
    if "Rules" in document:
        raise template_error("section Rules is not implemented here")
    resources = _section(document, "Resources")
    if not resources:
        raise format_error("At least one Resources member must be defined.")
    if len(resources) > MAX_RESOURCES:
        raise format_error(
            f"Number of resources, {len(resources)}, is greater than maximum allowed, "
            f"{MAX_RESOURCES}"
        )
    parsed = {name: _resource(name, body) for name, body in resources.items()}
    types = dict.fromkeys(definition.type for definition in parsed.values())
    if unknown := [name for name in types if find_resource_type(name) is None]:
        raise format_error(f"Unrecognized resource types: [{', '.join(unknown)}]")
    return Template(
        text=text,
        resources=parsed,
        parameters=_structures(document, "Parameters"),
        conditions=_section(document, "Conditions"),
        mappings=_mappings(document),
        outputs=_outputs(document),
        transforms=_transforms(document),
        description=description,
        metadata=document.get("Metadata"),
        version=version,
    )


def _section(document: Mapping[str, Any], name: str) -> dict[str, Any]:
    section = document.get(name)
    if section is None:
        return {}
    if not isinstance(section, dict):
        raise format_error(f"Every {name} object must be a map.")
    if name != "Conditions":
        for key in section:
            if not _LOGICAL_ID.fullmatch(str(key)) and name != "Mappings":
                raise format_error(
                    f"{name.removesuffix('s')} name {key} is non alphanumeric."
                    if name != "Resources"
                    else f"Resource name {key} is non alphanumeric."
                )
    return section


def _structures(document: Mapping[str, Any], name: str) -> dict[str, Mapping[str, Any]]:
    section = _section(document, name)
    for key, body in section.items():
        if not isinstance(body, dict):
            raise format_error(f"Every {name} member must be an object: {key} is not.")
    return section


def _mappings(document: Mapping[str, Any]) -> dict[str, Mapping[str, Mapping[str, Any]]]:
    section = _structures(document, "Mappings")
    for name, mapping in section.items():
        for key, values in mapping.items():
            if not isinstance(values, dict):
                raise format_error(
                    f"Every Mappings attribute must be a map of maps: {name}.{key} is not."
                )
    return section


def _outputs(document: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    section = _structures(document, "Outputs")
    for name, body in section.items():
        if body.get("Value") is None:
            raise format_error(f"Output {name} must have a Value")
        if unknown := sorted(set(body) - {"Condition", "Description", "Export", "Value"}):
            raise format_error(f"Output {name} has invalid members [{', '.join(unknown)}]")
        export = body.get("Export")
        if export is not None and (not isinstance(export, dict) or set(export) != {"Name"}):
            raise format_error(f"The Export of output {name} must be an object with a Name.")
    return section


def _transforms(document: Mapping[str, Any]) -> tuple[str, ...]:
    given = document.get("Transform")
    names = given if isinstance(given, list) else [] if given is None else [given]
    for name in names:
        if name != LANGUAGE_EXTENSIONS:
            raise template_error(f"transform {name} is not implemented here")
    return tuple(names)


def _resource(name: str, body: Any) -> ResourceDefinition:
    if not isinstance(body, dict):
        raise format_error(f"[/Resources/{name}] resource definition is malformed")
    kind = body.get("Type")
    if not isinstance(kind, str):
        raise format_error(
            f"[/Resources/{name}] Every Resources object must contain a Type member."
        )
    if unknown := sorted(set(body) - _RESOURCE_MEMBERS):
        raise validation_error(
            f"Invalid template resource property '{unknown[0]}' of resource {name}"
        )
    properties = body.get("Properties") or {}
    if not isinstance(properties, dict):
        raise format_error(f"[/Resources/{name}/Properties] Properties must be an object.")
    depends_on = body.get("DependsOn") or ()
    if isinstance(depends_on, str):
        depends_on = (depends_on,)
    if not isinstance(depends_on, list | tuple) or not all(
        isinstance(other, str) for other in depends_on
    ):
        raise format_error(f"[/Resources/{name}/DependsOn] DependsOn must be a string or a list.")
    for policy, allowed in _POLICIES.items():
        if body.get(policy, "Delete") not in allowed:
            raise template_error(
                f"{policy} {body[policy]} of resource {name} is not one of {', '.join(allowed)}"
            )
    return ResourceDefinition(
        logical_id=name,
        type=kind,
        properties=properties,
        condition=body.get("Condition"),
        depends_on=tuple(depends_on),
        deletion_policy=body.get("DeletionPolicy", "Delete"),
        update_replace_policy=body.get("UpdateReplacePolicy", "Delete"),
        metadata=body.get("Metadata"),
        description=body.get("Description"),
    )


async def template_text(
    ctx: Context, template_body: str | None, template_url: str | None
) -> str | None:
    """Return the text a caller gave, in the request or as an object in S3; None for neither.

    Raises:
        AwsError: ValidationError for both at once, too large, or no such object.
    """
    if template_body is not None and template_url is not None:
        raise validation_error("Specify exactly one of TemplateBody or TemplateURL")
    if template_body is not None:
        if len(template_body.encode()) > MAX_BODY_BYTES:
            raise validation_error(
                "1 validation error detected: Value at 'templateBody' failed to satisfy "
                f"constraint: Member must have length less than or equal to {MAX_BODY_BYTES}"
            )
        return template_body
    if template_url is None:
        return None
    bucket, key = _object_of(template_url)
    try:
        info = await ctx.platform.object_store.head(bucket, key)
    except AwsError as error:
        raise validation_error(f"S3 error: {error.message}") from error
    if info.size > MAX_URL_BYTES:
        raise validation_error(f"Template may not exceed {MAX_URL_BYTES} bytes in size.")
    body = b"".join([chunk async for chunk in ctx.platform.object_store.read(info)])
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise format_error("the template is not UTF-8 text") from error


_BUCKET_HOSTS = (
    re.compile(r"(?P<bucket>.+)\.s3[.-].*amazonaws\.com(\.cn)?"),
    re.compile(r"(?P<bucket>.+?)\.(s3[.-]([a-z]{2}(-[a-z]+)+-\d\.)?)?(localhost|gateway)"),
)
"""Hosts that begin with a bucket: AWS's, and this endpoint's, as in `gateway/routing.py`."""


def _object_of(url: str) -> tuple[str, str]:
    """Return bucket and key of a path-style or virtual-host S3 URL, of AWS or of this endpoint."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    path = unquote(parts.path).lstrip("/")
    virtual = next((found for pattern in _BUCKET_HOSTS if (found := pattern.fullmatch(host))), None)
    if parts.scheme in ("http", "https") and virtual is not None and path:
        return virtual["bucket"], path
    bucket, _, key = path.partition("/")
    if parts.scheme in ("http", "https") and bucket and key:
        return bucket, key
    raise validation_error("TemplateURL must be a supported URL.")
