/* What a customer pays, will pay and uses, by product. */

const UNMEASURED = "–";

function usageBlock(data, id) {
  const usage = rowsOf(data, "usage", id) ?? [];
  const months = rowsOf(data, "mrr", id) ?? [];
  const newest = body.dataset.closedMonth;
  const paid = new Map(months.filter((row) => row.month === newest).map((row) => [row.product_key, row.mrr_usd_month]));
  const used = new Map(usage.map((row) => [row.product_key, row]));
  const products = [...new Set([...paid.keys(), ...used.keys()])].sort((one, other) => (paid.get(other) ?? 0) - (paid.get(one) ?? 0) || one.localeCompare(other));
  if (!products.length) return block("MRR and usage by product", "whole", sentence("It has neither MRR nor usage in the last 13 weeks."));
  const columns = [
    ["Product", "words", (key) => words(key)],
    [`MRR, ${month(newest)}`, "money", (key) => (paid.has(key) ? cents(paid.get(key)) : UNMEASURED)],
    ["Units, 30 days", "number", (key) => (used.has(key) ? number(used.get(key).quantity_30_days) : UNMEASURED)],
    ["30 days before", "number", (key) => (used.has(key) ? number(used.get(key).quantity_30_days_before) : UNMEASURED)],
    ["Change", "percent", (key) => change(used.get(key))],
    ["13 weeks", "drawing", (key) => (used.has(key) ? spark(used.get(key).quantity_by_week, `${words(key)} by week, oldest first: ${used.get(key).quantity_by_week.map((each) => number(each, 0)).join(", ")}`) : UNMEASURED)],
  ];
  return block("MRR and usage by product", "whole", plainTable("Products", columns, products));
}

function change(row) {
  return row?.quantity_30_days_before ? percent(row.quantity_30_days / row.quantity_30_days_before - 1) : UNMEASURED;
}

function mrrBlock(data, id) {
  const months = rowsOf(data, "mrr_months", id) ?? [];
  if (!months.length) return block("MRR by month", "whole", sentence("It has never had a bill that counts."));
  const columns = [
    ["Month", "date", (row) => month(row.month)],
    ["List", "money", (row) => cents(row.list_usd)],
    ["Discount", "money", (row) => cents(row.discount_usd)],
    ["Startup credit", "money", (row) => cents(row.credit_applied_usd)],
    ["Refunds", "money", (row) => cents(row.refund_usd)],
    ["MRR", "money", (row) => cents(row.mrr_usd_month)],
    ["Basis", "words", (row) => words(row.basis)],
  ];
  const rest = element("details", {}, element("summary", {}, "By month, as a table"), plainTable("MRR by month", columns, months));
  const name = "MRR by month and product; the table below has the months";
  const isPaying = (rowsOf(data, "mrr", id) ?? []).length > 0;
  const drawing = isPaying ? element("div", { class: "drawing", "data-customer-chart": true, role: "img", "aria-label": name }) : sentence("No product had MRR in these months.");
  return block("MRR by month and product", "whole", drawing, rest);
}

const OTHER_PRODUCTS = "Other products";

/* MRR by month of the largest products, one a colour; the others are added up. */
function mrrOfLargest(rows, most) {
  const totals = new Map();
  for (const row of rows) totals.set(row.product_key, (totals.get(row.product_key) ?? 0) + row.mrr_usd_month);
  const ranked = [...totals.keys()].sort((one, other) => totals.get(other) - totals.get(one) || one.localeCompare(other));
  const largest = ranked.length > most ? ranked.slice(0, most - 1) : ranked;
  const sums = new Map();
  for (const row of rows) {
    const product = largest.includes(row.product_key) ? words(row.product_key) : OTHER_PRODUCTS;
    const key = `${row.month} ${product}`;
    const sum = sums.get(key) ?? { month: row.month, product, mrr: 0 };
    sums.set(key, { ...sum, mrr: sum.mrr + row.mrr_usd_month });
  }
  const names = largest.map(words);
  return { values: [...sums.values()], names: largest.length < ranked.length ? [...names, OTHER_PRODUCTS] : names };
}

/* The chart's specification is in the page; the customer's rows take the place of its own. */
function drawCustomerCharts(data, id) {
  const place = customerView.querySelector("[data-customer-chart]");
  if (!place) return;
  const specification = charts["customer-mrr"];
  const { color } = specification.encoding;
  const { values, names } = mrrOfLargest(rowsOf(data, "mrr", id) ?? [], color.scale.range.length);
  const range = names.map((name, at) => (name === OTHER_PRODUCTS ? color.scale.range.at(-1) : color.scale.range[at]));
  const encoding = { ...specification.encoding, color: { ...color, scale: { domain: names, range } } };
  draw(place, { ...specification, encoding, data: { values } });
}

function billsBlock(data, id, bills) {
  if (!bills.length) return block("Open bill", "whole", sentence("It has no open bill: no active subscription with an open period on the data day."));
  const products = rowsOf(data, "bill_products", id) ?? [];
  const columns = [
    ["Product", "words", (row) => words(row.product_key)],
    ["Units so far", "number", (row) => number(row.quantity_to_date)],
    ["Units expected", "number", (row) => number(row.projected_quantity)],
    ["List", "money", (row) => cents(row.list_usd)],
    ["After discount", "money", (row) => cents(row.after_discount_usd)],
    ["Spend limit", "money", (row) => (row.limit_usd === null ? "none" : cents(row.limit_usd))],
    ["Bill", "money", (row) => cents(row.bill_usd)],
  ];
  const parts = bills.flatMap((bill) => [
    bills.length > 1 ? element("h4", {}, bill.organization || bill.organization_id) : null,
    figureList([
      ["Forecast bill", cents(bill.forecast_bill_usd), `80 % between ${cents(bill.forecast_low_usd)} and ${cents(bill.forecast_high_usd)}`],
      ["So far", cents(bill.amount_to_date_usd), `${day(bill.period_start)} to ${day(bill.period_end)}`],
      ["Left to pay", cents(bill.forecast_payable_usd), "after the credit that is left"],
      ["By the vendor's own rule", cents(bill.published_rule_usd), bill.missing_days ? `${bill.missing_days} days of usage are missing` : ""],
    ]),
    plainTable("Open bill by product", columns, products.filter((row) => row.organization_id === bill.organization_id)),
  ]);
  return block("Open bill", "whole", ...parts);
}
