"""Everything that can happen to a project, one after the other; each step says how it ended."""

import io
import json
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import fastavro
import pytest

from braze_assets.currents.events import avro_schema
from braze_assets.currents.paths import CurrentsKey, build_key
from braze_assets.emulator.process import LocalBraze
from braze_assets_tests.conftest import free_port
from braze_assets_tests.privacy.echo import Echo
from braze_assets_tests.privacy.marks import KEY, person
from braze_assets_tests.privacy.world import CLUB, PARTS, PROXY, World

__all__ = ["Story"]

MEMBERS = "customer_360/members"
SEND = ["club_delta", "club_sync"]
BACK = [
    f"customer_360/{name}"
    for name in (
        "unified_email_events",
        "email_engagement_summary",
        "message_engagement",
        "campaign_response",
    )
]
FEED = """\
type: braze_assets.CurrentsFeed
attributes: {event_types: [users.messages.email.Open]}
"""
OPEN = "users.messages.email.Open"
HOUR = datetime(2026, 7, 1, 7, tzinfo=timezone.utc)


def gossip(number: int, day: int) -> str:
    """What a reply can say of a person in the request, and of us."""
    told = person(number, day)
    return " ".join(map(str, told.values())) + f" {json.dumps(told)} key {KEY}"


class Story:
    """Steps on a world; what they ended with is in `ends`."""

    def __init__(self, world: World, braze: LocalBraze, echo: Echo, monkeypatch: pytest.MonkeyPatch) -> None:
        self.world, self.braze, self.echo, self.monkeypatch = world, braze, echo, monkeypatch
        self.today = 0
        self.ends: dict[str, bool] = {}

    def tomorrow(self, *people: dict[str, object], **changes: object) -> str:
        """The next day is made: its members, and the wanted table."""
        self.today += 1
        key = self.world.day(self.today, *people, **changes)
        assert self.world.go([MEMBERS, "club"], key).success
        return key

    @property
    def key(self) -> str:
        return f"2026-07-{self.today:02}"

    def send(self, name: str, parts: list[str] = SEND, **config: Any) -> Any:
        result = self.world.go(parts, self.key, **config)
        self.ends[name] = result.success
        return result

    def ordinary_days(self) -> None:
        """Preview, test, live, again, a range, a rewind, an audit with drift."""
        self.tomorrow()
        self.send("preview", PARTS[1:], club_sync={"mode": "preview"})
        self.send("test", club_sync={"mode": "test", "test_users": 2})
        self.send("live", PARTS[1:])
        self.send("again")
        for number in (2, 3, 4):
            self.world.day(number)
        self.today = 4
        self.ends["range"] = self.world.go([MEMBERS, *PARTS], "2026-07-02", "2026-07-04").success
        self.today = 3
        self.send("rewind", club_delta={"rewind": True})
        self.today = 4
        self.braze.control.seed([{"external_id": "zq7id-0001", "attributes": {"hobby": "drifted"}}])
        self.send("audit", ["club_audit"])

    def bad_cells(self) -> None:
        """Cells and rows that cannot be sent."""
        long = "zq7mail-" + "x" * 300
        self.tomorrow(
            person(3),
            person(10, email="zq7mail-is not an address", phone="(0)4917655501-call me", hobby=long),
            person(11, external_id=None),
            person(12, external_id="zq7id-" + "y" * 1000),
        )
        allowed = {"allow": ["identifier_present"]}
        self.send("bad cells", ["club_findings", *SEND], club_delta=allowed)

    def blocked(self) -> None:
        """A guard refuses."""
        self.world.write("club/defs.yaml", CLUB.replace("100000", "1") + "  null_policy: unset\n")
        self.tomorrow(hobby=None)
        self.send("blocked plan")
        self.world.write("club/defs.yaml", CLUB)

    def bad_answers(self) -> None:
        """Faults of the local Braze, which gossips; one object a request, each with its own fault."""
        self.world.objects_per_request = 1
        self.tomorrow()
        said = [{"message": gossip(number, self.today)} for number in range(12)]
        rows = [
            {"type": f"{each['message']} refused", "input_array": "attributes", "index": 0} for each in said
        ]
        answers: list[dict[str, Any]] = [
            {"status": 400, "document": said[0]},
            {"status": 400, "document": {**said[1], "errors": [rows[1]]}},
            {"status": 413, "document": said[2]},
            {"status": 500, "document": said[3]},
            {"status": 502, "body": "html"},
            {"effect": "reset", "when": "after"},
            {"effect": "timeout"},
            {"effect": "miscount", "extra_errors": [rows[7]]},
            {"status": 429, "seconds": 0, "count": 1},
            {"status": 429, "document": said[9], "count": 1, "headers": {"x-ratelimit-retry-after": "0"}},
        ]
        for number, fault in enumerate(answers):
            self.braze.control.fault(**{"effect": "status", "identifier": f"zq7id-{number:04}", **fault})
        self.braze.control.settings(blocked_users=["zq7id-0010"])
        self.send("a fault for each")
        self.braze.control.clear_faults()
        self.braze.control.reset_settings()
        self.world.objects_per_request = 75
        self.tomorrow()
        said = [{"message": gossip(number, self.today)} for number in range(12)]
        self.world.go(["club_delta"], self.key)
        for name, fault in (
            ("401", {"status": 401, "document": {"message": f"Invalid API key: {KEY}"}}),
            ("403", {"status": 403, "document": said[3], "nth": (2,)}),
            ("404", {"status": 404, "document": said[3], "nth": (1,)}),
        ):
            self.braze.control.fault(effect="status", **fault)
            self.send(name, ["club_sync"])
            self.braze.control.clear_faults()
        told = {"message": f"not zq7id-0003, zq7mail-0003@zq7host.example, +49176555010003, key {KEY}"}
        self.braze.control.fault(effect="status", status=400, path="/users/export/ids", document=told)
        self.send("audit refused", ["club_audit"])
        self.braze.control.clear_faults()

    def echoes(self) -> None:
        """A server that repeats every request, in every part of a reply."""
        self.world.objects_per_request = 1
        self.tomorrow()
        self.world.go(["club_delta"], self.key)
        self.world.braze_url = self.echo.url
        for first, answer in ((True, (401, "json")), (True, (500, "json")), (False, (302, "headers"))):
            self.echo.says(answer, first=first)
            self.send(f"echo {answer}", ["club_sync"])
        self.echo.says((404, "json"))
        self.send("echo 404", ["club_sync"])
        self.echo.says(
            *((400, "json"), (200, "rows"), (500, "json"), (503, "html"), (200, "json"), (429, "headers")),
            *((200, "broken"), (413, "json"), (400, "rows")),
        )
        self.send("echo one of each", ["club_sync"])
        self.echo.says((500, "json"))
        self.send("echo 500 for all")
        self.echo.says((400, "json"))
        self.send("echo 400 for all")
        self.world.braze_url = self.braze.url

    def wrong_places(self) -> None:
        """Key, instance, proxy and storage are wrong."""
        patch, world = self.monkeypatch, self.world
        self.tomorrow()
        world.go(["club_delta"], self.key)
        for name, key in (
            ("no key", ""),
            ("key with a line break", f"{KEY}\r\nX-Other: {KEY}"),
            ("key with odd characters", f"\u201c{KEY}\u201d"),
            ("key with its scheme", f"Bearer {KEY}"),
        ):
            patch.setenv("BRAZE_API_KEY", key)
            self.send(name, ["club_sync"])
        patch.setenv("BRAZE_API_KEY", f"{KEY}\n")
        for name, url in (
            ("nobody there", f"http://127.0.0.1:{free_port()}"),
            ("key for an instance", KEY),
            ("key in the instance", f"https://{KEY}@rest.iad-01.braze.com"),
        ):
            world.braze_url = ""
            patch.setenv("BRAZE_INSTANCE", url)
            self.send(name, ["club_sync"])
        world.braze_url, PROXY["url"] = self.braze.url, f"http://u:zq7key-0f1e2d3c@127.0.0.1:{free_port()}"
        self.send("proxy", ["club_sync"])
        PROXY.clear()
        world.key_variable = KEY
        self.ends["key for its variable"] = not world.refused()
        world.key_variable = "BRAZE_API_KEY"
        self.send("key with a line break at its end", ["club_sync"])
        patch.setenv("BRAZE_API_KEY", KEY)
        kept, world.storage = world.storage, ""
        for name, place in (
            ("storage below a file", str(Path(world.folder, "club", "defs.yaml", "below"))),
            ("credentials in the storage", f"s3://key:{KEY}@bucket/x"),
        ):
            patch.setenv("BRAZE_ASSETS_STORAGE", place)
            self.ends[name] = world.go([MEMBERS], self.key).success
        world.storage = kept

    def wrong_projects(self) -> Iterator[Callable[[], bool]]:
        """YAML and SQL that do not load."""
        for text in (
            CLUB + f"  api_key: {KEY}\n",
            CLUB + f"  test_users: {KEY}\n",
            CLUB + f"  destination: [{KEY}\n",
            CLUB + f"  partitions: {{start: '{KEY}'}}\n",
            CLUB + "  owners: [\"{{ env('BRAZE_API_KEY') }}\"]\n",
            CLUB + "  name: \"{{ env('BRAZE_API_KEY') }}\"\n",
            CLUB + "  schedule: \"{{ env('BRAZE_API_KEY') }}\"\n",
        ):
            self.world.write("club/defs.yaml", text)
            yield lambda: bool(self.world.refused())
        self.world.write("club/defs.yaml", CLUB)

    def currents(self) -> None:
        """Events of marked people; one file is cut short, one has a field of another type."""
        schema = avro_schema(OPEN)
        required = {each["name"]: "" for each in schema["fields"] if each["type"] == "string"}
        events = [
            {
                **required,
                "id": f"event-{number}",
                "user_id": f"zq7id-user-{number}",
                "external_user_id": f"zq7id-{number:04}",
                "time": int(HOUR.timestamp()) + number,
                "email_address": f"zq7mail-{number:04}@zq7host.example",
            }
            for number in range(4)
        ]
        buffer = io.BytesIO()
        fastavro.writer(buffer, fastavro.parse_schema(schema), events)
        whole = buffer.getvalue()
        for offset, data in enumerate((whole, whole[:-40])):
            key = CurrentsKey(
                integration="dataexport.prod-01.S3.integration.69cadaaed2d51b7c75b1a3e5",
                event_type=OPEN,
                hour=HOUR,
                layout="version",
                environment="us-01",
                partition=0,
                version=10,
                offset=offset,
            )
            path = Path(self.world.storage, "in", build_key(key))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        self.world.write("feed/defs.yaml", FEED)
        hours = self.world.go(["currents/users_messages_email_open"], "2026-07-01-00:00", "2026-07-01-23:00")
        self.ends["currents"] = hours.success
        self.ends["email events"] = self.world.go(BACK, "2026-07-01").success
