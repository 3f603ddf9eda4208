"""Doubles and reals as text, as Java writes them, from DuckDB's shortest decimal text.

DuckDB prints ``12345678.9``, ``1e+16`` or ``1e-05``; Java's ``Double.toString`` prints plain
decimals between 1e-3 and 1e7 and ``d.dddE±x`` elsewhere; Trino's CAST always writes the latter.
"""

from __future__ import annotations


def decimal(value: str, precision: int, scale: int) -> str:
    """Return SQL for a decimal's text; DuckDB writes ``.5`` where there are no whole digits."""
    shown = f"CAST({value} AS VARCHAR)"
    return shown if scale < precision else f"regexp_replace({shown}, '^(-?)[.]', '\\10.')"


def plain(value: str) -> str:
    """Return SQL for Java's ``toString`` of a floating-point expression (how results print)."""
    shown = f"CAST({value} AS VARCHAR)"
    return (
        f"CASE WHEN {value} IS NULL THEN NULL "
        f"WHEN (abs({value}) >= 1e-3 AND abs({value}) < 1e7) OR {value} = 0 THEN {shown} "
        f"ELSE {scientific(value)} END"
    )


def scientific(value: str) -> str:
    """Return SQL for the exponent form, ``1.0E10`` (how CAST to varchar writes)."""
    shown = f"CAST({value} AS VARCHAR)"
    unsigned = f"ltrim({shown}, '-')"
    sign = f"CASE WHEN {shown} LIKE '-%' THEN '-' ELSE '' END"
    mantissa = f"split_part({unsigned}, 'e', 1)"
    whole, fraction = f"split_part({mantissa}, '.', 1)", f"split_part({mantissa}, '.', 2)"
    exponent = f"coalesce(TRY_CAST(split_part({unsigned}, 'e', 2) AS INTEGER), 0)"
    large = _form(f"rtrim({whole} || {fraction}, '0')", f"{exponent} + length({whole}) - 1")
    trimmed = f"ltrim({fraction}, '0')"
    small = _form(
        f"rtrim({trimmed}, '0')", f"{exponent} - (length({fraction}) - length({trimmed}) + 1)"
    )
    return (
        f"CASE WHEN {value} IS NULL THEN NULL WHEN isnan({value}) THEN 'NaN' "
        f"WHEN isinf({value}) THEN CASE WHEN {value} > 0 THEN 'Infinity' ELSE '-Infinity' END "
        f"WHEN {value} = 0 THEN {sign} || '0E0' "
        # Java prints two digits at least, and of those the nearest: 4.9E-324, not 5.0E-324
        f"WHEN abs({value}) < 1e-30 AND {fraction} IN ('', '0') "
        f"THEN replace(format('{{:.1e}}', CAST({value} AS DOUBLE)), 'e', 'E') "
        f"WHEN {whole} = '0' THEN {sign} || {small} "
        f"ELSE {sign} || {large} END"
    )


def _form(digits: str, exponent: str) -> str:
    rest = f"CASE WHEN length({digits}) > 1 THEN substr({digits}, 2) ELSE '0' END"
    return f"substr({digits}, 1, 1) || '.' || {rest} || 'E' || CAST({exponent} AS VARCHAR)"
