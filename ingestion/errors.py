"""Errors of the load that need a person; a retry does not help."""

from settings import UserError


class SourceError(UserError):
    """An input cannot be used. The message names the file, the column or position, and what to do."""


class ContractError(UserError):
    """`contract.yml` contradicts itself. The message names the table and the column."""
