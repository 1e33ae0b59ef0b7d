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

    def s3_client(self) -> Any:
        """The S3 client for listing, or None where the files are in a folder."""
        if not self.location().startswith("s3://"):
            return None
        # Imported late: it takes longer than everything else this code location loads.
        from dagster_aws.s3 import S3Resource

        return S3Resource().get_client()
