"""The sample company: a deterministic simulation that writes files in the shape of the source contract.

The same size and seed give the same company on any machine. The only inputs are dbt seeds: the price list, the billed
counters and the exchange rates.
"""

from pathlib import Path


def write_sample_company(directory: Path, *, size: str = "small", seed: int = 20241101) -> bool:
    """Write `directory/source` (a source root) and `directory/books` (the company's true figures).

    Returns False and writes nothing if the same company exists already. The folder is written under another name and
    renamed when complete. Raises `ValueError` for an unknown size, `OSError` if it cannot write.
    """
    from sample_company.simulation import write_company

    return write_company(Path(directory), size=size, seed=seed)
