"""What a valid row is, as the page of the use case says it: the oracle's own statement."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date

import polars as pl

from greatfin.lake.top_leads import rule
from greatfin.lake.top_leads.propensity import age_band

DATE = "%Y-%m-%d"
TIME = "%Y-%m-%d %H:%M:%S"
SALESFORCE_TIME = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d"


@dataclass(frozen=True)
class Field:
    """A field of a source table.

    Attributes:
        kind: ``digits``, ``whole``, ``date``, ``time``, ``money``, ``code``, ``text``, ``flag``,
            ``lead`` or ``crm_time``.
        size: for digits, how many (least, most).
        codes: for codes, those there are.
        default: what an empty value stands for; None makes it wrong, ``""`` a null.
        json: name in the JSON object.
    """

    name: str
    kind: str
    size: tuple[int, int] = (0, 0)
    codes: tuple[str, ...] = ()
    default: str | None = None
    json: str = ""

    @property
    def source(self) -> str:
        """Return its name in the delivered JSON object."""
        return self.json or self.name

    def wrong(self, value: pl.Expr) -> pl.Expr:
        """Return whether a text is no value of this field."""
        if self.kind == "text":
            return pl.lit(False)
        checks: dict[str, Callable[[pl.Expr], pl.Expr]] = {
            "digits": self._is_digits,
            "whole": lambda text: text.str.contains(rf"^-?[0-9]{{{self.size[0]},{self.size[1]}}}$"),
            "date": _is_date,
            "time": lambda text: (
                text.str.contains(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$")
                & text.str.to_datetime(TIME, strict=False).is_not_null()
            ),
            "money": lambda text: text.str.contains(r"^-?\d{1,13}\.\d\d$"),
            "code": lambda text: text.is_in(list(self.codes)),
            "flag": lambda text: text.is_in(["true", "false"]),
            "lead": lambda text: text.str.contains(r"^00Q[0-9]{15}$"),
            "crm_time": lambda text: (
                text.str.contains(SALESFORCE_TIME) & _is_date(text.str.slice(0, 10))
            ),
        }
        right = checks[self.kind](value)
        return ~right if self.default is None else ~right & (value != "")

    def _is_digits(self, text: pl.Expr) -> pl.Expr:
        length = text.str.len_chars()
        return text.str.contains(r"^[0-9]+$") & length.is_between(*self.size)

    def typed(self, value: pl.Expr) -> pl.Expr:
        """Return the value of a right text: amounts in cents, an empty optional one as null."""
        if self.default:
            value = value.replace({"": self.default})
        value = pl.when(value != "").then(value)
        if self.kind == "money":
            return value.str.replace(".", "", literal=True).cast(pl.Int64)
        if self.kind == "date":
            return value.str.to_date(DATE)
        if self.kind == "crm_time" and self.name == "created_on":
            return value.str.slice(0, 10).str.to_date(DATE)
        if self.kind == "flag":
            return value == "true"
        if self.kind == "whole" or (self.kind == "digits" and self.name not in TEXTUAL):
            return value.cast(pl.Int64)
        return value


def _is_date(text: pl.Expr) -> pl.Expr:
    shape = text.str.contains(r"^\d{4}-\d\d-\d\d$")
    return shape & text.str.to_date(DATE, strict=False).is_not_null()


TEXTUAL = frozenset({"person_key"})
"""Identifiers made of digits that are no numbers."""


@dataclass(frozen=True)
class Source:
    """A source table: its path, fields, key, and the columns that tell a newer version."""

    path: str
    fields: tuple[Field, ...]
    key: tuple[str, ...]
    version: tuple[str, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)
    headers: tuple[str, ...] = ()
    json: bool = False

    def accepts(self, header: list[str]) -> bool:
        """Return whether this is one of the headers that the source agreed to."""
        return " ".join(header) in self.headers


COUNTRY = Field("country", "code", codes=("US", "GB", "DE", "FR", "CA", "JP", "AU", "BR"))
UPDATED = Field("updated_at", "time")
JOBS = (
    "admin.", "blue-collar", "technician", "services", "management", "entrepreneur",
    "self-employed", "housemaid", "unemployed", "student", "retired", "unknown",
)  # fmt: skip
EDUCATION = (
    "university.degree", "high.school", "basic.9y", "professional.course", "basic.4y", "basic.6y",
    "unknown", "illiterate",
)  # fmt: skip


def _number(name: str, least: int, most: int) -> Field:
    return Field(name, "digits", (least, most))


def _text(name: str) -> Field:
    return Field(name, "text")


CUSTOMER = _number("customer_id", 9, 9)

SOURCES = (
    Source(
        "core_banking/cbs/customers",
        (
            CUSTOMER, _text("first_name"), _text("last_name"), Field("birth_date", "date"),
            COUNTRY, _text("city"), _number("branch_id", 1, 4), _text("segment"),
            Field("job", "code", codes=JOBS, default="unknown"),
            Field("marital", "code", codes=("married", "single", "divorced", "unknown"),
                  default="unknown"),
            Field("education", "code", codes=EDUCATION, default="unknown"), _text("email"),
            Field("person_key", "digits", (20, 20), default=""), UPDATED,
        ),
        ("customer_id",), ("updated_at",),
        headers=(
            "customer_id first_name last_name birth_date country city branch_id job marital "
            "education email person_key updated_at",
            "customer_id first_name last_name birth_date country city branch_id segment job "
            "marital education email person_key updated_at",
        ),
    ),
    Source(
        "core_banking/cbs/accounts",
        (
            _number("account_id", 10, 10), CUSTOMER, _number("branch_id", 1, 4),
            Field("product", "code", codes=("current", "savings", "certificate", "loan")),
            Field("opened_on", "date"), Field("in_default", "code", codes=("Y", "N")), UPDATED,
        ),
        ("account_id",), ("updated_at",), aliases={"open_date": "opened_on"},
        headers=(
            "account_id customer_id branch_id product opened_on in_default updated_at",
            "account_id customer_id branch_id product open_date in_default updated_at",
        ),
    ),
    Source(
        "core_banking/cbs/balances",
        (_number("account_id", 10, 10), Field("as_of", "date"), Field("balance", "money")),
        ("account_id", "as_of"), headers=("account_id as_of balance",),
    ),
    Source(
        "core_banking/ref/branches",
        (_number("branch_id", 1, 4), _text("branch_name"), COUNTRY, _text("city")),
        ("branch_id",), headers=("branch_id branch_name country city",),
    ),
    Source(
        "mortgages/loans/mortgages",
        (
            _number("mortgage_id", 10, 10), CUSTOMER, Field("property_value", "money"),
            Field("outstanding", "money"), Field("opened_on", "date"),
            Field("status", "code", codes=("current", "arrears", "closed")), UPDATED,
        ),
        ("mortgage_id",), ("updated_at",),
        headers=(
            "mortgage_id customer_id property_value outstanding opened_on status updated_at",
        ),
    ),
    Source(
        "cards/cms/cards",
        (
            _number("card_id", 10, 10), CUSTOMER,
            Field("card_type", "code", codes=("credit", "charge", "debit")),
            Field("credit_limit", "money"), Field("owed", "money"), UPDATED,
        ),
        ("card_id",), ("updated_at",),
        headers=("card_id customer_id card_type credit_limit owed updated_at",),
    ),
    Source(
        "cards/cms/transactions",
        (
            _number("transaction_id", 13, 13), _number("card_id", 10, 10), CUSTOMER,
            Field("posted_on", "date"),
            Field("category", "code",
                  codes=("grocery", "travel", "fuel", "dining", "health", "online")),
            Field("amount", "money"),
        ),
        ("transaction_id",),
        headers=("transaction_id card_id customer_id posted_on category amount",),
    ),
    Source(
        "securities/trading/portfolios",
        (
            _number("portfolio_id", 10, 10), CUSTOMER,
            Field("strategy", "code", codes=("income", "balanced", "growth")),
            Field("market_value", "money"), Field("valued_on", "date"), UPDATED,
        ),
        ("portfolio_id",), ("updated_at",),
        headers=("portfolio_id customer_id strategy market_value valued_on updated_at",),
    ),
    Source(
        "securities/trading/dealings",
        (
            _number("dealing_id", 13, 13), _number("portfolio_id", 10, 10), CUSTOMER,
            Field("dealt_on", "date"), Field("side", "code", codes=("BUY", "SELL")),
            _text("instrument"), _number("quantity", 1, 9), Field("price", "money"),
            Field("amount", "money"),
        ),
        ("dealing_id",),
        headers=(
            "dealing_id portfolio_id customer_id dealt_on side instrument quantity price amount",
            "dealing_id portfolio_id customer_id side instrument quantity price amount dealt_on",
        ),
    ),
    Source(
        "crm/salesforce/leads",
        (
            Field("lead_id", "lead", json="Id"),
            Field("customer_id", "digits", (9, 9), json="Customer_Number__c"),
            Field("lead_source", "code", codes=("Web", "Branch", "Partner", "Phone"), default="",
                  json="LeadSource"),
            Field("lead_status", "code", codes=("Open", "Working", "Nurturing"), json="Status"),
            Field("opted_out", "flag", json="HasOptedOutOfEmail"),
            Field("do_not_call", "flag", json="DoNotCall"),
            Field("previous_contacts", "digits", (1, 4), default="0",
                  json="Previous_Contacts__c"),
            Field("last_contact_on", "date", default="", json="Last_Contact_Date__c"),
            Field("created_on", "crm_time", json="CreatedDate"),
            Field("modified_at", "crm_time", json="LastModifiedDate"),
        ),
        ("lead_id",), ("modified_at",), json=True,
    ),
    Source(
        "external/market_data/regions",
        (
            COUNTRY, _number("year", 4, 4), Field("market_deposit_rate_bp", "whole", (1, 6)),
            Field("house_price_change_bp", "whole", (1, 6)), _number("consumer_confidence", 1, 3),
        ),
        ("country", "year"),
        headers=(
            "country year market_deposit_rate_bp house_price_change_bp consumer_confidence",
        ),
    ),
    Source(
        "external/credit_bureau/scores",
        (
            _number("person_key", 20, 20), _number("credit_score", 3, 3),
            Field("assets_elsewhere", "money"), Field("scored_on", "date"),
        ),
        ("person_key",), headers=("person_key credit_score assets_elsewhere scored_on",),
    ),
)  # fmt: skip


def age_on_the_day(born: date) -> str:
    """Return the age band of somebody on the data's date."""
    today = rule.AS_OF
    return age_band(today.year - born.year - ((today.month, today.day) < (born.month, born.day)))
