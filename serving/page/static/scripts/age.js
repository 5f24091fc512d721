/* How old the data is, by the reader's clock: a page cannot know that no newer one was written. */

const body = document.body;

function inWords(milliseconds) {
  const minutes = Math.max(0, Math.round(milliseconds / 60000));
  if (minutes < 60) return `${minutes} min old`;
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `${hours} h old` : `${Math.round(hours / 24)} days old`;
}

function showAge() {
  const age = Date.now() - Date.parse(body.dataset.publishedAt);
  const isStale = age > Number(body.dataset.staleAfter);
  const isLate = age > Number(body.dataset.lateAfter);
  const tone = isStale || body.dataset.dataTone === "bad" ? "bad" : isLate || body.dataset.dataTone === "warning" ? "warning" : "good";
  const badge = document.getElementById("age");
  badge.textContent = `data ${inWords(Date.now() - Date.parse(body.dataset.dataEndsAt))}`;
  badge.className = `badge ${tone}`;
  const banner = document.getElementById("stale");
  banner.hidden = !isLate;
  banner.className = isStale ? "" : "late";
  banner.textContent = isStale
    ? `Stale: this page is ${inWords(age)}. Nothing newer was published; find out why before you use it.`
    : `Late: this page is ${inWords(age)}, and today's is not published yet.`;
  body.classList.toggle("is-stale", isStale);
}

showAge();
setInterval(showAge, 60000);
document.addEventListener("visibilitychange", showAge);
