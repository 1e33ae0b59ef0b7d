"""CSV drops, end to end: a sensor, real runs, a local Braze, in a folder and on S3."""

from datetime import datetime, timedelta, timezone, tzinfo

import pytest

from braze_assets.assets.csv_drops import sensor
from braze_assets_tests.assets.drop import ANYWHERE, SEED, Drop
from braze_assets_tests.projects import failure, metadata


@ANYWHERE
def test_the_example_of_the_seed_arrives_exactly_so(drop: Drop) -> None:
    """L05, L06, L07: `abc123,1982,Solomon` under `external_id,Loyalty Points,Last Brand Purchased`."""
    drop.put("loyalty.csv", SEED)
    [result] = drop.imports()
    assert result.success
    assert drop.held("abc123") == {"Loyalty Points": 1982, "Last Brand Purchased": "Solomon"}
    assert drop.results(result) == [
        {
            "line": 2,
            "external_id": "abc123",
            "outcome": "sent",
            "attribute": None,
            "reason": None,
            "detail": None,
        }
    ]
    assert metadata(result, "loyalty_results")["sent"] == 1
    assert drop.names() == ["loyalty.csv"]


@ANYWHERE
def test_the_same_content_is_imported_once_and_a_changed_one_again(drop: Drop) -> None:
    """L05: whatever the name; each content is a partition."""
    drop.put("loyalty.csv", SEED)
    assert len(drop.imports()) == 1
    assert drop.imports() == []

    drop.put("again.csv", SEED)
    [again] = drop.imports()
    assert again.success
    assert metadata(again, "loyalty_delta")["status"] == "empty"
    assert "The same content was imported as loyalty-" in metadata(again, "loyalty_delta")["note"]
    assert drop.objects == 1

    drop.put("loyalty.csv", SEED.replace("1982", "1983"))
    [changed] = drop.imports()
    assert changed.success
    assert drop.held("abc123") == {"Loyalty Points": 1983, "Last Brand Purchased": "Solomon"}
    assert len(drop.instance.get_dynamic_partitions("loyalty_files")) == 3
    assert drop.imports() == []


@ANYWHERE
def test_a_file_that_left_the_folder_is_forgotten_in_the_end(
    drop: Drop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """L05, X5: a year of files is no year of partitions; and no content comes twice for that."""
    drop.settings("when_done: move")
    drop.put("gone.csv", SEED)
    assert [each.success for each in drop.imports()] == [True]
    drop.settings("when_done: keep")
    drop.put("stays.csv", SEED.replace("1982", "1983"))
    assert [each.success for each in drop.imports()] == [True]
    [gone, stays] = sorted(drop.instance.get_dynamic_partitions("loyalty_files"))
    assert (gone[:4], stays[:5]) == ("gone", "stays")

    assert not drop.look().dynamic_partitions_requests
    later = datetime.now(timezone.utc) + timedelta(days=89)
    _at(monkeypatch, later)
    assert not drop.look().dynamic_partitions_requests
    _at(monkeypatch, later + timedelta(days=2))
    [request] = drop.look().dynamic_partitions_requests or ()
    assert list(request.partition_keys) == [gone]
    assert drop.instance.get_dynamic_partitions("loyalty_files") == [stays]
    # What became of it is forgotten only when the partition is gone: a crash in between leaves nothing.
    assert drop.known() == {gone: "done", stays: "done"}
    assert not drop.look().dynamic_partitions_requests
    assert drop.known() == {stays: "done"}
    monkeypatch.undo()

    drop.put("gone.csv", SEED)
    [again] = drop.imports()
    assert metadata(again, "loyalty_delta")["status"] == "empty"
    assert drop.held("abc123")["Loyalty Points"] == 1983


def _at(monkeypatch: pytest.MonkeyPatch, now: datetime) -> None:
    class Clock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:
            return now

    monkeypatch.setattr(sensor, "datetime", Clock)


def test_a_file_still_being_written_waits(drop: Drop) -> None:
    """L05: in a folder a file is whole when two looks find it the same; other names are not looked at."""
    drop.put("loyalty.csv.part", SEED)
    drop.put(".loyalty.csv", SEED)
    drop.put("loyalty.csv", "external_id,Loyalty Points\nabc")
    assert not drop.look().run_requests
    drop.put("loyalty.csv", SEED)
    assert not drop.look().run_requests
    result = drop.look()
    [request] = result.run_requests or ()
    assert request.partition_key.startswith("loyalty-")
    assert drop.run(request).success


@pytest.mark.parametrize("place", ["s3"], indirect=True)
def test_an_object_on_s3_is_asked_for_at_the_first_look(drop: Drop) -> None:
    """L05: objects are whole when they are there; and the sensor looks at least every 60 seconds."""
    drop.put("loyalty.csv", SEED)
    assert len(drop.look().run_requests or ()) == 1
    sensor = drop.definitions.resolve_sensor_def("loyalty_sensor")
    assert (sensor.minimum_interval_seconds or 0) <= 60
    assert sensor.default_status.value == "STOPPED"


def test_a_wrong_header_is_refused_before_any_request(drop: Drop) -> None:
    """L06, bad input: the file goes to `failed/`, and the next one is imported."""
    drop.settings("when_done: move")
    drop.put("a.csv", "External_Id,Loyalty Points\nabc123,1982\n")
    [result] = drop.imports()
    assert not result.success
    said = failure(result, "loyalty_delta")
    assert "The first column is not 'external_id'; it is called 'External_Id'" in said
    assert "a.csv:1" in said
    assert "abc123" not in said
    assert drop.braze.control.counters()["requests"] == 0
    assert (drop.names(), len(drop.names("failed"))) == ([], 1)
    drop.put("b.csv", SEED)
    drop.put("c.csv", SEED.replace("1982", "1983"))
    assert [each.success for each in drop.imports()] == [True, True]
    assert (drop.names(), len(drop.names("done"))) == ([], 2)


def test_the_result_of_a_file_says_what_became_of_each_row(drop: Drop) -> None:
    """L06, L08, L14: lines and reasons in the table; figures and no data on the pages."""
    drop.put(
        "mixed.csv",
        "external_id,points,tags,note\r\n"
        "0001,10,\"['Value1', 'Value2']\",\r\n"  # 2
        'grace-hopper,11,"[secret()]",kept\r\n'  # 3
        "0003,12\r\n"  # 4
        ",13,,x\r\n"  # 5
        "0004,,,\r\n"  # 6
        '0005,14,,"two\r\nlines"\r\n'  # 7, 8
        "0001,20,,\r\n"  # 9
        "0006,Null,,\r\n",  # 10
    )
    there = [{"external_id": "0006", "attributes": {"points": 5}}, {"external_id": "grace-hopper"}]
    drop.braze.control.seed(there)
    [result] = drop.imports()
    assert result.success
    assert drop.held("0001") == {"points": 20, "tags": ["Value1", "Value2"]}
    assert drop.held("grace-hopper") == {"points": 11, "note": "kept"}
    assert drop.held("0005") == {"points": 14, "note": "two\r\nlines"}
    assert drop.held("0006") == {}
    assert [
        (row["line"], row["outcome"], row["attribute"], row["reason"]) for row in drop.results(result)
    ] == [
        (2, "skipped", None, "same_user_later"),
        (3, "sent", None, None),
        (3, "cell rejected", "tags", "not_a_list"),
        (4, "rejected", None, "wrong_number_of_cells"),
        (5, "rejected", None, "null_identifier"),
        (6, "skipped", None, "no_values"),
        (7, "sent", None, None),
        (9, "sent", None, None),
        (10, "sent", None, None),
    ]
    figures = metadata(result, "loyalty_results")
    assert {name: figures[name] for name in ("sent", "rejected", "skipped", "cell_rejected")} == {
        "sent": 4,
        "rejected": 2,
        "skipped": 2,
        "cell_rejected": 1,
    }
    for asset in ("loyalty_delta", "loyalty_sync", "loyalty_results"):
        shown = str(metadata(result, asset))
        assert not any(text in shown for text in ("grace-hopper", "secret", "Value1", "kept")), asset


def test_what_braze_rejects_is_named_by_its_line(drop: Drop) -> None:
    """L14, peers' mistakes 2, 4 and 12: one outcome a row, and a 400 is no success for its batch."""
    rows = "".join(f"{number:04},{number}\n" for number in range(5))
    drop.put("one_bad.csv", f"external_id,points\n{rows}")
    drop.braze.control.fault(
        identifier="0003", status=400, document={"message": "Invalid attributes", "errors": []}
    )
    [result] = drop.imports()
    outcomes = {row["line"]: row["outcome"] for row in drop.results(result)}
    assert outcomes == {2: "sent", 3: "sent", 4: "sent", 5: "rejected", 6: "sent"}
    assert metadata(result, "loyalty_sync")["rejected"] == 1
    assert drop.held("0002") == {"points": 2}


def test_a_gateways_error_page_is_tried_again(drop: Drop) -> None:
    """Peers' mistake 3: a 502 with HTML does not end the import."""
    drop.put("loyalty.csv", SEED)
    drop.braze.control.fault(status=502, body="html", count=1)
    [result] = drop.imports()
    assert result.success
    assert drop.held("abc123") == {"Loyalty Points": 1982, "Last Brand Purchased": "Solomon"}


def test_only_what_changed_is_sent_where_that_is_asked_for(drop: Drop) -> None:
    """L14, K16: cell by cell, against what Braze has acknowledged of this drop."""
    drop.settings("delta: true")
    drop.put("a.csv", "external_id,points,tier,tags\n0001,1,gold,\"['a']\"\n0002,1,,null\n")
    [first] = drop.imports()
    assert metadata(first, "loyalty_delta")["attributes"] == 5
    drop.put("b.csv", "external_id,points,tier,tags\n0001,1,silver,\"['a']\"\n0002,1,,null\n0003,2,,\n")
    [second] = drop.imports()
    figures = metadata(second, "loyalty_delta")
    assert (figures["objects"], figures["attributes"]) == (2, 2)
    assert {row["line"]: row["outcome"] for row in drop.results(second)} == {
        2: "sent",
        3: "unchanged",
        4: "sent",
    }
    assert drop.held("0001") == {"points": 1, "tier": "silver", "tags": ["a"]}
    drop.put("c.csv", "external_id,points\n0002,null\n0001,'1'\n")
    [third] = drop.imports()
    assert metadata(third, "loyalty_delta")["unset_users"] == 1
    assert drop.held("0002") == {}
    assert drop.held("0001") is not None


def test_without_delta_everything_is_sent_and_a_later_delta_still_knows_it(drop: Drop) -> None:
    drop.put("a.csv", "external_id,points\n0001,1\n")
    drop.imports()
    drop.put("b.csv", "external_id,points\n0001,1\n0002,1\n")
    [second] = drop.imports()
    assert metadata(second, "loyalty_delta")["objects"] == 2
    drop.settings("delta: true")
    drop.put("c.csv", "external_id,points\n0001,1\n0002,1\n0003,1\n")
    [third] = drop.imports()
    assert metadata(third, "loyalty_delta")["objects"] == 1


def test_a_preview_is_the_default_and_the_file_waits_for_more(drop: Drop) -> None:
    """K23, X4: nothing is requested; going live sends what was previewed."""
    drop.settings(mode="preview")
    drop.put("loyalty.csv", SEED)
    [result] = drop.imports()
    assert metadata(result, "loyalty_sync")["mode"] == "preview"
    assert drop.braze.control.counters()["requests"] == 0
    assert {row["outcome"] for row in drop.results(result)} == {"not sent"}
    assert drop.imports() == []
    drop.settings(mode="live")
    [result] = drop.imports()
    assert drop.held("abc123") == {"Loyalty Points": 1982, "Last Brand Purchased": "Solomon"}
