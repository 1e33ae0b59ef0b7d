"""A feed as a user writes it: sensor, ranges, unknown types, reconciliation (K39, K41, D3, D6, D7)."""

import json
import os
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from braze_assets.assets.currents import sensor as sensor_module
from braze_assets.currents import refill
from braze_assets.currents.events import avro_schema, event_types
from braze_assets.currents.paths import hour_name
from braze_assets.currents.tree import FileRef
from braze_assets.errors import ConfigurationError, StorageError
from braze_assets.storage import Storage
from braze_assets_tests.currents.conftest import avro, event
from braze_assets_tests.projects import Project, failure, metadata

OPEN, CLICK = "users.messages.email.Open", "users.messages.email.Click"
NEW = "users.carrier.Pigeon"
DAY = datetime(2026, 7, 1, tzinfo=timezone.utc)
FEED = """\
type: braze_assets.CurrentsFeed
attributes:
  event_types:
    - users.messages.email.Open
    - users.messages.email.Click
  window_hours: 2
"""
Put = Callable[..., Path]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project(tmp_path, str(tmp_path / "storage"))
    made.write("feed/defs.yaml", FEED)
    (tmp_path / "storage" / "in").mkdir(parents=True)
    return made


@pytest.fixture
def put(project: Project) -> Put:
    """Writes a file of events of one hour into the feed's folder."""

    def put(hour: int, *numbers: int, event_type: str = OPEN, name: str = "f", schema: Any = None) -> Path:
        folder = f"d.S3.integration.1/event_type={event_type}/date={hour_name(DAY + timedelta(hours=hour))}"
        path = Path(project.storage, "in", folder, f"{name}.avro")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(avro(schema or avro_schema(event_type), [event(number) for number in numbers]))
        return path

    return put


class _Clock(datetime):
    at = DAY

    @classmethod
    def now(cls, tz: Any = None) -> datetime:
        return cls.at


def tick(
    project: Project, instance: dg.DagsterInstance, cursor: str | None, name: str = "currents_sensor"
) -> Any:
    definitions = project.definitions()
    repository = definitions.get_repository_def()
    found = repository.get_sensor_def(name)
    context = dg.build_sensor_context(
        instance=instance,
        cursor=cursor,
        repository_def=repository,
        resources={name: definitions.resources[name] for name in ("storage", "currents")},
    )
    return found.evaluate_tick(context)


def start(project: Project, instance: dg.DagsterInstance, request: dg.RunRequest) -> None:
    """Run what a sensor asks for."""
    result = (
        project.definitions()
        .resolve_job_def("currents_hour")
        .execute_in_process(
            instance=instance,
            partition_key=request.partition_key,
            tags=request.tags,
            asset_selection=list(request.asset_selection or ()),
            raise_on_error=False,
        )
    )
    assert result.success


def test_the_sensor_asks_for_hours_in_ranges_and_again_for_late_files(
    project: Project, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    """K41, D3, D6: a range in one run, then late files, then marks; nothing twice."""
    monkeypatch.setattr(sensor_module, "datetime", _Clock)
    _Clock.at = DAY + timedelta(hours=6, minutes=41)
    with dg.instance_for_test() as instance:
        empty = tick(project, instance, None)
        assert "no file" in str(empty.skip_message)
        put(1, 1, 2)
        put(4, 3, event_type=CLICK)
        first = tick(project, instance, None)
        [request] = first.run_requests
        assert request.tags["dagster/asset_partition_range_start"] == "2026-07-01-00:00"
        assert request.tags["dagster/asset_partition_range_end"] == "2026-07-01-05:00"
        assert tick(project, instance, None).run_requests[0].tags["dagster/asset_partition_range_end"]
        start(project, instance, request)
        key = dg.AssetKey(["currents", "users_messages_email_open"])
        assert len(instance.get_materialized_partitions(key)) == 6
        assert tick(project, instance, first.cursor).run_requests == []
        put(2, 4, name="late")
        again = tick(project, instance, first.cursor)
        [late] = again.run_requests
        assert late.partition_key == "2026-07-01-02:00"
        assert {each.path[-1] for each in late.asset_selection} == {
            "users_messages_email_open",
            "unknown_event_types",
        }
        start(project, instance, late)
        last = instance.get_latest_materialization_event(key)
        page = last.asset_materialization.metadata if last and last.asset_materialization else {}
        assert page["late_files"].value == 1
        assert "| late.avro | " in str(page["late"].value)
        storage = Storage(project.storage)
        refill.mark(storage, CLICK, [DAY + timedelta(hours=3)])
        marked = tick(project, instance, again.cursor)
        assert [each.partition_key for each in marked.run_requests] == ["2026-07-01-03:00"]
        assert tick(project, instance, marked.cursor).run_requests == []
        start(project, instance, marked.run_requests[0])
        assert refill.marked(storage, [CLICK]) == {}


def test_files_are_reconciled(project: Project, put: Put) -> None:
    """K41: difference 0, or named in the table, and asked for again where that is wanted."""
    put(0, 1)
    changed = put(1, 2)
    gone, keep = put(2, 3), put(2, 4, name="g")
    Path(project.storage, "in", "readme.txt").write_bytes(b"x")
    config = {"currents__reconciliation": {"first": "2026-07-01-00", "last": "2026-07-01-05"}}
    job = ["currents/users_messages_email_open", "currents/users_messages_email_click"]
    with dg.instance_for_test() as instance:
        options = {"first": "2026-07-01-00:00", "last": "2026-07-01-04:00", "instance": instance}
        assert project.run(job, **options).success
        result = project.run(["currents/reconciliation"], config=config, instance=instance)
        assert result.success
        facts = metadata(result, "currents__reconciliation")
        assert (facts["files"], facts["files_loaded"], facts["difference"]) == (4, 4, 0)
        assert facts["unrouted_examples"] == ["readme.txt"]
        assert facts["differences"] == "None."
        assert all(check.passed for check in result.get_asset_check_evaluations())
        put(4, 9, name="late")
        os.utime(changed, ns=(1, 1))
        gone.unlink()
        config["currents__reconciliation"]["ask_again"] = True  # type: ignore[assignment]
        result = project.run(["currents/reconciliation"], config=config, instance=instance)
        facts = metadata(result, "currents__reconciliation")
        assert {name: facts[name] for name in ("missing", "changed", "gone", "quarantined")} == {
            "missing": 1,
            "changed": 1,
            "gone": 1,
            "quarantined": 0,
        }
        assert "| users.messages.email.Open | 2026-07-01-04 | late.avro | missing |" in facts["differences"]
        assert not any(check.passed for check in result.get_asset_check_evaluations())
        assert [hour.hour for hour in refill.marked(Storage(project.storage), [OPEN])[OPEN]] == [1, 2, 4]
        assert keep.exists()


def test_unknown_event_types_are_kept_as_json(project: Project, put: Put) -> None:
    """K39: one asset, JSON rows, and the line to add."""
    from braze_assets.storage import StoredTable

    fields = [
        {"name": "id", "type": "string"},
        {"name": "time", "type": "int"},
        {"name": "miles", "type": "float"},
    ]
    schema = {"type": "record", "name": "Pigeon", "fields": fields}
    rows = [
        {"id": "a", "time": 1_782_900_000, "miles": 2.5},
        {"id": "a", "time": 1_782_900_000, "miles": 2.5},
    ]
    path = put(1, event_type=NEW, schema=schema)
    path.write_bytes(avro(schema, rows))
    put(1, 1, event_type="users.behaviors.Purchase", schema=avro_schema(OPEN))
    result = project.run(["currents/unknown_event_types"], first="2026-07-01-01:00")
    assert result.success
    facts = metadata(result, "currents__unknown_event_types")
    assert facts["lines_to_add"] == [f"- {NEW}"]
    assert facts["documented_types_not_in_the_feed"] == ["users.behaviors.Purchase"]
    uri = "tables/currents/unknown_event_types/date=2026-07-01/hour=01/data.parquet"
    [row] = StoredTable.at(f"{project.storage}/{uri}").dataset().to_table().to_pylist()
    assert (row["event_type"], row["id"], row["time"].year) == (NEW, "a", 2026)
    assert json.loads(row["record"]) == rows[0]


def test_feeds_side_by_side_wildcards_and_groups(project: Project, put: Put, tmp_path: Path) -> None:
    """K39: two buckets with the same event types share no asset, no job and nothing that is kept."""
    project.write(
        "other/defs.yaml",
        f"""\
        type: braze_assets.CurrentsFeed
        attributes:
          name: eu
          url: {tmp_path}/eu
          event_types: ["users.messages.*", "agentconsole.*"]
        """,
    )
    definitions = project.definitions()
    specs = {spec.key.to_user_string(): spec for spec in definitions.resolve_all_asset_specs()}
    wanted = [each for each in event_types() if each.startswith(("users.messages.", "agentconsole."))]
    ours = [each for each in specs if each.startswith("currents/eu/")]
    assert len(ours) == len(wanted) + 3
    assert specs["currents/eu/users_messages_email_open"].group_name == "currents_eu_email"
    assert specs["currents/users_messages_email_open"].group_name == "currents_email"
    columns = specs["currents/users_messages_email_open"].metadata["dagster/column_schema"].columns
    assert all(column.description for column in columns)
    repository = definitions.get_repository_def()
    assert {each.name for each in repository.sensor_defs} == {"currents_sensor", "currents_eu_sensor"}
    (tmp_path / "eu").mkdir()
    put(0, 1)
    result = project.run(["currents/eu/users_messages_email_open"], first="2026-07-01-00:00")
    assert result.success
    assert metadata(result, "currents__eu__users_messages_email_open")["files"] == 0


@pytest.mark.parametrize(
    ("line", "number", "near"),
    [
        ("    - users.messages.email.Opne\n", 6, "users.messages.email.Open"),
        ("    - users.mesages.sms.*\n", 6, "users.messages.sms"),
        ("    - email Open\n", 6, "wildcard"),
    ],
)
def test_a_misspelled_event_type_is_named(project: Project, line: str, number: int, near: str) -> None:
    head, rest = FEED.split("  window_hours")
    project.write("feed/defs.yaml", head + line + "  window_hours" + rest)
    with pytest.raises(ConfigurationError) as error:
        project.load()
    assert f"feed/defs.yaml:{number}" in str(error.value.place)
    assert near in str(error.value.remedy)


def test_a_file_that_vanishes_is_read_from_a_new_listing(
    project: Project, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    """BAD INPUT: once from a new listing; a clear error where it goes on."""
    from braze_assets.currents import listing

    put(0, 1)
    victim = put(0, 2, name="g")
    read = listing.CurrentsSource.read

    def vanishing(source: listing.CurrentsSource, file: FileRef) -> bytes:
        if file.key.endswith("g.avro"):
            victim.unlink(missing_ok=True)
        return read(source, file)

    monkeypatch.setattr(listing.CurrentsSource, "read", vanishing)
    result = project.run(["currents/users_messages_email_open"], first="2026-07-01-00:00")
    assert result.success
    assert metadata(result, "currents__users_messages_email_open")["rows"] == 1

    def gone(source: listing.CurrentsSource, file: FileRef) -> bytes:
        raise StorageError("The file was listed, and is gone.", place=file.uri, remedy="Run again.")

    monkeypatch.setattr(listing.CurrentsSource, "read", gone)
    result = project.run(["currents/users_messages_email_open"], first="2026-07-01-00:00")
    assert not result.success
    assert "was listed, and is gone" in failure(result, "currents__users_messages_email_open")
