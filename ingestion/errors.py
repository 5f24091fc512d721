"""Errors of the load that a person has to mend: trying again does not help."""

from settings import UserError


class SourceError(UserError):
    """An input cannot be used; the message names the file, the column or position, and what to do."""


class ContractError(UserError):
    """`contract.yml` contradicts itself; the message names the table and the column."""
