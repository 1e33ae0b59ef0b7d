"""Names for people, and what assets, ledgers and attributes are called after them."""

import re
import unicodedata

__all__ = ["slug"]


def slug(name: str) -> str:
    """Lower case letters, digits and underscores: `Summer Win-back` becomes `summer_win_back`.

    Accents are dropped; it is empty where nothing is left.
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "_", plain.lower()).strip("_")
