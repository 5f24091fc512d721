/* Who a customer is: segment with every criterion, health with its parts, owner, organizations, scores. */

const UNKNOWN_BECAUSE = {
  no_address: "nobody with an address has signed up",
  no_owner: "nobody with an address has signed up",
  no_domain: "its people have no address of a company",
  free_mail: "its people use addresses of free mail",
  not_enriched: "enrichment has not been asked about it",
  not_found: "enrichment does not know it",
  insufficient_data: "enrichment knows too little about it",
  disqualified: "enrichment disqualifies it",
  stale: "what enrichment knows of it is too old",
  missing_fact: "a fact that decides is missing",
};
const RESULTS = { met: "met", not_met: "not met", unknown: "not known" };

/* What a threshold is compared with: the fact, since a criterion such as not_public may say the opposite of it. */
function factOf(row) {
  return row.field.replace(/^(has|is)_/, "").replace("_usd", "_in_USD").replace(/_month$/, "_a_month").replaceAll("_", " ");
}

function segmentBlock(data, id, about) {
  const criteria = rowsOf(data, "criteria", id) ?? [];
  const spans = rowsOf(data, "segments", id) ?? [];
  const now = spans[0] ?? {};
  const sure = { strict: "every fact that this rests on is known", likely: "a fact is missing that may be absent for good", unknown: "" }[now.icp_confidence];
  const why = now.unknown_reason ? `: ${UNKNOWN_BECAUSE[now.unknown_reason] ?? words(now.unknown_reason).toLowerCase()}` : sure ? `: ${sure}` : "";
  const deciding = criteria.filter((row) => row.would_decide);
  const changes = deciding.map((row) => element("li", {}, `${words(row.would_decide)} needs: ${factOf(row)} ${grouped(row.threshold)}. It is ${grouped(row.observed) ?? "not known"} today.`));
  const isUnknown = about.icp_segment === "unknown";
  const facts = isUnknown ? "Facts about its company that are not known now." : "No single fact would change it.";
  const stays = about.icp_segment && !["unknown", "other"].includes(about.icp_segment) ? "It leaves this segment when one of the criteria that are met no longer holds." : facts;
  const columns = [
    ["Segment", "words", (row) => words(row.segment)],
    ["Criterion", "words", (row) => words(row.criterion)],
    ["Observed", "text", (row) => grouped(row.observed) ?? "not known"],
    ["Asked", "text", (row) => grouped(row.threshold)],
    ["Result", "words", (row) => RESULTS[row.result] ?? row.result],
  ];
  const history = [
    ["From", "date", (row) => day(row.valid_from)],
    ["To", "date", (row) => (row.valid_to ? day(row.valid_to) : "now")],
    ["Segment", "words", (row) => words(row.icp_segment)],
    ["Sure", "words", (row) => words(row.icp_confidence)],
    ["Tier", "words", (row) => words(row.size_tier)],
  ];
  return block(
    "Segment",
    "whole",
    sentence(`${words(about.icp_segment)}${why}.`),
    element("h4", {}, "What would change it"),
    changes.length ? element("ul", {}, ...changes) : sentence(stays),
    criteria.length ? plainTable("Criteria", columns, criteria) : sentence("No criteria are published for it."),
    spans.length ? element("details", {}, element("summary", {}, "Segment and tier before"), plainTable("Segments before", history, spans)) : null,
  );
}

function healthBlock(data, id, about) {
  const parts = rowsOf(data, "health", id);
  const heading = `${words(about.health)}: volume of 30 days against the 30 before, the falls weighted by product group.`;
  if (about.health === "unknown") return block("Health", "half", sentence("Not known: it has not used any product for as long as the two windows."));
  const columns = [
    ["Product group", "words", (row) => words(row.product_group)],
    ["Weight", "number", (row) => number(row.weight)],
    ["Fall", "number", (row) => `${number(row.fall_percent, 1)} %`],
  ];
  const bounds = data.thresholds.health_poor_percent === undefined ? null : sentence(`Concerning above ${data.thresholds.health_concerning_percent} %, poor above ${data.thresholds.health_poor_percent} %.`);
  return block("Health", "half", sentence(heading), bounds, parts?.length ? plainTable("Health by product group", columns, parts) : null);
}

function ownerBlock(data, id, about) {
  const [routing] = rowsOf(data, "routing", id) ?? [];
  const unknown = body.dataset.hasCrm === "false";
  const owner = unknown ? "Who owns it is not known: the CRM has no accounts here." : about.owner_email ? `${about.owner_email} owns it.` : "Nobody owns it.";
  const touch = routing?.is_double_touch ? sentence("Two people may write to it: agree who does.", "warning") : null;
  const columns = [
    ["From", "date", (row) => day(row.valid_from)],
    ["To", "date", (row) => (row.valid_to ? day(row.valid_to) : "now")],
    ["Should be held by", "words", (row) => (row.suggested_owner_role ? words(row.suggested_owner_role) : "nobody")],
    ["Because", "words", (row) => (row.reason ? words(row.reason) : "–")],
  ];
  const spans = rowsOf(data, "routing_history", id) ?? [];
  const owned = rowsOf(data, "owners", id) ?? [];
  const changes = [
    ["Day", "date", (row) => day(row.day)],
    ["Owner", "person", (row) => person(row.owner_email)],
    ["Role", "words", (row) => words(row.what)],
    ["Change", "words", (row) => (row.kind === "owner_came" ? "took over" : "left it")],
  ];
  const owners = owned.length ? plainTable("Owners", changes, owned) : null;
  return block("Owner", "half", sentence(owner), touch, owners, spans.length ? plainTable("Who should hold it", columns, spans) : sentence("By the rules it never needed a person."));
}

function organizationsBlock(data, id) {
  const columns = [
    ["Organization", "text", (row) => row.name || row.organization_id],
    ["Domain", "text", (row) => row.domain ?? "not known"],
    ["Region", "text", (row) => row.region],
    ["Signed up", "date", (row) => day(row.signed_up)],
    ["Channel", "words", (row) => (row.signup_channel ? words(row.signup_channel) : "not stated")],
    ["Activated", "date", (row) => (row.activated_at ? day(row.activated_at) : "no")],
    ["Users", "number", (row) => number(row.users)],
    ["Products used", "number", (row) => number(row.products_used)],
    ["MRR", "money", (row) => cents(row.mrr_usd_month)],
  ];
  return block("Organizations", "whole", plainTable("Organizations", columns, rowsOf(data, "organizations", id) ?? []));
}

/* The marts say whether the known facts pass; the page also says whether those that are missing could change that. */
function scoresBlock(data, id) {
  const scores = rowsOf(data, "scores", id) ?? [];
  const names = { lead_70: "Lead score of 70", icp_24: "Fit to the ICP of 24" };
  const columns = [
    ["Score", "text", (row) => names[row.score] ?? words(row.score)],
    ["Organization", "text", (row) => row.organization],
    ["Points", "number", (row) => (row.points_at_most > row.points_at_least ? `${number(row.points_at_least)} to ${number(row.points_at_most)}` : number(row.points_at_most))],
    ["Asked", "number", (row) => number(row.cut)],
    ["Passes", "words", (row) => (row.points_at_least >= row.cut ? "yes" : row.points_at_most >= row.cut ? "not known" : "no")],
    ["Facts missing", "number", (row) => number(row.facts_missing)],
  ];
  return scores.length ? block("Scores", "whole", plainTable("Scores", columns, scores)) : null;
}
