"""Campaigns and audiences as definitions."""

import dagster as dg

from braze_assets.assets.campaigns.definition import CampaignDefinition
from braze_assets.assets.campaigns.orphans import build_orphan_check
from braze_assets.assets.campaigns.recipients import build_recipients_asset
from braze_assets.assets.campaigns.sample import build_sample_asset
from braze_assets.assets.syncs import SyncDefinition, build_sync

__all__ = ["build_audiences", "build_campaign"]


def build_campaign(campaign: CampaignDefinition) -> dg.Definitions:
    """The sync of a campaign at one destination, with its sample, its recipients and the check of orphans."""
    more = [build_recipients_asset(campaign)]
    if campaign.sample:
        more.append(build_sample_asset(campaign))
    return _with_orphans(campaign.sync, build_sync(campaign.sync, after=more))


def build_audiences(sync: SyncDefinition, *others: SyncDefinition) -> dg.Definitions:
    """The sync of audiences, for one destination or several, with the check of orphans of each."""
    return _with_orphans(sync, build_sync(sync, *others), *others)


def _with_orphans(sync: SyncDefinition, made: dg.Definitions, *others: SyncDefinition) -> dg.Definitions:
    checks = [
        build_orphan_check(each, frozenset(each.plan.removed_rows_unset or ()) | _sent(each))
        for each in (sync, *others)
    ]
    return dg.Definitions.merge(made, dg.Definitions(asset_checks=checks))


def _sent(sync: SyncDefinition) -> frozenset[str]:
    names = sync.rows.query.outputs() if hasattr(sync.rows.query, "outputs") else None
    return frozenset(sync.rows.names.get(name, name) for name in names or ())
