-- What Braze should know of each customer. This file is yours to edit.
--
--   * One row a customer. external_id is the identifier Braze knows the customer by.
--   * A column named like a profile field of Braze (first_name, dob, ...) fills that field; every other column
--     becomes a custom attribute. Names are lower case; write AS "Loyalty Tier" to keep a name as it is.
--   * $as_of is the end of the partition being made. Use it in place of current_date or now(), so that a
--     past day can be made again and come out the same.
--   * Every value that changes is sent, and may cost a data point. Prefer what changes when the customer does
--     something to what changes because a day has passed: a band such as '31-90 days' changes four times in a
--     customer's life, a count of days changes for everybody every day.

WITH loyalty AS (
    -- A customer can hold several cards: the one with the most points counts.
    SELECT amperity_id, current_tier, current_balance, latest_opted_in_datetime
    FROM unified_loyalty
    QUALIFY row_number() OVER (
        PARTITION BY amperity_id ORDER BY current_balance DESC NULLS LAST, loyalty_id
    ) = 1
)

SELECT
    mc.external_id,

    -- Profile fields
    mc.given_name AS first_name,
    mc.surname AS last_name,
    mc.email,
    mc.phone,
    mc.city AS home_city,
    mc.country,
    mc.birthdate AS dob,
    mc.gender,

    -- Purchases. Money is DECIMAL, so that the same amount is always the same number.
    CAST(tx.lifetime_order_revenue AS DECIMAL(12, 2)) AS lifetime_order_revenue,
    CAST(tx.lifetime_order_frequency AS BIGINT) AS lifetime_order_frequency,
    -- Rounded, or the last digits would change with the order of summation.
    round(CAST(tx.lifetime_average_order_value AS DOUBLE), 2) AS average_order_value,
    CAST(tx.first_order_datetime AS DATE) AS first_order_date,
    tx.latest_order_datetime,
    tx.first_to_second_order_days,
    tx.one_and_done,
    tx.early_repeat_purchaser,
    tx.multi_purchase_channel,
    tx.latest_order_purchase_channel AS latest_purchase_channel,
    -- Not days_since_latest_order, which is another number for every customer every morning.
    CASE
        WHEN tx.latest_order_datetime IS NULL THEN 'never'
        WHEN tx.latest_order_datetime >= $as_of - INTERVAL 30 DAY THEN '0-30 days'
        WHEN tx.latest_order_datetime >= $as_of - INTERVAL 90 DAY THEN '31-90 days'
        WHEN tx.latest_order_datetime >= $as_of - INTERVAL 365 DAY THEN '91-365 days'
        ELSE 'over a year'
    END AS latest_order_recency,
    -- Not the rolling revenue itself: orders leave the window every day, most of them without crossing a band.
    CASE
        WHEN coalesce(tx.l12m_order_revenue, 0) <= 0 THEN 'none'
        WHEN tx.l12m_order_revenue < 100 THEN 'under 100'
        WHEN tx.l12m_order_revenue < 500 THEN '100-499'
        WHEN tx.l12m_order_revenue < 1000 THEN '500-999'
        ELSE '1000 and more'
    END AS l12m_revenue_band,
    tx.l12m_order_revenue >= 1000 AS is_top_spender,

    -- Who they are to us
    ca.historical_purchaser_lifecycle_status AS lifecycle_status,
    ca.contactable_email AS is_contactable_by_email,
    ca.is_opted_into_sms,
    ca.is_employee,
    mc.company,

    -- Loyalty
    loyalty.current_tier AS loyalty_tier,
    CAST(loyalty.current_balance AS BIGINT) AS loyalty_points,
    CAST(loyalty.latest_opted_in_datetime AS DATE) AS loyalty_member_since,

    -- What they do with our e-mails, from Braze Currents
    em.most_recent_email_open_datetime,
    coalesce(em.email_clicks_last_30_days, 0) > 0 AS clicked_email_last_30_days,
    CASE
        WHEN coalesce(em.email_opens_last_30_days, 0) = 0 THEN 'none'
        WHEN em.email_opens_last_30_days < 4 THEN 'low'
        WHEN em.email_opens_last_30_days < 10 THEN 'medium'
        ELSE 'high'
    END AS email_engagement

FROM merged_customers AS mc
LEFT JOIN transaction_attributes_extended AS tx ON tx.amperity_id = mc.amperity_id
LEFT JOIN customer_attributes AS ca ON ca.amperity_id = mc.amperity_id
LEFT JOIN loyalty ON loyalty.amperity_id = mc.amperity_id
LEFT JOIN email_engagement_summary AS em ON em.external_user_id = mc.external_id
