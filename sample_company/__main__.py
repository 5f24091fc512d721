"""`python -m sample_company --size small --seed 20241101 --to DIRECTORY`."""

import argparse
import time
from pathlib import Path

from sample_company import write_sample_company
from settings import get_settings


def main() -> None:
    """Write the sample company and say where it is and how long it took."""
    parser = argparse.ArgumentParser(prog="python -m sample_company", description=main.__doc__)
    parser.add_argument("--size", choices=("small", "medium", "full"), default=get_settings().sample_size)
    parser.add_argument("--seed", type=int, default=20241101)
    parser.add_argument("--to", type=Path, help="directory; default: sample/SIZE in the data folder")
    arguments = parser.parse_args()
    directory = arguments.to or get_settings().data_dir / "sample" / arguments.size
    started = time.monotonic()
    written = write_sample_company(directory, size=arguments.size, seed=arguments.seed)
    state = "written" if written else "already there"
    print(f"{arguments.size} company {state}: {directory} ({time.monotonic() - started:.1f} s)")


if __name__ == "__main__":
    main()
