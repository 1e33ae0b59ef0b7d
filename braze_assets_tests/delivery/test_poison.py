"""X2: objects that spoil their batch are found in few rounds, at a bounded and reported cost."""

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timezone
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from braze_assets.braze.replies import Reply, Verdict
from braze_assets.delivery.batches import Batch, Packer
from braze_assets.delivery.report import Tally
from braze_assets.delivery.settings import DeliverySettings
from braze_assets.delivery.triage import Fate, Triage
from braze_assets_tests.delivery.harness import objects, stream

TIME = datetime(2026, 11, 22, tzinfo=timezone.utc)


def most_cuts(bad: int, size: int) -> int:
    """At depth i at most min(2^i, bad) parts hold a bad object; only such a part, of two or more, is cut."""
    rounds = math.ceil(math.log2(size)) if size > 1 else 0
    return min(max(size - 1, 0), sum(min(2**i, bad) for i in range(rounds)))


@dataclass
class Told:
    """What became of one batch against a Braze that answers by the objects in the request."""

    tally: Tally = field(default_factory=Tally)
    outcomes: dict[int, str] = field(default_factory=dict)
    requests: int = 0
    rounds: int = 0
    stop: object = None


def played(
    size: int,
    answer: Callable[[list[int]], Reply],
    *,
    others_answer: bool = True,
    max_attempts: int = 4,
    packer: Packer | None = None,
    texts: list[str] | None = None,
) -> Told:
    packer = packer or Packer(objects=75, size=4_000_000)
    told, now = Told(), 0.0
    triage = Triage(
        settings=DeliverySettings(max_attempts=max_attempts),
        packer=packer,
        tally=told.tally,
        endpoint="here",
        chance=Random(1),
    )
    waiting: deque[Batch] = deque(packer.pack(stream(texts or objects(size))))
    while waiting and told.stop is None:
        batch = waiting.popleft()
        now += 1.0
        batch.attempts += 1
        batch.first_sent = now if batch.attempts == 1 else batch.first_sent
        told.requests += 1
        told.rounds = max(told.rounds, batch.depth)
        numbers = batch.rows.column("n").to_pylist()
        fate = triage.reply(batch, answer(numbers), now=now + 0.5, time=TIME)
        note(told, fate)
        waiting.extend(each for _, each in fate.again)
        if others_answer:
            other = next(packer.pack(stream(objects(1))))
            triage.reply(other, Reply(Verdict.ACCEPTED, 201), now=now + 0.6, time=TIME)
    return told


def note(told: Told, fate: Fate) -> None:
    told.stop = fate.stop
    for settled in fate.settled:
        for index, n in enumerate(settled.rows.column("n").to_pylist()):
            assert n not in told.outcomes, "two outcomes"
            told.outcomes[n] = "rejected" if index in settled.rejected else settled.outcome


def no_index(bad: set[int]) -> Callable[[list[int]], Reply]:
    def answer(numbers: list[int]) -> Reply:
        if bad & set(numbers):
            return Reply(Verdict.BISECT, 400, reason="HTTP 400: Bad syntax")
        return Reply(Verdict.ACCEPTED, 201)

    return answer


def failing(bad: set[int]) -> Callable[[list[int]], Reply]:
    def answer(numbers: list[int]) -> Reply:
        spoiled = bool(bad & set(numbers))
        return Reply(Verdict.RETRY, 502, reason="HTTP 502") if spoiled else Reply(Verdict.ACCEPTED, 201)

    return answer


SIZES_AND_BAD = st.integers(1, 75).flatmap(
    lambda size: st.tuples(st.just(size), st.sets(st.integers(0, size - 1)))
)


@settings(deadline=None, max_examples=150)
@given(SIZES_AND_BAD)
def test_bad_objects_anywhere_are_found_within_the_bound(case: tuple[int, set[int]]) -> None:
    size, bad = case
    told = played(size, no_index(bad))
    assert told.outcomes == {n: "rejected" if n in bad else "accepted" for n in range(size)}
    assert told.rounds <= 7
    assert told.tally.bisections <= most_cuts(len(bad), size)
    assert told.tally.search_requests == 2 * told.tally.bisections
    assert told.requests == 1 + told.tally.search_requests


def test_what_one_and_what_all_of_75_cost() -> None:
    assert played(75, no_index(set())).requests == 1
    assert max(played(75, no_index({n})).requests for n in range(75)) == 1 + 2 * 7
    assert played(75, no_index(set(range(75)))).requests == 1 + 2 * 74


@settings(deadline=None, max_examples=80)
@given(SIZES_AND_BAD)
def test_objects_that_make_a_request_fail_are_found_too_and_stay_unknown(case: tuple[int, set[int]]) -> None:
    size, bad = case
    told = played(size, failing(bad), max_attempts=5)
    assert told.stop is None
    assert told.outcomes == {n: "unknown" if n in bad else "accepted" for n in range(size)}
    assert told.requests <= 5 + 2 * 3 * most_cuts(len(bad), size)


@pytest.mark.parametrize("bad", [{0}, {40}, {0, 74}, {3, 4, 50}])
def test_they_are_found_when_nothing_else_is_left_to_send(bad: set[int]) -> None:
    """A plan of one batch, or the last batch of a plan: it is not taken for an outage."""
    told = played(75, failing(bad), others_answer=False)
    assert told.stop is None
    assert {n for n, outcome in told.outcomes.items() if outcome == "unknown"} == bad


@pytest.mark.parametrize("size", [1, 2, 75])
def test_an_outage_is_an_outage_also_for_a_single_batch(size: int) -> None:
    told = played(size, failing(set(range(size))), others_answer=False)
    assert told.stop is not None
    assert told.requests <= 4 + 3 * (2 + 4 + 8)
    assert "accepted" not in told.outcomes.values()


def test_an_outage_with_several_batches_is_not_searched() -> None:
    told = played(300, failing(set(range(300))), others_answer=False)
    assert told.stop is not None
    assert told.tally.bisections == 0
    assert told.requests <= 4 * 4


@settings(deadline=None, max_examples=60)
@given(sizes=st.lists(st.integers(1, 3_000), min_size=1, max_size=75), limit=st.integers(400, 4_000))
def test_a_413_is_split_until_it_fits_and_is_learned(sizes: list[int], limit: int) -> None:
    texts = [
        text[:-1] + ',"notes":"' + "x" * size + '"}'
        for text, size in zip(objects(len(sizes)), sizes, strict=True)
    ]
    packer = Packer(objects=75, size=4_000_000)
    lengths = [len(text.encode()) for text in texts]

    def answer(numbers: list[int]) -> Reply:
        body = sum(lengths[n] + 1 for n in numbers) + len('{"attributes":[]}') - 1
        if body > limit:
            return Reply(Verdict.SPLIT_BYTES, 413, reason="HTTP 413")
        return Reply(Verdict.ACCEPTED, 201)

    told = played(len(sizes), answer, packer=packer, texts=texts)
    alone = {n for n, length in enumerate(lengths) if length + len('{"attributes":[]}') > limit}
    assert told.outcomes == {n: "rejected" if n in alone else "accepted" for n in range(len(sizes))}
    assert told.tally.splits <= len(sizes) - 1
    if told.tally.splits:
        assert packer.size < 4_000_000
