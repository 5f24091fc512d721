"""dbt's manifest: what the assets of the models are made from."""

import os
import subprocess
import sys
from pathlib import Path

from common.settings import PROJECT_DIR, Settings

DBT_PROJECT_DIR = PROJECT_DIR / "dbt_project"


class ManifestError(RuntimeError):
    """dbt could not parse the project; the message is dbt's."""


def current_manifest(settings: Settings) -> Path:
    """Path of a manifest that is as new as every file of the dbt project, parsed again if it is not.

    Raises `ManifestError` with dbt's own message if the project does not parse.
    """
    target_dir = settings.dbt_target_dir / "manifest"
    manifest = target_dir / "manifest.json"
    if not manifest.exists() or manifest.stat().st_mtime < _newest_change():
        target_dir.mkdir(parents=True, exist_ok=True)
        parsed = subprocess.run(
            [str(Path(sys.executable).with_name("dbt")), "--quiet", "parse"],
            cwd=DBT_PROJECT_DIR,
            env={**os.environ, **dbt_environment(settings, target_dir)},
            capture_output=True,
            text=True,
            check=False,
        )
        if parsed.returncode != 0:
            raise ManifestError(f"dbt cannot parse {DBT_PROJECT_DIR}:\n{parsed.stdout}{parsed.stderr}")
    return manifest


def dbt_environment(settings: Settings, target_dir: Path) -> dict[str, str]:
    """The settings as dbt reads them, with a folder for its artifacts."""
    return {
        "GROWTH_DATA_DIR": str(settings.data_dir),
        "GROWTH_AS_OF": settings.as_of.isoformat() if settings.as_of else "",
        "DBT_PROFILES_DIR": str(DBT_PROJECT_DIR),
        "DBT_TARGET_PATH": str(target_dir),
        "DBT_LOG_PATH": str(target_dir),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }


def _newest_change() -> float:
    ignored = {"target", "logs"}
    return max(
        path.stat().st_mtime
        for path in DBT_PROJECT_DIR.rglob("*")
        if path.is_file() and not ignored.intersection(path.relative_to(DBT_PROJECT_DIR).parts)
    )
