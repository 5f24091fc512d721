"""How dlt runs here, for loading and for exports: one job at a time, quietly, and it phones nobody."""

QUIET: dict[str, object] = {
    "runtime.dlthub_telemetry": False,
    "runtime.log_level": "CRITICAL",
    "load.workers": 1,
    "normalize.workers": 1,
}
