"""Damaged Avro files by the thousand: `python -m braze_assets_tests.fuzz --help`."""
