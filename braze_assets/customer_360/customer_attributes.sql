-- One row a customer: where they stand in their life as a customer, and how they may be reached.
SELECT
    amperity_id,
    CASE
        WHEN first_order IS NULL THEN 'Prospect'
        WHEN first_order >= $day_end - INTERVAL 30 DAY THEN 'New'
        WHEN latest_order >= $day_end - INTERVAL 365 DAY THEN 'Active'
        WHEN latest_order >= $day_end - INTERVAL 730 DAY THEN 'Lapsed'
        ELSE 'Dormant'
    END AS historical_purchaser_lifecycle_status,
    -- The stage of leaving that was reached last, and when.
    CASE historical_purchaser_lifecycle_status WHEN 'Lapsed' THEN 'lapsed' WHEN 'Dormant' THEN 'dormant' END
        AS churn_trigger,
    CASE historical_purchaser_lifecycle_status
        WHEN 'Lapsed' THEN make_timestamptz(epoch_us(latest_order) + 365 * 86400000000)
        WHEN 'Dormant' THEN make_timestamptz(epoch_us(latest_order) + 730 * 86400000000)
    END AS churn_trigger_start_datetime,
    address IS NOT NULL AND postal IS NOT NULL AS contactable_address,
    email IS NOT NULL AND is_opted_into_email AS contactable_email,
    phone IS NOT NULL AND is_opted_into_sms AS contactable_phone,
    email IS NOT NULL OR phone IS NOT NULL AS contactable_paid_social,
    contactable_address OR contactable_email OR contactable_phone AS contactable_global,
    is_opted_into_email,
    is_opted_into_sms,
    first_order IS NOT NULL AS is_purchaser,
    first_order IS NULL AS is_prospect,
    company IS NOT NULL AS is_business,
    coalesce(email LIKE '%@staff.example.com', false) AS is_employee,
    coalesce(email LIKE 'qa+%', false) AS is_test_account,
    coalesce(items >= 15, false) AS is_reseller,
    coalesce(revenue >= 1500, false) AS is_outlier,
    given_name IS NULL AND surname IS NULL AND email IS NULL AND phone IS NULL AS is_no_pii_amperity_id
FROM (
    SELECT
        merged_customers.*,
        coalesce(is_email_opted_in, false) AS is_opted_into_email,
        coalesce(is_sms_opted_in, false) AS is_opted_into_sms,
        first_order_datetime AS first_order,
        latest_order_datetime AS latest_order,
        L12M_total_items AS items,
        lifetime_order_revenue AS revenue
    FROM merged_customers
    LEFT JOIN transaction_attributes_extended USING (amperity_id)
    LEFT JOIN email_opt_status USING (amperity_id, email)
    LEFT JOIN sms_opt_status USING (amperity_id, phone)
)
