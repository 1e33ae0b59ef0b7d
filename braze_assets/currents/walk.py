"""The way down to the files: through folders of any name to `event_type=` and `date=`."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from braze_assets.currents.paths import parse_hour
from braze_assets.currents.tree import Children, FileRef, Tree
from braze_assets.currents.unrouted import Unrouted
from braze_assets.errors import CurrentsError

__all__ = ["DEPTH", "Home", "Walk"]

DEPTH = 4
"""How many unknown folders may stand above or between the event type and the hour."""
_FOLDERS = 2_000
_DATE = "date="
_AFTER_DATES = "date=~"
"""After every `date=<hour>` in the order of names, and before whatever else may follow."""


@dataclass(frozen=True)
class Home:
    """A folder of one event type."""

    folder: str
    event_type: str


@dataclass
class Walk:
    """Finds files in a tree, and remembers the folders it went through."""

    tree: Tree
    _homes: tuple[list[Home], list[tuple[datetime, str]]] | None = field(default=None, repr=False)
    _known: dict[str, Children] = field(default_factory=dict, repr=False)
    _unrouted: dict[str, Unrouted] = field(default_factory=dict, repr=False)

    def homes(self) -> tuple[list[Home], list[tuple[datetime, str]]]:
        """The folders of event types, and those of hours that stand above the event types."""
        if self._homes is None:
            homes: list[Home] = []
            dates: list[tuple[datetime, str]] = []
            self._find("", DEPTH, homes, dates)
            self._homes = homes, dates
        return self._homes

    def dated(
        self, folder: str, low: str, high: str, depth: int, *, only_first: bool = False
    ) -> Iterator[tuple[datetime, FileRef]]:
        """The files of the hours from `low` to before `high` under the folder of an event type.

        Args:
            folder: The folder, or one below it.
            low: The name of the first hour.
            high: The name of the hour to stop before.
            depth: How many folders may still stand before the hours.
            only_first: Whether the first file of each such folder will do, which is of its first hour.
        """
        first = self.tree.first_child(folder)
        if first is None:
            return
        others: list[str] = []
        if first < _DATE:
            others += self._beside(folder, "", _DATE)
        odd: list[str] = []
        more = False
        for files, last in self.tree.pages(folder, _DATE + low):
            past = False
            for file in files:
                name, slash, _ = file.key[len(folder) :].partition("/")
                if not name.startswith(_DATE):
                    past = more = True
                elif not slash or (hour := parse_hour(name[5:])) is None:
                    odd.append(file.key)
                elif name[5:] < high:
                    yield hour, file
                    past = only_first
                else:
                    past = True
                if past and only_first:
                    more = True
                    break
            if past:
                more = more or not last
                break
        self._unrouted[f"{folder}{_DATE}"] = Unrouted.of(odd)
        if more:
            others += self._beside(folder, _AFTER_DATES, None)
        for name in others:
            if depth:
                yield from self.dated(f"{folder}{name}/", low, high, depth - 1, only_first=only_first)
            else:
                self._nothing_in(f"{folder}{name}/")

    def of_type(self, folder: str, event_type: str, depth: int) -> Iterator[FileRef]:
        """The files of an event type under a folder of an hour."""
        for name in self._children(folder).folders:
            key, _, value = name.partition("=")
            if key == "event_type":
                if value == event_type:
                    for files, _ in self.tree.pages(f"{folder}{name}/"):
                        yield from files
            elif depth:
                yield from self.of_type(f"{folder}{name}/", event_type, depth - 1)
            else:
                self._nothing_in(f"{folder}{name}/")

    def types_below(self, folder: str, depth: int) -> Iterator[str]:
        """The event types under a folder of an hour."""
        for name in self._children(folder).folders:
            key, _, value = name.partition("=")
            if key == "event_type":
                yield value
            elif depth:
                yield from self.types_below(f"{folder}{name}/", depth - 1)

    def unrouted(self) -> Unrouted:
        """The files met so far that belong to nothing."""
        return sum(self._unrouted.values(), Unrouted())

    def look_everywhere(self) -> None:
        """Go through the folders of all hours by name, for those whose name is none."""
        homes, dates = self.homes()
        for home in homes:
            self._look(home.folder, DEPTH)
        for _, folder in dates:
            list(self.types_below(folder, DEPTH))

    def _look(self, folder: str, depth: int) -> None:
        children = self._children(folder)
        for part in (_DATE, "|first", f"|{_AFTER_DATES}"):
            self._unrouted.pop(f"{folder}{part}", None)  # These saw some of what is seen now.
        for name in children.folders:
            if name.startswith(_DATE):
                if parse_hour(name[5:]) is None:
                    self._nothing_in(f"{folder}{name}/")
            elif depth:
                self._look(f"{folder}{name}/", depth - 1)
            else:
                self._nothing_in(f"{folder}{name}/")

    def _find(self, folder: str, depth: int, homes: list[Home], dates: list[tuple[datetime, str]]) -> None:
        for name in self._children(folder).folders:
            below = f"{folder}{name}/"
            key, _, value = name.partition("=")
            if key == "event_type" and value:
                homes.append(Home(below, value))
            elif key == "date" and (hour := parse_hour(value)) is not None:
                dates.append((hour, below))
            elif depth and key != "date":
                self._find(below, depth - 1, homes, dates)
            else:
                self._nothing_in(below)

    def _children(self, folder: str) -> Children:
        if folder not in self._known:
            if len(self._known) >= _FOLDERS:
                raise CurrentsError(
                    f"There are more than {_FOLDERS:,} folders to look through for those of Currents.",
                    place=folder,
                    remedy="Give the folder of the connector itself, without other data in it.",
                )
            self._known[folder] = self.tree.children(folder)
            self._loose(folder, "", self._known[folder])
        return self._known[folder]

    def _beside(self, folder: str, first: str, before: str | None) -> tuple[str, ...]:
        """The folders before or after those of the hours."""
        found = self.tree.children(folder, first, before)
        self._loose(folder, first or "first", found)
        return found.folders

    def _loose(self, folder: str, part: str, children: Children) -> None:
        if children.files:
            self._unrouted[f"{folder}|{part}"] = Unrouted.of(f"{folder}{name}" for name in children.files)

    def _nothing_in(self, folder: str) -> None:
        """A folder that leads to no hour: its first files are told of."""
        for files, last in self.tree.pages(folder):
            self._unrouted[folder] = Unrouted.of((file.key for file in files), at_least=not last)
            if files or last:
                return
