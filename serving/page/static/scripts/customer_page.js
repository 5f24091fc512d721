/* The page of one customer. */

function customerPage(data, id) {
  if (!data.places.has(id)) return noPage(id);
  const [about] = rowsOf(data, "about", id);
  const bills = rowsOf(data, "bills", id) ?? [];
  const forecast = bills.reduce((sum, bill) => sum + bill.forecast_bill_usd, 0);
  const facts = [
    `${words(about.lifecycle)}`,
    `segment ${words(about.icp_segment).toLowerCase()}`,
    `tier ${about.size_tier}`,
    `band ${about.arr_mix_band}`,
    `coverage ${words(about.coverage)}`,
  ];
  const single = bills.length === 1 ? `80 % between ${money(bills[0].forecast_low_usd)} and ${money(bills[0].forecast_high_usd)}` : bills.length ? `${bills.length} accounts` : "no open period";
  const figures = [
    ["MRR", money(about.mrr_usd_month), month(body.dataset.closedMonth)],
    ["ARR", money(about.arr_usd_year), about.first_paid_month ? `first paid in ${month(about.first_paid_month)}` : "has never paid"],
    ["Open bill", bills.length ? money(forecast) : "none", single],
    ["Owner", body.dataset.hasCrm === "false" ? "not known" : (person(about.owner_email) ?? "nobody"), about.suggested_owner_role ? `should be ${aRole(about.suggested_owner_role)}` : "needs nobody by the rules"],
    ["Health", about.health === "unknown" ? "not known" : words(about.health), "30 days against the 30 before"],
  ];
  return [
    backLink(),
    element("h2", { tabindex: "-1" }, about.name || id),
    element("p", { class: "lead" }, `${facts.join(" · ")} · `, element("code", {}, id)),
    about.is_do_not_contact ? sentence("The CRM says that nobody may write to it.", "bad") : null,
    figureList(figures, "large"),
    element(
      "div",
      { class: "blocks" },
      listsBlock(data, id),
      queueBlock(data, id, bills),
      billsBlock(data, id, bills),
      usageBlock(data, id),
      mrrBlock(data, id),
      segmentBlock(data, id, about),
      healthBlock(data, id, about),
      ownerBlock(data, id, about),
      timelineBlock(data, id),
      organizationsBlock(data, id),
      scoresBlock(data, id),
    ),
  ].filter(Boolean);
}

function timelineBlock(data, id) {
  const events = rowsOf(data, "events", id);
  if (events === null) return null;
  if (!events.length) return block("Timeline", "whole", sentence("Nothing has happened yet."));
  const columns = [
    ["Day", "date", (row) => day(row.day)],
    ["What", "words", (row) => words(row.kind)],
    ["Of", "words", (row) => person(row.owner_email) ?? named(row.subject)],
    ["Detail", "text", (row) => named(row.what)],
    ["Figure", "number", (row) => inUnit(row.figure, row.unit)],
  ];
  const cut = events.length < data.events_shown ? null : sentence(`The newest ${events.length}; all are in fct_customer_events.`);
  return block("Timeline", "whole", plainTable("Timeline", columns, events), cut);
}

/* Ids of organizations, invoices and accounts say nothing to a reader; the first day of a month is the month. */
function named(text) {
  if (!text || /[0-9a-f]{8}/.test(text)) return "–";
  if (/^\d{4}-\d{2}-01$/.test(text)) return month(text);
  return /^[a-z0-9]+(_[a-z0-9]+)*$/.test(text) ? words(text) : text;
}

function noPage(id) {
  return [
    backLink(),
    element("h2", { tabindex: "-1" }, "No page for this customer"),
    element("p", { class: "note" }, document.getElementById("pages-note").textContent),
    element("p", { class: "note" }, "Its figures are in the published file, under ", element("code", {}, `customer_id = '${id}'`), "."),
  ];
}
