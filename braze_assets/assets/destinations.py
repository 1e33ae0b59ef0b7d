"""A destination on the asset graph: what it is, and the check of its connection."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import dagster as dg
from pydantic import Field

from braze_assets.assets.previews import markdown_table
from braze_assets.resources.braze import BrazeResource

if TYPE_CHECKING:
    from braze_assets.delivery.connection import Finding

__all__ = ["ConnectionConfig", "build_destination", "destination_key"]


class ConnectionConfig(dg.Config):
    """How closely one check looks."""

    write_probe: bool = Field(
        default=False,
        description="Also write a small object to the drop location, and remove it again.",
    )


def destination_key(name: str) -> dg.AssetKey:
    """The asset key of a destination."""
    return dg.AssetKey(["destinations", name])


def build_destination(
    name: str,
    resource: BrazeResource,
    *,
    description: str = "",
    owners: Sequence[str] = (),
    facts: Mapping[str, Any] | None = None,
) -> dg.Definitions:
    """The resource of a destination, an asset that stands for it, and the check `connection`.

    Args:
        name: The resource key.
        resource: The workspace.
        description: For people.
        owners: Dagster owners.
        facts: More that is shown of it.
    """
    key = destination_key(name)
    asset = dg.AssetSpec(
        key,
        description=description or f"The Braze workspace {name}.",
        group_name="destinations",
        owners=list(owners),
        kinds={"braze"},
        metadata={
            "enabled": resource.enabled,
            "instance": resource.instance or "BRAZE_INSTANCE",
            "api_key_variable": resource.api_key_variable,
            "most": resource.most,
            **(facts or {}),
        },
    )

    @dg.asset_check(
        asset=key,
        name="connection",
        description="Instance, key and permission are right; the segment exists, the drop location can be "
        "used. No data is sent.",
        required_resource_keys={name},
    )
    def connection(context: dg.AssetCheckExecutionContext, config: ConnectionConfig) -> dg.AssetCheckResult:
        workspace: BrazeResource = getattr(context.resources, name)
        findings = workspace.check(write_probe=config.write_probe)
        failed = [each for each in findings if not each.passed]
        return dg.AssetCheckResult(
            passed=not failed,
            description="\n".join(_said(each) for each in failed) or None,
            metadata={
                "findings": markdown_table(
                    ("subject", "verdict", "what is so", "where", "what to do"),
                    (
                        (e.subject, "ok" if e.passed else "FAILED", e.cause, e.place, e.remedy)
                        for e in findings
                    ),
                    empty="There was nothing to look at.",
                )
            },
        )

    return dg.Definitions(assets=[asset], asset_checks=[connection], resources={name: resource})


def _said(finding: "Finding") -> str:
    return f"{finding.subject}: {finding.cause} {finding.remedy}".strip()
