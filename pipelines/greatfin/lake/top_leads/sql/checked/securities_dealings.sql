-- securities/trading/dealings: executed orders; layout v2 moves dealt_on to the end.
WITH delivered AS (
    SELECT line, delivery_date, layout, split(line, ',') AS f
    FROM ${raw}.securities_dealings
),

fields AS (
    SELECT
        line,
        delivery_date,
        layout,
        f,
        element_at(f, 1) AS dealing_id,
        element_at(f, 2) AS portfolio_id,
        element_at(f, 3) AS customer_id,
        element_at(f, CASE layout WHEN 'v2' THEN 9 ELSE 4 END) AS dealt_on,
        element_at(f, CASE layout WHEN 'v2' THEN 4 ELSE 5 END) AS side,
        element_at(f, CASE layout WHEN 'v2' THEN 5 ELSE 6 END) AS instrument,
        element_at(f, CASE layout WHEN 'v2' THEN 6 ELSE 7 END) AS quantity,
        element_at(f, CASE layout WHEN 'v2' THEN 7 ELSE 8 END) AS price,
        element_at(f, CASE layout WHEN 'v2' THEN 8 ELSE 9 END) AS amount
    FROM delivered
)

SELECT
    line,
    delivery_date,
    CASE
        WHEN layout = 'unknown' THEN 'layout unknown'
        WHEN cardinality(f) <> 9 THEN 'fields miscounted'
        WHEN NOT regexp_like(dealing_id, '^[0-9]{13}$') THEN 'dealing_id invalid'
        WHEN NOT regexp_like(portfolio_id, '^[0-9]{10}$') THEN 'portfolio_id invalid'
        WHEN NOT regexp_like(customer_id, '^[0-9]{9}$') THEN 'customer_id invalid'
        WHEN NOT regexp_like(dealt_on, '^[0-9]{4}-[0-9]{2}-[0-9]{2}$')
            OR TRY_CAST(dealt_on AS date) IS NULL
            THEN 'dealt_on invalid'
        WHEN side NOT IN ('BUY', 'SELL') THEN 'side invalid'
        WHEN NOT regexp_like(quantity, '^[0-9]{1,9}$') THEN 'quantity invalid'
        WHEN NOT regexp_like(price, '^-?[0-9]{1,13}\.[0-9]{2}$') THEN 'price invalid'
        WHEN NOT regexp_like(amount, '^-?[0-9]{1,13}\.[0-9]{2}$') THEN 'amount invalid'
    END AS fault,
    TRY_CAST(dealing_id AS bigint) AS dealing_id,
    TRY_CAST(portfolio_id AS bigint) AS portfolio_id,
    TRY_CAST(customer_id AS bigint) AS customer_id,
    TRY_CAST(dealt_on AS date) AS dealt_on,
    side,
    nullif(instrument, '') AS instrument,
    TRY_CAST(quantity AS integer) AS quantity,
    TRY_CAST(price AS decimal(15, 2)) AS price,
    TRY_CAST(amount AS decimal(15, 2)) AS amount,
    substr(dealt_on, 1, 7) AS month
FROM fields
