-- mortgages/loans/mortgages.
WITH delivered AS (
    SELECT line, delivery_date, layout, split(line, ',') AS f
    FROM ${raw}.mortgages_mortgages
),

fields AS (
    SELECT
        line,
        delivery_date,
        layout,
        f,
        element_at(f, 1) AS mortgage_id,
        element_at(f, 2) AS customer_id,
        element_at(f, 3) AS property_value,
        element_at(f, 4) AS outstanding,
        element_at(f, 5) AS opened_on,
        element_at(f, 6) AS status,
        element_at(f, 7) AS updated_at
    FROM delivered
)

SELECT
    line,
    delivery_date,
    CASE
        WHEN layout = 'unknown' THEN 'layout unknown'
        WHEN cardinality(f) <> 7 THEN 'fields miscounted'
        WHEN NOT regexp_like(mortgage_id, '^[0-9]{10}$') THEN 'mortgage_id invalid'
        WHEN NOT regexp_like(customer_id, '^[0-9]{9}$') THEN 'customer_id invalid'
        WHEN NOT regexp_like(property_value, '^-?[0-9]{1,13}\.[0-9]{2}$')
            THEN 'property_value invalid'
        WHEN NOT regexp_like(outstanding, '^-?[0-9]{1,13}\.[0-9]{2}$')
            THEN 'outstanding invalid'
        WHEN NOT regexp_like(opened_on, '^[0-9]{4}-[0-9]{2}-[0-9]{2}$')
            OR TRY_CAST(opened_on AS date) IS NULL
            THEN 'opened_on invalid'
        WHEN status NOT IN ('current', 'arrears', 'closed') THEN 'status invalid'
        WHEN NOT regexp_like(updated_at, '^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}$')
            OR TRY_CAST(updated_at AS timestamp) IS NULL
            THEN 'updated_at invalid'
    END AS fault,
    TRY_CAST(mortgage_id AS bigint) AS mortgage_id,
    TRY_CAST(customer_id AS bigint) AS customer_id,
    TRY_CAST(property_value AS decimal(15, 2)) AS property_value,
    TRY_CAST(outstanding AS decimal(15, 2)) AS outstanding,
    TRY_CAST(opened_on AS date) AS opened_on,
    status,
    TRY_CAST(updated_at AS timestamp) AS updated_at,
    CAST(TRY_CAST(customer_id AS bigint) % 8 AS integer) AS customer_bucket
FROM fields
