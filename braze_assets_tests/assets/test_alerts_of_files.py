"""Alerts of a CSV drop: files make up for each other, and rows that cannot be sent count (X14)."""

import json
from collections.abc import Iterator

import dagster as dg
import pytest

from braze_assets_tests.alerts.servers import Inbox, http_inbox
from braze_assets_tests.assets.drop import Drop

ALERTS = """\
type: braze_assets.Alerts
attributes:
  channels: {ops: {kind: webhook, url_variable: ALERTS_OPS}}
  flows: [loyalty]
  max_rejected_share: 0.2
  zero_rows: true
"""


@pytest.fixture
def ops(monkeypatch: pytest.MonkeyPatch) -> Iterator[Inbox]:
    with http_inbox() as made:
        monkeypatch.setenv("ALERTS_OPS", made.url)
        yield made


def test_files_are_told_by_what_became_of_their_rows(drop: Drop, ops: Inbox) -> None:
    """A refused header, a file with bad rows, an empty one, a good one."""
    drop.project.write("alerts/defs.yaml", ALERTS)
    cursor: str | None = None

    def told() -> list[tuple[str, dict[str, int]]]:
        nonlocal cursor
        before = len(ops.requests)
        context = dg.build_sensor_context(
            instance=drop.instance,
            cursor=cursor,
            resources={"storage": drop.definitions.resources["storage"]},
        )
        result = drop.definitions.resolve_sensor_def("alerts_sensor")(context)
        assert isinstance(result, dg.SensorResult)
        cursor = result.cursor
        said = [json.loads(body) for _, _, body in ops.requests[before:]]
        return [(change["status"], change["counts"]) for each in said for change in each["changes"]]

    assert told() == []
    for name, text, changes in (
        ("bad_header.csv", "customer,points\n0001,1\n", [("failing", {})]),
        (
            "bad_rows.csv",
            "external_id,points\n0001,1\n,2\n,3\n",
            [("rejections", {"objects": 3, "rejected": 2})],
        ),
        ("empty.csv", "external_id,points\n", [("zero rows", {})]),
        ("good.csv", "external_id,points\n0002,1\n", [("ok", {"objects": 1, "rejected": 0})]),
        ("better.csv", "external_id,points\n0003,1\n", []),
    ):
        drop.put(name, text)
        drop.imports()
        assert told() == changes, name
