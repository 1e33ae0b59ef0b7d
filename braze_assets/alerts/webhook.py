"""A webhook: JSON by POST, signed if there is a secret."""

import hashlib
import hmac
import json
from dataclasses import dataclass

from braze_assets.alerts.channels import Channel, Message, secret, within
from braze_assets.alerts.posting import post
from braze_assets.alerts.wording import document

__all__ = ["SIGNATURE", "Webhook"]

SIGNATURE = "X-Braze-Assets-Signature"
"""`sha256=` and the HMAC of the body, in hexadecimal."""


@dataclass(frozen=True, kw_only=True)
class Webhook(Channel):
    """Any receiver of JSON.

    Args:
        url_variable: The environment variable with its URL.
        secret_variable: The one with the secret that the body is signed with; empty for none.
        seconds: How long a request may take.
    """

    url_variable: str
    secret_variable: str = ""
    seconds: float = 5

    def tell(self, message: Message) -> None:
        """Post the changes. The header `Idempotency-Key` and the ids are the same when they come again."""
        url = secret(self.url_variable)
        body = json.dumps(
            {
                "alerts": message.alerts,
                "sent_at": message.now.isoformat(),
                "changes": [document(each, message.base_url) for each in message.changes],
            },
            ensure_ascii=False,
        ).encode()
        headers = {"Idempotency-Key": message.key}
        if self.secret_variable:
            key = secret(self.secret_variable).encode()
            headers[SIGNATURE] = f"sha256={hmac.new(key, body, hashlib.sha256).hexdigest()}"
        within(2 * self.seconds, lambda: post(self.url_variable, url, body, headers, self.seconds))
