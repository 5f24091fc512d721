"""The sample company: a deterministic simulation that writes exactly the source contract.

The same size and seed give the same company on any machine. Nothing here is read from outside but the price
list, the billed counters and the exchange rates, which are dbt seeds.
"""

from pathlib import Path


def write_sample_company(directory: Path, *, size: str = "small", seed: int = 20241101) -> bool:
    """Write `directory/source` (a source root) and `directory/books` (what the company knows of itself).

    Returns False, and writes nothing, when the same company is already there. The folder appears at once and whole:
    it is written beside its place and renamed. Raises `ValueError` for an unknown size, `OSError` if it cannot write.
    """
    from sample_company.simulation import write_company

    return write_company(Path(directory), size=size, seed=seed)
