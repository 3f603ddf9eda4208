-- marketing/leads: one row per CRM lead of a known customer, with what every line of business
-- knows of that customer, augmented with the bought attributes.
INSERT INTO ${marketing}.leads
WITH month_end AS (
    SELECT account_id, max_by(balance, as_of) AS balance
    FROM ${standardized}.core_banking_balances
    GROUP BY account_id
),

deposits AS (
    SELECT
        a.customer_id,
        sum(CASE WHEN a.product <> 'loan' THEN b.balance END) AS deposits,
        sum(CASE WHEN a.product = 'loan' THEN -b.balance END) AS loans_owed,
        max(CASE WHEN a.product = 'loan' THEN 1 ELSE 0 END) AS has_loan,
        max(CASE WHEN a.in_default = 'Y' THEN 1 ELSE 0 END) AS in_default
    FROM ${standardized}.core_banking_accounts AS a
    LEFT JOIN month_end AS b ON b.account_id = a.account_id
    GROUP BY a.customer_id
),

securities AS (
    SELECT customer_id, sum(market_value) AS securities
    FROM ${standardized}.securities_portfolios
    GROUP BY customer_id
),

homes AS (
    SELECT customer_id, sum(property_value - outstanding) AS home_equity
    FROM ${standardized}.mortgages_mortgages
    WHERE status <> 'closed'
    GROUP BY customer_id
),

cards AS (
    SELECT customer_id, sum(owed) AS cards_owed
    FROM ${standardized}.cards_cards
    GROUP BY customer_id
),

activity AS (
    SELECT customer_id, max(happened_on) AS last_dealing_on
    FROM (
        SELECT customer_id, posted_on AS happened_on FROM ${standardized}.cards_transactions
        UNION ALL
        SELECT customer_id, dealt_on AS happened_on FROM ${standardized}.securities_dealings
    )
    GROUP BY customer_id
),

known AS (
    SELECT
        l.lead_id,
        l.lead_source,
        l.status AS lead_status,
        l.created_on,
        l.year,
        l.opted_out,
        l.do_not_call,
        l.previous_contacts,
        l.last_contact_on,
        c.*,
        coalesce(d.deposits, DECIMAL '0.00') AS deposits,
        coalesce(d.loans_owed, DECIMAL '0.00') AS loans_owed,
        coalesce(d.has_loan, 0) = 1 AS has_loan,
        coalesce(d.in_default, 0) = 1 AS in_default,
        coalesce(s.securities, DECIMAL '0.00') AS securities,
        coalesce(h.home_equity, DECIMAL '0.00') AS home_equity,
        h.customer_id IS NOT NULL AS has_mortgage,
        coalesce(k.cards_owed, DECIMAL '0.00') AS cards_owed,
        t.last_dealing_on,
        e.credit_score,
        e.assets_elsewhere,
        r.market_deposit_rate_bp,
        r.house_price_change_bp,
        r.consumer_confidence
    FROM ${standardized}.crm_leads AS l
    INNER JOIN (
        SELECT customer_id, first_name, last_name, email, city, country, birth_date, job, marital,
            education, person_key
        FROM ${standardized}.core_banking_customers
    ) AS c ON c.customer_id = l.customer_id
    LEFT JOIN deposits AS d ON d.customer_id = c.customer_id
    LEFT JOIN securities AS s ON s.customer_id = c.customer_id
    LEFT JOIN homes AS h ON h.customer_id = c.customer_id
    LEFT JOIN cards AS k ON k.customer_id = c.customer_id
    LEFT JOIN activity AS t ON t.customer_id = c.customer_id
    LEFT JOIN ${standardized}.external_scores AS e ON e.person_key = c.person_key
    LEFT JOIN ${standardized}.external_regions AS r ON r.country = c.country AND r.year = l.year
)

SELECT
    lead_id,
    customer_id,
    first_name,
    last_name,
    email,
    city,
    birth_date,
    job,
    marital,
    education,
    CASE
        WHEN last_dealing_on >= DATE '${active_since}' THEN 'active'
        WHEN last_dealing_on >= DATE '${dormant_since}' THEN 'dormant'
        ELSE 'lapsed'
    END AS status,
    lead_source,
    lead_status,
    created_on,
    opted_out,
    do_not_call,
    previous_contacts,
    last_contact_on,
    has_loan,
    has_mortgage,
    in_default,
    CAST(deposits AS decimal(18, 2)) AS deposits,
    CAST(securities AS decimal(18, 2)) AS securities,
    CAST(home_equity AS decimal(18, 2)) AS home_equity,
    CAST(loans_owed AS decimal(18, 2)) AS loans_owed,
    CAST(cards_owed AS decimal(18, 2)) AS cards_owed,
    CAST(deposits + securities - loans_owed - cards_owed AS decimal(18, 2)) AS investable_assets,
    CAST(deposits + securities + home_equity - loans_owed - cards_owed AS decimal(18, 2))
        AS net_worth,
    last_dealing_on,
    credit_score,
    assets_elsewhere,
    market_deposit_rate_bp,
    house_price_change_bp,
    consumer_confidence,
    country AS region,
    year
FROM known
