"""Every setting of the project, read once from the environment.

Paths are absolute. No other module takes a setting from `os.environ`; dbt reads the same variables through `env_var`.
"""

from datetime import date, timedelta
from difflib import get_close_matches
from functools import lru_cache
from os import environ, sysconf
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from dotenv import dotenv_values
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PROJECT_DIR = Path(__file__).resolve().parent
# Characters with a meaning in database addresses or in patterns of dlt, SQLAlchemy or Dagster.
SPECIAL_CHARACTERS = "'\"%#?\\"
PREFIX = "GROWTH_"
# A size, or a share of the machine's memory.
MEMORY_LIMIT = r"^[1-9][0-9]*(\.[0-9]+)?(MB|GB|%)$"
# Of a small machine or container a share would be too little to work with.
LEAST_MEMORY_BYTES = 10**9
LOOPBACK_HOSTS = {"127.0.0.1", "localhost", "::1"}
# Read by dbt's profile and macros (`DBT_FILE`, `DAYS_…`, `SPARK_…`) and by the tests (`CI`).
OTHER_VARIABLES = {"CI", "DAYS_FROM", "DAYS_TO", "DBT_FILE", "MACROS", "SPARK_HOST", "SPARK_PORT", "SPARK_USER"}
# Never shown, even in messages about wrong values.
SECRETS = {
    "alert_webhooks",
    "dagster_postgres_url",
    "export_token",
    "export_url",
    "iceberg_catalog_url",
    "land_bucket",
    "land_hubspot_token",
    "land_postgres_url",
    "land_salesforce_client_secret",
    "land_stripe_key",
    "postgres_url",
    "smtp_password",
    "source_root",
    "suppression_key",
    "warehouse_url",
}
# What to write where pydantic's own words are about patterns and items.
WANTED = {
    "dagster_postgres_url": "must begin with postgresql://",
    "memory_limit": "write a size or a share, such as 4GB, 800MB or 10%",
    "suppression_key": "must have at least 32 characters",
    "ui_url": "must begin with http:// or https://",
}

# The comment of a published column ends so if it is about a person, or about a company that may be one.
PERSONAL_MARK = "(personal data)"
# How long a publish stays fresh, for Dagster, the page and the alerts. A daily run may start late or wait.
# After 36 hours, one was missed.
LATE_AFTER = timedelta(hours=26)
STALE_AFTER = timedelta(hours=36)


class UserError(RuntimeError):
    """An error whose message says what to do. Commands print it and exit with `code`."""

    code = 1


class SettingsError(UserError):
    """A setting is wrong; the message names it."""

    code = 2


class Settings(BaseSettings):
    """The environment variables `GROWTH_*`, typed. An invalid value raises an error that names the variable."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=PROJECT_DIR / ".env",
        env_ignore_empty=True,
        frozen=True,
        extra="ignore",
        # The invalid value may be a secret.
        hide_input_in_errors=True,
    )

    env: Literal["local", "production"] = "local"
    source_root: str | None = None
    data_dir: Path = Field(default=PROJECT_DIR / "data", validate_default=True)
    as_of: date | None = None
    first_day: date = date(2024, 11, 1)
    sample_size: Literal["small", "medium", "full", "huge"] = "small"
    max_set_aside_share: float = Field(default=0.01, ge=0, le=1)
    max_lost_share: float = Field(default=0.2, ge=0, le=1)
    max_usage_age_days: int = Field(default=2, ge=1)
    mappings_dir: Path = PROJECT_DIR / "connectors" / "mappings"
    land_postgres_url: SecretStr | None = None
    land_stripe_key: SecretStr | None = None
    land_stripe_url: str = "https://api.stripe.com"
    land_stripe_livemode: bool = True
    land_stripe_requests_per_second: int = Field(default=15, ge=1, le=100)
    land_bucket: str | None = None
    land_hubspot_token: SecretStr | None = None
    land_hubspot_url: str = "https://api.hubapi.com"
    land_salesforce_url: str | None = None
    land_salesforce_client_id: str | None = None
    land_salesforce_client_secret: SecretStr | None = None
    assistant_personal_data: bool = False
    export_send: bool = False
    export_url: SecretStr | None = None
    export_token: SecretStr | None = None
    export_max_changes: int = Field(default=500, ge=1)
    kept_versions: int = Field(default=3, ge=0)
    memory_limit: str = Field(default="10%", pattern=MEMORY_LIMIT)
    iceberg_catalog_url: SecretStr | None = None
    iceberg_warehouse: str | None = None
    postgres_url: SecretStr | None = None
    ui_host: str = "127.0.0.1"
    ui_hosts: str = "localhost,127.0.0.1,[::1]"
    ui_port: int = Field(default=3000, ge=1, le=65535)
    ui_url: str | None = Field(default=None, pattern=r"^https?://")
    dagster_postgres_url: str | None = Field(default=None, pattern=r"^postgresql://", repr=False)
    suppression_key: SecretStr | None = Field(default=None, min_length=32)
    target: Literal["duckdb", "postgres", "spark"] = "duckdb"
    warehouse_url: SecretStr | None = None
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
        if odd := odd_characters(folder):
            raise ValueError(
                f"the path {str(folder)!r} of the data folder contains {' and '.join(map(repr, odd))}, which databases "
                "interpret: set GROWTH_DATA_DIR to a folder without this character"
            )
        return folder

    @field_validator("source_root", "land_bucket")
    @classmethod
    def _absolute_folder(cls, value: str | None) -> str | None:
        return value if value is None or "://" in value else str(Path(value).expanduser().resolve())

    @field_validator("source_root", "land_bucket")
    @classmethod
    def _address_without_password(cls, value: str | None) -> str | None:
        """Addresses are shown in messages."""
        if value is not None and urlsplit(value).password:
            raise ValueError("must not have a password in it: use the variables of the store, such as AWS_PROFILE")
        return value

    @field_validator("land_stripe_url", "land_hubspot_url", "land_salesforce_url")
    @classmethod
    def _encrypted_address(cls, value: str | None) -> str | None:
        """Keys travel to these addresses: plain http is for this machine only."""
        if value is None or value.startswith("https://"):
            return value if value is None else value.rstrip("/")
        if urlsplit(value).scheme == "http" and urlsplit(value).hostname in LOOPBACK_HOSTS:
            return value.rstrip("/")
        raise ValueError("must begin with https:// (http:// is for an address on this machine)")

    @field_validator("alert_emails")
    @classmethod
    def _addresses(cls, value: str) -> str:
        if any("@" not in address for address in _by_owner(value).values()):
            raise ValueError("must be team:data=data@example.com, several separated by spaces")
        return value

    @field_validator("alert_webhooks")
    @classmethod
    def _web_addresses(cls, value: SecretStr) -> SecretStr:
        addresses = _by_owner(value.get_secret_value()).values()
        if any(not address.startswith(("http://", "https://")) for address in addresses):
            raise ValueError("must be team:data=https://example.com/hook, several separated by spaces")
        return value

    @property
    def memory_limit_bytes(self) -> int:
        """What DuckDB may use at most, in each step; what does not fit goes to the data folder."""
        if not self.memory_limit.endswith("%"):
            unit = {"MB": 10**6, "GB": 10**9}[self.memory_limit[-2:]]
            return int(float(self.memory_limit[:-2]) * unit)
        share = float(self.memory_limit[:-1]) / 100
        return max(int(share * _memory_of_machine()), LEAST_MEMORY_BYTES)

    @property
    def ui_host_names(self) -> list[str]:
        """The host names under which the UI answers."""
        return [name.strip() for name in self.ui_hosts.split(",") if name.strip()]

    @property
    def ui_address(self) -> str:
        """Where people reach the UI: behind a proxy, `GROWTH_UI_URL`."""
        return (self.ui_url or f"http://{self.ui_host}:{self.ui_port}").rstrip("/")

    @property
    def emails_by_owner(self) -> dict[str, str]:
        """E-mail address for alerts, by owner."""
        return _by_owner(self.alert_emails)

    @property
    def webhooks_by_owner(self) -> dict[str, str]:
        """Webhook address for alerts, by owner; secret."""
        return _by_owner(self.alert_webhooks.get_secret_value())

    @property
    def alerts_path(self) -> Path:
        return self.data_dir / "state" / "alerts.sqlite"

    @property
    def errors_path(self) -> Path:
        """Tracebacks of unexpected errors of commands."""
        return self.data_dir / "state" / "errors.log"

    @property
    def warehouse_path(self) -> Path:
        """The warehouse: the DuckDB file that only the pipeline opens, or one that says which server has it."""
        return self.data_dir / ("warehouse.postgres" if self.target == "postgres" else "warehouse.duckdb")

    @property
    def private_warehouse_path(self) -> Path:
        """A person's own copy of the warehouse; dbt_project/profiles.yml has the same path.

        A `/` or `..` in the user's name could lead out of the folder, to the warehouse itself.
        """
        return self.data_dir / "private" / self.user.replace("/", "_").replace("..", "_") / "warehouse.duckdb"

    @property
    def serving_path(self) -> Path:
        """The published DuckDB file, which readers open read-only."""
        return self.data_dir / "published" / "serving.duckdb"

    @property
    def exports_dir(self) -> Path:
        """The work lists as CSV, one folder per list, if no export address is set."""
        return self.data_dir / "exports"

    @property
    def export_ledger_path(self) -> Path:
        """The DuckDB file that records what each receiver of work lists was sent."""
        return self.data_dir / "state" / "exports" / "sent.duckdb"

    @property
    def page_path(self) -> Path:
        return self.serving_path.with_name("daily.html")

    @property
    def sample_dir(self) -> Path:
        """The sample company: `source/` in the shape of the contract, `books/` with its true figures."""
        return self.data_dir / "sample" / self.sample_size

    @property
    def dlt_dir(self) -> Path:
        """dlt's working folder, for unfinished load packages."""
        return self.data_dir / "state" / "dlt"

    @property
    def suppression_dir(self) -> Path:
        """The suppression list of keyed hashes, and its key unless a setting has it."""
        return self.data_dir / "state" / "suppression"

    @property
    def dagster_home(self) -> Path:
        return self.data_dir / "dagster"

    @property
    def dbt_target_dir(self) -> Path:
        """dbt's artifacts of the pipeline's runs."""
        return self.data_dir / "state" / "dbt"

    @property
    def resolved_source_root(self) -> str:
        """The source root of the settings, or the sample company's."""
        return self.source_root or str(self.sample_dir / "source")


def _memory_of_machine() -> int:
    """Bytes of memory of the machine, or of the container if it has less."""
    machine = sysconf("SC_PAGE_SIZE") * sysconf("SC_PHYS_PAGES")
    of_container = Path("/sys/fs/cgroup/memory.max")
    limit = of_container.read_text().strip() if of_container.is_file() else "max"
    return min(machine, int(limit)) if limit.isdecimal() else machine


def odd_characters(path: Path) -> list[str]:
    """The characters of a path that databases or patterns would interpret: no data folder may have them."""
    return sorted({each for each in str(path) if each in SPECIAL_CHARACTERS or not each.isprintable()})


def _by_owner(pairs: str) -> dict[str, str]:
    return {owner: value for owner, _, value in (pair.partition("=") for pair in pairs.split())}


def _describe(error: ValidationError) -> str:
    """A sentence per invalid setting, with its value unless that may be secret."""
    lines = []
    for problem in error.errors():
        setting = "_".join(str(part) for part in problem["loc"])
        shown = "" if setting in SECRETS else f"={problem['input']!r}"
        said = "write a day as 2026-10-31" if problem["type"].startswith("date_") else problem["msg"]
        lines.append(f"GROWTH_{setting.upper()}{shown}: {WANTED.get(setting, said.removeprefix('Value error, '))}")
    return "\n".join(lines)


def _unknown_settings() -> list[str]:
    """A sentence per variable `GROWTH_*`, of the environment or `.env`, that the project does not read."""
    # A field with an alias is another variable's: `user` is USER.
    own = {name.upper() for name, field in Settings.model_fields.items() if field.validation_alias is None}
    known = sorted(own | OTHER_VARIABLES)
    variables = {name.upper() for name in (*environ, *dotenv_values(PROJECT_DIR / ".env"))}
    given = {name.removeprefix(PREFIX) for name in variables if name.startswith(PREFIX)}
    sentences = []
    for name in sorted(given.difference(known)):
        close = get_close_matches(name, known, n=1)
        hint = f": did you mean {PREFIX}{close[0]}?" if close else " (see .env.example)"
        sentences.append(f"{PREFIX}{name} is not a setting{hint}")
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
