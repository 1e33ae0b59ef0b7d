"""Tests of `braze_assets.segments`."""
