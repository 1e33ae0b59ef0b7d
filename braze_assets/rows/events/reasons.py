"""Why an event is not sent, in plain words."""

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["REASONS"]

REASONS: Mapping[str, str] = MappingProxyType(
    {
        "null_event_id": "It has no id, or a blank one. Without an id nobody could tell whether it was sent.",
        "duplicate_event_id": "Several different rows have this id: nobody knows which is right.",
        "repeated_row": "The same row is there more than once; it is sent once.",
        "null_identifier": "It says of no user, or a blank one.",
        "identifier_too_long": "The identifier has more bytes than Braze takes.",
        "bad_time": "The time is missing, or is none.",
        "time_in_future": "The time is far behind the end of the partition.",
        "bad_name": "The name is missing or blank, or longer than Braze takes.",
        "bad_product": "The product id is missing or blank, or longer than Braze takes.",
        "bad_currency": "The currency is not an ISO 4217 code in upper case.",
        "bad_price": "The price is missing, or not a number.",
        "bad_quantity": "The quantity is not a whole number from 1 to 100.",
        "bad_property": "A property cannot be sent as it is: the findings say which and why. An event cannot "
        "be corrected afterwards, so it is not sent without it.",
        "properties_too_large": "The properties have more bytes than Braze takes.",
        "object_too_large": "The event alone is larger than a request may be.",
        "in_review": "It went out before, and nobody knows whether Braze took it: settle the review.",
    }
)
"""Every reason a plan of events can leave a row out for."""
