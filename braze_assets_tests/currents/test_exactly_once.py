"""Whatever happens to the files and in whatever order hours run, tables are what the files say (X10)."""

import os
import tempfile
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from braze_assets.currents.filling import Filling
from braze_assets.currents.ingest import IngestSettings
from braze_assets.currents.listing import CurrentsSource
from braze_assets.currents.manifest import loaded
from braze_assets.currents.refill import marked
from braze_assets.storage import Storage, StoredTable, write_parquet
from braze_assets_tests.currents.conftest import HOUR, INTEGRATION, avro, record

TYPE = "test.Event"
SCHEMA = record(("id", ["null", "string"]), ("time", "int"), ("mark", "string"))
WINDOW = 2
HOURS = range(5)
NAMES = (
    *("a", "b", "Ünï", ""),
    *("11111111-2222-4333-8444-55555555555a", "11111111-2222-4333-8444-55555555555A"),
)

hours = st.sampled_from(HOURS)
files = st.integers(0, 2)
contents = st.lists(st.one_of(st.none(), st.sampled_from(NAMES)), max_size=4)


class CrashError(Exception):
    """A run that is killed before its table is stored."""


class World(RuleBasedStateMachine):
    """Files, tables, and a dictionary that says what the tables should hold."""

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.feed = Path(self.folder.name, "feed")
        self.feed.mkdir()
        self.storage = Storage(str(Path(self.folder.name, "storage")))
        self.files: dict[int, dict[int, list[tuple[str | None, str]]]] = {hour: {} for hour in HOURS}
        self.touched: set[int] = set()
        self.number = 0

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            self.folder.cleanup()

    @rule(hour=hours, file=files, content=contents)
    def put(self, hour: int, file: int, content: list[str | None]) -> None:
        """A file comes, or is rewritten."""
        records = []
        for name in content:
            self.number += 1
            records.append((name, str(self.number)))
        path = self._path(hour, file)
        path.parent.mkdir(parents=True, exist_ok=True)
        events = [{"id": name, "time": 1, "mark": mark} for name, mark in records]
        path.write_bytes(avro(SCHEMA, events))
        self.number += 1
        os.utime(path, (self.number, self.number))
        self.files[hour][file] = records
        self.touched.add(hour)

    @rule(hour=hours, file=files)
    def delete(self, hour: int, file: int) -> None:
        """A file goes."""
        if self.files[hour].pop(file, None) is not None:
            self._path(hour, file).unlink()
            self.touched.add(hour)

    @rule(hour=hours)
    def run(self, hour: int) -> None:
        """An hour is run, for whatever reason."""
        self._run(hour, lambda: None)

    @rule(hour=hours)
    def crash(self, hour: int) -> None:
        """A run dies before it has stored anything."""

        def die() -> None:
            raise CrashError

        try:
            self._run(hour, die)
        except CrashError:
            self.touched.add(hour)

    @rule(hour=hours, other=hours, late=hours, file=files, content=contents, goes=st.booleans())
    def runs_side_by_side(
        self, hour: int, other: int, late: int, file: int, content: list[str | None], goes: bool
    ) -> None:
        """While an hour runs, a file comes or goes and another run begins and ends."""

        def meanwhile() -> None:
            self.delete(late, file) if goes else self.put(late, file, content)
            self._run(other, lambda: None)

        self._run(hour, meanwhile)

    @rule(order=st.permutations(HOURS))
    def settle(self, order: list[int]) -> None:
        """The sensor asks for what is new and what is marked, in any order, until nothing is left."""
        for _ in range(20):
            asked = self.touched | {
                int((hour - HOUR) / timedelta(hours=1)) for hour in marked(self.storage, [TYPE]).get(TYPE, [])
            }
            if not asked:
                break
            for hour in (each for each in order if each in asked):
                self._run(hour, lambda: None)
        else:
            raise AssertionError("hours are asked for without end")
        for hour in HOURS:
            self._compare(hour)

    @invariant()
    def no_table_is_torn(self) -> None:
        """What a table's manifest says is what the table holds."""
        for hour in HOURS if hasattr(self, "folder") else ():
            manifest = loaded(self._table(self._time(hour)))
            if manifest is not None:
                assert manifest.rows == self._table(self._time(hour)).num_rows
                gone = manifest.duplicates_in_hour + manifest.duplicates_of_earlier_hours
                assert manifest.read == manifest.rows + gone

    def _compare(self, hour: int) -> None:
        table = self._table(self._time(hour))
        expected = self._expected(hour)
        if not table.exists():
            assert not self.files[hour]
            return
        rows = table.dataset().to_table().to_pylist()
        assert sorted(row["mark"] for row in rows) == sorted(expected)

    def _expected(self, hour: int) -> list[str]:
        before: set[str | None] = {
            name
            for earlier in range(max(hour - WINDOW, 0), hour)
            for records in self.files[earlier].values()
            for name, _ in records
        }
        found = []
        for file in sorted(self.files[hour]):
            for name, mark in self.files[hour][file]:
                if name is None or name not in before:
                    found.append(mark)
                before.add(name)
        return found

    def _run(self, hour: int, meanwhile: Any) -> None:
        filling = Filling(
            CurrentsSource(str(self.feed)),
            self.storage,
            TYPE,
            self._table,
            IngestSettings(window_hours=WINDOW, empty_when_files_are_gone=True, workers=1, readers=1),
            clock=lambda: datetime(2027, 1, 1, tzinfo=timezone.utc),
        )
        self.touched.discard(hour)
        with filling.hour(self._time(hour)) as filled:
            meanwhile()
            write_parquet(
                self.storage.path(*self._folders(self._time(hour))),
                filled.ingested.reader(),
                metadata=filled.documents(),
            )
        assert filled.report.differences(filled.stored_rows or 0) == []

    def _table(self, hour: datetime) -> StoredTable:
        return StoredTable.at(self.storage.uri(*self._folders(hour)))

    def _folders(self, hour: datetime) -> tuple[str, str]:
        return "tables", f"{hour:%H}.parquet"

    def _time(self, hour: int) -> datetime:
        return HOUR + timedelta(hours=hour)

    def _path(self, hour: int, file: int) -> Path:
        name = f"{self._time(hour):%Y-%m-%d-%H}"
        return (
            self.feed
            / INTEGRATION
            / f"event_type={TYPE}"
            / f"date={name}"
            / "version=1"
            / "x"
            / f"{file}.avro"
        )


World.TestCase.settings = settings(
    deadline=None, max_examples=20, stateful_step_count=15, suppress_health_check=list(HealthCheck)
)
TestWorld = World.TestCase
