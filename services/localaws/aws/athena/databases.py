"""Database DDL on the catalog."""

from __future__ import annotations

from localaws.aws.athena.errors import ddl_failed, semantic_error
from localaws.aws.athena.run import Answer, Run
from localaws.aws.athena.statements import CreateDatabase, DropDatabase, SetDatabaseProperties
from localaws.core.errors import AwsError
from localaws.core.service import Shape


async def create_database(run: Run, statement: CreateDatabase) -> Answer:
    """Create a database."""
    database: Shape = {"Name": statement.name, "Parameters": statement.properties}
    if statement.comment is not None:
        database["Description"] = statement.comment
    if statement.location is not None:
        database["LocationUri"] = statement.location
    try:
        await run.catalog.create_database(run.catalog_id, database)
    except AwsError as error:
        if error.code != "AlreadyExistsException":
            raise ddl_failed(f"MetaException(message:{error.message})") from error
        if not statement.if_not_exists:
            raise ddl_failed(f"Database {statement.name} already exists") from error
    return Answer(text="")


async def drop_database(run: Run, statement: DropDatabase) -> Answer:
    """Delete a database, with CASCADE together with its tables; data stays."""
    name = statement.name
    try:
        await run.catalog.get_database(run.catalog_id, name)
    except AwsError as error:
        if error.code != "EntityNotFoundException":
            raise
        if statement.if_exists:
            return Answer(text="")
        raise semantic_error(10072, f"Database does not exist: {name}") from error
    if not statement.cascade and await run.catalog.get_tables(run.catalog_id, name, limit=1):
        raise ddl_failed(
            f"InvalidOperationException(message:Database {name} is not empty. One or more tables "
            "exist.)"
        )
    await run.catalog.delete_database(run.catalog_id, name)
    return Answer(text="")


async def set_database_properties(run: Run, statement: SetDatabaseProperties) -> Answer:
    """Add to a database's properties."""
    try:
        database = await run.catalog.get_database(run.catalog_id, statement.name)
    except AwsError as error:
        raise semantic_error(10072, f"Database does not exist: {statement.name}") from error
    kept = {
        key: database[key]
        for key in ("Name", "Description", "LocationUri", "CreateTableDefaultPermissions")
        if key in database
    }
    parameters = {**(database.get("Parameters") or {}), **statement.properties}
    await run.catalog.update_database(
        run.catalog_id, statement.name, kept | {"Parameters": parameters}
    )
    return Answer(text="")
