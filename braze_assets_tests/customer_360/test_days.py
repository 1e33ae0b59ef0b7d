"""A day is a function of the settings and the day; one day to the next, a few customers change."""

from datetime import timedelta

import duckdb
import pytest

from braze_assets.customer_360 import TABLES, SampleSettings, build_table, day_end, table_sql
from braze_assets.errors import ConfigurationError
from braze_assets.storage import EngineSettings, connect
from braze_assets_tests.customer_360.conftest import DAY, NEXT, SETTINGS, differences, make, number


@pytest.mark.parametrize("name", TABLES)
def test_a_day_is_the_same_made_alone_and_on_one_thread(con: duckdb.DuckDBPyConnection, name: str) -> None:
    with connect(EngineSettings(threads=1)) as other:
        alone = build_table(other, name, SETTINGS, day=DAY).read_all()
    con.register("alone", alone)
    try:
        assert alone.num_rows == number(con, f"SELECT count(*) FROM today.{name}") > 1_000
        assert differences(con, "FROM alone", f"FROM today.{name}") == 0
    finally:
        con.unregister("alone")


def test_another_seed_gives_other_people(con: duckdb.DuckDBPyConnection) -> None:
    other = table_sql("merged_customers", SampleSettings(customers=5_000, seed=8, start=SETTINGS.start), DAY)
    shared = f"SELECT count(*) FROM ({other}) SEMI JOIN today.merged_customers USING (amperity_id)"
    assert number(con, shared) == 0


@pytest.mark.parametrize("name", TABLES)
def test_columns_and_their_types_are_as_declared(con: duckdb.DuckDBPyConnection, name: str) -> None:
    described = [(column, kind) for column, kind, *_ in con.execute(f"DESCRIBE today.{name}").fetchall()]
    assert described == [(column, kind) for column, kind, _ in TABLES[name].columns]
    assert all(text for _, _, text in TABLES[name].columns)
    assert TABLES[name].description


def test_tables_come_after_those_they_depend_on() -> None:
    seen: set[str] = set()
    for name, table in TABLES.items():
        assert set(table.depends_on) <= seen
        seen.add(name)


def test_about_two_percent_of_the_customers_change_each_day(con: duckdb.DuckDBPyConnection) -> None:
    customers = number(con, "SELECT count(*) FROM today.merged_customers")
    changed = number(
        con,
        "SELECT count(*) FROM (FROM tomorrow.merged_customers EXCEPT FROM today.merged_customers)"
        " SEMI JOIN today.merged_customers USING (amperity_id)",
    )
    assert 0.01 < changed / customers < 0.03
    dated = number(
        con,
        "SELECT count(*) FROM (FROM tomorrow.merged_customers EXCEPT FROM today.merged_customers)"
        f" WHERE update_dt < TIMESTAMPTZ '{day_end(DAY)}' OR update_dt >= TIMESTAMPTZ '{day_end(NEXT)}'",
    )
    assert dated == 0, "what changed says so in update_dt"


@pytest.mark.parametrize("name", ["email_opt_status", "sms_opt_status", "unified_loyalty"])
def test_consent_and_loyalty_change_too(con: duckdb.DuckDBPyConnection, name: str) -> None:
    rows = number(con, f"SELECT count(*) FROM today.{name}")
    changed = number(con, f"SELECT count(*) FROM (FROM tomorrow.{name} EXCEPT FROM today.{name})")
    assert 0.002 < changed / rows < 0.03


def test_some_join_and_some_leave(con: duckdb.DuckDBPyConnection) -> None:
    with connect() as own:
        later = DAY + timedelta(days=60)
        make(own, "day0", DAY)
        make(own, "day60", later)
        joined = number(own, "SELECT count(*) FROM day60.merged_customers ANTI JOIN day0.merged_customers"
                             " USING (amperity_id)")  # fmt: skip
        left = number(own, "SELECT count(*) FROM day0.merged_customers ANTI JOIN day60.merged_customers"
                           " USING (amperity_id)")  # fmt: skip
        orphans = number(own, "SELECT count(*) FROM day60.unified_itemized_transactions"
                              " ANTI JOIN day60.merged_customers USING (amperity_id)")  # fmt: skip
    assert joined == pytest.approx(5_000 * 0.001 * 60, rel=0.1)
    assert 25 <= left <= 110, "0.02 % a day of 5,000 over 60 days: about 60"
    assert orphans == 0, "who left has left everywhere"


def test_orders_are_only_added(con: duckdb.DuckDBPyConnection) -> None:
    stay = "SEMI JOIN tomorrow.merged_customers USING (amperity_id)"
    gone = number(
        con,
        f"SELECT count(*) FROM ((FROM today.unified_itemized_transactions {stay})"
        " EXCEPT FROM tomorrow.unified_itemized_transactions)",
    )
    new = con.execute(
        "SELECT min(order_datetime), max(order_datetime), count(*) FROM (FROM tomorrow.unified_transactions"
        " ANTI JOIN today.unified_transactions USING (order_id))"
    ).fetchall()[0]
    assert gone == 0
    assert new[2] > 0
    assert day_end(DAY) <= new[0] <= new[1] < day_end(NEXT)


def test_all_stages_of_a_customers_life_occur(con: duckdb.DuckDBPyConnection) -> None:
    query = "SELECT historical_purchaser_lifecycle_status, count(*) FROM today.customer_attributes GROUP BY 1"
    counts = dict(con.execute(query).fetchall())
    total = sum(counts.values())
    assert set(counts) == {"New", "Active", "Lapsed", "Dormant", "Prospect"}
    assert min(counts.values()) / total > 0.01
    tiers = con.execute("SELECT count(DISTINCT current_tier) FROM today.unified_loyalty").fetchall()
    assert tiers == [(4,)]


def test_the_first_day_and_a_day_years_later_exist(con: duckdb.DuckDBPyConnection) -> None:
    first = table_sql("merged_customers", SETTINGS, SETTINGS.start)
    assert number(con, f"SELECT count(*) FROM ({first})") == pytest.approx(5_000, abs=10)
    late = table_sql("transaction_attributes_extended", SETTINGS, SETTINGS.start + timedelta(days=2_000))
    assert number(con, f"SELECT count(*) FROM ({late}) WHERE L30D_order_frequency > 0") > 50


def test_no_day_before_the_first() -> None:
    with pytest.raises(ConfigurationError, match="starts on 2026-01-01"):
        table_sql("email_opt_status", SETTINGS, SETTINGS.start - timedelta(days=1))


def test_no_other_tables() -> None:
    with pytest.raises(ConfigurationError, match="no table 'orders'"):
        table_sql("orders", SETTINGS, DAY)


@pytest.mark.parametrize("wrong", [{"customers": 5}, {"customers": -1}, {"history_days": 30}])
def test_settings_out_of_range(wrong: dict[str, int]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        SampleSettings(**wrong)  # type: ignore[arg-type]
    assert caught.value.remedy
