"""Errors of the load that a retry does not fix."""

from collections.abc import Mapping

from settings import UserError


class SourceError(UserError):
    """An unusable input. The message names the file, the column or position, and what to do."""


class UnreadableFilesError(SourceError):
    """Files of one table that cannot be read. `sentences` says of each, by path, what is wrong and what to do."""

    def __init__(self, sentences: Mapping[str, str]) -> None:
        super().__init__("\n".join(sentences.values()))
        self.sentences = dict(sentences)


class ContractError(UserError):
    """`contract.yml` contradicts itself. The message names the table and the column."""
