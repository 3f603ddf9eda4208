-- external/credit_bureau/scores: bought attributes of persons.
WITH delivered AS (
    SELECT line, delivery_date, layout, split(line, ',') AS f
    FROM ${raw}.external_scores
),

fields AS (
    SELECT
        line,
        delivery_date,
        layout,
        f,
        element_at(f, 1) AS person_key,
        element_at(f, 2) AS credit_score,
        element_at(f, 3) AS assets_elsewhere,
        element_at(f, 4) AS scored_on
    FROM delivered
)

SELECT
    line,
    delivery_date,
    CASE
        WHEN layout = 'unknown' THEN 'layout unknown'
        WHEN cardinality(f) <> 4 THEN 'fields miscounted'
        WHEN NOT regexp_like(person_key, '^[0-9]{20}$') THEN 'person_key invalid'
        WHEN NOT regexp_like(credit_score, '^[0-9]{3}$') THEN 'credit_score invalid'
        WHEN NOT regexp_like(assets_elsewhere, '^-?[0-9]{1,13}\.[0-9]{2}$')
            THEN 'assets_elsewhere invalid'
        WHEN NOT regexp_like(scored_on, '^[0-9]{4}-[0-9]{2}-[0-9]{2}$')
            OR TRY_CAST(scored_on AS date) IS NULL
            THEN 'scored_on invalid'
    END AS fault,
    person_key,
    TRY_CAST(credit_score AS integer) AS credit_score,
    TRY_CAST(assets_elsewhere AS decimal(15, 2)) AS assets_elsewhere,
    TRY_CAST(scored_on AS date) AS scored_on
FROM fields
