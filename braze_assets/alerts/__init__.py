"""When a flow's status changes, somebody is told, once: the decision, the messages, and the channels."""

from braze_assets.alerts.channels import Channel, Message
from braze_assets.alerts.email import Email
from braze_assets.alerts.memory import Memory
from braze_assets.alerts.observations import Counted, Failed, Observation, Sent
from braze_assets.alerts.outbox import Outbox
from braze_assets.alerts.slack import Slack
from braze_assets.alerts.status import Change, FlowState, Rules, Status, begin, watch
from braze_assets.alerts.telling import Told, tell
from braze_assets.alerts.webhook import Webhook

__all__ = [
    "Change",
    "Channel",
    "Counted",
    "Email",
    "Failed",
    "FlowState",
    "Memory",
    "Message",
    "Observation",
    "Outbox",
    "Rules",
    "Sent",
    "Slack",
    "Status",
    "Told",
    "Webhook",
    "begin",
    "tell",
    "watch",
]
