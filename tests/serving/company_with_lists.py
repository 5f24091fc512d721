"""A published file that is written by hand: work lists, names, and who may not be written to."""

from datetime import date
from decimal import Decimal

import duckdb

from settings import Settings

DAY = date(2026, 10, 31)
QUEUE = {
    "is_open": True,
    "queue_reason": "first_bill",
    "entered_on": date(2026, 10, 8),
    "period_end": date(2026, 11, 8),
    "contact_by": date(2026, 10, 25),
    "bills_paid": 0,
    "owner_email": None,
    "latest_forecast_usd": Decimal("807.10"),
}
SIGNAL = {
    "signal": "first_bill",
    "what_fired": "A first bill is near.",
    "since": date(2026, 10, 1),
    "next_action": "Write.",
    "owner_email": None,
    "figure": Decimal("900.0000"),
    "threshold": Decimal("500.0000"),
    "unit": "usd_month",
    "icp_segment": "high_growth",
    "arr_usd_year": Decimal("0.00"),
    "list_rank": 1,
}
LEAD = {**SIGNAL, "lead_points": 60, "suggested_owner_role": "technical_ae"}
RISK = {**SIGNAL, "kind": "risk", "is_do_not_contact": False}
GAP = {
    "suggested_owner_role": "csm",
    "reason": "arr_with_many_primary_products",
    "since": date(2026, 9, 30),
    "current_owner_email": None,
    "current_owner_role": None,
    "is_double_touch": False,
    "is_gap": True,
    "list_rank": 1,
}
TABLES = {
    "fct_onboarding_queue": QUEUE,
    "rpt_product_led_leads": LEAD,
    "rpt_account_risk": RISK,
    "fct_account_routing": GAP,
}


class Company:
    """What is published: rows by table and customer, and what people call the customers."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.day = DAY
        self.is_day_asked_for = False
        self.rows: dict[str, dict[str, dict]] = {table: {} for table in TABLES}
        self.names: dict[str, str] = {}
        self.closed: set[str] = set()

    def put(self, table: str, customer: str, **values: object) -> None:
        self.rows[table][customer] = {"customer_id": customer, **TABLES[table], **values}

    def publish(self) -> None:
        path = self.settings.serving_path
        path.parent.mkdir(parents=True, exist_ok=True)
        building = path.with_suffix(".building")
        with duckdb.connect(str(building)) as connection:
            connection.execute("create schema marts")
            connection.execute("set schema = 'marts'")
            connection.execute(
                "create table publish_info as select ? as as_of_date, ? as is_day_asked_for",
                [self.day, self.is_day_asked_for],
            )
            connection.execute(
                "create table dim_customers (customer_id varchar, name varchar, is_do_not_contact boolean)"
            )
            for customer in sorted({customer for rows in self.rows.values() for customer in rows}):
                connection.execute(
                    "insert into dim_customers values (?, ?, ?)",
                    [customer, self.names.get(customer, customer), customer in self.closed],
                )
            for table, rows in self.rows.items():
                names = ["customer_id", *TABLES[table]]
                # Types that no row of a test could say if all of its values are null.
                typed = {name: "varchar" for name, value in TABLES[table].items() if value is None}
                columns = ", ".join(
                    f"cast(? as {typed[name]}) as {name}" if name in typed else f"? as {name}" for name in names
                )
                connection.execute(
                    f"create table {table} as select {columns} where false", ["", *TABLES[table].values()]
                )
                for row in rows.values():
                    marks = ", ".join("?" for _ in names)
                    connection.execute(f"insert into {table} values ({marks})", [row[name] for name in names])
        building.replace(path)
