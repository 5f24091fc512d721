"""The sample company: a deterministic simulation in the shape of the source contract.

The same size and seed give the same company on any machine. The only inputs are dbt seeds: price list, billed counters,
exchange rates.
"""

from pathlib import Path

DEFAULT_SEED = 20241101


def write_sample_company(directory: Path, *, size: str = "small", seed: int = DEFAULT_SEED) -> bool:
    """Write `directory/source` (a source root) and `directory/books` (the true figures).

    Returns False if the same company exists; another sample company is replaced. The folder is renamed into place when
    complete. Raises `ValueError` for an unknown size, `UserError` if the folder has anything else in it, `OSError` if
    it cannot write.
    """
    from sample_company.simulation import write_company

    return write_company(Path(directory), size=size, seed=seed)
