"""What each source system agreed to deliver, and how its rows are told apart.

A delivery's header is looked up among the layouts: a known one is read as it is (the schema
evolves), any other is flagged for the administrator and its rows wait in the quarantine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

JSON_LINES = "v1"
"""The one layout of JSON lines: fields are found by name."""

UNKNOWN_LAYOUT = "unknown"


@dataclass(frozen=True)
class Contract:
    """One source table.

    Attributes:
        key: columns that identify a row.
        newest_first: order of the versions of a key; deterministic, for equal rows are equal lines.
        columns: columns of the standardized table, the partition column last.
        layouts: the headers that are known, by name; none for JSON lines.
    """

    database: str
    schema: str
    table: str
    key: str
    newest_first: str
    columns: tuple[str, ...]
    layouts: Mapping[str, tuple[str, ...]]

    @property
    def path(self) -> str:
        """Return ``database/schema/table``, its prefix in every bucket."""
        return f"{self.database}/{self.schema}/{self.table}"

    @property
    def name(self) -> str:
        """Return the name of its tables in the catalog."""
        return f"{self.database}_{self.table}"

    def layout_of(self, first_line: str) -> str:
        """Return the layout of a file from its first line."""
        if not self.layouts:
            return JSON_LINES if first_line.startswith("{") else UNKNOWN_LAYOUT
        header = tuple(first_line.split(","))
        return next((name for name, known in self.layouts.items() if known == header), "unknown")


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split())


CONTRACTS = (
    Contract(
        "core_banking",
        "cbs",
        "customers",
        key="customer_id",
        newest_first="updated_at DESC, delivery_date DESC, line DESC",
        columns=_names(
            "customer_id first_name last_name birth_date country city branch_id "
            "segment job marital education email person_key updated_at "
            "customer_bucket"
        ),
        layouts={
            "v1": _names(
                "customer_id first_name last_name birth_date country city branch_id "
                "job marital education email person_key updated_at"
            ),
            "v2": _names(
                "customer_id first_name last_name birth_date country city branch_id "
                "segment job marital education email person_key updated_at"
            ),
        },
    ),
    Contract(
        "core_banking",
        "cbs",
        "accounts",
        key="account_id",
        newest_first="updated_at DESC, delivery_date DESC, line DESC",
        columns=_names(
            "account_id customer_id branch_id product opened_on in_default "
            "updated_at customer_bucket"
        ),
        layouts={
            "v1": _names(
                "account_id customer_id branch_id product opened_on in_default updated_at"
            ),
            "v2": _names(
                "account_id customer_id branch_id product open_date in_default updated_at"
            ),
        },
    ),
    Contract(
        "core_banking",
        "cbs",
        "balances",
        key="account_id, as_of",
        newest_first="delivery_date DESC, line DESC",
        columns=_names("account_id as_of balance month"),
        layouts={
            "v1": _names("account_id as_of balance"),
        },
    ),
    Contract(
        "core_banking",
        "ref",
        "branches",
        key="branch_id",
        newest_first="delivery_date DESC, line DESC",
        columns=_names("branch_id branch_name country city"),
        layouts={
            "v1": _names("branch_id branch_name country city"),
        },
    ),
    Contract(
        "mortgages",
        "loans",
        "mortgages",
        key="mortgage_id",
        newest_first="updated_at DESC, delivery_date DESC, line DESC",
        columns=_names(
            "mortgage_id customer_id property_value outstanding opened_on "
            "status updated_at customer_bucket"
        ),
        layouts={
            "v1": _names(
                "mortgage_id customer_id property_value outstanding opened_on status updated_at"
            ),
        },
    ),
    Contract(
        "cards",
        "cms",
        "cards",
        key="card_id",
        newest_first="updated_at DESC, delivery_date DESC, line DESC",
        columns=_names(
            "card_id customer_id card_type credit_limit owed updated_at customer_bucket"
        ),
        layouts={
            "v1": _names("card_id customer_id card_type credit_limit owed updated_at"),
        },
    ),
    Contract(
        "cards",
        "cms",
        "transactions",
        key="transaction_id",
        newest_first="delivery_date DESC, line DESC",
        columns=_names("transaction_id card_id customer_id posted_on category amount month"),
        layouts={
            "v1": _names("transaction_id card_id customer_id posted_on category amount"),
        },
    ),
    Contract(
        "securities",
        "trading",
        "portfolios",
        key="portfolio_id",
        newest_first="updated_at DESC, delivery_date DESC, line DESC",
        columns=_names(
            "portfolio_id customer_id strategy market_value valued_on updated_at customer_bucket"
        ),
        layouts={
            "v1": _names("portfolio_id customer_id strategy market_value valued_on updated_at"),
        },
    ),
    Contract(
        "securities",
        "trading",
        "dealings",
        key="dealing_id",
        newest_first="delivery_date DESC, line DESC",
        columns=_names(
            "dealing_id portfolio_id customer_id dealt_on side instrument "
            "quantity price amount month"
        ),
        layouts={
            "v1": _names(
                "dealing_id portfolio_id customer_id dealt_on side instrument quantity price amount"
            ),
            "v2": _names(
                "dealing_id portfolio_id customer_id side instrument quantity price amount dealt_on"
            ),
        },
    ),
    Contract(
        "crm",
        "salesforce",
        "leads",
        key="lead_id",
        newest_first="modified_at DESC, delivery_date DESC, line DESC",
        columns=_names(
            "lead_id customer_id lead_source status opted_out do_not_call "
            "previous_contacts last_contact_on created_on modified_at year"
        ),
        layouts={},
    ),
    Contract(
        "external",
        "market_data",
        "regions",
        key="country, year",
        newest_first="delivery_date DESC, line DESC",
        columns=_names(
            "country year market_deposit_rate_bp house_price_change_bp consumer_confidence"
        ),
        layouts={
            "v1": _names(
                "country year market_deposit_rate_bp house_price_change_bp consumer_confidence"
            ),
        },
    ),
    Contract(
        "external",
        "credit_bureau",
        "scores",
        key="person_key",
        newest_first="delivery_date DESC, line DESC",
        columns=_names("person_key credit_score assets_elsewhere scored_on"),
        layouts={
            "v1": _names("person_key credit_score assets_elsewhere scored_on"),
        },
    ),
)

BY_PATH = {contract.path: contract for contract in CONTRACTS}
