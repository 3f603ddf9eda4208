"""Operations on templates."""

from __future__ import annotations

import json

from localaws.aws.cloudformation import changesets, describe
from localaws.aws.cloudformation.errors import (
    validation_error,
)
from localaws.aws.cloudformation.parameters import check_declarations
from localaws.aws.cloudformation.service import service
from localaws.aws.cloudformation.submit import (
    get_stack,
)
from localaws.aws.cloudformation.template import (
    NO_TEMPLATE,
    Template,
    parse_template,
    template_text,
)
from localaws.core.platform import Context
from localaws.core.service import Shape


@service.operation("executed", "the processed template is the original: no transform rewrites it")
async def get_template(
    ctx: Context,
    *,
    stack_name: str | None = None,
    change_set_name: str | None = None,
    template_stage: str | None = None,
) -> Shape:
    """Return the template of a stack or of a change set, as it was given."""
    if change_set_name is not None:
        _, change_set = await changesets.find_change_set(ctx, change_set_name, stack_name)
        text = change_set.definition.template
    elif stack_name is None:
        raise validation_error("StackName is required if ChangeSetName is not specified.")
    else:
        stack = await get_stack(ctx, stack_name)
        text = stack.definition.template if stack.definition else ""
    return {"TemplateBody": text, "StagesAvailable": ["Original", "Processed"]}


@service.operation("executed")
async def validate_template(
    ctx: Context, *, template_body: str | None = None, template_url: str | None = None
) -> Shape:
    """Check a template's structure and return what it asks for."""
    text = await template_text(ctx, template_body, template_url)
    if text is None:
        raise validation_error(NO_TEMPLATE)
    template = _checked(text)
    shape: Shape = {
        "Parameters": describe.template_parameters(template),
        **describe.capability_shape(template),
        "DeclaredTransforms": list(template.transforms),
    }
    if template.description is not None:
        shape["Description"] = template.description
    return shape


@service.operation("executed")
async def get_template_summary(
    ctx: Context,
    *,
    template_body: str | None = None,
    template_url: str | None = None,
    stack_name: str | None = None,
) -> Shape:
    """Return what a template, or that of a stack, asks for and makes."""
    text = await template_text(ctx, template_body, template_url)
    if (text is None) == (stack_name is None):
        raise validation_error("Specify exactly one of TemplateBody, TemplateURL or StackName")
    if stack_name is not None:
        stack = await get_stack(ctx, stack_name)
        if stack.definition is None:
            raise validation_error(f"Stack [{stack.name}] has no template yet")
        text = stack.definition.template
    template = _checked(text or "")
    shape: Shape = {
        "Parameters": describe.parameter_declarations(template),
        **describe.capability_shape(template),
        "ResourceTypes": list(dict.fromkeys(item.type for item in template.resources.values())),
        "DeclaredTransforms": list(template.transforms),
    }
    if template.description is not None:
        shape["Description"] = template.description
    if template.version is not None:
        shape["Version"] = template.version
    if template.metadata is not None:
        shape["Metadata"] = json.dumps(template.metadata)
    return shape


def _checked(text: str) -> Template:
    template = parse_template(text)
    check_declarations(template.parameters)
    return template
