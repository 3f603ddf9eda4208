-- core_banking/cbs/accounts; layout v2 renames opened_on and writes it as day/month/year.
WITH delivered AS (
    SELECT line, delivery_date, layout, split(line, ',') AS f
    FROM ${raw}.core_banking_accounts
),

fields AS (
    SELECT
        line,
        delivery_date,
        layout,
        f,
        element_at(f, 1) AS account_id,
        element_at(f, 2) AS customer_id,
        element_at(f, 3) AS branch_id,
        element_at(f, 4) AS product,
        CASE layout
            WHEN 'v2' THEN
                substr(element_at(f, 5), 7, 4) || '-' || substr(element_at(f, 5), 4, 2)
                || '-' || substr(element_at(f, 5), 1, 2)
            ELSE element_at(f, 5)
        END AS opened_on,
        element_at(f, 6) AS in_default,
        element_at(f, 7) AS updated_at
    FROM delivered
)

SELECT
    line,
    delivery_date,
    CASE
        WHEN layout = 'unknown' THEN 'layout unknown'
        WHEN cardinality(f) <> 7 THEN 'fields miscounted'
        WHEN NOT regexp_like(account_id, '^[0-9]{10}$') THEN 'account_id invalid'
        WHEN NOT regexp_like(customer_id, '^[0-9]{9}$') THEN 'customer_id invalid'
        WHEN NOT regexp_like(branch_id, '^[0-9]{1,4}$') THEN 'branch_id invalid'
        WHEN product NOT IN ('current', 'savings', 'certificate', 'loan')
            THEN 'product invalid'
        WHEN NOT regexp_like(opened_on, '^[0-9]{4}-[0-9]{2}-[0-9]{2}$')
            OR TRY_CAST(opened_on AS date) IS NULL
            THEN 'opened_on invalid'
        WHEN in_default NOT IN ('Y', 'N') THEN 'in_default invalid'
        WHEN NOT regexp_like(updated_at, '^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}$')
            OR TRY_CAST(updated_at AS timestamp) IS NULL
            THEN 'updated_at invalid'
    END AS fault,
    TRY_CAST(account_id AS bigint) AS account_id,
    TRY_CAST(customer_id AS bigint) AS customer_id,
    TRY_CAST(branch_id AS integer) AS branch_id,
    product,
    TRY_CAST(opened_on AS date) AS opened_on,
    in_default,
    TRY_CAST(updated_at AS timestamp) AS updated_at,
    CAST(TRY_CAST(customer_id AS bigint) % 8 AS integer) AS customer_bucket
FROM fields
