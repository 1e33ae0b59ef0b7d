"""Answered first, applied later, in any order (X11)."""

from braze_assets_tests.emulator.helpers import Clock, held, send, workspace


def test_no_delay_applies_before_the_answer():
    space = workspace()
    send(space, {"external_id": "u", "tier": 1})
    assert (held(space), len(space.pending)) == ({"tier": 1}, 0)


def orders(seed: int) -> list[int]:
    """The value a user ends with, and those seen on the way, where five requests follow one another."""
    clock = Clock()
    space = workspace(clock, apply_delay_ms=10, reorder_ms=100, seed=seed)
    for tier in range(5):
        send(space, {"external_id": "u", "tier": tier})
    seen: list[int] = []
    for _ in range(200):
        clock.at += 0.001
        space.settle()
        profile = space.profiles.by_external_id.get("u")
        if profile and profile.attributes["tier"] not in seen[-1:]:
            seen.append(profile.attributes["tier"])
    assert len(space.pending) == 0
    return seen


def test_reordering_is_seeded():
    assert orders(1) == orders(1)
    results = [orders(seed) for seed in range(10)]
    assert any(result != sorted(result) for result in results)
    assert len({tuple(result) for result in results}) > 1


def test_two_requests_in_the_air_for_one_user_are_counted():
    clock = Clock()
    space = workspace(clock, apply_delay_ms=100)
    send(space, {"external_id": "a"}, {"external_id": "a"}, {"external_id": "b"})  # one request: no overlap
    assert space.counters.overlapping == 0
    send(space, {"external_id": "a"}, {"external_id": "c"})
    assert space.counters.overlapping == 1
    clock.at += 0.2
    send(space, {"external_id": "a"})
    assert space.counters.overlapping == 1


def test_latency_is_time_in_the_air_too():
    clock = Clock()
    space = workspace(clock, latency_ms=100)
    send(space, {"external_id": "a"})
    clock.at += 0.05
    send(space, {"external_id": "a"})
    assert space.counters.overlapping == 1


def test_clear_forgets_what_waits():
    clock = Clock()
    space = workspace(clock, apply_delay_ms=10)
    send(space, {"external_id": "u"})
    space.clear()
    clock.at += 1
    space.settle()
    assert len(space.profiles) == 0
