"""Campaigns and audiences as assets: syncs whose rows are members."""

from braze_assets.assets.campaigns.build import build_audiences, build_campaign
from braze_assets.assets.campaigns.definition import CampaignDefinition

__all__ = ["CampaignDefinition", "build_audiences", "build_campaign"]
