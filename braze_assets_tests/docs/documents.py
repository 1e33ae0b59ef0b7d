"""The documents of the project, and what is in them."""

import re
import textwrap
from pathlib import Path
from typing import NamedTuple

__all__ = ["DOCS", "ROOT", "Block", "blocks", "read"]

ROOT = Path(__file__).parents[2]
DOCS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]

_FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>\w+)\n(?P<text>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL
)
_HEREDOC = re.compile(r"<<'YAML'[^\n]*\n(.*?)^YAML$", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    """A fenced block."""

    file: str
    line: int
    language: str
    text: str

    @property
    def id(self) -> str:
        """For the test's name."""
        return f"{self.file}:{self.line}"


def read(name: str) -> str:
    """A document under `docs/`."""
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def blocks(language: str, *files: str) -> list[Block]:
    """The blocks of a language in all documents, or some. YAML in a shell's here-document counts as YAML."""
    found = []
    for path in DOCS:
        if files and path.name not in files:
            continue
        text = path.read_text(encoding="utf-8")
        for match in _FENCE.finditer(text):
            line, body = text.count("\n", 0, match.start()) + 1, textwrap.dedent(match["text"])
            if match["language"] == language:
                found.append(Block(path.name, line, language, body))
            elif language == "yaml":
                found += [Block(path.name, line, language, inner) for inner in _HEREDOC.findall(body)]
    return found
