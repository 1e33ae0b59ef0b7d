"""Every promise in docs/delivery.md names a test that is there."""

import ast
import re

import pytest

from braze_assets_tests.docs.documents import ROOT, read

NAMED = re.findall(r"^\| .+ \| `([\w/]+\.py)::(\w+)` \|$", read("delivery.md"), re.MULTILINE)


def test_every_promise_has_tests() -> None:
    text = read("delivery.md")
    table = text[text.index("| promise | test |") : text.index("## Where a promise ends")]
    assert len(NAMED) == len(table.strip().splitlines()) - 2
    promised = {number for line in table.splitlines() for number in re.findall(r"\d", line.split(":")[0])}
    assert promised == {"1", "2", "3", "4"}


@pytest.mark.parametrize(("file", "name"), NAMED, ids=[name for _, name in NAMED])
def test_the_test_that_is_named_is_there(file: str, name: str) -> None:
    module = ast.parse((ROOT / "braze_assets_tests" / file).read_text(encoding="utf-8"))
    assert name in {each.name for each in ast.walk(module) if isinstance(each, ast.FunctionDef)}
