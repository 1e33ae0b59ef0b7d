-- DuckDB SQL: one row an event, with an id that stays the same whenever the SQL runs again.
SELECT
    o.order_id AS event_id,
    c.external_id,
    o.order_datetime AS "time",
    o.order_revenue AS revenue
FROM unified_transactions AS o
JOIN merged_customers AS c USING (amperity_id)
WHERE c.external_id IS NOT NULL
