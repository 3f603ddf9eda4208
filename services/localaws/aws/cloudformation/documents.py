"""Reading template text: JSON, or YAML with the short forms of intrinsic functions.

YAML is read as CloudFormation reads it: version 1.1 without timestamps, aliases and merge keys.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-formats.html
"""

from __future__ import annotations

import json
from typing import Any

import yaml

from localaws.aws.cloudformation.errors import format_error

SHORT_FORMS = frozenset(
    {
        "And",
        "Base64",
        "Cidr",
        "Equals",
        "FindInMap",
        "ForEach",
        "GetAZs",
        "GetAtt",
        "If",
        "ImportValue",
        "Join",
        "Length",
        "Not",
        "Or",
        "Select",
        "Split",
        "Sub",
        "ToJsonString",
        "Transform",
    }
)


class _Loader(yaml.SafeLoader):
    """A safe loader with short forms, and without what CloudFormation does not read."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.events.AliasEvent):
            raise format_error("YAML aliases are not allowed in CloudFormation templates")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        result: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                raise format_error("YAML hash merges are not allowed in CloudFormation templates")
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str | int | float | bool):
                raise format_error(f"YAML keys must be text{_where(key_node)}")
            if key in result:
                raise format_error(f"duplicate key {key!r}{_where(key_node)}")
            value = self.construct_object(value_node, deep=deep)
            result[key if isinstance(key, str) else _text(key_node)] = value
        return result


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _where(node: yaml.Node) -> str:
    return f" (line {node.start_mark.line + 1}, column {node.start_mark.column + 1})"


def _text(node: yaml.Node) -> str:
    return str(node.value)


def _construct_map(loader: _Loader, node: yaml.Node) -> Any:
    result: dict[Any, Any] = {}
    yield result
    result.update(loader.construct_mapping(node, deep=True))


def _construct_short_form(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        # a scalar behind a tag is text, whatever it looks like: !Sub 2012
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    if suffix in ("Ref", "Condition"):
        return {suffix: value}
    if suffix not in SHORT_FORMS:
        raise format_error(f"unknown tag !{suffix}{_where(node)}")
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {f"Fn::{suffix}": value}


_Loader.add_constructor("tag:yaml.org,2002:map", _construct_map)
_Loader.add_multi_constructor("!", _construct_short_form)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise format_error(f"duplicate key {key!r}")
            seen.add(key)
    return result


def read_document(text: str) -> dict[str, Any]:
    """Return a template's text as a dictionary with long-form functions.

    Raises:
        AwsError: ValidationError saying what is not well-formed, and where.
    """
    document: Any
    if text.lstrip().startswith("{"):
        try:
            document = json.loads(text, object_pairs_hook=_unique)
        except json.JSONDecodeError as error:
            raise format_error(
                f"JSON not well-formed. (line {error.lineno}, column {error.colno})"
            ) from error
        except RecursionError as error:
            raise format_error("JSON is nested too deeply") from error
    else:
        try:
            document = yaml.load(text, Loader=_Loader)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark
            where = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
            raise format_error(f"YAML not well-formed.{where}") from error
        except (yaml.YAMLError, ValueError) as error:
            raise format_error("YAML not well-formed.") from error
        except RecursionError as error:
            raise format_error("YAML is nested too deeply") from error
    if not isinstance(document, dict):
        raise format_error("unsupported structure.")
    return document
