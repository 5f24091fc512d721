/* Why a customer is on each list, and why it is not in the onboarding queue. */

const SIGNAL_LISTS = [
  ["account_risk", "Risk"],
  ["product_led_leads", "Product-led lead"],
  ["cross_sell", "Cross-sell"],
  ["large_deals", "Large deal"],
  ["credit_runway", "Prepaid credit"],
  ["startup_rolloffs", "Startup plan ends"],
  ["limits_hit", "Spend limit"],
];
const EXCLUDED = {
  owned: "somebody in sales or success holds it",
  on_trial: "it is on trial, and without accounts on trial it is below the line",
  credit_covers: "credit leaves it less than the line to pay",
  paid_before: "it has paid a bill before",
  above_line: "its forecast is above the line to sales, which makes it a sales lead",
  no_subscription: "it has no active subscription",
};
const ROUTED = {
  in_onboarding_queue: "it is in the onboarding queue",
  arr_with_few_primary_products: "of its ARR, with few primary products",
  arr_with_many_primary_products: "of its ARR, with many primary products",
  first_bill_above_sales_line: "its first bill is forecast above the sales line",
  outgrew_onboarding_queue: "it outgrew the onboarding queue",
};

/* Rows of every list: [list, why, figure, threshold, unit, since, next action]. */
function listRows(data, id) {
  const rows = [];
  for (const [table, name] of SIGNAL_LISTS) {
    for (const row of rowsOf(data, table, id) ?? []) {
      const list = row.more === "opportunity" ? "Opportunity" : name;
      const about = row.more && !["risk", "opportunity"].includes(row.more) ? ` (${words(row.more)})` : "";
      rows.push({ ...row, list, why: row.what_fired + about });
    }
  }
  for (const row of rowsOf(data, "line_crossers", id) ?? []) {
    const why = `${row.direction === "up" ? "Reaches" : "Falls below"} the line ${words(row.line).toLowerCase()} (${money(row.line_usd)} a ${row.period}) on ${day(row.crosses_on)}`;
    rows.push({ list: "Line-crosser", why, figure: row.growth_per_month * 100, threshold: null, unit: "percent a month", since: null, next_action: null });
  }
  return rows;
}

function listsBlock(data, id) {
  const rows = listRows(data, id);
  const routing = (rowsOf(data, "routing", id) ?? []).map((row) =>
    sentence(`It should be held by ${aRole(row.suggested_owner_role)}, because ${ROUTED[row.reason] ?? words(row.reason)}, since ${day(row.since)}.${gap(row)}`),
  );
  const columns = [
    ["List", "words", (row) => row.list],
    ["Why", "text", (row) => row.why],
    ["Observed", "number", (row) => inUnit(row.figure, row.unit)],
    ["Asked", "number", (row) => inUnit(row.threshold, row.unit)],
    ["Since", "date", (row) => day(row.since)],
    ["Next", "text", (row) => row.next_action],
  ];
  const list = rows.length ? plainTable("Lists", columns, rows) : sentence("It is on no list.");
  return block("Lists that it is on", "whole", ...routing, list);
}

function gap(row) {
  if (row.is_gap === null) return " Who holds it is not known.";
  return row.is_gap ? " Nobody in that role holds it." : "";
}

function queueBlock(data, id, bills) {
  const stays = rowsOf(data, "queue", id) ?? [];
  const columns = [
    ["Reason", "words", (row) => words(row.queue_reason)],
    ["Entered", "date", (row) => day(row.entered_on)],
    ["Forecast then", "money", (row) => cents(row.entry_forecast_usd)],
    ["Forecast last", "money", (row) => cents(row.latest_forecast_usd)],
    ["Contact by", "date", (row) => day(row.contact_by)],
    ["Bills paid", "number", (row) => number(row.bills_paid)],
    ["Left", "date", (row) => (row.is_open ? "is in it" : day(row.exited_on))],
    ["Because", "words", (row) => (row.is_open ? "–" : words(row.exit_reason))],
  ];
  const table = stays.length ? plainTable("Stays in the queue", columns, stays) : null;
  return block("Onboarding queue", "whole", sentence(whyQueue(data, id, stays, bills)), table);
}

function whyQueue(data, id, stays, bills) {
  const open = stays.find((row) => row.is_open);
  if (open) return `It is in the queue since ${day(open.entered_on)}; write by ${day(open.contact_by)}${lateness(open.contact_by)}.`;
  const line = data.thresholds.onboarding_line_usd_month;
  const excluded = rowsOf(data, "exclusions", id) ?? [];
  if (excluded.length) return `It is not in the queue, because ${EXCLUDED[excluded[0].reason] ?? words(excluded[0].reason)}. Its bills are forecast at ${cents(excluded[0].customer_forecast_bill_usd)}.`;
  const left = stays[0] ? ` It left on ${day(stays[0].exited_on)}: ${words(stays[0].exit_reason).toLowerCase()}.` : "";
  if (!bills.length) return `It is not in the queue, because it has no open bill: no active subscription with an open period.${left}`;
  const total = bills.reduce((sum, bill) => sum + bill.forecast_bill_usd, 0);
  const asked = line === undefined ? "the onboarding line" : `the onboarding line of ${cents(line)}`;
  return `It is not in the queue, because its open bill is forecast at ${cents(total)}, below ${asked}.${left}`;
}

function lateness(contactBy) {
  const days = Math.round((Date.parse(body.dataset.asOf) - Date.parse(contactBy)) / 86400000);
  return days > 0 ? `, ${days} ${days === 1 ? "day" : "days"} late` : "";
}
