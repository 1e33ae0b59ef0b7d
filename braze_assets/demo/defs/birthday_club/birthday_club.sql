SELECT
    external_id,
    birthdate AS birthday
FROM merged_customers
WHERE birthdate IS NOT NULL
