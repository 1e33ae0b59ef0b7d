"""Where Braze Currents writes to, and the S3 client that lists it."""

import os
from typing import Any

import dagster as dg
from pydantic import Field

__all__ = ["DEFAULT_CURRENTS", "CurrentsResource"]

DEFAULT_CURRENTS = ".local/currents"


class CurrentsResource(dg.ConfigurableResource[None]):
    """The bucket or folder that holds the Avro files."""

    url: str = Field(
        default="",
        description="A folder or s3://bucket/prefix. Empty: the environment variable BRAZE_CURRENTS_URL, "
        f"else {DEFAULT_CURRENTS}.",
    )

    def location(self) -> str:
        """The URL."""
        return self.url or os.environ.get("BRAZE_CURRENTS_URL") or DEFAULT_CURRENTS

    def at(self, url: str) -> "CurrentsResource":
        """The same with another URL; unchanged when that is empty."""
        return CurrentsResource(url=url) if url else self

    def s3_client(self) -> Any:
        """The S3 client for listing and reading, or None where the files are in a folder.

        It keeps as many connections as there are files read at a time.
        """
        if not self.location().startswith("s3://"):
            return None
        # Imported late: it takes longer than everything else this code location loads.
        import boto3
        from botocore.config import Config

        retries = {"max_attempts": 5, "mode": "standard"}
        return boto3.client("s3", config=Config(max_pool_connections=32, retries=retries))
