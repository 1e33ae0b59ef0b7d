"""Slack, by an incoming webhook (docs.slack.dev, "Incoming webhooks", September 2026)."""

import json
from dataclasses import dataclass

from braze_assets.alerts.channels import Channel, Message, secret, within
from braze_assets.alerts.posting import post
from braze_assets.alerts.wording import line, link

__all__ = ["Slack"]


@dataclass(frozen=True, kw_only=True)
class Slack(Channel):
    """A channel of Slack.

    Args:
        url_variable: The environment variable with the URL of its incoming webhook, which is a secret.
        seconds: How long a request may take.
    """

    url_variable: str
    seconds: float = 5

    def tell(self, message: Message) -> None:
        """Post a line for each change."""
        url = secret(self.url_variable)
        lines = []
        for each in message.changes:
            run = link(each, message.base_url)
            lines.append(_escaped(line(each)) + (f" <{run}|run>" if run else ""))
        body = json.dumps({"text": "\n".join(lines), "unfurl_links": False}).encode()
        within(2 * self.seconds, lambda: post(self.url_variable, url, body, {}, self.seconds))


def _escaped(text: str) -> str:
    """Slack's three control characters, so that no partition's name can mention a channel."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
