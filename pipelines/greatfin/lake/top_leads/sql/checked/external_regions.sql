-- external/market_data/regions: bought market attributes.
WITH delivered AS (
    SELECT line, delivery_date, layout, split(line, ',') AS f
    FROM ${raw}.external_regions
),

fields AS (
    SELECT
        line,
        delivery_date,
        layout,
        f,
        element_at(f, 1) AS country,
        element_at(f, 2) AS year,
        element_at(f, 3) AS market_deposit_rate_bp,
        element_at(f, 4) AS house_price_change_bp,
        element_at(f, 5) AS consumer_confidence
    FROM delivered
)

SELECT
    line,
    delivery_date,
    CASE
        WHEN layout = 'unknown' THEN 'layout unknown'
        WHEN cardinality(f) <> 5 THEN 'fields miscounted'
        WHEN country NOT IN ('US', 'GB', 'DE', 'FR', 'CA', 'JP', 'AU', 'BR')
            THEN 'country invalid'
        WHEN NOT regexp_like(year, '^[0-9]{4}$') THEN 'year invalid'
        WHEN NOT regexp_like(market_deposit_rate_bp, '^-?[0-9]{1,6}$')
            THEN 'market_deposit_rate_bp invalid'
        WHEN NOT regexp_like(house_price_change_bp, '^-?[0-9]{1,6}$')
            THEN 'house_price_change_bp invalid'
        WHEN NOT regexp_like(consumer_confidence, '^[0-9]{1,3}$')
            THEN 'consumer_confidence invalid'
    END AS fault,
    country,
    TRY_CAST(year AS integer) AS year,
    TRY_CAST(market_deposit_rate_bp AS integer) AS market_deposit_rate_bp,
    TRY_CAST(house_price_change_bp AS integer) AS house_price_change_bp,
    TRY_CAST(consumer_confidence AS integer) AS consumer_confidence
FROM fields
