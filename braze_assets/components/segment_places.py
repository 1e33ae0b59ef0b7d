"""Where in the YAML files of a project a segment's rule, or a part of it, is written."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path as File
from typing import Any

import yaml

from braze_assets.errors import BrazeAssetsError
from braze_assets.segments import Path

__all__ = ["Places"]


class Places:
    """Files are looked into only when something is wrong.

    Args:
        folder: The folder of the project's YAML files.
        first: The folder that is looked into first.
    """

    def __init__(self, folder: File, first: File) -> None:
        self._folder = folder
        self._first = first
        self._known: dict[str, tuple[str, Path]] = {}
        self._text: str | None = None

    def of(self, segment: str) -> Callable[[Path], str]:
        """Names places in the rule of a segment."""

        def place(path: Path) -> str:
            name = ".".join(str(each) for each in ("segment " + segment, *path))
            self._known[name] = (segment, path)
            return name

        return place

    @contextmanager
    def located(self) -> Iterator[None]:
        """Errors of rules tell the file and line of what is wrong."""
        try:
            yield
        except BrazeAssetsError as error:
            if error.place in self._known:
                error.place = self._line(*self._known[error.place]) or error.place
            raise

    def names(self, segment: str) -> str:
        """The lines where segments of this name are, in whatever case."""
        found = [
            f"{file}:{_entry(node, 'name').start_mark.line + 1}"
            for file in self._files()
            for node in _segments(file)
            if _text(_entry(node, "name")).casefold() == segment.casefold()
        ]
        return ", ".join(found) or segment

    def file_and_line(self, segment: str) -> tuple[File, int] | None:
        """Where a segment begins, found without parsing: this is asked each time the project loads."""
        file = self._first / "defs.yaml"
        if self._text is None:
            self._text = file.read_text(encoding="utf-8") if file.is_file() else ""
        found = re.search(
            rf"""^[ -]*name: *['"]?{re.escape(segment)}['"]? *(#.*)?$""", self._text, re.MULTILINE
        )
        return (file, self._text.count("\n", 0, found.start()) + 1) if found else None

    def _line(self, segment: str, path: Path) -> str | None:
        for file in self._files():
            for node in _segments(file):
                if _text(_entry(node, "name")) == segment:
                    return f"{file}:{_line_of(node, ('rule', *path))}"
        return None

    def _files(self) -> list[File]:
        own = sorted(self._first.rglob("*.yaml")) if self._first.is_dir() else []
        return list(dict.fromkeys([*own, *sorted(self._folder.rglob("*.yaml"))]))


def _segments(file: File) -> Iterator[yaml.Node]:
    try:
        documents = list(yaml.compose_all(file.read_text(encoding="utf-8"), Loader=yaml.SafeLoader))
    except (yaml.YAMLError, OSError, UnicodeDecodeError):
        return
    for document in documents:
        listed = _entry(_entry(document, "attributes"), "segments")
        yield from listed.value if isinstance(listed, yaml.SequenceNode) else []


def _entry(node: Any, key: str | int) -> Any:
    if isinstance(node, yaml.MappingNode):
        return next((value for name, value in node.value if name.value == str(key)), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
        return node.value[key]
    return None


def _text(node: Any) -> str:
    return str(node.value) if isinstance(node, yaml.ScalarNode) else ""


def _line_of(node: yaml.Node, path: Path) -> int:
    """The line of the last key of a path, or of the closest one above it that is there."""
    line = node.start_mark.line + 1
    for key in path:
        if isinstance(node, yaml.MappingNode):
            line = next((n.start_mark.line + 1 for n, _ in node.value if n.value == str(key)), line)
        inner = _entry(node, key)
        if inner is None:
            break
        if isinstance(node, yaml.SequenceNode):
            line = inner.start_mark.line + 1
        node = inner
    return line
