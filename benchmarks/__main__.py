"""`make bench`: the cost of each phase, compared with the same work done by DuckDB alone in the same run."""

import argparse
import tempfile
from pathlib import Path

from benchmarks.landing import landing
from benchmarks.phases import run_size

COLUMNS = ("phase", "seconds", "CPU s", "peak GB", "rows", "rows/s", "bare CPU s", "CPU ratio")


def main() -> None:
    """Print one table per size, and one of landing."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("sizes", nargs="*", choices=["small", "medium", "full", "huge", "landing"])
    sizes = parser.parse_args().sizes or ["small", "medium", "landing"]
    for size in sizes:
        print(f"\n{size}", flush=True)
        print("| " + " | ".join(COLUMNS) + " |")
        print("|" + " --- |" * len(COLUMNS), flush=True)
        with tempfile.TemporaryDirectory(prefix="growth-bench-") as folder:
            for row in landing(Path(folder)) if size == "landing" else run_size(size, Path(folder)):
                print("| " + " | ".join(row) + " |", flush=True)


if __name__ == "__main__":
    main()
