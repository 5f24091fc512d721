/* Blocks of a customer's page: figures, tables, sentences, small lines of usage. */

function block(heading, span, ...children) {
  return element("section", { class: `block ${span}` }, element("h3", {}, heading), ...children);
}

function sentence(text, tone) {
  return element("p", { class: `note ${tone ?? ""}` }, text);
}

/* A list of [name, value, beside]. */
function figureList(figures, size) {
  const made = figures.map(([name, shown, beside]) =>
    element("div", { class: `figure ${size ?? ""}` }, element("dt", {}, name), element("dd", { class: "value" }, shown), beside ? element("dd", { class: "beside" }, beside) : null),
  );
  return element("dl", { class: size ? "headline" : "grid" }, ...made);
}

/* Columns are [title, kind, write]; write takes a row and gives text or an element. */
function plainTable(name, columns, rows) {
  const heads = columns.map(([heading, kind]) => element("th", { scope: "col", class: kind }, heading));
  const lines = rows.map((row) =>
    element("tr", {}, ...columns.map(([heading, kind, write]) => element("td", { class: kind, "data-title": heading, dir: "auto" }, write(row) ?? "–"))),
  );
  return element(
    "div",
    { class: "wide", tabindex: "0", role: "region", "aria-label": name },
    element("table", { class: "data plain" }, element("thead", {}, element("tr", {}, ...heads)), element("tbody", {}, ...lines)),
  );
}

const SVG = "http://www.w3.org/2000/svg";

/* A line of values from the oldest to the newest, from 0 to the largest. */
function spark(values, name) {
  const most = Math.max(...values, 0) || 1;
  const [width, height] = [96, 22];
  const step = width / Math.max(values.length - 1, 1);
  const points = values.map((each, place) => `${(place * step).toFixed(1)},${(height - 1 - (each / most) * (height - 2)).toFixed(1)}`);
  const drawing = document.createElementNS(SVG, "svg");
  for (const [key, given] of Object.entries({ viewBox: `0 0 ${width} ${height}`, width, height, class: "spark", role: "img", "aria-label": name })) drawing.setAttribute(key, given);
  const line = document.createElementNS(SVG, "polyline");
  line.setAttribute("points", points.join(" "));
  drawing.append(line);
  return drawing;
}

function backLink() {
  return element("a", { href: "#", class: "back" }, "← All customers");
}

function customerLink(id, name) {
  return element("a", { href: `#customer=${encodeURIComponent(id)}` }, name);
}

/* A figure in the unit that the marts name beside it. */
function inUnit(figure, unit) {
  if (figure === null || figure === undefined) return "–";
  if (unit?.startsWith("USD")) return `${cents(figure)}${unit.slice(3)}`;
  if (unit === "share") return percent(figure);
  return `${number(figure)}${unit ? ` ${unit}` : ""}`;
}
