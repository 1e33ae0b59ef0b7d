"""K09, K15: what is understood of a SQL file before it runs."""

import time
from pathlib import Path

import pytest

from braze_assets.errors import QueryError
from braze_assets.rows import TableQuery
from braze_assets_tests.rows.conftest import Build

DEFAULT = Path("braze_assets/defs/braze_customer_attributes/braze_customer_attributes.sql")


def refused(sql: str, identifier: str = "external_id") -> str:
    with pytest.raises(QueryError) as raised:
        TableQuery(sql, "my.sql").check(identifier)  # type: ignore[arg-type]
    return str(raised.value)


# Names


def test_names_are_lower_case_unless_quoted() -> None:
    """K15."""
    query = TableQuery(
        'SELECT Id AS External_ID, mc.City, x AS "Loyalty Tier", mc."Odd Name", $as_of AS T FROM mc'
    )
    assert query.outputs() == ("external_id", "city", "Loyalty Tier", "Odd Name", "t")


def test_names_behind_a_star(build: Build) -> None:
    """K15: lower case, but a quoted alias keeps its name through the star."""
    built = build(
        'WITH q AS (SELECT id AS EXTERNAL_ID, 1 AS Points, 2 AS "Loyalty Points" FROM t) SELECT * FROM q'
    )
    assert built.header.identifier == "external_id"
    assert [one.name for one in built.header.attributes] == ["points", "Loyalty Points"]


def test_union_by_name(build: Build) -> None:
    built = build(
        'SELECT id AS external_id, 1 AS N FROM t UNION ALL BY NAME SELECT id AS external_id, 2 AS "M" FROM t'
    )
    assert [one.name for one in built.header.attributes] == ["n", "M"]
    assert built.counts.errors == {"duplicate_identifier": 2}


@pytest.mark.parametrize(
    ("sql", "said", "place"),
    [
        ("SELECT 1 AS external_id,\n\n  a AS x,\n  b AS X FROM t", "Two columns are named x", "my.sql:4:3"),
        (
            'SELECT 1 AS external_id,\n  a AS x, b AS "X" FROM t',
            "differ only in upper and lower",
            "my.sql:2:11",
        ),
        ("SELECT 1 AS external_id, a AS _x FROM t", "begins with an underscore", "my.sql:1:26"),
        (f"SELECT 1 AS external_id, a AS {'x' * 256} FROM t", "has 256 characters", "my.sql:1:26"),
        ('SELECT 1 AS external_id, a AS " x" FROM t', "space", "my.sql:1:26"),
        ("SELECT a AS x FROM t", "external_id is missing", "my.sql:1:8"),
        ("SELECT a AS external_id, b AS braze_id FROM t", "second kind of identifier", "my.sql:1:26"),
        ("SELECT a AS external_id, b AS user_alias FROM t", "second kind of identifier", "my.sql:1:26"),
        ("SELECT a AS external_id, b AS alias_name FROM t", "second kind of identifier", "my.sql:1:26"),
        ("SELECT a AS external_id, b AS push_tokens FROM t", "is an object", "my.sql:1:26"),
        ("SELECT a AS external_id, b AS push_token_import FROM t", "meaning of its own", "my.sql:1:26"),
        (
            "SELECT a AS external_id,\n  upper(b) FROM t",
            "Column 2 is an expression without a name",
            "my.sql:2:9",
        ),
    ],
)
def test_names_that_cannot_be_are_refused_where_they_are(sql: str, said: str, place: str) -> None:
    """K06, K15."""
    message = refused(sql)
    assert said in message
    assert f"Where: {place}\n" in message


def test_user_alias_needs_both_columns() -> None:
    """K06."""
    assert "alias_label is missing" in refused("SELECT a AS alias_name FROM t", "user_alias")
    TableQuery("SELECT a AS alias_name, b AS alias_label FROM t").check("user_alias")


def test_the_same_column_twice_behind_stars(build: Build) -> None:
    """DuckDB would call the second one id_1 and send it."""
    with pytest.raises(QueryError, match="Two columns are named id"):
        build("SELECT a.id AS external_id, a.*, b.* FROM t a JOIN t b ON a.id = b.id")


# Statements


@pytest.mark.parametrize(
    ("sql", "said", "place"),
    [
        ("SELECT a\nFROM t\nWHER x = 1", "does not parse", "my.sql:3:"),
        ("SELECT a frm t", "does not parse", "my.sql:1:"),
        ("SELECT (a FROM t", "does not parse", "my.sql:1:"),
        ("SELECT 1 AS a;\n\nSELECT 2 AS b", "exactly one SELECT", "my.sql:3"),
        ("DELETE FROM t", "it holds DELETE", "my.sql:1"),
        ("COPY t TO 'x.csv'", "it holds COPY", "my.sql:1"),
        ("INSTALL httpfs", "it holds LOAD", "my.sql:1"),
        ("-- nothing here", "it holds nothing", "my.sql"),
        ("", "it holds nothing", "my.sql"),
        ("DESCRIBE t", "not a SELECT with columns", "my.sql"),
        ("SELECT a AS external_id,\n $today AS x FROM t", "$today is unknown", "my.sql:2:2"),
        ("SELECT a AS external_id\nFROM db.t", "named with a schema", "my.sql:2:"),
    ],
)
def test_what_is_not_one_select_is_refused(sql: str, said: str, place: str) -> None:
    message = refused(sql)
    assert said in message
    assert f"Where: {place}" in message
    assert "What to do" in message


def test_a_query_may_end_with_a_semicolon_and_comments(build: Build) -> None:
    assert build("-- first; \nSELECT id AS external_id, ';' AS x FROM t; -- the end\n").counts.rows == 1
    assert build("FROM t SELECT id AS external_id").counts.rows == 1
    assert build("SELECT id AS external_id FROM t -- the end").counts.rows == 1


def test_files(tmp_path: Path) -> None:
    path = tmp_path / "q.sql"
    path.write_bytes(b"\xef\xbb\xbfSELECT 1 AS external_id")
    assert TableQuery.from_file(path).outputs() == ("external_id",)
    path.write_bytes(b"SELECT '\xfc' AS external_id")
    with pytest.raises(QueryError, match="UTF-8"):
        TableQuery.from_file(path)
    with pytest.raises(QueryError, match="not there"):
        TableQuery.from_file(tmp_path / "none.sql")


# Sources and lineage


def test_sources_are_tables_and_not_ctes() -> None:
    sql = """WITH a AS (SELECT * FROM First), b AS (SELECT 1 AS y)
        SELECT a.x AS external_id, (SELECT max(z) FROM Third) AS m
        FROM a JOIN b ON true JOIN (SELECT * FROM second) s ON true,
            'file.parquet', read_csv('x.csv'), unnest([1])
        WHERE x IN (SELECT x FROM fourth) UNION ALL SELECT 1, 2 FROM first"""
    assert sorted(TableQuery(sql).sources) == ["first", "fourth", "second", "third"]


def test_a_cte_may_have_the_name_of_the_table_it_reads() -> None:
    sql = "WITH t AS (SELECT id FROM t) SELECT id AS external_id FROM t"
    assert TableQuery(sql).sources == ("t",)


def test_lineage_goes_through_ctes_unions_and_subqueries() -> None:
    """K09."""
    sql = """WITH c AS (SELECT id, upper(First_Name) AS n FROM People UNION ALL SELECT id, nick FROM others)
        SELECT c.id AS External_ID, c.n AS "Full Name", o.total + o.tax AS sum,
            (SELECT max(p.price) FROM products p WHERE p.id = c.id) AS best, 1 AS one, d.deep AS deep,
            CASE WHEN c.n = 'x' THEN o.tax END AS maybe
        FROM c JOIN orders o ON o.id = c.id JOIN (SELECT id, x + y AS deep FROM dd) d ON d.id = c.id"""
    assert TableQuery(sql).lineage() == {
        "external_id": (("people", "id"), ("others", "id")),
        "Full Name": (("people", "first_name"), ("others", "nick")),
        "sum": (("orders", "total"), ("orders", "tax")),
        "best": (("products", "price"),),
        "one": (),
        "deep": (("dd", "x"), ("dd", "y")),
        "maybe": (("people", "first_name"), ("others", "nick"), ("orders", "tax")),
    }


def test_lineage_behind_a_star_needs_the_schema() -> None:
    """K09."""
    query = TableQuery("SELECT t.*, u.b + 1 AS c FROM T t JOIN u ON t.id = u.id")
    assert query.lineage() == {"c": (("u", "b"),)}
    assert query.lineage({"T": ["id", "A"], "u": ["id", "b"]}) == {
        "id": (("t", "id"),),
        "a": (("t", "a"),),
        "c": (("u", "b"),),
    }
    bare = TableQuery("SELECT id AS external_id, b FROM t JOIN u USING (k)")
    assert bare.lineage({"t": ["k", "id"], "u": ["k", "b"]})["b"] == (("u", "b"),)


def test_the_default_query_is_understood_quickly() -> None:
    """K09: lineage of every column that has one; well under 150 ms once sqlglot is imported."""
    TableQuery.from_file(DEFAULT).check("external_id")
    start = time.perf_counter()
    query = TableQuery.from_file(DEFAULT)
    query.check("external_id")
    lineage = query.lineage()
    seconds = time.perf_counter() - start
    assert seconds < 0.15
    assert list(lineage) == list(query.outputs() or ())
    assert all(lineage.values())
    assert lineage["external_id"] == (("merged_customers", "external_id"),)
    assert lineage["loyalty_tier"] == (("unified_loyalty", "current_tier"),)
    assert lineage["latest_order_recency"] == (("transaction_attributes_extended", "latest_order_datetime"),)
    assert query.parameters == {"as_of"}
