"""The bucket of one job on the faulty S3 server."""

from __future__ import annotations

import json
from urllib.request import Request, urlopen


class Bucket:
    """Made at once.

    Args:
        url: The server.
        name: Of the bucket.
    """

    def __init__(self, url: str, name: str) -> None:
        self._url, self._name, self._places = url, name, 0
        self.environment = {
            "AWS_ENDPOINT_URL": url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        self._call("PUT", f"/{name}", b"")

    def new_place(self) -> str:
        self._places += 1
        return f"s3://{self._name}/schedule-{self._places}"

    def fail(self, shares: dict[str, float]) -> None:
        self._call("POST", f"/_chaos?bucket={self._name}", json.dumps(shares).encode())

    def _call(self, method: str, path: str, body: bytes) -> None:
        urlopen(Request(self._url + path, data=body, method=method), timeout=20).close()
