-- core_banking/ref/branches: reference data.
WITH delivered AS (
    SELECT line, delivery_date, layout, split(line, ',') AS f
    FROM ${raw}.core_banking_branches
),

fields AS (
    SELECT
        line,
        delivery_date,
        layout,
        f,
        element_at(f, 1) AS branch_id,
        element_at(f, 2) AS branch_name,
        element_at(f, 3) AS country,
        element_at(f, 4) AS city
    FROM delivered
)

SELECT
    line,
    delivery_date,
    CASE
        WHEN layout = 'unknown' THEN 'layout unknown'
        WHEN cardinality(f) <> 4 THEN 'fields miscounted'
        WHEN NOT regexp_like(branch_id, '^[0-9]{1,4}$') THEN 'branch_id invalid'
        WHEN country NOT IN ('US', 'GB', 'DE', 'FR', 'CA', 'JP', 'AU', 'BR')
            THEN 'country invalid'
    END AS fault,
    TRY_CAST(branch_id AS integer) AS branch_id,
    nullif(branch_name, '') AS branch_name,
    country,
    nullif(city, '') AS city
FROM fields
