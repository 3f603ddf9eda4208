-- The newest valid version of each key, typed; everything else is in the quarantine.
INSERT INTO ${standardized}.${table}
SELECT
    ${columns}
FROM (
    SELECT
        *,
        row_number() OVER (PARTITION BY fault, ${key} ORDER BY ${newest_first}) AS version
    FROM (
${checked}
    )
)
WHERE fault IS NULL AND version = 1
