"""The one setting that says where everything is kept."""

import os

import dagster as dg
from pydantic import Field

from braze_assets.storage.location import Storage

__all__ = ["DEFAULT_STORAGE", "StorageResource"]

DEFAULT_STORAGE = ".local/storage"


class StorageResource(dg.ConfigurableResource[None]):
    """Where tables and ledgers are kept: a folder, or an S3 prefix."""

    url: str = Field(
        default="",
        description="A folder or s3://bucket/prefix. Empty: the environment variable BRAZE_ASSETS_STORAGE, "
        f"else {DEFAULT_STORAGE}.",
    )

    def storage(self) -> Storage:
        """The storage this resource names.

        Raises:
            ConfigurationError: The URL has an unknown scheme.
        """
        return Storage(self.url or os.environ.get("BRAZE_ASSETS_STORAGE") or DEFAULT_STORAGE)
