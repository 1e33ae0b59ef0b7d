"""What a SQL file says of itself: YAML between two lines of dashes, in a comment at its top."""

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import yaml

from braze_assets.errors import QueryError
from braze_assets.rows.thresholds import Thresholds

__all__ = ["FrontMatter", "Status", "front_matter"]

Status = Literal["draft", "active"]

_BLOCK = re.compile(r"\A\s*/\*[ \t]*\n?[ \t]*---[ \t]*\n(?P<yaml>.*?)^[ \t]*---[ \t]*\n?\s*\*/", re.S | re.M)
_COMMENTS = re.compile(r"\A(?:\s+|--[^\n]*(?:\n|\Z)|/\*.*?\*/)*", re.S)
_MEANT = re.compile(r"^[ \t/*-]*(?:---[ \t]*$|(?:status|thresholds)[ \t]*:)", re.M)
_EXAMPLE = "Begin the file with `/*`, a line `---`, the settings, a line `---`, and `*/`."


@dataclass(frozen=True, kw_only=True)
class FrontMatter:
    """What a SQL file says of itself; all of it may be left out."""

    name: str | None = None
    status: Status = "active"
    description: str | None = None
    owners: tuple[str, ...] = ()
    thresholds: Thresholds = field(default_factory=Thresholds)
    sql: str = ""
    """The text without it."""


def front_matter(sql: str, place: str) -> FrontMatter:
    """Read the front matter of a SQL text.

    Args:
        sql: The text.
        place: The file, for messages.

    Raises:
        QueryError: It is not YAML, or a setting is unknown, of the wrong kind, or contradicts another; names
            file and line. Also where a comment looks like front matter, but would be ignored.
    """
    text = sql.replace("\r\n", "\n")
    found = _BLOCK.match(text)
    if found is None:
        comment = _COMMENTS.match(text)
        if comment and (meant := _MEANT.search(comment.group())):
            raise QueryError(
                "The comment looks like front matter, but is not written as such.",
                place=f"{place}:{text.count(chr(10), 0, meant.start()) + 1}",
                remedy=_EXAMPLE,
            )
        return FrontMatter(sql=sql)
    first = text.count("\n", 0, found.start("yaml")) + 1
    settings = _Reader(place, first).read(found["yaml"])
    return FrontMatter(**settings, sql=text[found.end() :])


class _Reader:
    """Reads the YAML, and knows which line of the file a setting is on."""

    def __init__(self, place: str, first: int) -> None:
        self.place = place
        self.first = first
        self.lines: dict[str, int] = {}

    def read(self, text: str) -> dict[str, Any]:
        try:
            node = yaml.compose(text, Loader=yaml.SafeLoader)
            document = yaml.safe_load(text)
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
            raise QueryError(
                f"The front matter is not YAML: {getattr(error, 'problem', None) or 'unreadable'}.",
                place=f"{self.place}:{self.first + (mark.line if mark else 0)}",
                remedy="Correct the line, or the one before it: colons, quotes, indentation.",
            ) from None
        if document is None:
            return {}
        if not isinstance(document, dict) or not isinstance(node, yaml.MappingNode):
            raise self._error("", "The front matter is not a list of settings", "Write `name: value` lines.")
        self._note(node, "")
        readers: dict[str, Callable[[str, Any], Any]] = {
            "name": self._name,
            "status": self._status,
            "description": self._text,
            "owners": self._owners,
            "thresholds": self._thresholds,
        }
        self._known(document, readers, "")
        return {name: readers[name](name, value) for name, value in document.items()}

    def _note(self, node: yaml.MappingNode, above: str) -> None:
        for key, value in node.value:
            path = f"{above}{key.value}"
            if path in self.lines:
                self.lines[path] = key.start_mark.line
                raise self._error(path, f"The setting {path!r} is made twice", "Remove one of them.")
            self.lines[path] = key.start_mark.line
            if isinstance(value, yaml.MappingNode):
                self._note(value, f"{path}.")

    def _known(self, document: Mapping[Any, Any], known: Mapping[str, Any], above: str) -> None:
        for name in document:
            if name not in known:
                near = difflib.get_close_matches(str(name), known, n=1)
                raise self._error(
                    f"{above}{name}",
                    f"The setting {f'{above}{name}'!r} is unknown",
                    (f"Did you mean {near[0]}? " if near else "") + f"Known here: {', '.join(known)}.",
                )

    def _name(self, path: str, value: Any) -> str:
        if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z0-9_]+", value):
            raise self._error(path, "The name is not a name", "Use letters, digits and underscores.")
        return value

    def _status(self, path: str, value: Any) -> str:
        if value not in ("draft", "active"):
            near = difflib.get_close_matches(str(value), ("draft", "active"), n=1)
            raise self._error(
                path,
                f"The status {value!r} is unknown",
                (f"Did you mean {near[0]}? " if near else "") + "It is draft or active.",
            )
        return str(value)

    def _text(self, path: str, value: Any) -> str | None:
        if value is not None and not isinstance(value, str):
            raise self._error(path, f"The setting {path!r} is not a text", "Put it in quotes.")
        return value

    def _owners(self, path: str, value: Any) -> tuple[str, ...]:
        owners = [value] if isinstance(value, str) else value
        if not isinstance(owners, list) or not all(
            isinstance(each, str) and ("@" in each or each.startswith("team:")) for each in owners
        ):
            raise self._error(
                path, "The owners are not owners", "List e-mail addresses or teams, as `team:crm`."
            )
        return tuple(owners)

    def _thresholds(self, path: str, value: Any) -> Thresholds:
        groups = self._group(path, value, ("rows", "change"))
        rows = self._group(f"{path}.rows", groups.get("rows") or {}, ("min", "max", "otherwise"))
        change = self._group(f"{path}.change", groups.get("change") or {}, ("max", "otherwise"))
        least, most = (self._count(f"{path}.rows.{name}", rows.get(name)) for name in ("min", "max"))
        if least is not None and most is not None and least > most:
            raise self._error(
                f"{path}.rows.min",
                f"The thresholds contradict each other: at least {least:,} and at most {most:,} rows",
                "Let min be at most max.",
            )
        share = change.get("max")
        if share is not None and (
            isinstance(share, bool) or not isinstance(share, (int, float)) or share < 0
        ):
            raise self._error(
                f"{path}.change.max", "The change is not a share", "Write 0.2 for a fifth more or fewer."
            )
        for name, group, needs in (("rows", rows, ("min", "max")), ("change", change, ("max",))):
            if name in groups and all(group.get(each) is None for each in needs):
                raise self._error(
                    f"{path}.{name}", f"The threshold {name!r} has no bound", f"Set {' or '.join(needs)}."
                )
        return Thresholds(
            min_rows=least,
            max_rows=most,
            max_change=None if share is None else float(share),
            rows_otherwise=self._otherwise(f"{path}.rows.otherwise", rows),
            change_otherwise=self._otherwise(f"{path}.change.otherwise", change),
        )

    def _group(self, path: str, value: Any, known: tuple[str, ...]) -> Mapping[str, Any]:
        if not isinstance(value, dict):
            raise self._error(
                path, f"The setting {path!r} has settings of its own", f"Known here: {', '.join(known)}."
            )
        self._known(value, dict.fromkeys(known), f"{path}.")
        return value

    def _count(self, path: str, value: Any) -> int | None:
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 0):
            raise self._error(path, f"The threshold {path!r} is not a number of rows", "Write 0 or more.")
        return value

    def _otherwise(self, path: str, group: Mapping[str, Any]) -> Any:
        value = group.get("otherwise", "fail")
        if value not in ("warn", "fail"):
            raise self._error(path, f"The setting {path!r} is {value!r}", "It is warn or fail.")
        return value

    def _error(self, path: str, cause: str, remedy: str) -> QueryError:
        while path and path not in self.lines:
            path = path.rpartition(".")[0]
        return QueryError(
            f"{cause}.", place=f"{self.place}:{self.first + self.lines.get(path, 0)}", remedy=remedy
        )
