"""Stacks of a resource type of our own: order, updates, rollback, and being killed anywhere."""

from __future__ import annotations

import random
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from cloudformation_help import Cloud, MortalDatabase, template, thing, with_attributes, world

from localaws.core.errors import AwsError
from localaws.engines.postgresql import EmbeddedPostgres

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def database() -> AsyncIterator[MortalDatabase]:
    with tempfile.TemporaryDirectory() as folder:
        server = EmbeddedPostgres(Path(folder) / "pg", flush=False)
        database = MortalDatabase(await server.start())
        await database.start()
        yield database
        await database.stop()
        await server.stop()


@pytest.fixture(autouse=True)
def _empty_world() -> Iterator[None]:
    world.things.clear()
    world.calls.clear()
    world.broken.clear()
    world.kill_at = None
    return


@pytest.fixture
def cloud(database: MortalDatabase) -> Cloud:
    return Cloud(database, str(random.SystemRandom().randrange(10**11, 10**12)))


CHAIN = {
    "A": thing(Name="a", Size=1),
    "B": thing(Link={"Ref": "A"}, Size={"Fn::GetAtt": ["A", "Size"]}),
    "C": with_attributes(thing(Name="c", Link={"Fn::Sub": "${B}/${A.Arn}"}), DependsOn="D"),
    "D": thing(Name="d"),
}


async def test_resources_are_made_in_order_of_dependency(cloud: Cloud) -> None:
    await cloud.call("create_stack", stack_name="s", template_body=template(CHAIN))
    assert await cloud.status("s") == "CREATE_COMPLETE"
    b = next(name for name in world.things if name not in "acd")
    assert b.startswith("s-B-")
    assert world.things[b] == {"Link": "a", "Size": 1}
    assert world.things["c"] == {"Name": "c", "Link": f"{b}/arn:thing:a"}
    events = await cloud.events("s")
    assert events[0] == ("s", "CREATE_IN_PROGRESS", "User Initiated")
    assert events[-1] == ("s", "CREATE_COMPLETE", "")
    position = {(name, status, reason): i for i, (name, status, reason) in enumerate(events)}
    for first, second in (("A", "B"), ("B", "C"), ("D", "C")):
        done = position[first, "CREATE_COMPLETE", ""]
        assert done < position[second, "CREATE_IN_PROGRESS", ""]
    begun = ("A", "CREATE_IN_PROGRESS", "Resource creation Initiated")
    assert position["A", "CREATE_IN_PROGRESS", ""] < position[begun]
    await cloud.call("delete_stack", stack_name="s")
    assert world.things == {}
    with pytest.raises(AwsError, match="Stack with id s does not exist"):
        await cloud.status("s")
    order = [
        name
        for name, status, _ in (await cloud.events(await _by_id(cloud, "s")))
        if status == "DELETE_COMPLETE"
    ]
    assert order.index("C") < order.index("B") < order.index("A")


async def _by_id(cloud: Cloud, name: str) -> str:
    summaries = (await cloud.begin("list_stacks"))["StackSummaries"]
    return str(next(item["StackId"] for item in summaries if item["StackName"] == name))


async def test_a_failed_creation_is_rolled_back_and_leaves_nothing(cloud: Cloud) -> None:
    resources = {**CHAIN, "C": thing(Link={"Ref": "B"}, Fail="create")}
    await cloud.call("create_stack", stack_name="s", template_body=template(resources))
    assert await cloud.status("s") == "ROLLBACK_COMPLETE"
    assert world.things == {}
    events = await cloud.events("s")
    reason = "it broke while it was made (Service: Fake; Status Code: 400; Error Code: Broken;"
    failure = next(event for event in events if event[:2] == ("C", "CREATE_FAILED"))
    assert failure[2].startswith(reason)
    assert (
        "s",
        "ROLLBACK_IN_PROGRESS",
        "The following resource(s) failed to create: [C]. Rollback requested by user.",
    ) in events
    with pytest.raises(AwsError, match="is in ROLLBACK_COMPLETE state and can not be updated"):
        await cloud.call("update_stack", stack_name="s", template_body=template(CHAIN))
    await cloud.call("delete_stack", stack_name="s")
    await cloud.call("create_stack", stack_name="s", template_body=template(CHAIN))
    assert await cloud.status("s") == "CREATE_COMPLETE"


@pytest.mark.parametrize(
    ("options", "status", "left"),
    [
        ({"on_failure": "DO_NOTHING"}, "CREATE_FAILED", True),
        ({"disable_rollback": True}, "CREATE_FAILED", True),
        ({"on_failure": "DELETE"}, "DELETE_COMPLETE", False),
    ],
)
async def test_what_follows_a_failed_creation_can_be_chosen(
    cloud: Cloud, options: dict[str, Any], status: str, left: bool
) -> None:
    body = template({"A": thing(Name="a"), "B": thing(Link={"Ref": "A"}, Fail="create")})
    answer = await cloud.call("create_stack", stack_name="s", template_body=body, **options)
    assert await cloud.status(answer["StackId"]) == status
    assert ("a" in world.things) == left
    await cloud.call("delete_stack", stack_name="s")
    assert world.things == {}


async def test_what_somebody_else_made_is_neither_taken_nor_deleted(cloud: Cloud) -> None:
    world.things["a"] = {"mine": True}
    body = template({"A": thing(Name="a")})
    await cloud.call("create_stack", stack_name="s", template_body=body)
    assert await cloud.status("s") == "ROLLBACK_COMPLETE"
    assert world.things == {"a": {"mine": True}}
    reasons = [reason for _, status, reason in await cloud.events("s") if status == "CREATE_FAILED"]
    assert reasons == ["Resource of type 'Test::Fake::Thing' with identifier 'a' already exists."]


async def test_a_bug_in_a_handler_fails_the_stack_without_telling_its_text(cloud: Cloud) -> None:
    await cloud.call(
        "create_stack", stack_name="s", template_body=template({"A": thing(Fail="bug")})
    )
    assert await cloud.status("s") == "ROLLBACK_COMPLETE"
    assert ("A", "CREATE_FAILED", "Internal Failure") in await cloud.events("s")


@pytest.mark.parametrize(
    ("resource", "reason"),
    [
        (thing(Shape="round"), "Encountered unsupported property Shape of Test::Fake::Thing"),
        (
            {"Type": "AWS::IAM::Policy", "Properties": {"PolicyName": "p"}},
            "Properties validation failed for resource A with message: "
            "#: required key [PolicyDocument] not found",
        ),
    ],
)
async def test_properties_that_are_not_honoured_or_missing_fail_by_name(
    cloud: Cloud, resource: dict[str, Any], reason: str
) -> None:
    await cloud.call(
        "create_stack",
        stack_name="s",
        template_body=template({"A": resource}),
        capabilities=["CAPABILITY_IAM"],
    )
    assert await cloud.status("s") == "ROLLBACK_COMPLETE"
    failed = [event for event in await cloud.events("s") if event[1] == "CREATE_FAILED"]
    assert failed[0][2].startswith(reason)


async def test_an_update_changes_replaces_adds_and_removes(cloud: Cloud) -> None:
    first = template(
        {
            "Same": thing(Name="same"),
            "Changed": thing(Name="changed", Size=1),
            "Replaced": thing(Color="red"),
            "User": thing(Name="user", Link={"Ref": "Replaced"}),
            "Gone": thing(Name="gone"),
            "Kept": with_attributes(thing(Name="kept"), DeletionPolicy="Retain"),
        }
    )
    second = template(
        {
            "Same": thing(Name="same"),
            "Changed": thing(Name="changed", Size=2),
            "Replaced": thing(Color="blue"),
            "User": thing(Name="user", Link={"Ref": "Replaced"}),
            "New": thing(Name="new"),
        }
    )
    await cloud.call("create_stack", stack_name="s", template_body=first)
    old = world.things["user"]["Link"]
    world.calls.clear()
    await cloud.call("update_stack", stack_name="s", template_body=second)
    assert await cloud.status("s") == "UPDATE_COMPLETE"
    new = world.things["user"]["Link"]
    assert new != old
    assert sorted(world.calls) == ["create New", "create Replaced", "update Changed", "update User"]
    assert set(world.things) == {"same", "changed", new, "user", "kept", "new"}
    assert world.things["changed"]["Size"] == 2
    events = await cloud.events("s")
    assert ("Kept", "DELETE_SKIPPED", "") in events
    assert ("Gone", "DELETE_COMPLETE", "") in events
    summaries = (await cloud.begin("list_stack_resources", stack_name="s"))[
        "StackResourceSummaries"
    ]
    assert {item["LogicalResourceId"]: item["ResourceStatus"] for item in summaries} == {
        "Same": "CREATE_COMPLETE",
        "Changed": "UPDATE_COMPLETE",
        "Replaced": "UPDATE_COMPLETE",
        "User": "UPDATE_COMPLETE",
        "New": "CREATE_COMPLETE",
    }
    with pytest.raises(AwsError, match=r"No updates are to be performed\."):
        await cloud.call("update_stack", stack_name="s", template_body=second)
    await cloud.call("delete_stack", stack_name="s")
    assert set(world.things) == {"kept"}


BEFORE = {
    "Changed": thing(Name="changed", Size=1),
    "Replaced": thing(Color="red"),
    "User": thing(Name="user", Link={"Ref": "Replaced"}),
    "Gone": thing(Name="gone"),
}
AFTER = {
    "Changed": thing(Name="changed", Size=2),
    "Replaced": thing(Color="blue"),
    "User": thing(Name="user", Link={"Ref": "Replaced"}),
    "New": thing(Name="new"),
}
BROKEN = {
    **AFTER,
    "Last": with_attributes(thing(Fail="create"), DependsOn=["User", "New", "Changed"]),
}


async def test_a_failed_update_is_undone(cloud: Cloud) -> None:
    await cloud.call("create_stack", stack_name="s", template_body=template(BEFORE))
    before = {name: dict(body) for name, body in world.things.items()}
    await cloud.call("update_stack", stack_name="s", template_body=template(BROKEN))
    assert await cloud.status("s") == "UPDATE_ROLLBACK_COMPLETE"
    assert world.things == before
    await cloud.call("update_stack", stack_name="s", template_body=template(AFTER))
    assert await cloud.status("s") == "UPDATE_COMPLETE"
    await cloud.call("delete_stack", stack_name="s")
    assert world.things == {}


async def test_an_update_that_fails_half_way_is_undone(cloud: Cloud) -> None:
    await cloud.call("create_stack", stack_name="s", template_body=template(BEFORE))
    before = {name: dict(body) for name, body in world.things.items()}
    changed = {**BEFORE, "Changed": thing(Name="changed", Size=2, Fail="update")}
    await cloud.call("update_stack", stack_name="s", template_body=template(changed))
    assert await cloud.status("s") == "UPDATE_ROLLBACK_COMPLETE"
    assert world.things == before


async def test_a_failed_update_without_rollback_can_be_repaired(cloud: Cloud) -> None:
    await cloud.call("create_stack", stack_name="s", template_body=template(BEFORE))
    changed = {**AFTER, "Replaced": thing(Color="blue", Fail="create")}
    body = template(changed)
    await cloud.call("update_stack", stack_name="s", template_body=body, disable_rollback=True)
    assert await cloud.status("s") == "UPDATE_FAILED"
    await cloud.call("update_stack", stack_name="s", template_body=template(AFTER))
    assert await cloud.status("s") == "UPDATE_COMPLETE"
    assert len(world.things) == 4
    await cloud.call("delete_stack", stack_name="s")
    assert world.things == {}


async def test_a_custom_name_cannot_be_replaced_in_place(cloud: Cloud) -> None:
    one = template({"A": thing(Name="a", Color="red")})
    two = template({"A": thing(Name="a", Color="blue")})
    await cloud.call("create_stack", stack_name="s", template_body=one)
    await cloud.call("update_stack", stack_name="s", template_body=two)
    assert await cloud.status("s") == "UPDATE_ROLLBACK_COMPLETE"
    assert world.things == {"a": {"Name": "a", "Color": "red"}}
    reasons = [reason for _, status, reason in await cloud.events("s") if status == "UPDATE_FAILED"]
    assert reasons[0].startswith("CloudFormation cannot update a stack when a custom-named")


async def test_a_deletion_that_fails_can_be_repeated_or_leave_things_alone(cloud: Cloud) -> None:
    await cloud.call("create_stack", stack_name="s", template_body=template(CHAIN))
    world.broken.add("a")
    await cloud.call("delete_stack", stack_name="s")
    assert await cloud.status("s") == "DELETE_FAILED"
    assert set(world.things) == {"a"}
    await cloud.call("delete_stack", stack_name="s", retain_resources=["A"])
    assert set(world.things) == {"a"}
    with pytest.raises(AwsError, match="does not exist"):
        await cloud.status("s")


@pytest.mark.parametrize("first", range(8))
async def test_a_creation_killed_anywhere_is_finished(cloud: Cloud, first: int) -> None:
    body = template({"A": CHAIN["A"], "B": CHAIN["B"]})
    for kill_at in range(first + 1, 200, 8):
        await cloud.begin("create_stack", stack_name="s", template_body=body)
        died = await cloud.work_and_die(kill_at)
        await cloud.work()
        assert await cloud.status("s") == "CREATE_COMPLETE", kill_at
        assert len(world.things) == 2
        assert world.things["a"] == {"Name": "a", "Size": 1}
        await cloud.call("delete_stack", stack_name="s")
        assert world.things == {}
        if not died:
            return
    raise AssertionError("the work never came to its end")


@pytest.mark.parametrize("final", [AFTER, BROKEN], ids=["update", "rollback"])
async def test_an_update_killed_anywhere_is_finished_or_undone(
    cloud: Cloud, final: dict[str, Any]
) -> None:
    for kill_at in range(1, 500, 3):
        await cloud.call("create_stack", stack_name="s", template_body=template(BEFORE))
        before = {name: dict(body) for name, body in world.things.items()}
        await cloud.begin("update_stack", stack_name="s", template_body=template(final))
        died = await cloud.work_and_die(kill_at)
        await cloud.work()
        if final is BROKEN:
            assert await cloud.status("s") == "UPDATE_ROLLBACK_COMPLETE", kill_at
            assert world.things == before, kill_at
        else:
            assert await cloud.status("s") == "UPDATE_COMPLETE", kill_at
            link = world.things["user"]["Link"]
            assert set(world.things) == {"changed", "user", "new", link}, kill_at
            assert world.things[link] == {"Color": "blue"}
        await cloud.call("delete_stack", stack_name="s")
        assert world.things == {}, kill_at
        if not died:
            return
    raise AssertionError("the work never came to its end")


async def test_a_failed_creation_killed_anywhere_leaves_nothing(cloud: Cloud) -> None:
    body = template({"A": thing(Name="a"), "B": thing(Link={"Ref": "A"}, Fail="create")})
    for kill_at in range(1, 300):
        await cloud.begin("create_stack", stack_name="s", template_body=body)
        died = await cloud.work_and_die(kill_at)
        await cloud.work()
        assert await cloud.status("s") == "ROLLBACK_COMPLETE", kill_at
        assert world.things == {}, kill_at
        await cloud.call("delete_stack", stack_name="s")
        if not died:
            return
    raise AssertionError("the work never came to its end")


async def test_a_deletion_killed_anywhere_is_finished(cloud: Cloud) -> None:
    body = template(BEFORE)
    for kill_at in range(1, 300):
        await cloud.call("create_stack", stack_name="s", template_body=body)
        await cloud.begin("delete_stack", stack_name="s")
        died = await cloud.work_and_die(kill_at)
        await cloud.work()
        assert world.things == {}, kill_at
        with pytest.raises(AwsError, match="does not exist"):
            await cloud.status("s")
        if not died:
            return
    raise AssertionError("the work never came to its end")


async def test_values_are_exported_imported_and_held(cloud: Cloud) -> None:
    exports = {
        "Out": {"Value": {"Ref": "A"}, "Export": {"Name": {"Fn::Sub": "${AWS::StackName}-x"}}}
    }
    producer = template({"A": thing(Color="red")}, Outputs=exports)
    consumer = template({"B": thing(Link={"Fn::ImportValue": "p-x"})})
    await cloud.call("create_stack", stack_name="c", template_body=consumer)
    assert await cloud.status("c") == "ROLLBACK_COMPLETE"
    assert (
        "c",
        "ROLLBACK_IN_PROGRESS",
        "No export named p-x found. Rollback requested by user.",
    ) in await cloud.events("c")
    await cloud.call("delete_stack", stack_name="c")

    await cloud.call("create_stack", stack_name="p", template_body=producer)
    await cloud.call("create_stack", stack_name="c", template_body=consumer)
    assert await cloud.status("c") == "CREATE_COMPLETE"
    value = (await cloud.outputs("p"))["Out"]
    assert {"Link": value} in world.things.values()
    exported = (await cloud.begin("list_exports"))["Exports"]
    assert [(item["Name"], item["Value"]) for item in exported] == [("p-x", value)]
    assert (await cloud.begin("list_imports", export_name="p-x"))["Imports"] == ["c"]

    with pytest.raises(AwsError, match="Export p-x cannot be deleted as it is in use by c"):
        await cloud.call("delete_stack", stack_name="p")
    changed = template({"A": thing(Color="blue")}, Outputs=exports)
    await cloud.call("update_stack", stack_name="p", template_body=changed)
    assert await cloud.status("p") == "UPDATE_ROLLBACK_COMPLETE"
    assert (await cloud.outputs("p"))["Out"] == value
    await cloud.call(
        "create_stack",
        stack_name="q",
        template_body=template(
            {"A": thing()}, Outputs={"Out": {"Value": "1", "Export": {"Name": "p-x"}}}
        ),
    )
    assert await cloud.status("q") == "ROLLBACK_COMPLETE"
    assert any(
        "Export with name p-x is already exported by stack p" in reason
        for _, _, reason in await cloud.events("q")
    )

    await cloud.call("delete_stack", stack_name="c")
    await cloud.call("delete_stack", stack_name="p")
    assert world.things == {}
    assert (await cloud.begin("list_exports"))["Exports"] == []


async def test_tags_of_the_stack_reach_its_resources(cloud: Cloud) -> None:
    body = template({"A": thing(Name="a", Tags=[{"Key": "own", "Value": "1"}])})
    tags = [{"Key": "team", "Value": "x"}, {"Key": "own", "Value": "2"}]
    await cloud.call("create_stack", stack_name="s", template_body=body, tags=tags)
    assert world.things["a"]["Tags"] == [
        {"Key": "team", "Value": "x"},
        {"Key": "own", "Value": "1"},
    ]
    tags[0]["Value"] = "y"
    await cloud.call("update_stack", stack_name="s", use_previous_template=True, tags=tags)
    assert world.things["a"]["Tags"][0] == {"Key": "team", "Value": "y"}


async def test_a_request_token_makes_a_call_repeatable(cloud: Cloud) -> None:
    body = template({"A": thing()})
    first = await cloud.call(
        "create_stack", stack_name="s", template_body=body, client_request_token="t"
    )
    again = await cloud.call(
        "create_stack", stack_name="s", template_body=body, client_request_token="t"
    )
    assert first == again
    assert len(world.things) == 1
    with pytest.raises(AwsError) as caught:
        await cloud.call("create_stack", stack_name="s", template_body=body)
    assert (caught.value.code, caught.value.message) == (
        "AlreadyExistsException",
        "Stack [s] already exists",
    )
    with pytest.raises(AwsError) as caught:
        await cloud.call("delete_stack", stack_name="s", client_request_token="t")
    assert caught.value.code == "TokenAlreadyExistsException"


async def test_change_sets_tell_what_would_change_and_do_it(cloud: Cloud) -> None:
    await cloud.call(
        "create_change_set",
        stack_name="s",
        change_set_name="one",
        change_set_type="CREATE",
        template_body=template(BEFORE),
    )
    assert await cloud.status("s") == "REVIEW_IN_PROGRESS"
    assert world.things == {}
    shape = await cloud.begin("describe_change_set", stack_name="s", change_set_name="one")
    assert (shape["Status"], shape["ExecutionStatus"]) == ("CREATE_COMPLETE", "AVAILABLE")
    assert [change["ResourceChange"]["Action"] for change in shape["Changes"]] == ["Add"] * 4
    await cloud.call("execute_change_set", stack_name="s", change_set_name="one")
    assert await cloud.status("s") == "CREATE_COMPLETE"

    made = await cloud.begin(
        "create_change_set", stack_name="s", change_set_name="two", template_body=template(AFTER)
    )
    shape = await cloud.begin("describe_change_set", change_set_name=made["Id"])
    changes = {
        change["ResourceChange"]["LogicalResourceId"]: (
            change["ResourceChange"]["Action"],
            change["ResourceChange"].get("Replacement"),
        )
        for change in shape["Changes"]
    }
    assert changes == {
        "Changed": ("Modify", "False"),
        "Replaced": ("Modify", "True"),
        "User": ("Modify", "False"),
        "Gone": ("Remove", None),
        "New": ("Add", None),
    }
    user = next(
        change["ResourceChange"]
        for change in shape["Changes"]
        if change["ResourceChange"]["LogicalResourceId"] == "User"
    )
    assert user["Details"][0]["Evaluation"] == "Dynamic"
    assert user["Details"][0]["CausingEntity"] == "Replaced"
    await cloud.call("execute_change_set", change_set_name=made["Id"])
    assert await cloud.status("s") == "UPDATE_COMPLETE"
    with pytest.raises(AwsError) as caught:
        await cloud.call("execute_change_set", change_set_name=made["Id"])
    assert caught.value.code == "InvalidChangeSetStatus"

    await cloud.begin(
        "create_change_set", stack_name="s", change_set_name="three", template_body=template(AFTER)
    )
    shape = await cloud.begin("describe_change_set", stack_name="s", change_set_name="three")
    assert (shape["Status"], shape["ExecutionStatus"]) == ("FAILED", "UNAVAILABLE")
    assert shape["StatusReason"].startswith("The submitted information didn't contain changes.")
    await cloud.call("delete_change_set", stack_name="s", change_set_name="three")
    with pytest.raises(AwsError) as caught:
        await cloud.begin("describe_change_set", stack_name="s", change_set_name="three")
    assert caught.value.code == "ChangeSetNotFound"
