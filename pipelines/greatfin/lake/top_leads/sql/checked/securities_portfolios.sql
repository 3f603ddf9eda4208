-- securities/trading/portfolios.
WITH delivered AS (
    SELECT line, delivery_date, layout, split(line, ',') AS f
    FROM ${raw}.securities_portfolios
),

fields AS (
    SELECT
        line,
        delivery_date,
        layout,
        f,
        element_at(f, 1) AS portfolio_id,
        element_at(f, 2) AS customer_id,
        element_at(f, 3) AS strategy,
        element_at(f, 4) AS market_value,
        element_at(f, 5) AS valued_on,
        element_at(f, 6) AS updated_at
    FROM delivered
)

SELECT
    line,
    delivery_date,
    CASE
        WHEN layout = 'unknown' THEN 'layout unknown'
        WHEN cardinality(f) <> 6 THEN 'fields miscounted'
        WHEN NOT regexp_like(portfolio_id, '^[0-9]{10}$') THEN 'portfolio_id invalid'
        WHEN NOT regexp_like(customer_id, '^[0-9]{9}$') THEN 'customer_id invalid'
        WHEN strategy NOT IN ('income', 'balanced', 'growth') THEN 'strategy invalid'
        WHEN NOT regexp_like(market_value, '^-?[0-9]{1,13}\.[0-9]{2}$')
            THEN 'market_value invalid'
        WHEN NOT regexp_like(valued_on, '^[0-9]{4}-[0-9]{2}-[0-9]{2}$')
            OR TRY_CAST(valued_on AS date) IS NULL
            THEN 'valued_on invalid'
        WHEN NOT regexp_like(updated_at, '^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}$')
            OR TRY_CAST(updated_at AS timestamp) IS NULL
            THEN 'updated_at invalid'
    END AS fault,
    TRY_CAST(portfolio_id AS bigint) AS portfolio_id,
    TRY_CAST(customer_id AS bigint) AS customer_id,
    strategy,
    TRY_CAST(market_value AS decimal(15, 2)) AS market_value,
    TRY_CAST(valued_on AS date) AS valued_on,
    TRY_CAST(updated_at AS timestamp) AS updated_at,
    CAST(TRY_CAST(customer_id AS bigint) % 8 AS integer) AS customer_bucket
FROM fields
