"""Evaluation of a template: conditions, and values with their functions resolved.

A value may depend on resources that are not there yet. Before a deployment such a value is
`Unresolved`: it stays an expression, which tells what it depends on and whether it has changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from localaws.aws.cloudformation import functions
from localaws.aws.cloudformation.errors import format_error, template_error, validation_error
from localaws.aws.cloudformation.parameters import parameter_value
from localaws.aws.cloudformation.template import Template

NO_VALUE = "AWS::NoValue"

_FUNCTIONS = frozenset(
    {
        "Fn::Base64",
        "Fn::Cidr",
        "Fn::FindInMap",
        "Fn::GetAZs",
        "Fn::GetAtt",
        "Fn::If",
        "Fn::ImportValue",
        "Fn::Join",
        "Fn::Length",
        "Fn::Select",
        "Fn::Split",
        "Fn::Sub",
        "Fn::ToJsonString",
        "Ref",
    }
)
_CONDITION_FUNCTIONS = frozenset({"Condition", "Fn::And", "Fn::Equals", "Fn::Not", "Fn::Or"})
_EXTENSIONS = frozenset({"Fn::Length", "Fn::ToJsonString"})
_PLAIN = {
    "Fn::Base64": functions.base64_of,
    "Fn::Cidr": functions.cidr,
    "Fn::Join": functions.join,
    "Fn::Length": functions.length,
    "Fn::Select": functions.select,
    "Fn::Split": functions.split,
    "Fn::ToJsonString": functions.to_json,
}


class _NoValue:
    """What ``Ref: AWS::NoValue`` gives: whatever holds it goes without."""


_NO_VALUE = _NoValue()


@dataclass(frozen=True)
class Unresolved:
    """A value that needs resources that are not there yet: the expression, evaluated so far."""

    expression: Any


class Resources(Protocol):
    """What an evaluation may ask about resources and other stacks."""

    def reference(self, logical_id: str) -> Any:
        """Return what ``Ref`` gives; KeyError where the stack has no such resource."""

    def attribute(self, logical_id: str, name: str) -> Any:
        """Return what ``Fn::GetAtt`` gives; KeyError where the stack has no such resource."""

    def imported(self, name: str) -> Any:
        """Return the value another stack exports."""


@dataclass(frozen=True)
class Evaluator:
    """Evaluates the values of one template for one set of parameters.

    `where` names the section in error messages.
    """

    template: Template
    parameters: Mapping[str, str]
    pseudo: Mapping[str, Any]
    resources: Resources
    where: str = "Resources"
    _conditions: dict[str, bool] = field(default_factory=dict)

    def condition(self, name: str, visiting: tuple[str, ...] = ()) -> bool:
        """Return whether a condition holds."""
        if name in visiting:
            raise format_error(f"Circular dependency between conditions: [{', '.join(visiting)}]")
        if name not in self.template.conditions:
            raise format_error(f"Unresolved condition dependency {name} in the {self.where} block")
        if name not in self._conditions:
            expression = self.template.conditions[name]
            self._conditions[name] = self._test(expression, (*visiting, name))
        return self._conditions[name]

    def value(self, value: Any) -> Any:
        """Return a value with its functions resolved, or `Unresolved` inside where they cannot be.

        Members and items that are ``AWS::NoValue`` are gone.
        """
        if isinstance(value, dict):
            if len(value) == 1:
                (name,) = value
                if name in _FUNCTIONS or (isinstance(name, str) and name.startswith("Fn::")):
                    return self._function(name, value[name])
            pairs = ((key, self.value(item)) for key, item in value.items())
            return {key: item for key, item in pairs if item is not _NO_VALUE}
        if isinstance(value, list):
            return [item for item in map(self.value, value) if item is not _NO_VALUE]
        if isinstance(value, str) and "{{resolve:" in value:
            raise template_error("dynamic references ({{resolve:…}}) are not implemented here")
        return value

    def _test(self, expression: Any, visiting: tuple[str, ...]) -> bool:
        if not isinstance(expression, dict) or len(expression) != 1:
            raise format_error(f"Conditions member {visiting[-1]} must be a condition function")
        ((name, arguments),) = expression.items()
        if name == "Condition":
            return self.condition(str(arguments), visiting)
        if not isinstance(arguments, list):
            raise template_error(f"{name} requires a list argument")
        if name == "Fn::Equals":
            if len(arguments) != 2:
                raise template_error("every Fn::Equals object requires two string parameters.")
            left, right = (self.value(argument) for argument in arguments)
            if has_unresolved(left) or has_unresolved(right):
                raise format_error(
                    f"Unresolved dependencies in condition {visiting[-1]}: conditions can only "
                    "refer to parameters, mappings and other conditions"
                )
            if isinstance(left, dict | list) or isinstance(right, dict | list):
                return bool(left == right)
            return functions.scalar(left, name) == functions.scalar(right, name)
        if name == "Fn::Not":
            if len(arguments) != 1:
                raise template_error("every Fn::Not object requires one condition.")
            return not self._test(arguments[0], visiting)
        if name in ("Fn::And", "Fn::Or"):
            if not 2 <= len(arguments) <= 10:
                raise template_error(f"every {name} object requires 2 to 10 conditions.")
            results = [self._test(argument, visiting) for argument in arguments]
            return all(results) if name == "Fn::And" else any(results)
        raise template_error(f"{name} is not a condition function")

    def _function(self, name: str, argument: Any) -> Any:
        if name not in _FUNCTIONS or (
            name in _EXTENSIONS and not self.template.language_extensions
        ):
            if name in _EXTENSIONS:
                raise template_error(f"{name} needs the transform AWS::LanguageExtensions")
            if name in _CONDITION_FUNCTIONS:
                raise template_error(f"{name} can be used in Conditions only")
            raise template_error(f"function {name} is not implemented here")
        if name == "Ref":
            return self._reference(argument)
        if name == "Fn::GetAtt":
            return self._attribute(argument)
        if name == "Fn::Sub":
            return self._substitute(argument)
        if name == "Fn::If":
            return self._if(argument)
        if name == "Fn::FindInMap":
            return self._find_in_map(argument)
        if name == "Fn::ImportValue":
            return self._import(argument)
        resolved = self.value(argument)
        if name == "Fn::GetAZs":
            region = functions.scalar(resolved, name) or str(self.pseudo["AWS::Region"])
            return functions.zones(region)
        if name == "Fn::Select" and isinstance(resolved, list) and len(resolved) == 2:
            # a list with unknown items still gives up the known one that is selected
            choice, items = resolved
            if not isinstance(choice, Unresolved) and isinstance(items, list):
                return functions.select(resolved)
        return Unresolved({name: resolved}) if has_unresolved(resolved) else _PLAIN[name](resolved)

    def _reference(self, name: Any) -> Any:
        if not isinstance(name, str):
            raise template_error("every Ref object must have a single String value.")
        if name == NO_VALUE:
            return _NO_VALUE
        if name in self.pseudo:
            return self.pseudo[name]
        if name in self.template.parameters:
            return parameter_value(self.template.parameters[name], self.parameters[name])
        try:
            return self.resources.reference(name)
        except KeyError:
            raise self._dangling(name) from None

    def _attribute(self, argument: Any) -> Any:
        if isinstance(argument, str):
            argument = argument.split(".", 1)
        if not isinstance(argument, list) or len(argument) != 2 or not isinstance(argument[0], str):
            raise template_error(
                "every Fn::GetAtt object requires two non-empty parameters, the resource name and "
                "the resource attribute"
            )
        attribute = self.value(argument[1])
        if not isinstance(attribute, str):
            raise template_error("the attribute of Fn::GetAtt must be a string")
        try:
            return self.resources.attribute(argument[0], attribute)
        except KeyError:
            raise self._dangling(argument[0]) from None

    def _dangling(self, name: str) -> Exception:
        return format_error(
            f"Unresolved resource dependencies [{name}] in the {self.where} block of the template"
        )

    def _substitute(self, argument: Any) -> Any:
        variables: Mapping[str, Any] = {}
        if isinstance(argument, list) and len(argument) == 2 and isinstance(argument[1], dict):
            argument, variables = argument
        if not isinstance(argument, str):
            raise template_error(
                "One or more Fn::Sub intrinsic functions don't specify expected arguments. Specify "
                "a string as first argument, and an optional second argument to specify a mapping "
                "of values to replace in the string"
            )

        def value_of(name: str) -> Any:
            if name in variables:
                return self.value(variables[name])
            return self._attribute(name) if "." in name else self._reference(name)

        pieces = functions.substitute(argument, value_of)
        pieces = [piece for piece in pieces if piece is not _NO_VALUE]
        if has_unresolved(pieces):
            return Unresolved({"Fn::Join": ["", pieces]})
        return "".join(functions.scalar(piece, "Fn::Sub") for piece in pieces)

    def _if(self, argument: Any) -> Any:
        if not isinstance(argument, list) or len(argument) != 3:
            raise template_error("Fn::If requires a list argument with three elements")
        return self.value(argument[1] if self.condition(str(argument[0])) else argument[2])

    def _find_in_map(self, argument: Any) -> Any:
        if not isinstance(argument, list) or len(argument) not in (3, 4):
            raise template_error("every Fn::FindInMap object requires three parameters")
        path = [functions.scalar(self.value(item), "Fn::FindInMap") for item in argument[:3]]
        found = functions.find_in_map(self.template.mappings, path)
        if found is not None:
            return found
        if len(argument) == 4 and self.template.language_extensions:
            return self.value(argument[3].get("DefaultValue"))
        raise template_error(f"Unable to get mapping for {'::'.join(path)}")

    def _import(self, argument: Any) -> Any:
        name = self.value(argument)
        if has_unresolved(name):
            raise validation_error(
                "Template error: the attribute in Fn::ImportValue must not depend on any "
                "resources, imported values, or Fn::GetAZs"
            )
        return self.resources.imported(functions.scalar(name, "Fn::ImportValue"))


def has_unresolved(value: Any) -> bool:
    """Return whether a value still depends on resources."""
    if isinstance(value, Unresolved):
        return True
    if isinstance(value, dict):
        return any(map(has_unresolved, value.values()))
    return isinstance(value, list) and any(map(has_unresolved, value))
