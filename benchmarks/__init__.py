"""Speed and memory, as ratios to a baseline of the same invocation: `python -m benchmarks`."""
