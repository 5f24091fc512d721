/* What the address asks for: a customer, the lists of an owner, a filtered list, or a section. */

const company = [...document.querySelectorAll("[data-company]")];
const customerView = document.getElementById("customer");
const ownerChoice = document.getElementById("owner");
const ownerBanner = document.getElementById("owner-banner");
const pageTitle = document.title;
let leftAt = 0;

async function showCustomer(id) {
  if (customerView.hidden) leftAt = scrollY;
  for (const each of company) each.hidden = true;
  customerView.hidden = false;
  customerView.setAttribute("aria-busy", "true");
  try {
    const data = await customerData();
    if (new URLSearchParams(location.hash.slice(1)).get("customer") !== id) return;
    customerView.replaceChildren(...customerPage(data, id));
    document.title = `${customerView.querySelector("h2").textContent} · ${pageTitle}`;
    drawCustomerCharts(data, id);
  } catch (error) {
    customerView.replaceChildren(backLink(), element("p", { class: "note" }, `This page cannot be shown (${error.name}): the browser is too old, or the file is not whole.`));
  }
  customerView.removeAttribute("aria-busy");
  scrollTo({ top: 0, behavior: "instant" });
  customerView.querySelector("h2")?.focus({ preventScroll: true });
}

function showCompany() {
  if (customerView.hidden) return;
  customerView.hidden = true;
  customerView.replaceChildren();
  for (const each of company) each.hidden = false;
  ownerBanner.hidden = !document.body.classList.contains("by-owner");
  document.title = pageTitle;
  scrollTo({ top: leftAt, behavior: "instant" });
}

/* Tables with an owner show that owner's rows; what has no owner is not shown. */
function showOwner(owner) {
  ownerChoice.value = owner;
  document.body.classList.toggle("by-owner", owner !== "");
  ownerBanner.hidden = owner === "";
  let rows = 0;
  for (const made of tables) {
    const choice = made.selects.find((select) => select.dataset.title === "Owner");
    if (choice) filter(made, new URLSearchParams(owner ? { Owner: owner } : {}));
    const isOwners = Boolean(choice && choice.value === owner && made.table.rows({ search: "applied" }).count());
    made.block.classList.toggle("is-owners", isOwners);
    rows += owner && isOwners ? made.table.rows({ search: "applied" }).count() : 0;
  }
  for (const section of document.querySelectorAll("#company > section")) {
    section.classList.toggle("is-owners", section.querySelector(".is-owners") !== null);
  }
  ownerBanner.firstElementChild.textContent = `The lists of ${owner}: ${rows} rows. What has no owner is hidden.`;
}

function showList(view) {
  const made = tables.find((each) => each.id === view.get("list"));
  if (!made) return;
  filter(made, view);
  made.block.scrollIntoView();
}

function route() {
  const view = new URLSearchParams(location.hash.slice(1));
  if (view.has("customer")) return showCustomer(view.get("customer"));
  showCompany();
  if (view.has("owner") || document.body.classList.contains("by-owner")) showOwner(view.get("owner") ?? "");
  if (view.has("list")) showList(view);
  else if (location.hash && !view.has("owner")) document.getElementById([...view.keys()][0])?.scrollIntoView();
  return undefined;
}

function fillOwners() {
  const owners = tables.flatMap((made) => made.selects).filter((select) => select.dataset.title === "Owner");
  const names = new Set(owners.flatMap((select) => [...select.options].map((option) => option.value)).filter(Boolean));
  for (const name of [...names].sort()) ownerChoice.add(new Option(name, name));
  ownerChoice.addEventListener("change", () => {
    location.hash = ownerChoice.value ? new URLSearchParams({ owner: ownerChoice.value }) : "";
  });
}

const FOUND_MOST = 8;

async function find(input, list) {
  const wanted = input.value.trim().toLowerCase();
  const data = wanted ? await customerData() : null;
  const found = [];
  if (data) {
    const names = namesOf(data);
    for (let place = 0; place < names.length && found.length < FOUND_MOST; place += 1) {
      if (names[place].toLowerCase().includes(wanted) || data.customers[place] === wanted) found.push(place);
    }
    list.replaceChildren(...found.map((place) => element("li", {}, customerLink(data.customers[place], names[place]))));
    if (!found.length) list.replaceChildren(element("li", {}, "No customer with a page has this name."));
  } else list.replaceChildren();
}

fillOwners();
const findInput = document.getElementById("find");
findInput.addEventListener("input", () => find(findInput, document.getElementById("found")));
addEventListener("hashchange", () => {
  findInput.value = "";
  document.getElementById("found").replaceChildren();
  route();
});
if ("scrollRestoration" in history) history.scrollRestoration = "manual";
route();
