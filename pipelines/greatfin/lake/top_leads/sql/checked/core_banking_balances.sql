-- core_banking/cbs/balances: month ends.
WITH delivered AS (
    SELECT line, delivery_date, layout, split(line, ',') AS f
    FROM ${raw}.core_banking_balances
),

fields AS (
    SELECT
        line,
        delivery_date,
        layout,
        f,
        element_at(f, 1) AS account_id,
        element_at(f, 2) AS as_of,
        element_at(f, 3) AS balance
    FROM delivered
)

SELECT
    line,
    delivery_date,
    CASE
        WHEN layout = 'unknown' THEN 'layout unknown'
        WHEN cardinality(f) <> 3 THEN 'fields miscounted'
        WHEN NOT regexp_like(account_id, '^[0-9]{10}$') THEN 'account_id invalid'
        WHEN NOT regexp_like(as_of, '^[0-9]{4}-[0-9]{2}-[0-9]{2}$')
            OR TRY_CAST(as_of AS date) IS NULL
            THEN 'as_of invalid'
        WHEN NOT regexp_like(balance, '^-?[0-9]{1,13}\.[0-9]{2}$') THEN 'balance invalid'
    END AS fault,
    TRY_CAST(account_id AS bigint) AS account_id,
    TRY_CAST(as_of AS date) AS as_of,
    TRY_CAST(balance AS decimal(15, 2)) AS balance,
    substr(as_of, 1, 7) AS month
FROM fields
