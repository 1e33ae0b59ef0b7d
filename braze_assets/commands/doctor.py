"""`braze-assets doctor`: whether the destinations of a project can be sent to."""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from braze_assets.commands.project import module_option, project_definitions

if TYPE_CHECKING:
    from braze_assets.delivery.connection import Finding
    from braze_assets.resources.braze import BrazeResource

__all__ = ["doctor"]


@click.command()
@click.option("--destination", "names", multiple=True, metavar="NAME", help="Only this; may be repeated.")
@click.option("--write", is_flag=True, help="Also write a small object to the drop location, and remove it.")
@module_option
def doctor(names: tuple[str, ...], write: bool, module: str) -> None:
    """Look at the destinations of the project: instance, key, permission, segment, drop location.

    No data is sent. Ends with 1 when something is wrong.
    """
    known = _destinations(module)
    for name in names:
        if name not in known:
            raise click.BadParameter(
                f"There is no destination {name!r}; there are {', '.join(sorted(known)) or 'none'}.",
                param_hint="--destination",
            )
    chosen = {name: known[name] for name in names or sorted(known)}
    if not chosen:
        raise click.ClickException(f"{module} has no destination.")
    failed = 0
    for name, resource in chosen.items():
        if not names and len(chosen) > 1 and _unused(name, resource):
            _line(name, "connection", "not set up", "BRAZE_INSTANCE is not set: not looked at.")
            continue
        findings = resource.check(write_probe=write)
        failed += sum(not each.passed for each in findings)
        for each in findings:
            _show(name, each, "ok" if resource.enabled else "disabled")
    if failed:
        raise click.ClickException(f"{failed} of these failed.")


def _destinations(module: str) -> Mapping[str, "BrazeResource"]:
    from braze_assets.resources.braze import BrazeResource

    found: dict[str, BrazeResource] = {}
    for made in project_definitions(module):
        resources = (made.resources or {}).items()
        found |= {name: one for name, one in resources if isinstance(one, BrazeResource)}
    return found


def _unused(name: str, resource: "BrazeResource") -> bool:
    """Whether this is the default destination, which every deployment has, and nobody set it up."""
    return resource.destination == name == "braze" and not (
        resource.instance or os.environ.get("BRAZE_INSTANCE")
    )


def _show(name: str, finding: "Finding", good: str) -> None:
    _line(name, finding.subject, good if finding.passed else "FAILED", finding.cause)
    if finding.passed:
        return
    for label, text in (("Where", finding.place), ("What to do", finding.remedy)):
        if text:
            click.echo(f"  {label}: {text}")


def _line(name: str, subject: str, verdict: str, said: str) -> None:
    click.echo(f"{name:<16} {subject:<14} {verdict:<10} {said}")
