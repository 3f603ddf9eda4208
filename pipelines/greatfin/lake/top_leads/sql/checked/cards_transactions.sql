-- cards/cms/transactions: card payments.
WITH delivered AS (
    SELECT line, delivery_date, layout, split(line, ',') AS f
    FROM ${raw}.cards_transactions
),

fields AS (
    SELECT
        line,
        delivery_date,
        layout,
        f,
        element_at(f, 1) AS transaction_id,
        element_at(f, 2) AS card_id,
        element_at(f, 3) AS customer_id,
        element_at(f, 4) AS posted_on,
        element_at(f, 5) AS category,
        element_at(f, 6) AS amount
    FROM delivered
)

SELECT
    line,
    delivery_date,
    CASE
        WHEN layout = 'unknown' THEN 'layout unknown'
        WHEN cardinality(f) <> 6 THEN 'fields miscounted'
        WHEN NOT regexp_like(transaction_id, '^[0-9]{13}$') THEN 'transaction_id invalid'
        WHEN NOT regexp_like(card_id, '^[0-9]{10}$') THEN 'card_id invalid'
        WHEN NOT regexp_like(customer_id, '^[0-9]{9}$') THEN 'customer_id invalid'
        WHEN NOT regexp_like(posted_on, '^[0-9]{4}-[0-9]{2}-[0-9]{2}$')
            OR TRY_CAST(posted_on AS date) IS NULL
            THEN 'posted_on invalid'
        WHEN category NOT IN ('grocery', 'travel', 'fuel', 'dining', 'health', 'online')
            THEN 'category invalid'
        WHEN NOT regexp_like(amount, '^-?[0-9]{1,13}\.[0-9]{2}$') THEN 'amount invalid'
    END AS fault,
    TRY_CAST(transaction_id AS bigint) AS transaction_id,
    TRY_CAST(card_id AS bigint) AS card_id,
    TRY_CAST(customer_id AS bigint) AS customer_id,
    TRY_CAST(posted_on AS date) AS posted_on,
    category,
    TRY_CAST(amount AS decimal(15, 2)) AS amount,
    substr(posted_on, 1, 7) AS month
FROM fields
