-- cards/cms/cards.
WITH delivered AS (
    SELECT line, delivery_date, layout, split(line, ',') AS f
    FROM ${raw}.cards_cards
),

fields AS (
    SELECT
        line,
        delivery_date,
        layout,
        f,
        element_at(f, 1) AS card_id,
        element_at(f, 2) AS customer_id,
        element_at(f, 3) AS card_type,
        element_at(f, 4) AS credit_limit,
        element_at(f, 5) AS owed,
        element_at(f, 6) AS updated_at
    FROM delivered
)

SELECT
    line,
    delivery_date,
    CASE
        WHEN layout = 'unknown' THEN 'layout unknown'
        WHEN cardinality(f) <> 6 THEN 'fields miscounted'
        WHEN NOT regexp_like(card_id, '^[0-9]{10}$') THEN 'card_id invalid'
        WHEN NOT regexp_like(customer_id, '^[0-9]{9}$') THEN 'customer_id invalid'
        WHEN card_type NOT IN ('credit', 'charge', 'debit') THEN 'card_type invalid'
        WHEN NOT regexp_like(credit_limit, '^-?[0-9]{1,13}\.[0-9]{2}$')
            THEN 'credit_limit invalid'
        WHEN NOT regexp_like(owed, '^-?[0-9]{1,13}\.[0-9]{2}$') THEN 'owed invalid'
        WHEN NOT regexp_like(updated_at, '^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}$')
            OR TRY_CAST(updated_at AS timestamp) IS NULL
            THEN 'updated_at invalid'
    END AS fault,
    TRY_CAST(card_id AS bigint) AS card_id,
    TRY_CAST(customer_id AS bigint) AS customer_id,
    card_type,
    TRY_CAST(credit_limit AS decimal(15, 2)) AS credit_limit,
    TRY_CAST(owed AS decimal(15, 2)) AS owed,
    TRY_CAST(updated_at AS timestamp) AS updated_at,
    CAST(TRY_CAST(customer_id AS bigint) % 8 AS integer) AS customer_bucket
FROM fields
