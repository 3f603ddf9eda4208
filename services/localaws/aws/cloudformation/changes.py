"""What an update would change: for change sets, and to tell that there is nothing to do.

https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ResourceChange.html
"""

from __future__ import annotations

from collections.abc import Mapping
from graphlib import TopologicalSorter
from typing import Any

from localaws.aws.cloudformation.evaluate import Unresolved, has_unresolved
from localaws.aws.cloudformation.model import StackResource
from localaws.aws.cloudformation.plan import Plan, PlannedResource
from localaws.aws.cloudformation.steps import merge_tags
from localaws.core.resources import find_resource_type
from localaws.core.service import Shape


def is_same(old: Plan, new: Plan) -> bool:
    """Return whether an update from one plan to the other has nothing to do."""
    return (
        {name: _identity(item) for name, item in old.resources.items()}
        == {name: _identity(item) for name, item in new.resources.items()}
        and old.outputs == new.outputs
        and old.definition.tags == new.definition.tags
    )


def _identity(planned: PlannedResource) -> tuple[Any, ...]:
    definition = planned.definition
    return (
        definition.type,
        planned.properties,
        planned.metadata,
        definition.deletion_policy,
        definition.update_replace_policy,
    )


def resource_changes(
    old: Plan | None, new: Plan, resources: Mapping[str, StackResource]
) -> list[Shape]:
    """Return the Change structures of an update (or, with no old plan, a creation)."""
    changes: list[Shape] = []
    replaced: dict[str, str] = {}
    before = old.resources if old else {}
    for name in _in_order(new):
        planned = new.resources[name]
        if name not in before:
            changes.append(_change("Add", name, planned))
            continue
        change = _modification(old, new, name, replaced, resources)
        if change is not None:
            changes.append(change)
    for name, planned in before.items():
        if name not in new.resources:
            keep = planned.definition.deletion_policy != "Delete"
            changes.append(
                _change(
                    "Remove", name, planned, resources, PolicyAction="Retain" if keep else "Delete"
                )
            )
    position = {name: index for index, name in enumerate([*before, *new.resources])}
    changes.sort(key=lambda item: position[item["ResourceChange"]["LogicalResourceId"]])
    return changes


def _in_order(plan: Plan) -> list[str]:
    return list(TopologicalSorter(plan.dependencies).static_order())


def _change(
    action: str,
    name: str,
    planned: PlannedResource,
    resources: Mapping[str, StackResource] | None = None,
    **more: Any,
) -> Shape:
    change: Shape = {
        "Action": action,
        "LogicalResourceId": name,
        "ResourceType": planned.definition.type,
        "Scope": [],
        "Details": [],
        **more,
    }
    resource = (resources or {}).get(name)
    if resource is not None and resource.current is not None and resource.current.physical_id:
        change["PhysicalResourceId"] = resource.current.physical_id
    return {"Type": "Resource", "ResourceChange": change}


def _modification(
    old: Plan | None,
    new: Plan,
    name: str,
    replaced: dict[str, str],
    resources: Mapping[str, StackResource],
) -> Shape | None:
    assert old is not None
    was, planned = old.resources[name], new.resources[name]
    handler = find_resource_type(planned.definition.type)
    assert handler is not None
    left = merge_tags(handler, was.properties, old.definition.tags)
    right = merge_tags(handler, planned.properties, new.definition.tags)
    details: list[Shape] = []
    scope: set[str] = set()
    replacement = "False"
    for property_name in sorted({*left, *right}):
        one, other = left.get(property_name), right.get(property_name)
        causes = sorted(_references(other) & set(replaced))
        if one == other and not causes:
            continue
        recreates = property_name in handler.replacement_properties
        dynamic = one == other or has_unresolved(other)
        area = "Tags" if property_name == "Tags" else "Properties"
        scope.add(area)
        if recreates:
            certain = not dynamic or any(replaced[cause] == "True" for cause in causes)
            replacement = "True" if certain or replacement == "True" else "Conditional"
        target: Shape = {"Attribute": area, "RequiresRecreation": "Never"}
        if area == "Properties":
            target["Name"] = property_name
            target["RequiresRecreation"] = "Always" if recreates else "Never"
        detail: Shape = {
            "Target": target,
            "Evaluation": "Dynamic" if dynamic else "Static",
            "ChangeSource": "ResourceReference" if causes else "DirectModification",
        }
        if causes:
            detail["CausingEntity"] = causes[0]
        details.append(detail)
    if was.metadata != planned.metadata:
        scope.add("Metadata")
        details.append(
            {
                "Target": {"Attribute": "Metadata", "RequiresRecreation": "Never"},
                "Evaluation": "Static",
                "ChangeSource": "DirectModification",
            }
        )
    for attribute, one, other in (
        ("DeletionPolicy", was.definition.deletion_policy, planned.definition.deletion_policy),
        (
            "UpdateReplacePolicy",
            was.definition.update_replace_policy,
            planned.definition.update_replace_policy,
        ),
    ):
        if one != other:
            scope.add(attribute)
            details.append(
                {
                    "Target": {"Attribute": attribute, "RequiresRecreation": "Never"},
                    "Evaluation": "Static",
                    "ChangeSource": "DirectModification",
                }
            )
    if not details:
        return None
    if replacement != "False":
        replaced[name] = replacement
    change = _change("Modify", name, planned, resources, Replacement=replacement)
    change["ResourceChange"]["Scope"] = sorted(scope)
    change["ResourceChange"]["Details"] = details
    return change


def _references(value: Any) -> set[str]:
    """Return the resources an unresolved value refers to."""
    if isinstance(value, Unresolved):
        return _references(value.expression)
    if isinstance(value, dict):
        if set(value) == {"Ref"} and isinstance(value["Ref"], str):
            return {value["Ref"]}
        if set(value) == {"Fn::GetAtt"}:
            return {value["Fn::GetAtt"][0]}
        return set().union(*map(_references, value.values()))
    if isinstance(value, list):
        return set().union(*map(_references, value))
    return set()
