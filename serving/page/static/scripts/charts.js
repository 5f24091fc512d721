/* Charts; one that fails shows a message, and the others are still drawn. */

const charts = JSON.parse(document.getElementById("charts").textContent);

function draw(place, specification) {
  return vegaEmbed(place, specification, { actions: false, renderer: "svg" }).catch((error) => {
    place.textContent = `This chart cannot be drawn (${error.name}).`;
  });
}

for (const place of document.querySelectorAll("[data-chart]")) draw(place, charts[place.dataset.chart]);
