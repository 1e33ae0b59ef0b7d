"""The demo's segments: who belongs together, by rules in YAML."""

from braze_assets.demo.chapter import Chapter, must
from braze_assets.demo.runs import Runner

__all__ = ["segments_chapter"]

_SEGMENTS = ("one_and_done", "win_back", "never_write")


def segments_chapter(runner: Runner, day: str) -> Chapter:
    """Make the segments of a day, all of them in one pass."""
    run = must(runner.run([f"segments/{name}" for name in _SEGMENTS], day))
    return Chapter(
        f"Segments ({day})",
        {
            name: f"{run.metadata(f'segments/{name}')['dagster/partition_row_count']:,} members"
            for name in _SEGMENTS
        },
    )
