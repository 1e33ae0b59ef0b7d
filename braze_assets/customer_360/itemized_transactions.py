"""Unified_Itemized_Transactions: one row an item of an order.

A return or a cancellation is an order of its own, with a number and a time of its own and nothing but
negative amounts, so that no row ever changes.
"""

from datetime import date

from braze_assets.customer_360.draws import Draws, text_list
from braze_assets.customer_360.people import order_day, people_sql
from braze_assets.customer_360.sample_table import SampleTable
from braze_assets.customer_360.settings import SampleSettings
from braze_assets.customer_360.vocabulary import COUNTRIES

__all__ = ["UNIFIED_ITEMIZED_TRANSACTIONS"]

_PRODUCTS = 400
_BRANDS = ("Lumen Outdoor", "Lumen Outdoor", "Petit Jardin", "Harbour & Pine")
_CHANNELS = ("web", "web", "web", "app", "app", "store", "store", "store", "phone")
_DIGITAL = ("organic", "email", "paid search", "social", "direct")
_PAYMENTS = ("card", "card", "card", "paypal", "gift card")
_DAY = 86_400_000_000  # microseconds


def _query(settings: SampleSettings, day: date) -> str:
    return f"""
    SELECT
        amperity_id,
        customer_id,
        order_id,
        make_timestamptz(ordered_at) AS order_datetime,
        'P' || lpad(product::VARCHAR, 4, '0') AS product_id,
        sign * quantity AS item_quantity,
        {_money("sign * quantity * list_price")} AS item_list_price,
        {_money("sign * quantity * list_price")} AS item_subtotal,
        {_money("sign * discount")} AS item_discount_amount,
        percent::DOUBLE AS item_discount_percent,
        {_money("sign * revenue")} AS item_revenue,
        {_money("sign * (revenue * tax_percent // 100)")} AS item_tax_amount,
        {_money("sign * quantity * cost")} AS item_cost,
        {_money("sign * (revenue - quantity * cost)")} AS item_profit,
        {_money("list_price")} AS unit_list_price,
        {_money("cost")} AS unit_cost,
        {text_list([country.currency for country in COUNTRIES])}[1 + country] AS currency,
        is_return,
        is_cancellation,
        payment_method,
        purchase_brand,
        purchase_channel,
        CASE WHEN purchase_channel IN ('web', 'app') THEN digital_channel END AS digital_channel,
        CASE WHEN purchase_channel = 'store' THEN store_id END AS store_id
    FROM (
        SELECT
            *,
            quantity * list_price * percent // 100 AS discount,
            quantity * list_price - discount AS revenue
        FROM ({_items(settings, day)})
    )
    """


def _money(cents: str) -> str:
    return f"(({cents})::DECIMAL(12,0) * 0.01::DECIMAL(2,2))::DECIMAL(14,2)"


def _items(settings: SampleSettings, day: date) -> str:
    """One row an item; what was taken back of an order comes as one item more, with the first one's goods."""
    draws = Draws(settings.seed)
    line = "CASE WHEN sign < 0 THEN 0 ELSE line END"
    # Consecutive items of an order are a fixed step apart in the catalog, so no product comes twice.
    product = f"(first_product + 37 * ({line})) % {_PRODUCTS}"
    return f"""
    SELECT
        *,
        CASE WHEN sign > 0 THEN 'O' WHEN is_return THEN 'R' ELSE 'X' END || o AS order_id,
        placed_at + CASE WHEN sign < 0 THEN taken_back_after * {_DAY} ELSE 0 END AS ordered_at,
        {product} AS product,
        1 + {draws.chance("two of it", 0.15, f"(o * 4 + {line})")}::BIGINT AS quantity,
        499 + 100 * {draws.whole("price", 120, product)} AS list_price,
        list_price * (40 + {draws.whole("cost", 20, product)}) // 100 AS cost
    FROM (
        SELECT
            * EXCLUDE (is_returned),
            CASE WHEN line < items THEN 1 ELSE -1 END AS sign,
            line = items AND is_returned AS is_return,
            line = items AND NOT is_returned AS is_cancellation
        FROM (SELECT *, unnest(range(items + taken_back)) AS line FROM ({_orders(settings, day)}))
    )
    """


def _orders(settings: SampleSettings, day: date) -> str:
    """One row an order placed so far."""
    draws = Draws(settings.seed)
    today = settings.day_number(day)
    start = f"epoch_us(DATE '{settings.start}')"
    basket = draws.whole("basket", 20, "o")
    tax = [7, 20, 10, 19, 20, 23, 10]
    return f"""
    SELECT
        *,
        CASE WHEN {basket} < 13 THEN 1 WHEN {basket} < 18 THEN 2 ELSE 3 END AS items,
        {start} + {_DAY} * ordered_on + 1000000 * (28_800 + {draws.whole("order second", 57_600, "o")})
            AS placed_at,
        {draws.chance("returned", 0.04, "o")} AS is_returned,
        CASE WHEN is_returned THEN 3 + {draws.whole("returned after", 45, "o")} ELSE 1 END
            AS taken_back_after,
        ((is_returned OR {draws.chance("cancelled", 0.01, "o")})
            AND ordered_on + taken_back_after <= {today})::BIGINT AS taken_back,
        [0, 0, 0, 0, 0, 0, 10, 15, 20, 30][1 + {draws.whole("discount", 10, "o")}] AS percent,
        {tax}[1 + country] AS tax_percent,
        {draws.whole("product", _PRODUCTS, "o")} AS first_product,
        {draws.pick("payment", _PAYMENTS, "o")} AS payment_method,
        {draws.pick("brand", _BRANDS, "o")} AS purchase_brand,
        CASE WHEN {draws.chance("usual channel", 0.7, "o")} THEN {draws.pick("channel", _CHANNELS)}
            ELSE {draws.pick("other channel", _CHANNELS, "o")} END AS purchase_channel,
        {draws.pick("digital channel", _DIGITAL, "o")} AS digital_channel,
        'S' || lpad({draws.whole("store", 120)}::VARCHAR, 3, '0') AS store_id
    FROM (
        SELECT amperity_id, customer_id, country, i, i * 64 + k AS o, {order_day(draws, "k")} AS ordered_on
        FROM (SELECT *, unnest(range(orders)) AS k FROM ({people_sql(settings, day)}))
    )
    """


UNIFIED_ITEMIZED_TRANSACTIONS = SampleTable(
    name="unified_itemized_transactions",
    description="One row an item of an order. Returns and cancellations are orders of their own, negative.",
    columns=(
        ("amperity_id", "VARCHAR", "The person who ordered."),
        ("customer_id", "VARCHAR", "The customer number in the shop."),
        ("order_id", "VARCHAR", "The order."),
        ("order_datetime", "TIMESTAMP WITH TIME ZONE", "When it was ordered, returned or cancelled."),
        ("product_id", "VARCHAR", "The product."),
        ("item_quantity", "INTEGER", "How many; negative when returned or cancelled."),
        ("item_list_price", "DECIMAL(12,2)", "List price of all of them."),
        ("item_subtotal", "DECIMAL(12,2)", "Amount before discounts and tax."),
        ("item_discount_amount", "DECIMAL(12,2)", "Discount on all of them."),
        ("item_discount_percent", "DOUBLE", "Discount in percent of the subtotal."),
        ("item_revenue", "DECIMAL(12,2)", "Subtotal less discount; negative when returned or cancelled."),
        ("item_tax_amount", "DECIMAL(12,2)", "Tax."),
        ("item_cost", "DECIMAL(12,2)", "Cost of the goods."),
        ("item_profit", "DECIMAL(12,2)", "Revenue less cost."),
        ("unit_list_price", "DECIMAL(12,2)", "List price of one."),
        ("unit_cost", "DECIMAL(12,2)", "Cost of one."),
        ("currency", "VARCHAR", "ISO 4217 code of all amounts of the row."),
        ("is_return", "BOOLEAN", "Whether the row is a return."),
        ("is_cancellation", "BOOLEAN", "Whether the row is a cancellation."),
        ("payment_method", "VARCHAR", "How it was paid."),
        ("purchase_brand", "VARCHAR", "The brand it was bought from."),
        ("purchase_channel", "VARCHAR", "web, app, store or phone."),
        ("digital_channel", "VARCHAR", "What led to an order on the web or in the app."),
        ("store_id", "VARCHAR", "The store, for orders in stores."),
    ),
    key=("order_id", "product_id"),
    query=_query,
)
