"""The command line `braze-assets`: what is done by hand, beside Dagster."""
