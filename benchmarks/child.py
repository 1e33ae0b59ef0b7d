"""`python -m benchmarks.child module:function '{"argument": 1}'`: one step, and what it took as JSON."""

import importlib
import json
import resource
import sys
import time
from pathlib import Path


def main() -> None:
    """Call the function and print the measurement as the last line."""
    target, arguments = sys.argv[1], json.loads(sys.argv[2])
    module, _, name = target.partition(":")
    function = getattr(importlib.import_module(module), name)
    cpu, start = time.process_time(), time.perf_counter()
    result = function(**arguments)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    took = {"seconds": seconds, "cpu": cpu, "peak": _peak() / 1e6, "result": result}
    sys.stdout.write(f"\n{json.dumps(took)}\n")


def _peak() -> int:
    """The highest resident memory in bytes.

    Linux hands `ru_maxrss` on from the process that started this one; its own high-water mark it does not.
    """
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


if __name__ == "__main__":
    main()
