/* The packed rows of the customers' pages (serving/page/packing.py), unpacked when the first page is opened. */

let unpacked = null;

async function unpack() {
  const text = document.getElementById("customers").textContent.trim();
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const data = await new Response(stream).json();
  data.places = new Map(data.customers.map((id, place) => [id, place]));
  return data;
}

function customerData() {
  unpacked ??= unpack();
  return unpacked;
}

function value(column, row) {
  return Array.isArray(column) ? column[row] : column.values[column.codes[row]];
}

/* The rows of one customer in a table, as objects; null if the table is not published. */
function rowsOf(data, table, id) {
  const { starts, columns } = data.tables[table] ?? {};
  if (!starts) return null;
  const place = data.places.get(id);
  const rows = [];
  for (let row = starts[place]; row < starts[place + 1]; row += 1) {
    rows.push(Object.fromEntries(Object.entries(columns).map(([name, column]) => [name, value(column, row)])));
  }
  return rows;
}

/* Names of all customers with a page, in the order of their places. */
function namesOf(data) {
  const { starts, columns } = data.tables.about;
  return data.customers.map((id, place) => value(columns.name, starts[place]) || id);
}
