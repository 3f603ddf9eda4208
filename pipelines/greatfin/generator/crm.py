"""Leads of the CRM, with the field names and date format of Salesforce.

https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference/sforce_api_objects_lead.htm
"""

from __future__ import annotations

from datetime import date

import polars as pl

from greatfin.generator.draws import Draws
from greatfin.generator.lines_of_business import FIRST_DELIVERY, SECOND_DELIVERY
from greatfin.generator.text import days, iso_date, timestamp

STRANGER = 700_000_000
"""Added to the number of a lead that is no customer."""


def _salesforce_time(stamp: pl.Expr) -> pl.Expr:
    return pl.concat_str(stamp.str.replace(" ", "T"), pl.lit(".000+0000"))


def leads(person: pl.DataFrame, draws: Draws) -> pl.DataFrame:
    """Return the leads of a block: for nearly half of the customers, and some for strangers."""
    wanted = draws.below("leads.has", 1000) < 450 + pl.col("wealth") * 120
    frame = person.filter(wanted).with_columns(
        pl.when(draws.chance("leads.stranger", 30))
        .then(pl.col("customer_id") + STRANGER)
        .otherwise(pl.col("customer_id"))
        .alias("customer_id")
    )
    again = frame.filter(draws.chance("leads.again", 200)).with_columns(
        (pl.col("key") + (1 << 40)).alias("key")
    )
    frame = pl.concat([frame, again])
    created = (
        pl.when(draws.chance("leads.this_year", 700))
        .then(draws.between("leads.on", days(date(2022, 1, 1)), SECOND_DELIVERY))
        .otherwise(draws.between("leads.on", days(date(2020, 1, 1)), days(date(2021, 12, 31))))
    )
    second = draws.below("leads.second", 86_400)
    previous = pl.when(draws.chance("leads.contacted", 250)).then(draws.between("leads.n", 1, 5))
    contacted = FIRST_DELIVERY - draws.below("leads.contact_age", 400)
    status = draws.pick("leads.status", ("Open", "Working", "Nurturing"))
    return frame.with_columns(created=created).select(
        "key",
        (pl.col("created") > FIRST_DELIVERY).alias("second"),
        pl.concat_str(pl.lit("00Q"), pl.col("key").cast(pl.String).str.zfill(15)).alias("Id"),
        pl.col("customer_id").cast(pl.String).alias("Customer_Number__c"),
        pl.lit("CD-2022").alias("Campaign__c"),
        draws.pick("leads.source", ("Web", "Branch", "Partner", "Phone")).alias("LeadSource"),
        status.alias("Status"),
        _flag(draws.chance("leads.opted_out", 80)).alias("HasOptedOutOfEmail"),
        _flag(draws.chance("leads.do_not_call", 60)).alias("DoNotCall"),
        previous.fill_null(0).cast(pl.String).alias("Previous_Contacts__c"),
        pl.when(previous.is_not_null()).then(iso_date(contacted)).alias("Last_Contact_Date__c"),
        _salesforce_time(timestamp(pl.col("created"), second)).alias("CreatedDate"),
        _salesforce_time(timestamp(pl.col("created"), second)).alias("LastModifiedDate"),
        pl.lit("Working").alias("new_Status"),
        _salesforce_time(timestamp(pl.lit(SECOND_DELIVERY + 1), second)).alias(
            "new_LastModifiedDate"
        ),
    )


def _flag(condition: pl.Expr) -> pl.Expr:
    return pl.when(condition).then(pl.lit("true")).otherwise(pl.lit("false"))
