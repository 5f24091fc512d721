"""Errors of the load that a person has to mend: trying again does not help."""


class SourceError(RuntimeError):
    """An input cannot be used; the message names the file, the column or position, and what to do."""


class ContractError(RuntimeError):
    """`contract.yml` contradicts itself; the message names the table and the column."""
