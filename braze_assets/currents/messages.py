"""What an event type of Currents says of a message: the channel, and what happened, in one vocabulary.

Event types are `users.messages.<channel>.<what>`. Those that are not known yet are read by the same pattern,
so that a new channel is there as soon as the feed has it.
"""

from dataclasses import dataclass

__all__ = ["ACTIONS", "MessageType", "message_type"]

_PREFIX = "users.messages."

_CHANNELS = {
    "contentcard": "content_card",
    "featureflag": "feature_flag",
    "inappmessage": "in_app_message",
    "liveactivity": "live_activity",
    "pushnotification": "push",
}
"""Channels whose name here is another than in the event type."""

_WORDS = {
    "Send": "Sent",
    "CarrierSend": "CarrierSent",
    "Delivery": "Delivered",
    "Impression": "Impression",
    "Open": "Open",
    "Read": "Open",
    "Click": "Click",
    "ShortLinkClick": "Click",
    "Dismiss": "Dismiss",
    "Bounce": "Bounce",
    "SoftBounce": "SoftBounce",
    "DeliveryFailure": "Failed",
    "Failure": "Failed",
    "Rejection": "Failed",
    "MarkAsSpam": "Spam",
    "Unsubscribe": "Unsubscribe",
    "InboundReceive": "Inbound",
    "IosForeground": "Foreground",
    "Outcome": "Outcome",
    "Abort": "Aborted",
    "Deferral": "Deferred",
    "Retry": "Retried",
}

_OUTCOMES = {
    "users.campaigns.Conversion": "Converted",
    "users.canvas.Conversion": "Converted",
    "users.campaigns.EnrollInControl": "EnteredControl",
    "users.canvas.Entry": "Entered",
}
"""Events of campaigns and Canvases, of no channel."""

ACTIONS = {
    "Sent": "Braze sent it.",
    "CarrierSent": "It was handed to the carrier (SMS).",
    "Delivered": "It arrived.",
    "Impression": "It was shown: in-app messages, content cards, banners, feature flags.",
    "Open": "It was opened or, in a messenger, read.",
    "Click": "A link or button of it was clicked.",
    "Dismiss": "It was closed or swiped away.",
    "Bounce": "It could not be delivered, for good.",
    "SoftBounce": "It could not be delivered, for now.",
    "Failed": "The carrier, the messenger or the endpoint refused it.",
    "Spam": "It was marked as spam.",
    "Unsubscribe": "The user unsubscribed in it.",
    "Inbound": "The user wrote back.",
    "Foreground": "A push that came while the app was open (iOS).",
    "Outcome": "What became of a live activity.",
    "Aborted": "Braze did not send it.",
    "Deferred": "The mailbox provider put it off.",
    "Retried": "Braze tried to send it again.",
    "Converted": "The user did what the campaign or Canvas is for.",
    "Entered": "The user entered a Canvas.",
    "EnteredControl": "The user entered the control group of a campaign or Canvas: no message.",
}
"""The words of `action`. An event type that is not known yet has its own last word."""


@dataclass(frozen=True)
class MessageType:
    """What an event type says."""

    event_type: str
    channel: str | None
    """None for what belongs to a campaign or Canvas, and not to a message."""
    action: str


def message_type(event_type: str) -> MessageType | None:
    """What an event type says of a message, campaign or Canvas; None where it says nothing of them."""
    if event_type in _OUTCOMES:
        return MessageType(event_type, None, _OUTCOMES[event_type])
    if not event_type.startswith(_PREFIX):
        return None
    channel, _, word = event_type.removeprefix(_PREFIX).partition(".")
    if not word:
        return None
    channel = channel.lower()
    return MessageType(event_type, _CHANNELS.get(channel, channel), _WORDS.get(word, word))
