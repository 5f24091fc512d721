const body = document.body;

function ageInWords(milliseconds) {
  const minutes = Math.max(0, Math.round(milliseconds / 60000));
  if (minutes < 60) return `${minutes} min old`;
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `${hours} h old` : `${Math.round(hours / 24)} days old`;
}

/* Computed by the reader's clock: a page cannot know that no newer one was written. */
function showAge() {
  const age = Date.now() - Date.parse(body.dataset.publishedAt);
  const isStale = age > Number(body.dataset.staleAfter);
  const isLate = age > Number(body.dataset.lateAfter);
  const badge = document.getElementById("age");
  const banner = document.getElementById("stale");
  badge.textContent = ageInWords(age);
  badge.className = `badge ${isStale ? "bad" : isLate ? "warning" : "good"}`;
  banner.hidden = !isLate;
  banner.className = isStale ? "" : "late";
  banner.textContent = isStale
    ? `Stale: this page is ${ageInWords(age)}. Nothing newer was published; find out why before you use it.`
    : `Late: this page is ${ageInWords(age)}, and today's is not published yet.`;
  body.classList.toggle("is-stale", isStale);
}

function labelled(text, control) {
  const label = document.createElement("label");
  label.append(text, control);
  return label;
}

function chooser(column) {
  const select = document.createElement("select");
  const texts = [...new Set(column.nodes().toArray().map((cell) => cell.textContent))].sort();
  select.add(new Option("All", ""));
  for (const text of texts) select.add(new Option(text, text));
  select.addEventListener("change", () => {
    column.search(select.value, { exact: select.value !== "" }).draw();
  });
  return labelled(column.header().textContent, select);
}

function searcher(table) {
  const input = document.createElement("input");
  input.type = "search";
  input.addEventListener("input", () => table.search(input.value).draw());
  return labelled("Search", input);
}

const PAGE_LENGTH = 15;

function makeTable(element) {
  const isLong = element.tBodies[0].rows.length > PAGE_LENGTH;
  const table = new DataTable(element, {
    order: [],
    autoWidth: false,
    paging: isLong,
    pageLength: PAGE_LENGTH,
    lengthChange: false,
    layout: { topStart: null, topEnd: null, bottomStart: isLong ? "info" : null, bottomEnd: isLong ? "paging" : null },
    language: { info: "_START_ to _END_ of _TOTAL_", infoEmpty: "No rows", infoFiltered: "(of _MAX_)", zeroRecords: "No matching rows" },
  });
  const filters = table.columns("[data-filter]").indexes().toArray();
  if (isLong || filters.length) {
    const controls = document.createElement("div");
    controls.className = "controls";
    for (const index of filters) controls.append(chooser(table.column(index)));
    controls.append(searcher(table));
    table.table().container().prepend(controls);
  }
  return table;
}

/* A chart that fails shows a message; the others are still drawn. */
function drawCharts() {
  const charts = JSON.parse(document.getElementById("charts").textContent);
  for (const place of document.querySelectorAll("[data-chart]")) {
    vegaEmbed(place, charts[place.dataset.chart], { actions: false, renderer: "svg" }).catch((error) => {
      place.textContent = `This chart cannot be drawn (${error.name}).`;
    });
  }
}

showAge();
setInterval(showAge, 60000);
document.addEventListener("visibilitychange", showAge);

const tables = [...document.querySelectorAll("table.data")].map(makeTable);
/* Print shows all rows of a table. */
addEventListener("beforeprint", () => tables.forEach((table) => table.page.len(-1).draw()));
addEventListener("afterprint", () => tables.forEach((table) => table.page.len(PAGE_LENGTH).draw()));
drawCharts();
