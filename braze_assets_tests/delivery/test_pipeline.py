"""X1, X2: over real HTTP, every object gets exactly one outcome, whatever the replies are like."""

import json
import math
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from braze_assets.braze.limits import Limits
from braze_assets.delivery.client import BrazeClient, HttpReply
from braze_assets.delivery.no_reply import NoReplyError
from braze_assets.delivery.progress import Progress
from braze_assets.emulator.process import LocalBraze
from braze_assets.errors import DeliveryError, LedgerMovedError, StorageError
from braze_assets_tests.delivery.harness import FAST, KEY, Remembered, deliver, objects, stream, user


def held(braze: LocalBraze) -> dict[str, Any]:
    return {each["external_id"]: each["attributes"]["visits"] for each in braze.control.profiles()}


def all_accepted(journal: Remembered, count: int) -> bool:
    return journal.outcomes() == dict.fromkeys(range(count), "accepted")


def test_everything_arrives_once_in_batches_of_75(braze: LocalBraze) -> None:
    delivered, journal = deliver(braze.url, objects(1_000))
    assert all_accepted(journal, 1_000)
    assert held(braze) == {user(number): number for number in range(1_000)}
    assert braze.control.counters()["requests"] == math.ceil(1_000 / 75)
    tally = delivered.tally
    assert (tally.accepted, tally.rejected, tally.unknown, tally.data_points) == (1_000, 0, 0, 1_000)
    receipt = journal.receipts[10]
    assert (receipt["plan_id"], receipt["identifier"], receipt["http_status"]) == ("plan-1", user(10), 201)
    assert receipt["object"] == objects(11)[10]
    assert receipt["reason"] is None


def test_identifiers_and_numbers_travel_as_the_plan_wrote_them(braze: LocalBraze) -> None:
    """Peers: mistakes 1, 13 and 14."""
    texts = [
        '{"external_id":"0123","_update_existing_only":false,"price":1.10}',
        '{"external_id":"1.10","_update_existing_only":false,"visits":12345678901234567890}',
        '{"external_id":"true","_update_existing_only":false,"note":"é\\u0000"}',
        '{"external_id":"Null","_update_existing_only":false}',
    ]
    _, journal = deliver(braze.url, texts)
    (request,) = braze.control.recorded()
    assert request["body"] == '{"attributes":[' + ",".join(texts) + "]}"
    assert [each["object"] for each in journal.receipts] == texts


def test_errors_in_a_reply_reject_their_rows_and_no_others(braze: LocalBraze) -> None:
    """Peers: mistakes 11 and 12."""
    bad = {0, 74, 75, 300}
    delivered, journal = deliver(braze.url, objects(400, bad=bad))
    assert {n for n, outcome in journal.outcomes().items() if outcome == "rejected"} == bad
    assert set(held(braze)) == {user(number) for number in range(400) if number not in bad}
    assert delivered.tally.data_points == 396
    assert all(journal.receipts[number]["reason"] for number in bad)
    assert sum(delivered.tally.reasons.values()) == 4


def test_a_batch_of_bad_rows_only_is_not_taken_for_success(braze: LocalBraze) -> None:
    """Peers: mistake 2, a 400 counted as processed."""
    _, journal = deliver(braze.url, objects(75, bad=range(75)))
    assert set(journal.outcomes().values()) == {"rejected"}
    assert {each["http_status"] for each in journal.receipts} == {400}


def test_neighbours_of_rows_blamed_by_a_400_go_again(braze: LocalBraze) -> None:
    errors = [{"index": index, "input_array": "attributes", "type": "no"} for index in (3, 5)]
    braze.control.fault(status=400, document={"message": "bad", "errors": errors}, count=1)
    _, journal = deliver(braze.url, objects(75))
    rejected = {n for n, outcome in journal.outcomes().items() if outcome == "rejected"}
    assert rejected == {3, 5}
    assert len(held(braze)) == 73


@pytest.mark.parametrize("position", [0, 37, 74])
def test_a_poisoned_batch_is_bisected(braze: LocalBraze, position: int) -> None:
    """X2: at most log2(75) rounds; neighbours are delivered, the cost is known."""
    braze.control.fault(identifier=user(position), status=400, document={"message": "Bad syntax"})
    delivered, journal = deliver(braze.url, objects(150))
    outcomes = journal.outcomes()
    assert [n for n, outcome in outcomes.items() if outcome == "rejected"] == [position]
    assert len(outcomes) == 150
    assert journal.receipts[position]["reason"] == "HTTP 400: Bad syntax"
    assert set(held(braze)) == {user(number) for number in range(150)} - {user(position)}
    assert delivered.tally.bisections <= 7
    assert braze.control.counters()["requests"] <= 2 + 2 * 7


def test_a_400_for_everything_is_not_bisected_for_ever(braze: LocalBraze) -> None:
    braze.control.fault(status=400, body="html")
    delivered, journal = deliver(braze.url, objects(5_000), settings=replace(FAST, in_flight_max=2))
    assert delivered.failure is not None
    assert "every object" in str(delivered.failure)
    assert braze.control.counters()["requests"] < 600
    assert set(journal.outcomes().values()) == {"rejected"}


@pytest.mark.parametrize("status", [500, 502, 503, 504])
@pytest.mark.parametrize("body", ["json", "html", "empty"])
def test_a_failing_server_is_tried_again(braze: LocalBraze, status: int, body: str) -> None:
    """Peers: mistake 3, an HTML 502 that ends everything."""
    braze.control.fault(status=status, body=body, nth=(1, 2))
    delivered, journal = deliver(braze.url, objects(300))
    assert all_accepted(journal, 300)
    assert delivered.tally.retries == 2
    assert len(held(braze)) == 300


@pytest.mark.parametrize("effect", ["timeout", "reset"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_no_reply_is_tried_again_with_the_same_bytes(
    braze: LocalBraze, effect: str, when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bodies: list[bytes] = []
    track = BrazeClient.track

    def recording(client: BrazeClient, body: bytes) -> HttpReply:
        bodies.append(body)
        return track(client, body)

    monkeypatch.setattr(BrazeClient, "track", recording)
    braze.control.fault(effect=effect, when=when, nth=(2,))
    delivered, journal = deliver(braze.url, objects(300), settings=replace(FAST, read_timeout=0.3))
    assert all_accepted(journal, 300)
    assert delivered.tally.retries == 1
    assert len(bodies) == 5
    assert len(set(bodies)) == 4, "the fifth request repeats one of the four"


@pytest.mark.parametrize(
    "fault",
    [
        {"effect": "timeout", "when": "after"},
        {"effect": "reset"},
        {"status": 502, "body": "html"},
        {"effect": "miscount", "miscount": -1},
        {"status": 200, "body": "html"},
    ],
)
def test_attempts_used_up_the_bad_one_is_looked_for_and_alone_unknown(
    braze: LocalBraze, fault: dict[str, Any]
) -> None:
    braze.control.fault(identifier=user(80), **fault)
    settings = replace(FAST, read_timeout=0.6, max_attempts=2, backoff_base=0.2, backoff_cap=0.2)
    delivered, journal = deliver(braze.url, objects(6_000), settings=settings)
    assert delivered.failure is None
    unknown = {n for n, outcome in journal.outcomes().items() if outcome == "unknown"}
    assert unknown == {80}, "74 neighbours are delivered"
    assert delivered.tally.unknown == 1
    assert delivered.tally.bisections <= 7
    assert delivered.tally.search_requests <= 2 * 2 * 7
    assert journal.outcomes().keys() == set(range(6_000))
    assert "2 attempts" in journal.receipts[80]["reason"]


def test_a_miscount_is_never_believed_and_tried_again(braze: LocalBraze) -> None:
    error = {"index": 500, "input_array": "attributes", "type": "out of range"}
    braze.control.fault(effect="miscount", miscount=0, extra_errors=[error], count=1)
    delivered, journal = deliver(braze.url, objects(75))
    assert all_accepted(journal, 75)
    assert delivered.tally.requests == 2 or braze.control.counters()["requests"] == 1


@pytest.mark.parametrize("regime", ["classic", "mau"])
def test_the_rate_limit_is_obeyed_exactly(braze: LocalBraze, regime: str) -> None:
    braze.control.settings(rate_headers=regime, requests_per_window=10, window_seconds=0.2)
    limits = Limits(requests_per_window=10, window_seconds=0.2)
    delivered, journal = deliver(braze.url, objects(40 * 75), limits=limits)
    assert all_accepted(journal, 3_000)
    assert braze.control.counters()["rate_limited"] == 0
    assert delivered.tally.limited.seconds > 0.4


@pytest.mark.parametrize("regime", ["classic", "mau"])
def test_a_429_waits_as_told_in_both_regimes(braze: LocalBraze, regime: str) -> None:
    """Peers: mistake 17. Here the setting allows more than Braze does."""
    braze.control.settings(rate_headers=regime, requests_per_window=8, window_seconds=1.0)
    delivered, journal = deliver(braze.url, objects(16 * 75))
    assert all_accepted(journal, 1_200)
    counters = braze.control.counters()
    assert counters["rate_limited"] == delivered.tally.throttled
    # It waits instead of hammering: each batch is refused a few times at most.
    assert 0 < counters["rate_limited"] <= 64


def test_a_429_that_never_ends_stops_the_send(braze: LocalBraze) -> None:
    braze.control.fault(status=429, seconds=0)
    delivered, journal = deliver(
        braze.url, objects(300), settings=replace(FAST, max_throttled=3, backoff_base=0)
    )
    assert delivered.failure is not None
    assert not delivered.failure.permanent
    assert journal.outcomes() == {}, "a 429 says that nothing was taken"


@pytest.mark.parametrize("fault", [{"status": 413, "body": "html"}, {"status": 413}])
def test_a_413_splits_by_bytes_and_what_follows_is_smaller(braze: LocalBraze, fault: dict[str, Any]) -> None:
    braze.control.settings(bytes_per_request=40_000)
    delivered, journal = deliver(
        braze.url, objects(600, size=1_000), settings=replace(FAST, ready_batches=1, in_flight_max=1)
    )
    assert all_accepted(journal, 600)
    assert 0 < delivered.tally.splits <= 12, "24 if every batch had to learn it"


def test_too_many_objects_are_split_and_what_follows_is_smaller(braze: LocalBraze) -> None:
    braze.control.settings(objects_per_request=50)
    settings = replace(FAST, ready_batches=1, in_flight_max=1)
    delivered, journal = deliver(braze.url, objects(1_500), settings=settings)
    assert all_accepted(journal, 1_500)
    assert 0 < delivered.tally.splits <= 5


def test_one_object_that_is_too_large_is_rejected_alone(braze: LocalBraze) -> None:
    braze.control.settings(bytes_per_request=20_000)
    texts = objects(75)
    texts[40] = json.dumps({"external_id": user(40), "visits": 1, "notes": "x" * 30_000})
    _, journal = deliver(braze.url, texts)
    assert [n for n, outcome in journal.outcomes().items() if outcome != "accepted"] == [40]
    assert "413" in journal.receipts[40]["reason"]


@pytest.mark.parametrize(("status", "word"), [(401, "key"), (403, "permission"), (404, "URL"), (415, "JSON")])
def test_a_fatal_reply_stops_at_once(braze: LocalBraze, status: int, word: str) -> None:
    braze.control.fault(status=status, body="html")
    delivered, journal = deliver(braze.url, objects(20_000), settings=replace(FAST, in_flight_start=4))
    assert isinstance(delivered.failure, DeliveryError)
    assert word in str(delivered.failure)
    assert braze.control.counters()["requests"] <= 8
    assert journal.outcomes() == {}, "refused as a whole: not even unknown"


def test_a_key_that_expires_half_way_keeps_what_was_taken(braze: LocalBraze) -> None:
    braze.control.fault(status=401, nth=tuple(range(6, 400)))
    delivered, journal = deliver(
        braze.url, objects(15_000), settings=replace(FAST, in_flight_start=2, in_flight_max=2)
    )
    assert delivered.failure is not None
    assert delivered.tally.accepted == 5 * 75
    outcomes = journal.outcomes()
    assert list(outcomes.values()) == ["accepted"] * 375
    assert set(held(braze)) == {user(n) for n in outcomes}


def test_an_unreachable_endpoint_is_said_so_and_nothing_is_unknown() -> None:
    delivered, journal = deliver("http://127.0.0.1:1", objects(10_000))
    assert isinstance(delivered.failure, NoReplyError)
    assert "refused the connection" in str(delivered.failure)
    assert not delivered.failure.permanent
    assert journal.outcomes() == {}


def test_an_outage_stops_the_send_and_leaves_unknown_what_may_have_been_taken(braze: LocalBraze) -> None:
    braze.control.fault(status=503, body="empty", nth=tuple(range(11, 4_000)))
    settings = replace(FAST, in_flight_start=4, in_flight_max=4)
    delivered, journal = deliver(braze.url, objects(50_000), settings=settings)
    assert isinstance(delivered.failure, NoReplyError)
    outcomes = list(journal.outcomes().values())
    assert outcomes.count("accepted") == 750
    # 4 in flight when it began, then 4 in flight and 4 waiting for another try.
    assert 0 < outcomes.count("unknown") <= 12 * 75
    assert braze.control.counters()["requests"] < 60, "nobody goes on sending into an outage"


@pytest.mark.parametrize("error", [LedgerMovedError("moved"), StorageError("full")])
def test_a_journal_that_fails_stops_the_send(braze: LocalBraze, error: Exception) -> None:
    journal = Remembered(fail_at=2, error=error)
    braze.control.settings(latency_ms=20)
    settings = replace(FAST, in_flight_max=4, in_flight_start=4)
    with pytest.raises(type(error)):
        deliver(braze.url, objects(100_000), journal=journal, settings=settings)
    assert braze.control.counters()["requests"] < 400


def test_a_slow_journal_holds_the_send_instead_of_filling_memory(braze: LocalBraze) -> None:
    class Slow(Remembered):
        worst = 0

        def record(self, receipts: pa.Table) -> None:
            time.sleep(0.1)
            self.worst = max(self.worst, receipts.num_rows)
            super().record(receipts)

    journal = Slow()
    settings = replace(FAST, journal_backlog=750, in_flight_start=4, in_flight_max=4)
    deliver(braze.url, objects(6_000), journal=journal, settings=settings)
    assert all_accepted(journal, 6_000)
    assert journal.worst <= 750 + 4 * 75


def test_cancelling_stops_cleanly(braze: LocalBraze) -> None:
    braze.control.settings(latency_ms=30)
    texts, started = objects(50_000), time.monotonic()
    settings = replace(FAST, in_flight_max=4)
    delivered, journal = deliver(
        braze.url, texts, settings=settings, cancelled=lambda: time.monotonic() - started > 0.5
    )
    assert delivered.cancelled
    assert delivered.failure is None
    assert time.monotonic() - started < 5
    assert set(held(braze)) == {user(n) for n in journal.outcomes()}, "every taken object has its receipt"
    assert 0 < len(journal.outcomes()) < 50_000


def test_a_source_that_breaks_raises_and_keeps_what_was_sent(braze: LocalBraze) -> None:
    def broken() -> Iterator[pa.RecordBatch]:
        yield from stream(objects(750))
        time.sleep(0.3)
        raise StorageError("the plan is gone")

    journal = Remembered()
    with pytest.raises(StorageError):
        deliver(braze.url, objects(1_500), journal=journal, source=broken())
    assert set(held(braze)) == {user(n) for n in journal.outcomes()}


def test_a_callback_that_breaks_does_not_lose_receipts(braze: LocalBraze) -> None:
    def breaking(progress: Progress) -> None:
        raise KeyboardInterrupt

    journal = Remembered()
    braze.control.settings(latency_ms=20)
    with pytest.raises(KeyboardInterrupt):
        deliver(braze.url, objects(50_000), journal=journal, progress=breaking)
    assert set(held(braze)) == {user(n) for n in journal.outcomes()}


def test_progress_is_told_and_ends_at_the_total(braze: LocalBraze) -> None:
    seen: list[Progress] = []
    braze.control.settings(latency_ms=30)
    deliver(braze.url, objects(6_000), settings=replace(FAST, in_flight_max=8), progress=seen.append)
    assert [each.done for each in seen] == sorted(each.done for each in seen)
    assert seen[-1].done == seen[-1].total == 6_000
    assert any(each.eta_seconds for each in seen[:-1])
    assert "6,000" in str(seen[-1])


def test_connections_are_kept_and_nothing_waits_for_a_wave(braze: LocalBraze) -> None:
    """Peers: mistake 7. One slow request does not hold the others."""
    braze.control.settings(latency_ms=10)
    braze.control.fault(effect="delay", seconds=0.8, identifier=user(0))
    arrived: dict[str, float] = {}
    lock = threading.Lock()

    class Timed(Remembered):
        def record(self, receipts: pa.Table) -> None:
            with lock:
                for name in receipts["identifier"].to_pylist():
                    arrived[name] = time.monotonic()
            super().record(receipts)

    deliver(braze.url, objects(9_000), journal=Timed(), settings=replace(FAST, in_flight_max=4))
    before = [name for name, at in arrived.items() if at < arrived[user(0)]]
    assert len(before) > 1_500, "waves of 4 would have held all but 225"


def test_the_key_is_found_nowhere(braze: LocalBraze, caplog: pytest.LogCaptureFixture) -> None:
    """K01: Braze repeats the key in a 401, and a fault repeats it everywhere else."""
    caplog.set_level("DEBUG")
    echo = {"message": f"Invalid API key: {KEY}"}
    row = [{"index": 1, "input_array": "attributes", "type": f"not for {KEY}"}]
    braze.control.fault(status=400, document={"message": KEY, "errors": row}, nth=(1,))
    braze.control.fault(status=500, document=echo, identifier=user(400))
    braze.control.fault(status=401, document=echo, nth=(100, 101, 102))  # One may be that user's.
    told: list[Progress] = []
    settings = replace(FAST, in_flight_max=2, in_flight_start=2, max_attempts=2)
    delivered, journal = deliver(braze.url, objects(9_000), settings=settings, progress=told.append)
    assert delivered.failure is not None
    assert {"rejected", "unknown", "accepted"} == set(journal.outcomes().values())
    for place in (delivered, delivered.failure, str(delivered.failure), journal.receipts, told, caplog.text):
        assert KEY not in repr(place)
    assert "[removed]" in str(delivered.failure)
