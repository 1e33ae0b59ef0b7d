"""K25: segments in YAML become tables of members; what is wrong is told with file and line."""

from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow.parquet as pq
import pytest

from braze_assets.errors import BrazeAssetsError, ConfigurationError
from braze_assets_tests.projects import Project, failure

DAY, NEXT = "2026-07-01", "2026-07-02"
TABLES = [
    "merged_customers",
    "unified_itemized_transactions",
    "unified_transactions",
    "transaction_attributes_extended",
    "email_opt_status",
    "sms_opt_status",
    "customer_attributes",
]
HEAD = "type: braze_assets.Segments\nattributes:\n  segments:\n"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project(tmp_path, str(tmp_path / "storage"))
    made.write("sample/defs.yaml", "type: braze_assets.SampleCustomer360\n")
    return made


def refused(project: Project, rule: str) -> BrazeAssetsError:
    project.write("seg/defs.yaml", HEAD + f"    - name: one\n      rule:\n        {rule}\n")
    with pytest.raises(BrazeAssetsError) as error:
        project.definitions()
    return error.value


@pytest.mark.parametrize(
    ("rule", "line", "cause", "remedy"),
    [
        ("one_and_don: is true", 6, "No table has the column one_and_don", "one_and_done"),
        ("customer_attributes.is_employe: is true", 6, "no column is_employe", "is_employee"),
        ("customer_atributes.is_employee: is true", 4, "customer_atributes", "customer_attributes"),
        ("loyalty_id: is not blank", 6, "in several tables", "merged_customers.loyalty_id"),
        ("unified_transactions.order_revenue: {at least: 1}", 6, "many rows a customer", "purchased"),
        ("country: {at least: 5}", 6, "country is VARCHAR", "`is`"),
        ("country: {is: 5}", 6, "country is VARCHAR", "quoted"),
        ("country: {is: NO}", 6, "country is VARCHAR", '"NO"'),
        ("birthdate: is true", 6, "birthdate is DATE", "before"),
        ("one_and_done: {is: 'yes'}", 6, "one_and_done is BOOLEAN", "is true"),
        ("country: {iss: DE}", 6, "'iss' is nothing", "is"),
        ("country: DE", 6, "'DE' is nothing", "{is: DE}"),
        ("create_dt: in the last 30 dayz", 6, "nothing that can be asked", "in the last 30 days"),
        ("create_dt: {before: 2026-02-30}", 6, "no point in time", "YYYY-MM-DD"),
        ("create_dt: in the last 0 days", 6, "0 days", "1 to"),
        ("any: []", 6, "A list of rules is expected", "dash"),
        ("purchased: {when: yesterday, channels: web}", 6, "knows no 'channels'", "channel"),
        ("purchased: {count: {is: 0}}", 6, "Nobody purchased", "not purchased"),
        ("in segment: two", 6, "The segment two is unknown", "one"),
        ("in segment: one", 6, "circle: one -> one", "Take one of them out"),
        ("sql: country = ", 6, "does not parse", "one expression"),
        ("sql: count(*) > 1", 6, "aggregate", "purchased"),
        ("sql: birthdate < current_date", 6, "another answer every time", "$as_of"),
        ("sql: birthdate < $today", 6, "$today is unknown", "$as_of"),
        ("sql: length(country)", 6, "neither true nor false", "Compare"),
        ("sql: country = (SELECT 'DE')", 6, "a query of its own", "purchased"),
        ("sql: contry = 'DE'", 6, "No table has the column contry", "country"),
    ],
)
def test_what_is_wrong_is_told_with_file_and_line(
    project: Project, rule: str, line: int, cause: str, remedy: str
) -> None:
    """K25, BAD INPUT: unknown segment, table, column; cycles; types."""
    error = refused(project, rule)
    assert cause in error.cause
    assert f"seg/defs.yaml:{line}" in str(error.place)
    assert remedy in str(error.remedy)


def test_the_line_is_that_of_the_condition(project: Project) -> None:
    error = refused(project, "any:\n          - country: {is: DE}\n          - cuntry: {is: AT}")
    assert "seg/defs.yaml:8" in str(error.place)
    assert "country" in str(error.remedy)


def test_a_circle_through_two_files_is_named(project: Project) -> None:
    """K25, BAD INPUT: cycles of segments."""
    project.write(
        "a/defs.yaml",
        "type: braze_assets.Segments\nattributes:\n  name: a\n  segments:\n"
        "    - {name: one, rule: {in segment: two}}\n",
    )
    project.write(
        "b/defs.yaml",
        "type: braze_assets.Segments\nattributes:\n  name: b\n  segments:\n"
        "    - {name: two, rule: {not: {in segment: one}}}\n",
    )
    with pytest.raises(ConfigurationError, match="one -> two -> one") as error:
        project.load()
    assert "defs.yaml:5" in str(error.value.place)


def test_one_name_twice_is_refused_in_whatever_case(project: Project) -> None:
    """K25, BAD INPUT."""
    segment = "    - name: {}\n      rule: {{one_and_done: is true}}\n"
    project.write("seg/defs.yaml", HEAD + segment.format("vip") + segment.format("VIP"))
    with pytest.raises(ConfigurationError, match="taken by another segment") as error:
        project.load()
    assert "defs.yaml:4" in str(error.value.place)
    assert "defs.yaml:6" in str(error.value.place)


SEGMENTS = """\
    - name: purchased_yesterday
      rule: {purchased: yesterday}
    - name: one_and_done
      description: One order only.
      owners: ["team:crm"]
      rule: {one_and_done: is true}
    - name: early_repeat_purchasers
      rule: {early_repeat_purchaser: is true}
    - name: lapsing
      rule: {latest_order_datetime: more than 1 year ago}
    - name: win_back
      rule: {days_since_latest_order: {at least: 730}, contactable_email: is true}
    - name: first_time_buyers_by_text_message
      rule: {purchased: {count: {is: 1}}, is_sms_opted_in: is true}
    - name: excluded
      rule:
        any:
          - customer_attributes.is_opted_into_email: is not true
          - is_test_account: is true
          - is_employee: is true
    - name: mailing
      rule:
        any: [{in segment: lapsing}, {in segment: one_and_done}]
        not in segment: excluded
"""
# The same questions, asked by hand in SQL.
BY_HAND = {
    "purchased_yesterday": "SELECT DISTINCT amperity_id FROM unified_transactions WHERE order_quantity > 0 "
    "AND order_datetime >= TIMESTAMPTZ '2026-07-01 00:00:00+00' "
    "AND order_datetime < TIMESTAMPTZ '2026-07-02 00:00:00+00'",
    "one_and_done": "SELECT amperity_id FROM transaction_attributes_extended WHERE one_and_done",
    "early_repeat_purchasers": "SELECT amperity_id FROM transaction_attributes_extended "
    "WHERE first_to_second_order_days <= 84",
    "lapsing": "SELECT amperity_id FROM transaction_attributes_extended "
    "WHERE latest_order_datetime < TIMESTAMPTZ '2025-07-02 00:00:00+00'",
    "win_back": "SELECT amperity_id FROM transaction_attributes_extended JOIN customer_attributes "
    "USING (amperity_id) WHERE days_since_latest_order >= 730 AND contactable_email",
    "first_time_buyers_by_text_message": "SELECT amperity_id FROM sms_opt_status WHERE is_sms_opted_in AND "
    "(SELECT count(*) FROM unified_transactions t WHERE t.amperity_id = sms_opt_status.amperity_id "
    "AND order_quantity > 0) = 1",
    "excluded": "SELECT amperity_id FROM customer_attributes "
    "WHERE NOT is_opted_into_email OR is_test_account OR is_employee",
    "mailing": "SELECT amperity_id FROM customer_attributes JOIN transaction_attributes_extended "
    "USING (amperity_id) "
    "WHERE (one_and_done OR latest_order_datetime < TIMESTAMPTZ '2025-07-02 00:00:00+00') "
    "AND is_opted_into_email AND NOT is_test_account AND NOT is_employee",
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, dg.ExecuteInProcessResult]:
    """The sample of two days, and the members on both."""
    folder = tmp_path_factory.mktemp("project")
    project = Project(folder, str(folder / "storage"))
    project.write("sample/defs.yaml", "type: braze_assets.SampleCustomer360\n")
    project.write("seg/defs.yaml", HEAD + SEGMENTS)
    keys = [f"customer_360/{table}" for table in TABLES]
    assert project.run(keys, first=DAY, last=NEXT).success
    names = [f"segments/{name}" for name in BY_HAND]
    assert project.run(names, first=DAY).success
    result = project.run(names, first=NEXT)
    assert result.success
    return project, result


def _stored(project: Project, table: str, day: str) -> Path:
    return Path(project.storage, "tables", *table.split("/"), f"date={day}", "data.parquet")


@pytest.mark.parametrize("name", BY_HAND)
def test_segments_of_the_sample_have_the_members_they_should(made: Any, name: str) -> None:
    """K25: purchased yesterday, one and done, lapsing, win-back, ...: as if asked by hand."""
    import duckdb

    project, _ = made
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for table in TABLES:
            file = _stored(project, f"customer_360/{table}", DAY)
            connection.execute(f"CREATE VIEW {table} AS FROM read_parquet('{file}')")
        expected = {row[0] for row in connection.execute(BY_HAND[name]).fetchall()}
    table = pq.read_table(_stored(project, f"segments/{name}", DAY))
    assert table.column_names == ["amperity_id"]
    assert sorted(table.column(0).to_pylist()) == sorted(expected)
    assert expected or name in ("purchased_yesterday", "early_repeat_purchasers")


def test_the_run_page_tells_figures_and_sql_and_no_data(made: Any) -> None:
    """K25: member counts, share contactable, change, overlap; the SQL is shown."""
    project, result = made
    event = next(
        each
        for each in result.get_asset_materialization_events()
        if each.asset_key == dg.AssetKey(["segments", "mailing"])
    )
    facts = {name: getattr(value, "value", value) for name, value in event.materialization.metadata.items()}
    assert facts["members"] == pq.read_metadata(_stored(project, "segments/mailing", NEXT)).num_rows > 0
    assert facts["members_before"] == pq.read_metadata(_stored(project, "segments/mailing", DAY)).num_rows
    assert facts["change"] == facts["members"] - facts["members_before"]
    assert facts["share_contactable_by_email"] == 1.0
    assert 0 < facts["share_of_customers"] < 1
    assert "FROM merged_customers" in facts["sql"]
    assert "one_and_done" in facts["overlap"]
    assert "█" in facts["overlap"]
    ids = pq.read_table(_stored(project, "segments/mailing", NEXT)).column(0).to_pylist()
    assert not any(each in str(facts) for each in ids)


def test_a_run_of_many_computes_once_and_of_one_only_that(made: Any) -> None:
    """K25: one step; a run of one segment makes that one only."""
    project, result = made
    steps = {event.step_key for event in result.all_events if event.step_key}
    assert steps == {"segments"}
    alone = project.run(["segments/lapsing"], first=DAY)
    assert [event.asset_key.path[-1] for event in alone.get_asset_materialization_events()] == ["lapsing"]


def test_a_brand_s_own_table_is_checked_when_it_is_read(tmp_path: Path) -> None:
    """K25: what is not known when the project loads is told by the run, with file and line."""
    project = Project(tmp_path, str(tmp_path / "storage"))
    project.write("seg/customers.csv", "amperity_id,tier\na,Gold\nb,\n")
    head = "type: braze_assets.Segments\nattributes:\n  customers: own/people\n  sources:\n"
    head += "    people: {url: customers.csv}\n  partitions: {cadence: none}\n  segments:\n"
    project.write("seg/defs.yaml", head + "    - {name: gold, rule: {people.tier: {is: Gold}}}\n")
    assert project.run(["segments/gold"]).success
    file = Path(project.storage, "tables", "segments", "gold", "data.parquet")
    assert pq.read_table(file).column(0).to_pylist() == ["a"]
    project.write("seg/defs.yaml", head + "    - {name: gold, rule: {people.teir: {is: Gold}}}\n")
    told = failure(project.run(["segments/gold"]), "segments")
    assert "no column teir" in told
    assert "Did you mean tier?" in told
    assert "seg/defs.yaml:8" in told


def test_several_rows_a_customer_are_refused(tmp_path: Path) -> None:
    """A rule asks one row a customer; a table with more would count people twice."""
    project = Project(tmp_path, str(tmp_path / "storage"))
    project.write("seg/people.csv", "amperity_id,tier\na,Gold\na,Silver\nb,Gold\n")
    project.write(
        "seg/defs.yaml",
        "type: braze_assets.Segments\nattributes:\n  customers: own/people\n"
        "  sources: {people: {url: people.csv}}\n  partitions: {cadence: none}\n"
        "  segments: [{name: gold, rule: {people.tier: {is: Gold}}}]\n",
    )
    told = failure(project.run(["segments/gold"]), "segments")
    assert "people has several rows for 1 customers" in told


def test_the_job_of_the_file_makes_all_of_its_segments(made: Any) -> None:
    """K25."""
    project, _ = made
    job = project.definitions().resolve_job_def("segments_job")
    assert {key.path[-1] for key in job.asset_layer.selected_asset_keys} == set(BY_HAND)
