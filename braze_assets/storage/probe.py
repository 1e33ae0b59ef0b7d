"""Whether a place can be listed and written, asked without leaving anything behind."""

import uuid
from collections.abc import Callable
from typing import Any

from braze_assets.errors import StorageError
from braze_assets.storage.location import open_path, storage_errors

__all__ = ["probe_place"]

_CREDENTIALS = "Check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, the profile, or the role of this process."
_REGION = "Set AWS_REGION to the bucket's region."
_KNOWN = {
    "NoSuchBucket": ("the bucket does not exist", "Create it, or correct its name."),
    "InvalidAccessKeyId": ("S3 does not know the access key", _CREDENTIALS),
    "SignatureDoesNotMatch": ("the secret key is wrong", _CREDENTIALS),
    "ExpiredToken": ("the session token has expired", "Renew the credentials."),
    "InvalidToken": ("the session token is not valid", "Renew the credentials."),
    "PermanentRedirect": ("the bucket is in another region", _REGION),
    "AuthorizationHeaderMalformed": ("the bucket is in another region", _REGION),
    "NoCredentialsError": ("there are no AWS credentials", _CREDENTIALS),
    "PartialCredentialsError": ("the AWS credentials are not complete", _CREDENTIALS),
    "ParamValidationError": ("S3 allows no such bucket or key", "Correct the name."),
    "NoRegionError": ("no region is set", _REGION),
    "EndpointConnectionError": ("its endpoint does not answer", "Check AWS_ENDPOINT_URL and the network."),
    "ConnectTimeoutError": ("its endpoint does not answer", "Check AWS_ENDPOINT_URL and the network."),
    "ReadTimeoutError": ("its endpoint does not answer in time", "Check the network, and try again."),
}
_DENIED = ("AccessDenied", "AllAccessDisabled", "403")


def probe_place(url: str, *, write: bool = False) -> None:
    """List a place, and if asked write a small object there and remove it again.

    Args:
        url: A folder or `s3://bucket/prefix`.
        write: Whether to write. Whatever watches the place sees an object `.probe-...` come and go.

    Raises:
        StorageError: One of these is not possible; says which permission is missing where it is that.
    """
    if not url.startswith("s3://"):
        _probe_folder(url, write)
        return
    # Imported late: it takes longer than everything else a code location loads.
    import boto3
    from botocore.config import Config

    bucket, _, prefix = url.removeprefix("s3://").partition("/")
    folder = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
    probe = f"{folder}.probe-{uuid.uuid4().hex}"
    config = Config(connect_timeout=10, read_timeout=20, retries={"max_attempts": 2, "mode": "standard"})

    def attempt(permission: str, call: Callable[[Any], Any]) -> None:
        try:
            call(boto3.client("s3", config=config))
        except Exception as error:
            explained = _explained(error, permission, url)
            if explained is None:
                raise
            raise explained from None

    attempt("s3:ListBucket", lambda s3: s3.list_objects_v2(Bucket=bucket, Prefix=folder, MaxKeys=1))
    if write:
        attempt("s3:PutObject", lambda s3: s3.put_object(Bucket=bucket, Key=probe, Body=b""))
        attempt("s3:DeleteObject", lambda s3: s3.delete_object(Bucket=bucket, Key=probe))


def _explained(error: Exception, permission: str, url: str) -> StorageError | None:
    response = getattr(error, "response", None)
    code = str(response.get("Error", {}).get("Code", "")) if isinstance(response, dict) else ""
    if code in _DENIED:
        return StorageError(
            "Access is denied.", place=url, remedy=f"Allow {permission} there to the role of this process."
        )
    known = _KNOWN.get(code) or _KNOWN.get(type(error).__name__)
    if known:
        return StorageError(f"The place cannot be used: {known[0]}.", place=url, remedy=known[1])
    if response is None and not type(error).__module__.startswith(("botocore", "boto3")):
        return None
    return StorageError(
        f"S3 refused {permission.removeprefix('s3:')}: {code or type(error).__name__}.",
        place=url,
        remedy="Check the bucket, its policy and the credentials.",
    )


def _probe_folder(url: str, write: bool) -> None:
    with storage_errors(url):
        folder = open_path(url)
        for _ in folder.iterdir():
            break
        if write:
            probe = folder / f".probe-{uuid.uuid4().hex}"
            probe.write_bytes(b"")
            probe.unlink()
