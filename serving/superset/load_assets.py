"""Import the database, datasets, charts and dashboard of `assets/` into Superset, replacing earlier ones.

Runs in Superset's own environment, whose library versions differ from this project's:

    superset-env/bin/python serving/superset/load_assets.py data/published/serving.duckdb admin

The second argument is the Superset user who will own the imported objects.
"""

import sys
from pathlib import Path

ASSETS = Path(__file__).with_name("assets")


def main() -> None:
    """Import everything and let Superset read the tables' columns from the file."""
    from flask import g
    from superset.app import create_app

    serving_path, user = Path(sys.argv[1]).resolve(), sys.argv[2]
    if not serving_path.exists():
        raise SystemExit(f"nothing is published at {serving_path} yet: run `growth run` first")
    contents = {
        str(path.relative_to(ASSETS)): path.read_text().replace("$SERVING_PATH", str(serving_path))
        for path in ASSETS.rglob("*.yaml")
    }
    with create_app().app_context():
        # Importable only inside an app.
        from superset import db, security_manager
        from superset.commands.importers.v1.assets import ImportAssetsCommand
        from superset.connectors.sqla.models import SqlaTable

        g.user = security_manager.find_user(username=user)
        if g.user is None:
            raise SystemExit(f"Superset has no user {user}: create one with `superset fab create-admin`")
        ImportAssetsCommand(contents).run()
        for dataset in db.session.query(SqlaTable).filter_by(schema="marts"):
            dataset.fetch_metadata()
        db.session.commit()
    print(f"imported {len(contents) - 1} assets for {serving_path}")  # noqa: T201


if __name__ == "__main__":
    main()
