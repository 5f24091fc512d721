"""Put the database, datasets, charts and dashboard of `assets/` into Superset, in the place of earlier ones.

Runs in Superset's own environment, which has other versions of the libraries than this project:

    superset-env/bin/python serving/superset/load_assets.py data/published/serving.duckdb admin

The second argument is the Superset user who will own what is made.
"""

import sys
from pathlib import Path

ASSETS = Path(__file__).with_name("assets")


def main() -> None:
    """Import everything, and let Superset read from the file which columns the tables have."""
    from flask import g
    from superset.app import create_app

    serving_path, user = Path(sys.argv[1]).resolve(), sys.argv[2]
    if not serving_path.exists():
        raise SystemExit(f"nothing is published at {serving_path} yet: `growth run` first")
    contents = {
        str(path.relative_to(ASSETS)): path.read_text().replace("$SERVING_PATH", str(serving_path))
        for path in ASSETS.rglob("*.yaml")
    }
    with create_app().app_context():
        # These modules can only be imported inside of an app.
        from superset import db, security_manager
        from superset.commands.importers.v1.assets import ImportAssetsCommand
        from superset.connectors.sqla.models import SqlaTable

        g.user = security_manager.find_user(username=user)
        if g.user is None:
            raise SystemExit(f"Superset has no user {user}: `superset fab create-admin` makes one")
        ImportAssetsCommand(contents).run()
        for dataset in db.session.query(SqlaTable).filter_by(schema="marts"):
            dataset.fetch_metadata()
        db.session.commit()
    print(f"imported {len(contents) - 1} assets for {serving_path}")  # noqa: T201


if __name__ == "__main__":
    main()
