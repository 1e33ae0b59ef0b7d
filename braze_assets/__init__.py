"""A Dagster data-asset project that keeps Braze in step with customer data."""
