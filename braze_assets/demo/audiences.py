"""The demo's segments and its campaign: who belongs together, and who of them is told."""

from collections import Counter

from braze_assets.demo.chapter import Chapter, DemoFailedError, must
from braze_assets.demo.runs import Runner
from braze_assets.emulator.client import Control

__all__ = ["campaign_chapter", "segments_chapter"]

_SEGMENTS = ("one_and_done", "win_back", "never_write")
_CAMPAIGN = "campaign_win_back"
_TREATMENTS = ("win_back_voucher", "win_back_reminder")
_LIVE = {f"{_CAMPAIGN}_sync": {"mode": "live"}}


def segments_chapter(runner: Runner, first: str, last: str) -> Chapter:
    """Make the segments of some days, all of them in one pass."""
    run = must(runner.run([f"segments/{name}" for name in _SEGMENTS], first, last))
    return Chapter(
        f"Segments ({first} and {last})",
        {
            name: f"{run.metadata(f'segments/{name}')['dagster/partition_row_count']:,} members"
            for name in _SEGMENTS
        },
    )


def campaign_chapter(runner: Runner, braze: Control, first: str, second: str) -> Chapter:
    """Launch a campaign on a day, and try to launch it again on the next.

    Args:
        runner: Executes assets.
        braze: The local Braze's control.
        first: The day of the launch.
        second: The day after.

    Raises:
        DemoFailedError: It could be launched twice, or others have the attributes than were told.
    """
    steps = [_CAMPAIGN, f"{_CAMPAIGN}_findings", f"{_CAMPAIGN}_delta", f"{_CAMPAIGN}_sync"]
    run = must(runner.run([*steps, f"{_CAMPAIGN}_recipients"], first, config=_LIVE))
    sent, told = run.metadata(f"{_CAMPAIGN}_sync"), run.metadata(f"{_CAMPAIGN}_recipients")
    braze.wait_until_applied()
    held = Counter(
        name for each in braze.profiles() for name in _TREATMENTS if each["attributes"].get(name) is True
    )
    if not told["control"] or len(held) < 2 or held.total() > sent["accepted"]:
        raise DemoFailedError("Others have the attributes of the campaign than were told.")
    must(runner.run(steps[:3], second))
    again = runner.run(steps[3:], second, config=_LIVE)
    if again.succeeded:
        raise DemoFailedError("The campaign was launched twice.")
    return Chapter(
        f"A campaign with a control group ({first})",
        {
            "told": f"{told['recipients']:,}; in Braze {held[_TREATMENTS[0]]:,} have "
            f"{_TREATMENTS[0]}, {held[_TREATMENTS[1]]:,} {_TREATMENTS[1]}",
            "control, not told": f"{told['control']:,}",
            "requests": f"{sent['requests']:,}",
        },
        again.failure(),
    )
