-- One row an order: its items added up.
--
-- An order's own columns are the same on all its items. `order_revenue` and `order_quantity` are those of the
-- sale; what was returned or cancelled is beside them, zero or negative.
SELECT
    order_id,
    any_value(amperity_id) AS amperity_id,
    any_value(customer_id) AS customer_id,
    min(order_datetime) AS order_datetime,
    any_value(currency) AS currency,
    coalesce(sum(item_quantity) FILTER (sold), 0) AS order_quantity,
    coalesce(sum(item_revenue) FILTER (sold), 0) AS order_revenue,
    coalesce(sum(item_quantity) FILTER (is_return), 0) AS order_returned_quantity,
    coalesce(sum(item_revenue) FILTER (is_return), 0) AS order_returned_revenue,
    coalesce(sum(item_quantity) FILTER (is_cancellation), 0) AS order_canceled_quantity,
    coalesce(sum(item_revenue) FILTER (is_cancellation), 0) AS order_canceled_revenue,
    sum(item_list_price) AS order_list_price,
    sum(item_subtotal) AS order_subtotal,
    sum(item_discount_amount) AS order_discount_amount,
    sum(item_tax_amount) AS order_tax_amount,
    sum(item_cost) AS order_cost,
    sum(item_revenue) AS net_order_revenue,
    any_value(payment_method) AS payment_method,
    any_value(purchase_brand) AS purchase_brand,
    any_value(purchase_channel) AS purchase_channel,
    any_value(digital_channel) AS digital_channel,
    any_value(store_id) AS store_id,
    net_order_revenue AS sum_item_revenue,
    order_discount_amount AS sum_item_discount_amount,
    CASE WHEN order_subtotal <> 0 THEN round(100 * (order_discount_amount / order_subtotal)::DOUBLE, 2) END
        AS order_discount_percent
FROM (
    SELECT *, NOT coalesce(is_return, false) AND NOT coalesce(is_cancellation, false) AS sold
    FROM unified_itemized_transactions
)
GROUP BY order_id
