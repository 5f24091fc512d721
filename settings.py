"""Every setting of the project, read once from the environment.

Paths are absolute. No other module reads `os.environ`; dbt reads the same variables through `env_var`.
"""

from datetime import date, timedelta
from difflib import get_close_matches
from functools import lru_cache
from os import environ
from pathlib import Path
from typing import Literal

from dotenv import dotenv_values
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PROJECT_DIR = Path(__file__).resolve().parent
# Characters that mean something in an address of a database or in a pattern of dlt, SQLAlchemy or Dagster.
ODD_CHARACTERS = "'\"%#?\\"
PREFIX = "GROWTH_"
# What dbt's profile, Dagster's storage and the tests read beside the settings.
OTHER_VARIABLES = {"CI", "DAYS_FROM", "DAYS_TO", "DBT_FILE"}
# What no message may show, not even one that says that it is wrong.
SECRETS = {"alert_webhooks", "dagster_postgres_url", "smtp_password", "suppression_key"}


# How long a publish stays fresh, for Dagster's policies and the daily page. A day's run may start late and wait for
# another; a day and a half without one is a day that was missed.
LATE_AFTER = timedelta(hours=26)
STALE_AFTER = timedelta(hours=36)


class UserError(RuntimeError):
    """What went wrong, as a sentence that says what to do. A command prints it and exits with `code`."""

    code = 1


class SettingsError(UserError):
    """A setting is wrong; the message names it."""

    code = 2


class Settings(BaseSettings):
    """The environment variables `GROWTH_*`, typed; a value that does not fit raises and names the variable."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=PROJECT_DIR / ".env",
        env_ignore_empty=True,
        frozen=True,
        extra="ignore",
        # It may be a secret that does not fit.
        hide_input_in_errors=True,
    )

    env: Literal["local", "production"] = "local"
    source_root: str | None = None
    data_dir: Path = Field(default=PROJECT_DIR / "data", validate_default=True)
    as_of: date | None = None
    first_day: date = date(2024, 11, 1)
    sample_size: Literal["small", "medium", "full"] = "small"
    max_set_aside_share: float = Field(default=0.01, ge=0, le=1)
    max_lost_share: float = Field(default=0.2, ge=0, le=1)
    max_usage_age_days: int = Field(default=2, ge=1)
    export_send: bool = False
    export_url: SecretStr | None = None
    export_token: SecretStr | None = None
    export_max_changes: int = Field(default=500, ge=1)
    kept_versions: int = Field(default=3, ge=0)
    postgres_url: SecretStr | None = None
    ui_host: str = "127.0.0.1"
    ui_hosts: str = "localhost,127.0.0.1,[::1]"
    ui_port: int = Field(default=3000, ge=1, le=65535)
    dagster_postgres_url: str | None = Field(default=None, pattern=r"^postgresql://", repr=False)
    suppression_key: SecretStr | None = Field(default=None, min_length=32)
    user: str = Field(default="me", validation_alias="USER")
    log_format: Literal["text", "json"] = "text"
    alert_from: Literal["warning", "error"] = "error"
    alert_repeat_hours: int = Field(default=24, ge=0)
    alert_emails: str = ""
    alert_webhooks: SecretStr = SecretStr("")
    smtp_host: str | None = None
    smtp_port: int = Field(default=587, ge=1, le=65535)
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    smtp_user: str | None = None
    smtp_password: SecretStr | None = None
    smtp_sender: str = "growth-pipeline@localhost"

    @field_validator("data_dir")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        folder = value.expanduser().resolve()
        odd = sorted({each for each in str(folder) if each in ODD_CHARACTERS or not each.isprintable()})
        if odd:
            raise ValueError(
                f"the path {str(folder)!r} of the data folder has {' and '.join(map(repr, odd))} in it, which the "
                "databases below it read as something else: set GROWTH_DATA_DIR to a folder without that character"
            )
        return folder

    @field_validator("source_root")
    @classmethod
    def _absolute_folder(cls, value: str | None) -> str | None:
        return value if value is None or "://" in value else str(Path(value).expanduser().resolve())

    @field_validator("alert_emails")
    @classmethod
    def _addresses(cls, value: str) -> str:
        if any("@" not in address for address in _by_owner(value).values()):
            raise ValueError("must be team:data=data@example.com, and more such pairs after spaces")
        return value

    @field_validator("alert_webhooks")
    @classmethod
    def _web_addresses(cls, value: SecretStr) -> SecretStr:
        addresses = _by_owner(value.get_secret_value()).values()
        if any(not address.startswith(("http://", "https://")) for address in addresses):
            raise ValueError("must be team:data=https://example.com/hook, and more such pairs after spaces")
        return value

    @property
    def ui_host_names(self) -> list[str]:
        """The host names under which the UI answers."""
        return [name.strip() for name in self.ui_hosts.split(",") if name.strip()]

    @property
    def emails_by_owner(self) -> dict[str, str]:
        """Where an alert for an owner of assets is mailed to."""
        return _by_owner(self.alert_emails)

    @property
    def webhooks_by_owner(self) -> dict[str, str]:
        """Where an alert for an owner of assets is posted to: secrets."""
        return _by_owner(self.alert_webhooks.get_secret_value())

    @property
    def alerts_path(self) -> Path:
        """What was told, and what waits to be told."""
        return self.data_dir / "state" / "alerts.sqlite"

    @property
    def warehouse_path(self) -> Path:
        """The working DuckDB file. Only the pipeline opens it."""
        return self.data_dir / "warehouse.duckdb"

    @property
    def private_warehouse_path(self) -> Path:
        """A person's own copy of the working file; dbt_project/profiles.yml says the same.

        A name with a `/` or `..` in it would lead out of the folder, and to the shared file.
        """
        return self.data_dir / "private" / self.user.replace("/", "_").replace("..", "_") / "warehouse.duckdb"

    @property
    def serving_path(self) -> Path:
        """The published DuckDB file, which readers open read-only."""
        return self.data_dir / "published" / "serving.duckdb"

    @property
    def exports_dir(self) -> Path:
        """The work lists as CSV, a folder a list, while no address is set to send them to."""
        return self.data_dir / "exports"

    @property
    def export_ledger_path(self) -> Path:
        """The DuckDB file that holds what each receiver of work lists has been sent."""
        return self.data_dir / "state" / "exports" / "sent.duckdb"

    @property
    def page_path(self) -> Path:
        """The daily page, beside the published file that it was made of."""
        return self.serving_path.with_name("daily.html")

    @property
    def sample_dir(self) -> Path:
        """The sample company: `source/` in the shape of the contract, `books/` with what it knows of itself."""
        return self.data_dir / "sample" / self.sample_size

    @property
    def dlt_dir(self) -> Path:
        """dlt's working folder: load packages that are not finished yet."""
        return self.data_dir / "state" / "dlt"

    @property
    def suppression_dir(self) -> Path:
        """Who asked to be deleted, as keyed hashes, and the key unless a setting has it."""
        return self.data_dir / "state" / "suppression"

    @property
    def dagster_home(self) -> Path:
        """Dagster's instance folder: runs, events, schedules."""
        return self.data_dir / "dagster"

    @property
    def dbt_target_dir(self) -> Path:
        """dbt's artifacts of the pipeline's own runs."""
        return self.data_dir / "state" / "dbt"

    @property
    def resolved_source_root(self) -> str:
        """The given source root, or the sample company's."""
        return self.source_root or str(self.sample_dir / "source")


def _by_owner(pairs: str) -> dict[str, str]:
    return {owner: value for owner, _, value in (pair.partition("=") for pair in pairs.split())}


def _describe(error: ValidationError) -> str:
    """A sentence for each setting that does not fit, with its value unless that may be a secret."""
    lines = []
    for problem in error.errors():
        setting = "_".join(str(part) for part in problem["loc"])
        shown = "" if setting in SECRETS else f"={problem['input']!r}"
        lines.append(f"GROWTH_{setting.upper()}{shown}: {problem['msg']}")
    return "\n".join(lines)


def _unknown_settings() -> list[str]:
    """A sentence for each variable `GROWTH_*` of the environment or of `.env` that no part of the project reads."""
    known = sorted({name.upper() for name in Settings.model_fields} | OTHER_VARIABLES)
    variables = {name.upper() for name in (*environ, *dotenv_values(PROJECT_DIR / ".env"))}
    given = {name.removeprefix(PREFIX) for name in variables if name.startswith(PREFIX)}
    sentences = []
    for name in sorted(given.difference(known)):
        close = get_close_matches(name, known, n=1)
        hint = f": did you mean {PREFIX}{close[0]}?" if close else " (see .env.example)"
        sentences.append(f"{PREFIX}{name} is no setting{hint}")
    return sentences


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """The settings of this process, validated on first use. Raises `SettingsError`."""
    if unknown := _unknown_settings():
        raise SettingsError("\n".join(unknown))
    try:
        return Settings()
    except ValidationError as error:
        raise SettingsError(_describe(error)) from error
