"""Errors of the load that a retry does not fix."""

from settings import UserError


class SourceError(UserError):
    """An unusable input. The message names the file, the column or position, and what to do."""


class ContractError(UserError):
    """`contract.yml` contradicts itself. The message names the table and the column."""
