"""K01, X15: whatever happens, the key is nowhere and people are only where their data is stored."""

import re
import tempfile
from collections import Counter
from collections.abc import Iterator

import pytest

from braze_assets.emulator.process import LocalBraze
from braze_assets_tests.privacy.allowed import ALLOWED, is_data
from braze_assets_tests.privacy.by_hand import operate_on_the_ledger
from braze_assets_tests.privacy.echo import echoing
from braze_assets_tests.privacy.marks import KEY, MARKS, SECRETS, person
from braze_assets_tests.privacy.more import events, from_the_launchpad, nested_replay
from braze_assets_tests.privacy.scan import Find, scan
from braze_assets_tests.privacy.story import Story
from braze_assets_tests.privacy.world import World

FINE = {"preview", "test", "live", "again", "range", "rewind", "audit", "bad cells", "currents"}
FINE |= {"email events", "a fault for each", "key with a line break at its end"}
FINE |= {"nested replay", "events", "events, some refused", "events settled", "events settled, confirmed"}
FINE |= {f"launchpad {each}" for each in ("0 release", "1 forget_users")}
FINE |= {f"launchpad {each}, confirmed" for each in ("0 release", "1 forget_users")}
"""What succeeds; where Braze refuses somebody on the way, the run warns of it."""


class Lived:
    """A world in which everything happened, and what was found in it."""

    def __init__(self, story: Story, finds: list[Find]) -> None:
        self.ends, self.texts, self.finds = story.ends, story.world.texts, finds


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lived]:
    folder = tmp_path_factory.mktemp("world")
    with pytest.MonkeyPatch.context() as patch, LocalBraze(api_key=KEY) as braze, echoing() as echo:
        patch.setenv("BRAZE_API_KEY", KEY)
        patch.setenv("TMPDIR", str(folder / "temporary"))
        patch.setattr(tempfile, "tempdir", None)
        world = World(folder, str(folder / "storage"), braze.url)
        braze.control.seed([{"external_id": person(n)["external_id"], "attributes": {}} for n in range(12)])
        story = Story(world, braze, echo, patch)
        story.ordinary_days()
        story.bad_cells()
        story.blocked()
        story.bad_answers()
        story.echoes()
        story.wrong_places()
        operate_on_the_ledger(world, patch)
        from_the_launchpad(story)
        nested_replay(story)
        events(story)
        story.currents()
        for step in story.wrong_projects():
            assert step()
        yield Lived(story, scan(MARKS, world.places()))
        world.instance.dispose()


def told(finds: list[Find]) -> str:
    """The finds, those of many runs and days together."""
    places = Counter(
        (each.mark, each.kind, re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|\d{4}-\d\d-\d\d|\d{20}", "*", each.where))
        for each in finds
    )
    excerpts = {each.mark: each.excerpt for each in finds}
    return "\n".join(f"{n} x {place}: {excerpts[place[0]]!r}" for place, n in sorted(places.items()))


def test_what_should_go_wrong_went_wrong(lived: Lived) -> None:
    """Otherwise the rest would prove little."""
    fine = {name for name, well in lived.ends.items() if well}
    assert fine == FINE, dict(sorted(lived.ends.items()))


def test_the_key_is_nowhere(lived: Lived) -> None:
    """K01."""
    found = [each for each in lived.finds if each.mark in SECRETS]
    assert not found, told(found)


def test_people_are_only_where_their_data_is_stored(lived: Lived) -> None:
    """X15: not in event logs, compute logs, metadata, the Delta log, footers, errors, names of files."""
    found = [each for each in lived.finds if each.mark not in SECRETS and not is_data(each)]
    assert not found, told(found)


@pytest.mark.parametrize("name", ALLOWED)
def test_they_are_there(lived: Lived, name: str) -> None:
    """No place is allowed without need: each has somebody in it."""
    pattern = ALLOWED[name]
    assert any(re.fullmatch(pattern, each.where) and is_data(each) for each in lived.finds)
