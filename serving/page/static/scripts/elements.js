/* Elements and figures in words, for whatever the scripts show. */

/* An element; a child is an element or text, and null is left out. Text is never markup. */
function element(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes ?? {})) {
    if (value === true) made.setAttribute(key, "");
    else if (value !== null && value !== undefined && value !== false) made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

const ACRONYMS = new Set(["ae", "ai", "arr", "crm", "csm", "cs", "db", "icp", "llm", "mrr", "yc", "usd", "us", "eu"]);
const WRITTEN = { product_led_leads: "Product-led leads", revops: "RevOps" };
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

function words(key) {
  if (key === null || key === undefined || key === "") return "not known";
  if (WRITTEN[key]) return WRITTEN[key];
  const text = String(key).split("_").map((word) => (ACRONYMS.has(word) ? word.toUpperCase() : word)).join(" ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/* A role with its article, as in a sentence: an onboarding specialist, a technical AE. */
function aRole(key) {
  const role = words(key).replace(/^[A-Z](?=[a-z])/, (letter) => letter.toLowerCase());
  return `${/^[aeiou]/i.test(role) ? "an" : "a"} ${role}`;
}

function number(value, digits = 2) {
  if (value === null || value === undefined) return "–";
  return value.toLocaleString("en-US", { maximumFractionDigits: digits }).replace("-", "−");
}

/* Long numbers within a text, with their thousands apart. */
function grouped(text) {
  return text?.replace(/(?<![.\d])\d{5,}/g, (digits) => Number(digits).toLocaleString("en-US"));
}

function money(value, digits = 0) {
  if (value === null || value === undefined) return "–";
  const amount = Math.abs(value).toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return `${value < 0 ? "−" : ""}$${amount}`;
}

const cents = (value) => money(value, 2);

function percent(share) {
  return share === null || share === undefined ? "–" : `${number(share * 100, 1)} %`;
}

/* 3 Nov 2026, of 2026-11-03. */
function day(text) {
  if (!text) return "–";
  const [year, month, date] = text.slice(0, 10).split("-").map(Number);
  return `${date} ${MONTHS[month - 1]} ${year}`;
}

function month(text) {
  return text ? day(text).replace(/^\d+ /, "") : "–";
}

function person(address) {
  return address ? address.split("@")[0] : null;
}
