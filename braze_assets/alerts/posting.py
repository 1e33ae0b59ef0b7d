"""One HTTP request with JSON in it, from which nothing secret comes back."""

from collections.abc import Mapping

from braze_assets.errors import AlertError

__all__ = ["post"]

_OK = range(200, 300)


def post(variable: str, url: str, body: bytes, headers: Mapping[str, str], seconds: float) -> None:
    """Post it. Redirects are not followed: the body would go where nobody meant it to.

    Args:
        variable: Where the URL is from; it is named in errors, as the URL itself is a secret.
        url: Where to.
        body: JSON.
        headers: More headers.
        seconds: For the connection, and for each wait after it.

    Raises:
        AlertError: It was not taken.
    """
    import requests

    if not url.startswith(("https://", "http://")):
        raise AlertError(
            f"What {variable} holds is no URL.", place=variable, remedy="Set it to https://..., all of it."
        )
    try:
        with requests.post(
            url,
            data=body,
            headers={"Content-Type": "application/json; charset=utf-8", **headers},
            timeout=seconds,
            allow_redirects=False,
            stream=True,
        ) as reply:
            status = reply.status_code
    # Their texts repeat the URL.
    except (requests.RequestException, ValueError) as error:
        raise AlertError(
            f"The request failed ({type(error).__name__}).",
            place=variable,
            remedy="Check the URL and the network; it is tried again.",
        ) from None
    if status not in _OK:
        raise AlertError(
            f"The reply was HTTP {status}.", place=variable, remedy="Check the URL; it is tried again."
        )
