"""How long what was published stays fresh: Dagster's policy and the page that readers open share it."""

from datetime import timedelta

# A day's run may start late and wait for another; a day and a half without one is a day that was missed.
LATE_AFTER = timedelta(hours=26)
STALE_AFTER = timedelta(hours=36)
