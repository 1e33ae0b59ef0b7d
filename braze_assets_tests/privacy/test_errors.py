"""X15, K01: errors that would quote a cell or a key, one by one."""

from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pyarrow as pa
import pytest

from braze_assets.errors import BrazeAssetsError, ConfigurationError, SourceError, StorageError
from braze_assets.io_managers import TableOutput
from braze_assets.io_managers.outputs import to_batches
from braze_assets.resources.braze import BrazeResource
from braze_assets.resources.failures import dagster_failures
from braze_assets.rows import RowsSpec, TableQuery, build_rows
from braze_assets.storage import Storage, connect, open_path, write_parquet
from braze_assets_tests.privacy.marks import KEY
from braze_assets_tests.projects import Project

EMAIL = "zq7mail-0001@zq7host.example"


def from_duckdb() -> Any:
    connection = duckdb.connect()
    connection.execute(f"CREATE TABLE t AS SELECT '{EMAIL}' AS email, i FROM range(300000) r(i)")
    query = "SELECT CASE WHEN i < 250000 THEN 1 ELSE CAST(email AS INT) END AS n FROM t"
    return connection.sql(query).to_arrow_reader(1_000)


def from_pandas() -> Any:
    import pandas as pd

    return pd.DataFrame({"email": [1, 2, EMAIL]})


def from_polars() -> Any:
    import polars as pl

    return pl.LazyFrame({"email": ["1", EMAIL]}).with_columns(pl.col("email").cast(pl.Int64))


@pytest.mark.parametrize("make", [from_duckdb, from_pandas, from_polars])
def test_what_an_asset_hands_over_fails_without_its_cells(make: Callable[[], Any]) -> None:
    with pytest.raises(SourceError, match="cannot be made of its data") as raised:
        list(to_batches(make())[1])
    assert "zq7" not in str(raised.value)
    assert raised.value.__suppress_context__
    assert "zq7" not in repr(TableOutput(make()))


def test_a_query_that_fails_while_it_is_stored(tmp_path: Path) -> None:
    reader = from_duckdb()
    with pytest.raises(StorageError, match="fails on its data") as raised:
        write_parquet(open_path(str(tmp_path / "t.parquet")), reader)
    assert "zq7" not in str(raised.value)
    assert raised.value.__suppress_context__


@pytest.mark.parametrize(
    "fail",
    [
        lambda: duckdb.connect().execute(f"SELECT CAST(x AS INT) FROM (VALUES ('{EMAIL}')) t(x)"),
        lambda: pa.array([EMAIL]).cast(pa.int64()),
    ],
)
def test_no_engine_speaks_in_the_event_log(fail: Callable[[], Any]) -> None:
    with pytest.raises(dg.Failure) as raised, dagster_failures():
        fail()
    assert "zq7" not in str(raised.value.description)
    assert raised.value.__suppress_context__


@pytest.mark.parametrize(
    "expression", ["CAST(email AS INT)", "CAST(email AS DATE)", "date_trunc(email, now())", "error(email)"]
)
def test_sql_that_fails_on_a_cell(expression: str) -> None:
    people = f"(SELECT '{EMAIL}' || r AS email FROM range(3) t(r))"
    query = TableQuery(f"SELECT 'a' AS external_id, {expression} AS x FROM {people}")
    spec, as_of = RowsSpec(name="t", query=query), datetime(2026, 7, 2, tzinfo=timezone.utc)
    with connect() as connection, pytest.raises(BrazeAssetsError) as raised:
        build_rows(connection, spec, {}, partition=None, as_of=as_of)
    assert "zq7" not in str(raised.value)
    assert raised.value.__suppress_context__


def test_a_key_for_the_name_of_its_variable() -> None:
    with pytest.raises(ConfigurationError, match="not the name of an environment variable") as raised:
        BrazeResource(api_key_variable=KEY)
    assert "zq7" not in str(raised.value)
    assert BrazeResource(api_key_variable="MY_KEY").api_key_variable == "MY_KEY"


@pytest.mark.parametrize("url", [f"s3://id:{KEY}@bucket/x", "s3://zq7id@bucket/x"])
def test_credentials_in_a_url(url: str) -> None:
    for use in (Storage, open_path):
        with pytest.raises(ConfigurationError, match="carries credentials") as raised:
            use(url)
        assert "zq7" not in str(raised.value)


@pytest.mark.parametrize("setting", ["owners: ['{}']", "schedule: '{}'", "name: '{}'", "test_users: '{}'"])
def test_yaml_that_quotes_a_variable_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, setting: str
) -> None:
    monkeypatch.setenv("BRAZE_API_KEY", KEY)
    project = Project(tmp_path, str(tmp_path / "storage"))
    text = "type: braze_assets.AttributeSync\nattributes:\n  table: {sql: a.sql}\n"
    name = "" if setting.startswith("name") else "  name: club\n"
    quoted = setting.format('{{ env("BRAZE_API_KEY") }}')
    project.write("a/defs.yaml", f"{text}{name}  {quoted}\n")
    project.write("a/a.sql", "SELECT 'a' AS external_id, 1 AS x")
    with pytest.raises(Exception) as raised:  # noqa: PT011
        project.load()
    assert "zq7" not in str(raised.value)
