"""`make demo`: the main job from end to end, offline, against a local Braze."""

import argparse
import os
import sys
import time
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from braze_assets.demo.local import LOCAL_API_KEY, LocalFolder
from braze_assets.errors import BrazeAssetsError

if TYPE_CHECKING:
    from braze_assets.demo.chapter import Chapter

_START = date(2026, 7, 1)


def main(arguments: Sequence[str] | None = None) -> int:
    """Tell the story; 0 when it came out as it must."""
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--customers", type=int, default=10_000)
    options = parser.parse_args(arguments)
    # Dagster captures standard output while a step runs; the demo keeps a way to the screen.
    screen = os.fdopen(os.dup(1), "w", encoding="utf-8")
    console = Console(file=screen, highlight=False, width=None if screen.isatty() else 110)
    started = time.monotonic()
    try:
        _tell(console, options.customers)
    except BrazeAssetsError as error:
        console.print(f"\n{error}", style="red", markup=False)
        return 1
    console.print(f"\nDone in {time.monotonic() - started:.0f} s. Everything is kept: `make dev` opens it.")
    return 0


def _tell(console: Console, customers: int) -> None:
    local = LocalFolder.default()
    local.clear()
    local.prepare()
    os.environ["BRAZE_ASSETS_SAMPLE_CUSTOMERS"] = str(customers)
    os.environ["BRAZE_ASSETS_START_DATE"] = _START.isoformat()
    os.environ.update(local.environment(""))
    console.print(f"Keeping a local Braze in step with {customers:,} customers over five days.\n")
    with console.status("Loading Dagster"):
        import dagster as dg

        from braze_assets.demo.definitions import defs
        from braze_assets.demo.runs import Runner
        from braze_assets.demo.story import Story
        from braze_assets.emulator.process import LocalBraze

        definitions = defs()
    with (
        LocalBraze(run="process", state=local.braze_state, api_key=LOCAL_API_KEY) as braze,
        dg.DagsterInstance.get() as instance,
    ):
        os.environ["BRAZE_INSTANCE"] = braze.url
        story = Story(
            Runner(definitions, instance),
            braze.control,
            storage=local.storage,
            currents=local.currents,
            drop=local.drop,
            start=_START,
            customers=customers,
        )
        chapters: list[Chapter] = []
        try:
            for line, chapter in story.chapters():
                begun = time.monotonic()
                with console.status(f"{line} ..."):
                    chapters.append(chapter())
                console.print(f"[green]\u2713[/green] {line} [dim]{time.monotonic() - begun:.1f} s[/dim]")
        finally:
            for told in chapters:
                _show(console, told)


def _show(console: Console, chapter: "Chapter") -> None:
    console.print(f"\n[bold]{chapter.title}[/bold]")
    table = Table(box=None, show_header=False, padding=(0, 2), pad_edge=True)
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    for name, value in chapter.facts.items():
        table.add_row(name, value)
    console.print(table)
    if chapter.message:
        console.print(chapter.message, style="yellow", markup=False)


if __name__ == "__main__":
    sys.exit(main())
