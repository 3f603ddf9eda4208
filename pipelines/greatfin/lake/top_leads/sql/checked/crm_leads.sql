-- crm/salesforce/leads: JSON lines of flat objects; whether a number comes as a number or as a
-- string does not matter. A line that is no flat object is broken, and is not looked into:
-- json_extract_scalar would answer from the part before the break.
WITH delivered AS (
    SELECT
        line,
        delivery_date,
        layout,
        CASE
            WHEN regexp_like(
                line,
                '^\{[ ]*"[^"\\]*"[ ]*:[ ]*("([^"\\]|\\["/bfnrt\\])*"|-?[0-9]+([.][0-9]+)?|true|false|null)[ ]*(,[ ]*"[^"\\]*"[ ]*:[ ]*("([^"\\]|\\["/bfnrt\\])*"|-?[0-9]+([.][0-9]+)?|true|false|null)[ ]*)*\}$'
            ) THEN line
        END AS object
    FROM ${raw}.crm_leads
),

fields AS (
    SELECT
        line,
        delivery_date,
        layout,
        object IS NULL AS broken,
        coalesce(json_extract_scalar(object, '$.Id'), '') AS lead_id,
        coalesce(json_extract_scalar(object, '$.Customer_Number__c'), '') AS customer_id,
        coalesce(json_extract_scalar(object, '$.LeadSource'), '') AS lead_source,
        coalesce(json_extract_scalar(object, '$.Status'), '') AS status,
        coalesce(json_extract_scalar(object, '$.HasOptedOutOfEmail'), '') AS opted_out,
        coalesce(json_extract_scalar(object, '$.DoNotCall'), '') AS do_not_call,
        coalesce(json_extract_scalar(object, '$.Previous_Contacts__c'), '0') AS previous_contacts,
        json_extract_scalar(object, '$.Last_Contact_Date__c') AS last_contact_on,
        coalesce(json_extract_scalar(object, '$.CreatedDate'), '') AS created,
        coalesce(json_extract_scalar(object, '$.LastModifiedDate'), '') AS modified
    FROM delivered
)

SELECT
    line,
    delivery_date,
    CASE
        WHEN layout = 'unknown' THEN 'layout unknown'
        WHEN broken THEN 'json broken'
        WHEN NOT regexp_like(lead_id, '^00Q[0-9]{15}$') THEN 'lead_id invalid'
        WHEN NOT regexp_like(customer_id, '^[0-9]{9}$') THEN 'customer_id invalid'
        WHEN lead_source NOT IN ('', 'Web', 'Branch', 'Partner', 'Phone')
            THEN 'lead_source invalid'
        WHEN status NOT IN ('Open', 'Working', 'Nurturing') THEN 'lead_status invalid'
        WHEN opted_out NOT IN ('true', 'false') THEN 'opted_out invalid'
        WHEN do_not_call NOT IN ('true', 'false') THEN 'do_not_call invalid'
        WHEN NOT regexp_like(previous_contacts, '^[0-9]{1,4}$') THEN 'previous_contacts invalid'
        WHEN last_contact_on IS NOT NULL AND (
            NOT regexp_like(last_contact_on, '^[0-9]{4}-[0-9]{2}-[0-9]{2}$')
            OR TRY_CAST(last_contact_on AS date) IS NULL
        ) THEN 'last_contact_on invalid'
        WHEN NOT regexp_like(created, '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}')
            OR TRY_CAST(substr(created, 1, 10) AS date) IS NULL
            THEN 'created_on invalid'
        WHEN NOT regexp_like(modified, '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}')
            OR TRY_CAST(substr(modified, 1, 10) AS date) IS NULL
            THEN 'modified_at invalid'
    END AS fault,
    lead_id,
    TRY_CAST(customer_id AS bigint) AS customer_id,
    nullif(lead_source, '') AS lead_source,
    status,
    opted_out = 'true' AS opted_out,
    do_not_call = 'true' AS do_not_call,
    TRY_CAST(previous_contacts AS integer) AS previous_contacts,
    TRY_CAST(last_contact_on AS date) AS last_contact_on,
    TRY_CAST(substr(created, 1, 10) AS date) AS created_on,
    modified AS modified_at,
    TRY_CAST(substr(created, 1, 4) AS integer) AS year
FROM fields
