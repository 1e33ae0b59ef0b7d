"""X8: a sample read back; peers: mistake 9, exports compared as they come back."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from braze_assets.braze.limits import Limits
from braze_assets.delivery import AuditReport, BrazeClient, DeliverySettings, audit_sample, send_plan
from braze_assets.delivery.sameness import exported, moment, same
from braze_assets.emulator.process import LocalBraze
from braze_assets.errors import DeliveryError
from braze_assets.plan import GuardSettings, PlanSettings
from braze_assets.rows import AttributeType
from braze_assets.storage import connect
from braze_assets_tests.delivery.harness import FAST, KEY
from braze_assets_tests.plan.world import World

OBJECT = AttributeType("Object").sql
TYPES = {
    "first_name": "VARCHAR",
    "email": "VARCHAR",
    "dob": "DATE",
    "renewed": "DATE",
    "seen_at": "TIMESTAMP WITH TIME ZONE",
    "spent": "DECIMAL(12,2)",
    "score": "DOUBLE",
    "visits": "BIGINT",
    "member": "BOOLEAN",
    "note": "VARCHAR",
    "tags": "VARCHAR[]",
    "days": "DATE[]",
    "home": OBJECT,
    "lines": f"{OBJECT}[]",
}
LIMITS = Limits(export_requests_per_minute=100_000)


def person(number: int, **more: Any) -> dict[str, Any]:
    return {
        "external_id": f"u{number:04d}",
        "first_name": "Ann",
        "email": f"U{number}@example.com",
        "dob": date(1990, 1, 2),
        "renewed": date(2026, 3, 4),
        "seen_at": datetime(2026, 3, 4, 5, 6, 7, 891_000, tzinfo=timezone.utc),
        "spent": Decimal("1234567890.10"),
        "score": 0.1,
        "visits": number,
        "member": number % 2 == 0,
        "note": "",
        "tags": ["b", "a"],
        "days": [date(2026, 1, 1)],
        "home": {"$json": '{"city":"Bonn","rooms":{"n":2.50},"since":{"$time":"2026-03-04T05:06:07.891Z"}}'},
        "lines": [{"$json": '{"sku":"a","tags":["x",1,true]}'}],
        **more,
    }


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    settings = PlanSettings(update_existing_only=False, guards=GuardSettings(max_share_changed=None))
    with connect() as connection:
        yield World(connection, str(tmp_path), settings=settings)


def deliver(world: World, braze: LocalBraze, rows: list[dict[str, Any]]) -> str:
    table = world.rows(rows, TYPES, profile=["first_name", "email", "dob"])
    header, plan = world.plan(table)
    with BrazeClient(endpoint=braze.url, api_key=KEY, settings=FAST) as client:
        send_plan(
            plan=plan,
            plan_uri=plan.uris[0],
            ledger=world.ledger,
            client=client,
            limits=Limits(),
            settings=FAST,
            mode="live",
        )
    return header.plan_id


def audit(
    world: World,
    braze: LocalBraze,
    *,
    settings: DeliverySettings = FAST,
    limits: Limits = LIMITS,
    **more: Any,
) -> AuditReport:
    with BrazeClient(endpoint=braze.url, api_key=KEY, settings=settings) as client:
        return audit_sample(ledger=world.ledger, client=client, limits=limits, settings=settings, **more)


@pytest.mark.parametrize("style", ["iso", "utc"])
def test_what_was_sent_is_found_again_in_whatever_spelling(
    world: World, braze: LocalBraze, style: str
) -> None:
    braze.control.settings(export_time_format=style)
    deliver(world, braze, [person(number) for number in range(120)])
    report = audit(world, braze)
    assert (report.sampled, report.found, report.unknown_users) == (120, 120, 0)
    assert report.compared == 120 * len(TYPES)
    assert report.match_rate == 1.0, report.values.filter(report.values["verdict"] != "match").to_pylist()
    assert report.drift == {}


def test_drift_is_counted_per_attribute_and_shown_value_by_value(world: World, braze: LocalBraze) -> None:
    deliver(world, braze, [person(number) for number in range(10)])
    changed = braze.control.attributes("u0003") or {}
    changed.pop("visits")
    braze.control.seed(
        [{"external_id": "u0003", "attributes": {**changed, "tags": ["a", "b"], "score": 0.2}}]
    )
    report = audit(world, braze)
    assert report.drift == {"score": 1, "visits": 1, "tags": 1}
    assert report.matching == report.compared - 3
    drifted = {row["attribute"]: row for row in report.values.to_pylist() if row["verdict"] != "match"}
    assert drifted["score"] | {"identifier": "u0003"} == {
        "identifier": "u0003",
        "attribute": "score",
        "expected": "0.1",
        "found": "0.2",
        "verdict": "drift",
    }
    assert (drifted["visits"]["verdict"], drifted["visits"]["found"]) == ("missing", None)


def test_users_braze_does_not_know_are_counted_apart(world: World, braze: LocalBraze) -> None:
    """K14: with updates only Braze accepts objects of users it does not have."""
    world.settings = replace(world.settings, update_existing_only=True)
    braze.control.seed([{"external_id": "u0000", "attributes": {"first_name": "x"}}])
    deliver(world, braze, [person(number) for number in range(5)])
    report = audit(world, braze)
    assert (report.sampled, report.found, report.unknown_users) == (5, 1, 4)
    assert report.match_rate == 1.0
    assert report.values["verdict"].to_pylist().count("no_user") == 4


def test_the_sample_is_seeded_and_can_be_of_one_plan(world: World, braze: LocalBraze) -> None:
    rows = [person(number) for number in range(60)]
    deliver(world, braze, rows)
    world.day = 1
    rows[7]["visits"] = 1_000
    second = deliver(world, braze, rows)

    def who(**options: Any) -> set[str]:
        return set(audit(world, braze, **options).values["identifier"].to_pylist())

    assert who(plan_id=second) == {"u0007"}
    assert who(sample=10, seed=1) == who(sample=10, seed=1)
    assert who(sample=10, seed=1) != who(sample=10, seed=2)
    assert len(who(sample=10)) == 10


def test_nothing_acknowledged_is_nothing_to_ask(world: World, braze: LocalBraze) -> None:
    report = audit(world, braze)
    assert (report.sampled, report.match_rate) == (0, None)
    assert braze.control.counters()["requests"] == 0


def test_a_missing_permission_is_named(world: World, braze: LocalBraze) -> None:
    deliver(world, braze, [person(0)])
    braze.control.settings(permissions=("users.track",))
    with pytest.raises(DeliveryError) as failed:
        audit(world, braze)
    assert "users.export.ids" in str(failed.value)
    assert KEY not in str(failed.value)


def test_passing_failures_are_tried_again(world: World, braze: LocalBraze) -> None:
    deliver(world, braze, [person(0)])
    braze.control.fault(path="/users/export/ids", status=502, body="html", nth=(1,))
    braze.control.fault(path="/users/export/ids", status=429, seconds=0, nth=(2,))
    assert audit(world, braze).match_rate == 1.0


def test_requests_are_spaced_over_the_rate_limit(world: World, braze: LocalBraze) -> None:
    deliver(world, braze, [person(number) for number in range(12)])
    limits = Limits(export_ids_per_request=2, export_requests_per_minute=600)
    started = datetime.now(timezone.utc)
    assert audit(world, braze, limits=limits).match_rate == 1.0
    assert (datetime.now(timezone.utc) - started).total_seconds() >= 0.5


SEEN = datetime(2026, 3, 4, 5, 6, 7, 891_000, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("sql", "expected", "found", "equal"),
    [
        ("DATE", date(2026, 3, 4), "2026-03-04", True),
        ("DATE", date(2026, 3, 4), "2026-03-04T00:00:00.000Z", True),
        ("DATE", date(2026, 3, 4), "2026-03-04 00:00:00 UTC", True),
        ("DATE", date(2026, 3, 4), {"$time": "2026-03-04"}, True),
        ("DATE", date(2026, 3, 4), "2026-03-05", False),
        ("DATE", date(2026, 3, 4), 20260304, False),
        ("TIMESTAMP WITH TIME ZONE", SEEN, "2026-03-04T05:06:07.891Z", True),
        ("TIMESTAMP WITH TIME ZONE", SEEN, "2026-03-04 05:06:07.891 UTC", True),
        ("TIMESTAMP WITH TIME ZONE", SEEN, "2026-03-04T06:06:07.891+01:00", True),
        ("TIMESTAMP WITH TIME ZONE", SEEN, "2026-03-04T05:06:07:891Z", True),
        ("TIMESTAMP WITH TIME ZONE", SEEN, "2026-03-04T05:06:07Z", False),
        ("DECIMAL(12,2)", Decimal("1.50"), Decimal("1.5"), True),
        ("DECIMAL(12,2)", Decimal("1.50"), "1.5", True),
        ("DECIMAL(12,2)", Decimal("1.50"), 1.51, False),
        ("BIGINT", 5, 5.0, True),
        ("BIGINT", 5, "5", True),
        ("BIGINT", 1, True, False),
        ("BIGINT", 5, "five", False),
        ("BIGINT", 5, "NaN", False),
        ("DOUBLE", 0.1, Decimal("0.1"), True),
        ("BOOLEAN", True, True, True),
        ("BOOLEAN", True, "true", True),
        ("BOOLEAN", True, False, False),
        ("VARCHAR", "a", "a", True),
        ("VARCHAR", "a", "A", False),
        ("VARCHAR", "", None, True),
        ("VARCHAR", "a", None, False),
        ("VARCHAR", "0123", 123, True),
        ("VARCHAR", "2026-03-04", "2026-03-04T00:00:00.000Z", True),
        ("VARCHAR", '{"b":1,"a":2}', {"a": 2, "b": 1}, True),
        ("VARCHAR[]", ["a", "b"], ["a", "b"], True),
        ("VARCHAR[]", ["a", "b"], ["b", "a"], False),
        ("VARCHAR[]", ["a"], "a", False),
        ("VARCHAR[]", [], None, True),
        ("BIGINT[]", [1, 2], [1.0, "2"], True),
        (OBJECT, {"$json": '{"a":1.50,"b":[1]}'}, {"b": [1], "a": Decimal("1.5")}, True),
        (OBJECT, {"$json": '{"a":{"$time":"2026-03-04"}}'}, {"a": "2026-03-04T00:00:00.000Z"}, True),
        (
            OBJECT,
            {"$json": '{"a":{"$time":"2026-03-04"}}'},
            {"a": {"$time": "2026-03-04 00:00:00 UTC"}},
            True,
        ),
        (OBJECT, {"$json": '{"a":{"$time":"2026-03-04"}}'}, {"a": "2026-03-05"}, False),
        (OBJECT, {"$json": '{"a":1}'}, {"a": 1, "b": 2}, False),
        (OBJECT, {"$json": '{"a":1}'}, {"a": True}, False),
        (OBJECT, {"$json": '{"a":"1"}'}, {"a": 1}, False),
        (OBJECT, {"$json": '{"a":1}'}, None, False),
        (f"{OBJECT}[]", [{"$json": '{"a":1}'}], [{"a": 1}], True),
        (f"{OBJECT}[]", [{"$json": '{"a":1}'}, {"$json": '{"a":2}'}], [{"a": 2}, {"a": 1}], False),
    ],
)
def test_values_are_compared_by_type(sql: str, expected: Any, found: Any, equal: bool) -> None:
    assert same(expected, found, AttributeType.from_sql(sql)) is equal


def test_names_of_custom_attributes_are_found_trimmed() -> None:
    profile = {"email": "e", "custom_attributes": {"tier": 1}}
    assert exported(profile, " tier ", custom=True) == 1
    assert exported(profile, "email", custom=False) == "e"
    assert exported({}, "tier", custom=True) is None


@pytest.mark.parametrize(
    "text", ["", "x", "2026-13-01", "2026-01-01T25:00", "0000-00-00", None, 5, "20260101"]
)
def test_what_is_no_time_is_none(text: object) -> None:
    assert moment(text) is None
