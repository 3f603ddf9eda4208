-- marketing/top_leads_by_region: whom to offer the new certificate of deposit, best first.
INSERT INTO ${marketing}.top_leads_by_region
WITH campaign AS (
    SELECT
        *,
        row_number() OVER (PARTITION BY customer_id ORDER BY created_on DESC, lead_id DESC)
            AS newest
    FROM ${marketing}.leads
    WHERE year = ${campaign_year}
),

eligible AS (
    SELECT
        *,
        CASE
            WHEN investable_assets >= DECIMAL '10000000' THEN 40
            WHEN investable_assets >= DECIMAL '5000000' THEN 32
            WHEN investable_assets >= DECIMAL '2500000' THEN 24
            WHEN investable_assets >= DECIMAL '1500000' THEN 16
            ELSE 8
        END AS wealth_points,
        CASE
            WHEN deposits >= DECIMAL '1000000' THEN 20
            WHEN deposits >= DECIMAL '500000' THEN 15
            WHEN deposits >= DECIMAL '250000' THEN 10
            WHEN deposits >= DECIMAL '100000' THEN 5
            ELSE 0
        END AS liquidity_points,
        ${propensity_points} AS propensity_points,
        CASE
            WHEN last_dealing_on >= DATE '${days_30_ago}' THEN 10
            WHEN last_dealing_on >= DATE '${days_90_ago}' THEN 6
            WHEN last_dealing_on >= DATE '${days_180_ago}' THEN 3
            ELSE 0
        END AS recency_points,
        CASE
            WHEN assets_elsewhere >= DECIMAL '1000000' THEN 8
            WHEN assets_elsewhere >= DECIMAL '250000' THEN 4
            ELSE 0
        END
        + CASE WHEN credit_score >= 700 THEN 4 WHEN credit_score >= 600 THEN 2 ELSE 0 END
        + CASE WHEN market_deposit_rate_bp < ${offered_rate_bp} THEN 3 ELSE 0 END
            AS external_points
    FROM campaign
    WHERE newest = 1
        AND NOT opted_out
        AND NOT in_default
        AND status <> 'lapsed'
        AND investable_assets >= DECIMAL '${high_net_worth}'
),

scored AS (
    SELECT
        *,
        wealth_points + liquidity_points + propensity_points + recency_points + external_points
            AS score
    FROM eligible
),

ranked AS (
    SELECT
        *,
        row_number() OVER (
            PARTITION BY region ORDER BY score DESC, investable_assets DESC, customer_id ASC
        ) AS place
    FROM scored
)

SELECT
    region,
    CAST(place AS integer) AS place,
    customer_id,
    first_name,
    last_name,
    email,
    city,
    do_not_call,
    investable_assets,
    net_worth,
    deposits,
    wealth_points,
    liquidity_points,
    propensity_points,
    recency_points,
    external_points,
    score,
    lead_id
FROM ranked
WHERE place <= ${leads_per_region}
