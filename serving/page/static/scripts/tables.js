/* Tables that are sorted, searched, filtered, copied and saved; the address holds what is filtered. */

const PAGE_LENGTH = 15;
/* Spreadsheets run such cells as formulas. Where a semicolon or tab separates, they also split cells there and at line
   ends. The same as in serving/exports/csv_files.py. */
const STARTS_A_FORMULA = /(^|[;\t\r\n])([ \xa0"']*)(?=[=+\-@＝＋－＠])/g;
const IS_A_NUMBER = /^-?\d*\.?\d+(e[+-]?\d+)?$/;

function labelled(text, control) {
  return element("label", {}, text, control);
}

function title(column) {
  return column.header().querySelector(".dt-column-title")?.textContent ?? column.header().textContent;
}

function chooser(column, changed) {
  const select = element("select", { "data-title": title(column), "data-column": column.index() });
  const texts = [...new Set(column.nodes().toArray().map((cell) => cell.textContent))].sort();
  select.add(new Option("All", ""));
  for (const text of texts) select.add(new Option(text, text));
  select.addEventListener("change", () => {
    column.search(select.value, { exact: select.value !== "" }).draw();
    changed();
  });
  return labelled(title(column), select);
}

function searcher(table, changed) {
  const input = element("input", { type: "search" });
  input.addEventListener("input", () => {
    table.search(input.value).draw();
    changed();
  });
  return labelled("Search", input);
}

/* The rows as they are filtered and sorted: headings, then values; numbers and days as written in the data. */
function values(table) {
  const headings = table.columns().indexes().toArray().map((index) => title(table.column(index)));
  const rows = table.rows({ search: "applied", order: "applied" }).nodes().toArray();
  return [headings, ...rows.map((row) => [...row.cells].map((cell) => (cell.matches(".text,.words,.person,.late,.customer,.unit") ? cell.textContent : cell.dataset.order)))];
}

/* Text that no spreadsheet runs as a formula; numbers stay as they are. */
function safe(text) {
  if (IS_A_NUMBER.test(text)) return text;
  const escaped = text.replace(STARTS_A_FORMULA, "$1'$2");
  return /^[\t\r\n]/.test(escaped) ? `'${escaped}` : escaped;
}

function asCsv(rows) {
  const quoted = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  return `\ufeff${rows.map((row) => row.map((text) => quoted(safe(text))).join(",")).join("\r\n")}\r\n`;
}

function asLines(rows) {
  return rows.map((row) => row.map((text) => safe(text).replace(/[\t\r\n]+/g, " ")).join("\t")).join("\n");
}

async function copy(text, button) {
  const before = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    button.textContent = "The browser does not allow it";
  }
  setTimeout(() => (button.textContent = before), 2000);
}

function save(name, text) {
  const link = element("a", { href: URL.createObjectURL(new Blob([text], { type: "text/csv" })), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

/* The part of the address after # that shows this table as it is filtered now. */
function address(made) {
  const view = new URLSearchParams({ list: made.id });
  for (const select of made.selects) if (select.value) view.set(select.dataset.title, select.value);
  if (made.table.search()) view.set("search", made.table.search());
  return `#${view}`;
}

function tools(made) {
  const button = (text, act) => {
    const made = element("button", { type: "button" }, text);
    made.addEventListener("click", () => act(made));
    return made;
  };
  return element(
    "div",
    { class: "tools" },
    button("Copy", (pressed) => copy(asLines(values(made.table)), pressed)),
    button("Save as CSV", () => save(`${made.id}-${body.dataset.asOf}.csv`, asCsv(values(made.table)))),
    button("Copy link", (pressed) => copy(location.href.split("#")[0] + address(made), pressed)),
  );
}

function makeTable(place) {
  const isLong = place.tBodies[0].rows.length > PAGE_LENGTH;
  const table = new DataTable(place, {
    order: [],
    autoWidth: false,
    paging: isLong,
    pageLength: PAGE_LENGTH,
    lengthChange: false,
    layout: { topStart: null, topEnd: null, bottomStart: isLong ? "info" : null, bottomEnd: isLong ? "paging" : null },
    language: { info: "_START_ to _END_ of _TOTAL_", infoEmpty: "No rows", infoFiltered: "(of _MAX_)", zeroRecords: "No matching rows" },
  });
  const made = { id: place.id, table, block: place.closest(".block"), selects: [], search: null, isLong };
  const changed = () => history.replaceState(history.state, "", address(made));
  const filters = table.columns("[data-filter]").indexes().toArray();
  const controls = element("div", { class: "controls" });
  if (isLong || filters.length) {
    for (const index of filters) controls.append(chooser(table.column(index), changed));
    const search = searcher(table, changed);
    controls.append(search);
    made.selects = [...controls.querySelectorAll("select")];
    made.search = search.querySelector("input");
  }
  controls.append(tools(made));
  table.table().container().prepend(controls);
  return made;
}

/* Choose what a link says; what it does not say shows everything. */
function filter(made, wanted) {
  for (const select of made.selects) {
    const value = wanted.get(select.dataset.title) ?? "";
    if (select.value === value) continue;
    select.value = value;
    if (value && select.value !== value) select.value = "";
    made.table.column(Number(select.dataset.column)).search(select.value, { exact: select.value !== "" });
  }
  if (made.search) {
    made.search.value = wanted.get("search") ?? "";
    made.table.search(made.search.value);
  }
  made.table.draw();
}

const tables = [...document.querySelectorAll("table.data")].map(makeTable);
/* Print shows all rows of a table. */
addEventListener("beforeprint", () => tables.forEach((made) => made.table.page.len(-1).draw()));
addEventListener("afterprint", () => tables.forEach((made) => made.table.page.len(PAGE_LENGTH).draw()));
