"""The benchmarks run and report; how fast anything is, is not asked here."""

from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from benchmarks import __main__ as benchmarks
from benchmarks.report import markdown, show
from benchmarks.scale import QUICK

TINY = replace(QUICK, users=2_000, events=3_000, many_users=20_000)


@pytest.mark.parametrize(("name", "figures"), [("plan", 2), ("growth", 2), ("currents", 3)])
def test_a_case_gives_a_table(name: str, figures: int, tmp_path: Path) -> None:
    outcome = benchmarks.run_case(name, TINY, tmp_path)
    assert not outcome.failure
    assert len(outcome.figures) == figures
    assert all(figure.value > 0 and figure.baseline > 0 and figure.ratio > 0 for figure in outcome.figures)
    page = markdown([outcome], "python -m benchmarks")
    assert sum(line.startswith("| ") for line in page.splitlines()) == figures + 2
    console = Console(width=120, record=True)
    show([outcome], console)
    assert outcome.figures[0].beside[:20] in console.export_text()


def test_a_case_that_fails_is_told_and_does_not_end_the_run(tmp_path: Path) -> None:
    outcome = benchmarks.run_case("no_such_case", TINY, tmp_path)
    assert "no_such_case" in outcome.failure
    assert "FAILED" in markdown([outcome], "python -m benchmarks")
