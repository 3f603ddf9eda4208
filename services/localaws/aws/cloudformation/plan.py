"""What a definition comes to: the resources that are to be, what they depend on, what they import.

A plan is made before anything is touched, so that a wrong template is refused and not rolled back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from localaws.aws.cloudformation.errors import format_error, template_error, validation_error
from localaws.aws.cloudformation.evaluate import Evaluator, Unresolved
from localaws.aws.cloudformation.graph import check_acyclic
from localaws.aws.cloudformation.model import Definition
from localaws.aws.cloudformation.parameters import check_declarations
from localaws.aws.cloudformation.template import (
    ResourceDefinition,
    Template,
    parse_template,
)
from localaws.core.resources import ResourceType, find_resource_type
from localaws.core.state import Scope


@dataclass(frozen=True)
class PlannedResource:
    """A resource that is to be; `properties` hold `Unresolved` where others must be there first."""

    definition: ResourceDefinition
    properties: dict[str, Any]
    metadata: Any
    dependencies: frozenset[str]


@dataclass(frozen=True)
class Plan:
    """The resources of a definition in order of declaration, its outputs and its imports."""

    template: Template
    definition: Definition
    pseudo: Mapping[str, Any]
    resources: Mapping[str, PlannedResource]
    outputs: Mapping[str, Any]
    imports: frozenset[str]

    @property
    def dependencies(self) -> dict[str, frozenset[str]]:
        """Return what each resource depends on."""
        return {name: planned.dependencies for name, planned in self.resources.items()}


@dataclass
class _Symbols:
    """Resources of which only the names are known; notes what is asked for."""

    types: Mapping[str, ResourceType]
    referenced: set[str] = field(default_factory=set)
    imports: set[str] = field(default_factory=set)

    def reference(self, logical_id: str) -> Any:
        if logical_id not in self.types:
            raise KeyError(logical_id)
        self.referenced.add(logical_id)
        return Unresolved({"Ref": logical_id})

    def attribute(self, logical_id: str, name: str) -> Any:
        handler = self.types[logical_id]
        if "*" not in handler.attribute_names and name not in handler.attribute_names:
            raise template_error(
                f"resource {logical_id} does not support attribute type {name} in Fn::GetAtt"
            )
        self.referenced.add(logical_id)
        return Unresolved({"Fn::GetAtt": [logical_id, name]})

    def imported(self, name: str) -> Any:
        self.imports.add(name)
        return Unresolved({"Fn::ImportValue": name})


def pseudo_parameters(scope: Scope, stack_name: str, stack_id: str) -> dict[str, Any]:
    """Return the values of AWS's pseudo parameters for a stack."""
    region = scope.region
    china = region.startswith("cn-")
    partition = "aws-cn" if china else "aws-us-gov" if region.startswith("us-gov-") else "aws"
    return {
        "AWS::AccountId": scope.account,
        "AWS::NotificationARNs": [],
        "AWS::Partition": partition,
        "AWS::Region": region,
        "AWS::StackId": stack_id,
        "AWS::StackName": stack_name,
        "AWS::URLSuffix": "amazonaws.com.cn" if china else "amazonaws.com",
    }


def make_plan(scope: Scope, stack_name: str, stack_id: str, definition: Definition) -> Plan:
    """Return what a definition comes to in a stack.

    Raises:
        AwsError: ValidationError for whatever is wrong with the template or its values.
    """
    template = parse_template(definition.template)
    check_declarations(template.parameters)
    pseudo = pseudo_parameters(scope, stack_name, stack_id)
    evaluator = Evaluator(template, definition.parameters, pseudo, _Symbols({}))
    for name in template.conditions:
        evaluator.condition(name)
    active = {
        name: resource
        for name, resource in template.resources.items()
        if resource.condition is None or evaluator.condition(resource.condition)
    }
    types = {name: _handler(resource) for name, resource in active.items()}
    resources: dict[str, PlannedResource] = {}
    imports: set[str] = set()
    for name, resource in active.items():
        symbols = _Symbols(types)
        here = replace(evaluator, resources=symbols)
        properties = here.value(dict(resource.properties))
        if not isinstance(properties, dict):
            raise format_error(f"[/Resources/{name}/Properties] Properties must be an object.")
        metadata = here.value(resource.metadata)
        for other in resource.depends_on:
            if other not in template.resources:
                raise format_error(
                    f"Unresolved resource dependencies [{other}] in the Resources block of the "
                    "template"
                )
        wanted = symbols.referenced | {other for other in resource.depends_on if other in active}
        resources[name] = PlannedResource(resource, properties, metadata, frozenset(wanted))
        imports |= symbols.imports
    symbols = _Symbols(types)
    outputs = evaluate_outputs(replace(evaluator, resources=symbols, where="Outputs"))
    plan = Plan(
        template, definition, pseudo, resources, outputs, frozenset(imports | symbols.imports)
    )
    check_acyclic(plan.dependencies)
    return plan


def evaluate_outputs(evaluator: Evaluator) -> dict[str, dict[str, Any]]:
    """Return the outputs whose conditions hold: Value, and Description and ExportName if any."""
    result: dict[str, dict[str, Any]] = {}
    exports: set[str] = set()
    for name, body in evaluator.template.outputs.items():
        if body.get("Condition") is not None and not evaluator.condition(str(body["Condition"])):
            continue
        value = evaluator.value({"Value": body["Value"]}).get("Value")
        if value is None or isinstance(value, dict | list):
            raise format_error(
                f"The Value field of every Outputs member must evaluate to a String: \
{name} does not."
            )
        output: dict[str, Any] = {"Value": value}
        if body.get("Description") is not None:
            output["Description"] = str(body["Description"])
        if body.get("Export") is not None:
            export = evaluator.value(body["Export"]["Name"])
            if not isinstance(export, Unresolved):
                if not isinstance(export, str) or not export:
                    raise template_error(f"the export name of output {name} must be a string")
                if export in exports:
                    raise validation_error(
                        f"Template format error: Duplicate Export names. Output {name} exports "
                        f"{export} again"
                    )
                exports.add(export)
            output["ExportName"] = export
        result[name] = output
    return result


def _handler(resource: ResourceDefinition) -> ResourceType:
    handler = find_resource_type(resource.type)
    if handler is None:
        raise format_error(f"Unrecognized resource types: [{resource.type}]")
    return handler
