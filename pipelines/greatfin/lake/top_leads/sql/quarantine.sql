-- What did not get into ${source}, and why: nothing delivered is lost.
SELECT
    '${source}' AS source_table,
    delivery_date,
    CASE
        WHEN fault IS NOT NULL THEN fault
        WHEN line = kept_line THEN 'duplicate'
        ELSE 'superseded'
    END AS reason,
    line AS record,
    '${hop}' AS hop
FROM (
    SELECT
        line,
        delivery_date,
        fault,
        row_number() OVER (PARTITION BY fault, ${key} ORDER BY ${newest_first}) AS version,
        first_value(line) OVER (PARTITION BY fault, ${key} ORDER BY ${newest_first}) AS kept_line
    FROM (
${checked}
    )
)
WHERE fault IS NOT NULL OR version > 1
