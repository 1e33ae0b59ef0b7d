"""The product broken on purpose, each way a promise is kept: the harness must find every one."""

from __future__ import annotations

from collections.abc import Callable

MUTANTS: dict[str, Callable[[], None]] = {}
