"""K09: the default table, over the sample Customer 360."""

import datetime as dt

import duckdb
import pytest

from braze_assets.braze.fields import PROFILE_FIELDS, shadowed_field
from braze_assets.customer_360 import SampleSettings, day_end, table_sql
from braze_assets.rows import BuiltRows, RowsSpec, TableQuery, build_rows
from braze_assets_tests.rows.test_query import DEFAULT

DAY = dt.date(2026, 11, 1)
ENGAGEMENT = """(SELECT 'C0000001' AS external_user_id, 5::BIGINT AS email_opens_last_30_days,
    1::BIGINT AS email_clicks_last_30_days,
    TIMESTAMPTZ '2026-10-30 10:00:00+00' AS most_recent_email_open_datetime)"""


def built_on(con: duckdb.DuckDBPyConnection, day: dt.date) -> BuiltRows:
    query = TableQuery.from_file(DEFAULT)
    sample = SampleSettings(customers=400)
    sources = {"email_engagement_summary": ENGAGEMENT}
    for name in query.sources:
        if name not in sources:
            con.execute(f"CREATE OR REPLACE TEMP TABLE sample_{name} AS {table_sql(name, sample, day)}")
            sources[name] = f"sample_{name}"
    spec = RowsSpec(name="braze_customer_attributes", query=query)
    return build_rows(con, spec, sources, partition=day.isoformat(), as_of=day_end(day))


@pytest.fixture(scope="module")
def built(con: duckdb.DuckDBPyConnection) -> BuiltRows:
    return built_on(con, DAY)


def test_it_has_profile_fields_and_custom_attributes_of_every_type(built: BuiltRows) -> None:
    """K09, K12."""
    attributes = built.header.attributes
    profile = [one.name for one in attributes if one.kind == "profile"]
    custom = [one for one in attributes if one.kind == "custom"]
    assert set(profile) == {
        "first_name", "last_name", "email", "phone", "home_city", "country", "dob", "gender"
    }  # fmt: skip
    assert 20 <= len(custom) <= 25
    assert {one.type.name for one in custom} == {
        "Boolean", "Date", "Datetime", "Decimal", "Float", "Integer", "String"
    }  # fmt: skip


def test_no_attribute_duplicates_a_profile_field(built: BuiltRows) -> None:
    """K13."""
    assert all(shadowed_field(one.name) is None for one in built.header.attributes)


def test_the_samples_dirt_is_found_and_nothing_else(built: BuiltRows) -> None:
    """K11, K12."""
    findings = built.counts.findings
    assert set(findings) <= {*PROFILE_FIELDS, "company", "average_order_value"}
    assert set(findings["average_order_value"]) == {"not_finite"}
    assert set(findings["company"]) == {"too_long"}


def test_one_row_a_customer_with_values(built: BuiltRows) -> None:
    table = built.reader().read_all()
    rows = [row for row in table.to_pylist() if row["_error"] is None]
    assert len(rows) == built.counts.sendable > 380
    buyer = next(row for row in rows if row["lifetime_order_frequency"])
    assert buyer["lifetime_order_revenue"] > 0
    assert buyer["latest_order_recency"] != "never"
    reader = next(row for row in rows if row["external_id"] == "C0000001")
    assert (reader["email_engagement"], reader["clicked_email_last_30_days"]) == ("medium", True)
    assert {row["email_engagement"] for row in rows if row["external_id"] != "C0000001"} == {"none"}


def test_a_day_changes_few_cells(con: duckdb.DuckDBPyConnection) -> None:
    """No attribute churns: from one day to the next at most a twentieth of the customers differ in any."""
    first = {row["external_id"]: row for row in built_on(con, DAY).reader().read_all().to_pylist()}
    second = built_on(con, DAY + dt.timedelta(days=1)).reader().read_all().to_pylist()
    both = [(first[row["external_id"]], row) for row in second if row["external_id"] in first]
    assert len(both) > 380
    for name in second[0]:
        changed = sum(old[name] != new[name] for old, new in both)
        assert changed <= len(both) / 20, name
