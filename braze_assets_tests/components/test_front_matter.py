"""What a SQL file says of itself, and how it is told what is wrong with that (K19, BAD INPUT)."""

from pathlib import Path

import pytest

from braze_assets.errors import QueryError
from braze_assets.rows import TableQuery, Thresholds
from braze_assets_tests.projects import Project

SELECT = "SELECT external_id, tier FROM members\n"


def query(*lines: str) -> TableQuery:
    return TableQuery("\n".join(["/*", "---", *lines, "---", "*/", SELECT]), "vip.sql")


def refused(*lines: str) -> QueryError:
    with pytest.raises(QueryError) as error:
        query(*lines).check("external_id")
    return error.value


def test_everything_that_can_be_said_is_read() -> None:
    """K19: status, description, owners, thresholds."""
    front = query(
        "name: vip",
        "status: draft",
        "description: Who spends much.",
        "owners: [team:crm, ann@example.com]",
        "thresholds:",
        "  rows: {min: 10, max: 2000, otherwise: warn}",
        "  change: {max: 0.2}",
    ).front
    assert (front.name, front.status, front.description) == ("vip", "draft", "Who spends much.")
    assert front.owners == ("team:crm", "ann@example.com")
    assert front.thresholds == Thresholds(
        min_rows=10, max_rows=2000, max_change=0.2, rows_otherwise="warn", change_otherwise="fail"
    )


def test_without_front_matter_a_query_is_active_and_its_digest_is_that_of_the_text() -> None:
    front = TableQuery(f"-- Who spends much.\n/* More of it. */\n{SELECT}").front
    assert (front.status, bool(front.thresholds)) == ("active", False)


def test_what_is_said_of_a_query_does_not_make_it_another_one() -> None:
    """Only if changed: a description is no change of the query, its SQL is."""
    digests = {query("status: draft").digest, query("description: Other.").digest}
    assert len(digests) == 1
    assert (
        TableQuery("/*\n---\nstatus: draft\n---\n*/\nSELECT external_id FROM members").digest not in digests
    )


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_ends_of_lines_do_not_matter(ends: str) -> None:
    text = ends.join(["/*---", "status: draft", "---*/", SELECT])
    assert TableQuery(text).front.status == "draft"


@pytest.mark.parametrize(
    ("lines", "line", "cause", "remedy"),
    [
        (["status: draft", "name: [vip"], 5, "is not YAML", "colons"),
        (["- draft"], 3, "not a list of settings", "name: value"),
        (["status: active", "statsu: draft"], 4, "'statsu' is unknown", "Did you mean status?"),
        (["status: drft"], 3, "'drft' is unknown", "Did you mean draft?"),
        (["status: active", "status: draft"], 4, "made twice", "Remove"),
        (["name: my query"], 3, "not a name", "underscores"),
        (["owners: ann"], 3, "not owners", "team:crm"),
        (["thresholds:", "  rows: {min: 10, max: 5}"], 4, "contradict each other", "at most max"),
        (["thresholds:", "  rows:", "    min: ten"], 5, "not a number of rows", "0 or more"),
        (["thresholds:", "  row: {min: 1}"], 4, "'thresholds.row' is unknown", "Did you mean rows?"),
        (["thresholds:", "  rows: {otherwise: warn}"], 4, "has no bound", "min or max"),
        (["thresholds:", "  change: {max: lots}"], 4, "not a share", "0.2"),
        (["thresholds:", "  change: {max: 0.1, otherwise: explode}"], 4, "'explode'", "warn or fail"),
        (["description: 2026-99-99"], 3, "not YAML", "colons"),
    ],
)
def test_what_is_wrong_is_named_with_file_and_line(
    lines: list[str], line: int, cause: str, remedy: str
) -> None:
    error = refused(*lines)
    assert cause in error.cause
    assert error.place == f"vip.sql:{line}"
    assert remedy in str(error.remedy)


@pytest.mark.parametrize(
    "comment", ["-- ---\n-- status: draft\n-- ---\n", "/* status: draft */\n", "-- status: draft\n"]
)
def test_front_matter_that_would_be_ignored_is_refused(comment: str) -> None:
    """A draft must not be sent because its comment has the wrong form."""
    with pytest.raises(QueryError, match="looks like front matter") as error:
        _ = TableQuery(comment + SELECT, "vip.sql").front
    assert error.value.place == "vip.sql:1"


def test_a_project_does_not_load_with_wrong_front_matter(tmp_path: Path) -> None:
    project = Project(tmp_path, str(tmp_path / "storage"))
    project.write("vip/vip.sql", f"/*\n---\nstatus: drft\n---\n*/\n{SELECT}")
    project.write(
        "vip/defs.yaml", "type: braze_assets.AttributeSync\nattributes: {name: vip, table: {sql: vip.sql}}\n"
    )
    with pytest.raises(QueryError) as error:
        project.load()
    assert str(error.value.place).endswith("vip/vip.sql:3")


def test_thresholds_of_a_query_of_events_are_refused(tmp_path: Path) -> None:
    """They would be no guard of events: better no than unkept."""
    project = Project(tmp_path, str(tmp_path / "storage"))
    head = "/*\n---\nthresholds: {rows: {min: 1}}\n---\n*/\n"
    project.write("orders/orders.sql", f"{head}SELECT external_id, event_id, name, time FROM orders\n")
    project.write(
        "orders/defs.yaml",
        "type: braze_assets.EventSync\nattributes: {name: orders, table: {sql: orders.sql}}\n",
    )
    with pytest.raises(QueryError, match="syncs of attributes only"):
        project.load()
