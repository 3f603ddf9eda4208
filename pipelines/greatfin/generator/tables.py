"""The source systems' tables: where each comes from, and which columns each delivery has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import polars as pl

from greatfin.generator.text import day_month_year, quoted_number


@dataclass(frozen=True)
class SourceTable:
    """One table of one source system.

    Attributes:
        columns: the columns of its dump, in order (for JSON, the object's fields).
        drifted: the columns of the second delivery, when they differ: header to column.
        drift: how a column's values change in the second delivery.
        fragile: columns that may come empty or as nonsense.
        changing: columns that a newer version of a row changes; all are amounts in cents or codes
            and come from the frame's ``new_<column>``.
        jsonl: whether it is delivered as JSON lines instead of CSV.
    """

    database: str
    schema: str
    name: str
    columns: tuple[str, ...]
    fragile: tuple[str, ...] = ()
    changing: tuple[str, ...] = ()
    drifted: Mapping[str, str] | None = None
    drift: Mapping[str, Callable[[pl.Expr], pl.Expr]] = field(default_factory=dict)
    jsonl: bool = False

    @property
    def path(self) -> str:
        """Return ``database/schema/table``."""
        return f"{self.database}/{self.schema}/{self.name}"

    def layout(self, second: bool) -> Mapping[str, str]:
        """Return header to column, for the first or the second delivery."""
        if second and self.drifted is not None:
            return self.drifted
        return {name: name for name in self.columns}


def _same(*names: str) -> dict[str, str]:
    return {name: name for name in names}


CUSTOMERS = SourceTable(
    "core_banking", "cbs", "customers",
    ("customer_id", "first_name", "last_name", "birth_date", "country", "city", "branch_id",
     "job", "marital", "education", "email", "person_key", "updated_at"),
    fragile=("birth_date", "country", "city", "job", "person_key", "updated_at"),
    changing=("marital", "updated_at"),
    # a new column in the middle: every position after it moves
    drifted=_same(
        "customer_id", "first_name", "last_name", "birth_date", "country", "city", "branch_id",
        "segment", "job", "marital", "education", "email", "person_key", "updated_at",
    ),
)  # fmt: skip
ACCOUNTS = SourceTable(
    "core_banking", "cbs", "accounts",
    ("account_id", "customer_id", "branch_id", "product", "opened_on", "in_default", "updated_at"),
    fragile=("customer_id", "product", "opened_on", "in_default"),
    changing=("in_default", "updated_at"),
    # a renamed column of another type: ISO dates become day/month/year
    drifted={
        "account_id": "account_id", "customer_id": "customer_id", "branch_id": "branch_id",
        "product": "product", "open_date": "opened_on", "in_default": "in_default",
        "updated_at": "updated_at",
    },
    drift={"opened_on": day_month_year},
)  # fmt: skip
BALANCES = SourceTable(
    "core_banking", "cbs", "balances",
    ("account_id", "as_of", "balance"),
    fragile=("as_of", "balance"),
    changing=("balance",),
)  # fmt: skip
BRANCHES = SourceTable(
    "core_banking", "ref", "branches", ("branch_id", "branch_name", "country", "city")
)
MORTGAGES = SourceTable(
    "mortgages", "loans", "mortgages",
    ("mortgage_id", "customer_id", "property_value", "outstanding", "opened_on", "status",
     "updated_at"),
    fragile=("property_value", "outstanding", "opened_on"),
    changing=("outstanding", "updated_at"),
)  # fmt: skip
CARDS = SourceTable(
    "cards", "cms", "cards",
    ("card_id", "customer_id", "card_type", "credit_limit", "owed", "updated_at"),
    fragile=("customer_id", "credit_limit", "owed"),
    changing=("owed", "updated_at"),
)  # fmt: skip
TRANSACTIONS = SourceTable(
    "cards", "cms", "transactions",
    ("transaction_id", "card_id", "customer_id", "posted_on", "category", "amount"),
    fragile=("posted_on", "category", "amount"),
    changing=("amount",),
)  # fmt: skip
PORTFOLIOS = SourceTable(
    "securities", "trading", "portfolios",
    ("portfolio_id", "customer_id", "strategy", "market_value", "valued_on", "updated_at"),
    fragile=("market_value", "valued_on"),
    changing=("market_value", "updated_at"),
)  # fmt: skip
DEALINGS = SourceTable(
    "securities", "trading", "dealings",
    ("dealing_id", "portfolio_id", "customer_id", "dealt_on", "side", "instrument", "quantity",
     "price", "amount"),
    fragile=("dealt_on", "side", "quantity", "amount"),
    changing=("amount",),
    # the same columns in another order
    drifted=_same(
        "dealing_id", "portfolio_id", "customer_id", "side", "instrument", "quantity", "price",
        "amount", "dealt_on",
    ),
)  # fmt: skip
LEADS = SourceTable(
    "crm", "salesforce", "leads",
    ("Id", "Customer_Number__c", "LeadSource", "Status", "HasOptedOutOfEmail", "DoNotCall",
     "Previous_Contacts__c", "Last_Contact_Date__c", "CreatedDate", "LastModifiedDate"),
    fragile=("Customer_Number__c", "LeadSource", "CreatedDate", "Previous_Contacts__c"),
    changing=("Status", "LastModifiedDate"),
    # a new field, and a number that becomes a string
    drifted=_same(
        "Id", "Customer_Number__c", "Campaign__c", "LeadSource", "Status", "HasOptedOutOfEmail",
        "DoNotCall", "Previous_Contacts__c", "Last_Contact_Date__c", "CreatedDate",
        "LastModifiedDate",
    ),
    drift={"Previous_Contacts__c": quoted_number},
    jsonl=True,
)  # fmt: skip
REGIONS = SourceTable(
    "external", "market_data", "regions",
    ("country", "year", "market_deposit_rate_bp", "house_price_change_bp",
     "consumer_confidence"),
)  # fmt: skip
SCORES = SourceTable(
    "external", "credit_bureau", "scores",
    ("person_key", "credit_score", "assets_elsewhere", "scored_on"),
    fragile=("credit_score", "assets_elsewhere", "scored_on"),
    changing=("credit_score",),
)  # fmt: skip

TABLES = (
    CUSTOMERS, ACCOUNTS, BALANCES, BRANCHES, MORTGAGES, CARDS, TRANSACTIONS, PORTFOLIOS, DEALINGS,
    LEADS, REGIONS, SCORES,
)  # fmt: skip
