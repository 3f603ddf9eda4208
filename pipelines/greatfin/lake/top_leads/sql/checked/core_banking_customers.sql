-- core_banking/cbs/customers; layout v2 brings the column segment, and moves what follows it.
WITH delivered AS (
    SELECT line, delivery_date, layout, split(line, ',') AS f
    FROM ${raw}.core_banking_customers
),

fields AS (
    SELECT
        line,
        delivery_date,
        layout,
        f,
        element_at(f, 1) AS customer_id,
        element_at(f, 2) AS first_name,
        element_at(f, 3) AS last_name,
        element_at(f, 4) AS birth_date,
        element_at(f, 5) AS country,
        element_at(f, 6) AS city,
        element_at(f, 7) AS branch_id,
        CASE layout WHEN 'v2' THEN element_at(f, 8) ELSE '' END AS segment,
        element_at(f, CASE layout WHEN 'v2' THEN 9 ELSE 8 END) AS job,
        element_at(f, CASE layout WHEN 'v2' THEN 10 ELSE 9 END) AS marital,
        element_at(f, CASE layout WHEN 'v2' THEN 11 ELSE 10 END) AS education,
        element_at(f, CASE layout WHEN 'v2' THEN 12 ELSE 11 END) AS email,
        element_at(f, CASE layout WHEN 'v2' THEN 13 ELSE 12 END) AS person_key,
        element_at(f, CASE layout WHEN 'v2' THEN 14 ELSE 13 END) AS updated_at
    FROM delivered
)

SELECT
    line,
    delivery_date,
    CASE
        WHEN layout = 'unknown' THEN 'layout unknown'
        WHEN cardinality(f) <> CASE layout WHEN 'v2' THEN 14 ELSE 13 END THEN 'fields miscounted'
        WHEN NOT regexp_like(customer_id, '^[0-9]{9}$') THEN 'customer_id invalid'
        WHEN NOT regexp_like(birth_date, '^[0-9]{4}-[0-9]{2}-[0-9]{2}$')
            OR TRY_CAST(birth_date AS date) IS NULL
            THEN 'birth_date invalid'
        WHEN country NOT IN ('US', 'GB', 'DE', 'FR', 'CA', 'JP', 'AU', 'BR')
            THEN 'country invalid'
        WHEN NOT regexp_like(branch_id, '^[0-9]{1,4}$') THEN 'branch_id invalid'
        WHEN job NOT IN (
            '', 'admin.', 'blue-collar', 'technician', 'services', 'management',
            'entrepreneur', 'self-employed', 'housemaid', 'unemployed', 'student',
            'retired', 'unknown'
        )
            THEN 'job invalid'
        WHEN marital NOT IN ('', 'married', 'single', 'divorced', 'unknown')
            THEN 'marital invalid'
        WHEN education NOT IN (
            '', 'university.degree', 'high.school', 'basic.9y', 'professional.course',
            'basic.4y', 'basic.6y', 'unknown', 'illiterate'
        )
            THEN 'education invalid'
        WHEN person_key <> '' AND NOT regexp_like(person_key, '^[0-9]{20}$')
            THEN 'person_key invalid'
        WHEN NOT regexp_like(updated_at, '^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}$')
            OR TRY_CAST(updated_at AS timestamp) IS NULL
            THEN 'updated_at invalid'
    END AS fault,
    TRY_CAST(customer_id AS bigint) AS customer_id,
    nullif(first_name, '') AS first_name,
    nullif(last_name, '') AS last_name,
    TRY_CAST(birth_date AS date) AS birth_date,
    country,
    nullif(city, '') AS city,
    TRY_CAST(branch_id AS integer) AS branch_id,
    nullif(segment, '') AS segment,
    coalesce(nullif(job, ''), 'unknown') AS job,
    coalesce(nullif(marital, ''), 'unknown') AS marital,
    coalesce(nullif(education, ''), 'unknown') AS education,
    nullif(email, '') AS email,
    nullif(person_key, '') AS person_key,
    TRY_CAST(updated_at AS timestamp) AS updated_at,
    CAST(TRY_CAST(customer_id AS bigint) % 8 AS integer) AS customer_bucket
FROM fields
