"""What becomes of a damaged file."""

from braze_assets.currents.decode import DecodeSettings, UnreadableError, decode, decode_ids
from braze_assets_tests.fuzz.mutations import mutated

__all__ = ["outcome"]


def outcome(seed: int) -> str:
    """`whole`, `part`, `refused`, or `RAISED` and what: that must not be."""
    _, data = mutated(seed)
    settings = DecodeSettings(max_decoded_bytes=16 << 20)
    try:
        try:
            decoded = decode(data, settings)
        except UnreadableError as error:
            if error.offset is not None and not 0 <= error.offset <= len(data):
                return "RAISED a place outside of the file"
            return "refused"
        decoded.table.validate(full=True)
        if decoded.offset is not None and not 0 <= decoded.offset <= len(data):
            return "RAISED a place outside of the file"
        if len(decode_ids(data, settings)) != decoded.table.num_rows:
            return "RAISED other ids"
    except BaseException as error:
        return f"RAISED {type(error).__name__}"
    return "whole" if decoded.problem is None else "part"
