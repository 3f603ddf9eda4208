-- Leads whose customer number no customer has: not ours to offer anything, kept with the reason.
INSERT INTO ${quarantine}.rejected_rows
SELECT
    'crm/salesforce/leads' AS source_table,
    CAST(l.created_on AS varchar) AS delivery_date,
    'customer unknown' AS reason,
    l.lead_id || ',' || CAST(l.customer_id AS varchar) AS record,
    '${hop}' AS hop
FROM ${standardized}.crm_leads AS l
LEFT JOIN ${standardized}.core_banking_customers AS c ON c.customer_id = l.customer_id
WHERE c.customer_id IS NULL
