"""Unified_Transactions: one row an order, added up from its items."""

from braze_assets.customer_360.sample_table import SampleTable, sql_file

__all__ = ["UNIFIED_TRANSACTIONS"]

UNIFIED_TRANSACTIONS = SampleTable(
    name="unified_transactions",
    description="One row an order: the sums of its items.",
    columns=(
        ("order_id", "VARCHAR", "The order."),
        ("amperity_id", "VARCHAR", "The person who ordered."),
        ("customer_id", "VARCHAR", "The customer number in the shop."),
        ("order_datetime", "TIMESTAMP WITH TIME ZONE", "When it was ordered, returned or cancelled."),
        ("currency", "VARCHAR", "ISO 4217 code of all amounts of the row."),
        ("order_quantity", "BIGINT", "Items sold; 0 for a return or a cancellation."),
        ("order_revenue", "DECIMAL(18,2)", "Revenue after discounts, before returns and cancellations."),
        ("order_returned_quantity", "BIGINT", "Items returned, 0 or negative."),
        ("order_returned_revenue", "DECIMAL(18,2)", "Revenue returned, 0 or negative."),
        ("order_canceled_quantity", "BIGINT", "Items cancelled, 0 or negative."),
        ("order_canceled_revenue", "DECIMAL(18,2)", "Revenue cancelled, 0 or negative."),
        ("order_list_price", "DECIMAL(18,2)", "List price of all items."),
        ("order_subtotal", "DECIMAL(18,2)", "Amount before discounts and tax."),
        ("order_discount_amount", "DECIMAL(18,2)", "Discounts."),
        ("order_discount_percent", "DOUBLE", "Discounts in percent of the subtotal."),
        ("order_tax_amount", "DECIMAL(18,2)", "Tax."),
        ("order_cost", "DECIMAL(18,2)", "Cost of the goods."),
        ("net_order_revenue", "DECIMAL(18,2)", "Revenue after returns and cancellations."),
        ("sum_item_revenue", "DECIMAL(18,2)", "Sum of the items' revenue."),
        ("sum_item_discount_amount", "DECIMAL(18,2)", "Sum of the items' discounts."),
        ("payment_method", "VARCHAR", "How it was paid."),
        ("purchase_brand", "VARCHAR", "The brand it was bought from."),
        ("purchase_channel", "VARCHAR", "web, app, store or phone."),
        ("digital_channel", "VARCHAR", "What led to an order on the web or in the app."),
        ("store_id", "VARCHAR", "The store, for orders in stores."),
    ),
    key=("order_id",),
    depends_on=("unified_itemized_transactions",),
    query=sql_file("unified_transactions.sql"),
)
