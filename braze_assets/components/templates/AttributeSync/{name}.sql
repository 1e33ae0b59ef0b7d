-- DuckDB SQL: one row a user, one column an attribute. $as_of is the end of the partition.
-- Names of Braze's profile fields (email, country, ...) fill these; other names are custom attributes.
SELECT
    external_id,
    has_orders,
    latest_order_datetime
FROM merged_customers
WHERE external_id IS NOT NULL
