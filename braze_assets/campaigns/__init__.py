"""Campaigns and audiences as SQL: who is in, who gets what, and what Braze is told of it."""

from braze_assets.campaigns.audience_sql import Audience, Chosen, audience_table
from braze_assets.campaigns.names import slug
from braze_assets.campaigns.split import Split

__all__ = ["Audience", "Chosen", "Split", "audience_table", "slug"]
