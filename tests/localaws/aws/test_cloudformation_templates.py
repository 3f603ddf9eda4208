"""Templates: reading, parameters, functions, conditions and the order of resources."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from cloudformation_help import template, thing
from hypothesis import given
from hypothesis import strategies as st

from localaws.aws.cloudformation import functions
from localaws.aws.cloudformation.documents import read_document
from localaws.aws.cloudformation.graph import circular, reverse, run_in_order
from localaws.aws.cloudformation.model import Definition
from localaws.aws.cloudformation.parameters import bind_parameters
from localaws.aws.cloudformation.plan import Plan, make_plan
from localaws.core.errors import AwsError
from localaws.core.state import Scope

SCOPE = Scope("123456789012", "eu-west-1")


def plan(body: str, **parameters: str) -> Plan:
    return make_plan(SCOPE, "s", "arn:s", Definition(template=body, parameters=parameters))


def value(expression: Any, *, transform: str | None = None, **sections: Any) -> Any:
    """Return what an expression in a property comes to."""
    if transform:
        sections["Transform"] = transform
    body = template({"A": thing(Size=expression)}, **sections)
    return plan(body).resources["A"].properties.get("Size", "<gone>")


def test_short_forms_are_the_long_forms() -> None:
    short = """
    Resources:
      A:
        Type: Test::Fake::Thing
        Properties:
          Name: !Sub "${B}-x"
          Size: !GetAtt B.Size.Deep
          Color: !If [Yes, !Ref B, !Ref "AWS::NoValue"]
          Link: !Join ["", [!Select [0, !Split [",", "a,b"]], !Base64 c]]
          Tags: !FindInMap [M, !Ref "AWS::Region", k]
          List: !GetAZs ""
    Conditions:
      Yes: !And [!Equals [1, 1], !Not [!Condition No], !Or [!Condition No, !Equals [a, a]]]
      No: !Equals [1, 2]
    """
    document = read_document(short)
    assert document["Resources"]["A"]["Properties"] == {
        "Name": {"Fn::Sub": "${B}-x"},
        "Size": {"Fn::GetAtt": ["B", "Size.Deep"]},
        "Color": {"Fn::If": [True, {"Ref": "B"}, {"Ref": "AWS::NoValue"}]},
        "Link": {
            "Fn::Join": [
                "",
                [{"Fn::Select": [0, {"Fn::Split": [",", "a,b"]}]}, {"Fn::Base64": "c"}],
            ]
        },
        "Tags": {"Fn::FindInMap": ["M", {"Ref": "AWS::Region"}, "k"]},
        "List": {"Fn::GetAZs": ""},
    }
    assert document["Conditions"]["No"] == {"Fn::Equals": [1, 2]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "JSON not well-formed. (line 1, column 2)"),
        ('{"Resources": {}, "Resources": {}}', "duplicate key 'Resources'"),
        ("a: [", "YAML not well-formed. (line 1, column 5)"),
        ("a: 1\na: 2", "duplicate key 'a' (line 2, column 1)"),
        ("a: &x 1\nb: *x", "YAML aliases are not allowed in CloudFormation templates"),
        ("a: !Wrong 1", "unknown tag !Wrong (line 1, column 4)"),
        ("a: !!python/object/apply:os.system [ls]", "YAML not well-formed. (line 1, column 4)"),
        ("- 1", "unsupported structure."),
        ("[" * 1500, "YAML is nested too deeply"),
        ("Resources: {}", "At least one Resources member must be defined."),
        ("Nonsense: {}", "Invalid template property or properties [Nonsense]"),
    ],
)
def test_text_that_is_no_template_is_refused(text: str, message: str) -> None:
    with pytest.raises(AwsError) as caught:
        plan(text)
    assert caught.value.code == "ValidationError"
    assert caught.value.message == f"Template format error: {message}"


def test_dates_and_long_numbers_in_yaml_stay_what_they_are() -> None:
    document = read_document("a: 2012-10-17\nb: 012345678901\n2012-10-17: c\n1: d")
    assert document == {"a": "2012-10-17", "b": "012345678901", "2012-10-17": "c", "1": "d"}


documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text(), documents, max_size=5))
def test_json_and_its_yaml_are_read_alike(document: dict[str, Any]) -> None:
    assert read_document(json.dumps(document)) == document
    assert read_document(yaml.safe_dump(document, default_flow_style=False)) == document or (
        # flow mappings of an empty document are JSON, and what only looks like a merge is refused
        not document
    )


@given(st.lists(st.text(), min_size=1), st.text(min_size=1))
def test_split_undoes_join(parts: list[str], delimiter: str) -> None:
    joined = functions.join([delimiter, parts])
    assert functions.join([delimiter, functions.split([delimiter, joined])]) == joined
    if not any(delimiter in part for part in [*parts, joined.replace(delimiter, "")]):
        assert functions.split([delimiter, joined]) == parts


names = st.text("abcXYZ09", min_size=1, max_size=5)


@given(st.lists(st.tuples(st.text(st.characters(exclude_characters="${}")), names), max_size=6))
def test_sub_puts_each_value_in_its_place(pieces: list[tuple[str, str]]) -> None:
    text = "".join(f"{literal}${{{name}}}${{!{name}}}" for literal, name in pieces)
    result = "".join(functions.substitute(text, lambda name: f"<{name}>"))
    assert result == "".join(f"{literal}<{name}>${{{name}}}" for literal, name in pieces)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ({"Ref": "AWS::Region"}, "eu-west-1"),
        ({"Ref": "AWS::AccountId"}, "123456789012"),
        ({"Ref": "AWS::NoValue"}, "<gone>"),
        ({"Fn::Sub": "${AWS::StackName}/${x}", "Other": 1}, None),
        ({"Fn::Sub": ["${x}-${!x}", {"x": 1}]}, "1-${x}"),
        ({"Fn::Join": ["-", ["a", 1, True, 2.0, {"Ref": "AWS::NoValue"}]]}, "a-1-true-2"),
        ({"Fn::Select": ["1", ["a", "b"]]}, "b"),
        ({"Fn::Cidr": ["10.0.0.0/16", 2, 8]}, ["10.0.0.0/24", "10.0.1.0/24"]),
        ({"Fn::GetAZs": ""}, ["eu-west-1a", "eu-west-1b", "eu-west-1c"]),
        ({"Fn::Base64": "hé"}, "aMOp"),
        ({"Fn::FindInMap": ["M", "a", "b"]}, ["c"]),
        ({"Fn::If": ["Yes", 1, 2]}, 1),
        ([{"Fn::If": ["No", 1, {"Ref": "AWS::NoValue"}]}, 2], [2]),
        ({"Statement": {"Condition": {"Bool": {"a": "b"}}}}, None),
    ],
)
def test_functions_give_what_aws_gives(expression: Any, expected: Any) -> None:
    result = value(
        expression,
        Mappings={"M": {"a": {"b": ["c"]}}},
        Conditions={
            "Yes": {"Fn::Equals": [1, "1"]},
            "No": {"Fn::Not": [{"Condition": "Yes"}]},
        },
    )
    assert result == (expression if expected is None else expected)


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ({"Ref": "Nobody"}, "Unresolved resource dependencies [Nobody] in the Resources block"),
        ({"Fn::GetAtt": ["A2", "Nope"]}, "resource A2 does not support attribute type Nope"),
        ({"Fn::Sub": "${Nobody}"}, "Unresolved resource dependencies [Nobody]"),
        ({"Fn::FindInMap": ["M", "x", "y"]}, "Unable to get mapping for M::x::y"),
        ({"Fn::Select": [5, ["a"]]}, "Fn::Select cannot select nonexistent value at index 5"),
        ({"Fn::Length": [1]}, "Fn::Length needs the transform AWS::LanguageExtensions"),
        ({"Fn::Transform": {"Name": "x"}}, "function Fn::Transform is not implemented here"),
        ("{{resolve:ssm:x}}", "dynamic references ({{resolve:…}}) are not implemented here"),
        ({"Fn::If": ["Nope", 1, 2]}, "Unresolved condition dependency Nope"),
    ],
)
def test_functions_that_cannot_be_evaluated_are_refused(expression: Any, message: str) -> None:
    with pytest.raises(AwsError) as caught:
        plan(template({"A": thing(Size=expression), "A2": thing()}))
    assert message in caught.value.message


def test_language_extensions_are_there_where_they_are_declared() -> None:
    extensions = "AWS::LanguageExtensions"
    assert value({"Fn::Length": [1, 2, 3]}, transform=extensions) == 3
    assert value({"Fn::ToJsonString": {"a": [1]}}, transform=extensions) == '{"a":[1]}'
    default = {"Fn::FindInMap": ["M", "a", "b", {"DefaultValue": 7}]}
    assert value(default, transform=extensions) == 7
    with pytest.raises(AwsError, match="transform AWS::Serverless-2016-10-31 is not implemented"):
        value(1, transform="AWS::Serverless-2016-10-31")


def test_what_depends_on_resources_stays_open_and_orders_them() -> None:
    resources = {
        "A": thing(Link={"Fn::Join": ["/", [{"Ref": "B"}, {"Fn::GetAtt": "C.Arn"}]]}),
        "B": thing(Link={"Fn::If": ["No", {"Ref": "A"}, "x"]}),
        "C": {**thing(), "DependsOn": ["B", "Off"]},
        "Off": thing("No"),
    }
    made = plan(template(resources, Conditions={"No": {"Fn::Equals": [1, 2]}}))
    assert made.dependencies == {
        "A": frozenset({"B", "C"}),
        "B": frozenset(),
        "C": frozenset({"B"}),
    }


def test_a_circle_is_refused_by_its_members() -> None:
    resources = {
        "X": thing(),
        "A": thing(Link={"Ref": "B"}),
        "B": {**thing(), "DependsOn": "A"},
        "C": thing(Link={"Ref": "A"}),
    }
    with pytest.raises(AwsError) as caught:
        plan(template(resources))
    assert caught.value.message == "Circular dependency between resources: [A, B]"


@pytest.mark.parametrize(
    ("declared", "given_value", "expected"),
    [
        ({"Type": "Number", "MinValue": 1, "MaxValue": 9}, "5", None),
        ({"Type": "Number", "MinValue": 1}, "0", "Parameter 'P' must be a number not less than 1"),
        (
            {"Type": "Number"},
            "x",
            "Parameter validation failed: parameter value for parameter name \
P is not a number",
        ),
        (
            {"Type": "String", "AllowedPattern": "[a-z]+"},
            "a1",
            "Parameter 'P' must match pattern \
[a-z]+",
        ),
        (
            {"Type": "String", "MinLength": 2},
            "a",
            "Parameter 'P' must contain at least 2 characters",
        ),
        (
            {"Type": "String", "MaxLength": "2", "ConstraintDescription": "be short"},
            "abc",
            "Parameter P failed to satisfy constraint: be short",
        ),
        ({"Type": "CommaDelimitedList", "AllowedValues": ["a", "b"]}, "a, b", None),
        (
            {"Type": "List<Number>"},
            "1,x",
            "Parameter validation failed: parameter value for \
parameter name P is not a number",
        ),
    ],
)
def test_parameters_are_held_to_their_constraints(
    declared: dict[str, Any], given_value: str, expected: str | None
) -> None:
    given_parameters = [{"ParameterKey": "P", "ParameterValue": given_value}]
    if expected is None:
        assert bind_parameters({"P": declared}, given_parameters, None) == {"P": given_value}
        return
    with pytest.raises(AwsError) as caught:
        bind_parameters({"P": declared}, given_parameters, None)
    assert caught.value.message == expected


def test_parameters_without_values_and_of_other_types_are_refused() -> None:
    with pytest.raises(AwsError, match=r"Parameters: \[A, B\] must have values"):
        bind_parameters({"A": {"Type": "String"}, "B": {"Type": "String"}}, [], None)
    body = template(
        {"A": thing()}, Parameters={"P": {"Type": "AWS::SSM::Parameter::Value<String>"}}
    )
    with pytest.raises(AwsError, match="of parameter P is not implemented here"):
        plan(body)


graphs = st.dictionaries(
    st.integers(0, 12).map(str), st.frozensets(st.integers(0, 12).map(str), max_size=3), max_size=12
)


@given(graphs)
async def test_each_step_runs_once_after_what_it_depends_on(
    graph: dict[str, frozenset[str]],
) -> None:
    if circle := circular(graph):
        assert all(graph[name] & set(circle) for name in circle)
        return
    done: list[str] = []

    async def step(name: str) -> bool:
        assert all(other in done for other in graph[name] if other in graph)
        done.append(name)
        return True

    assert await run_in_order(graph, step) == []
    assert sorted(done) == sorted(graph)
    assert reverse(reverse(graph)) == {
        name: frozenset(other for other in others if other in graph)
        for name, others in graph.items()
    }
