// Starts the page: builds its sections, draws again what a choice changes, and follows the
// address, the width, the colour scheme and the printer.

const PAPER_WIDTH = 680;
let printing = false;
const sections = new Map();

// Draws what depends on a part of the state, and keeps the choice in the address.
function changed(part) {
  writeHash();
  sections.get(part)?.();
  if (part === "chart") redrawIfPresent("latency");
  if (part === "latency") redrawIfPresent("chart");
}

function redrawIfPresent(part) {
  sections.get(part)?.();
}

function drawAll() {
  for (const draw of sections.values()) draw();
}

function setPrinting(on) {
  if (on === printing) return;
  printing = on;
  document.documentElement.classList.toggle("paper", on);
  drawCharts();
}

function drawCharts() {
  redrawIfPresent("chart");
  redrawIfPresent("latency");
}

function start() {
  const build = (id, part, make) => {
    const host = document.getElementById(id);
    if (host) sections.set(part, make(host));
  };
  hashToState(location.hash);
  if (report.best.length && report.decider !== null) build("best-table", "best", bestSection);
  build("chart", "chart", chartSection);
  build("cell-table", "cells", cellSection);
  build("latency-chart", "latency", latencySection);
  drawAll();

  addEventListener("hashchange", () => {
    if (location.hash.slice(1) === written) return;
    hashToState(location.hash);
    drawAll();
  });
  let width = document.documentElement.clientWidth;
  addEventListener("resize", () => {
    if (printing || document.documentElement.clientWidth === width) return;
    width = document.documentElement.clientWidth;
    drawCharts();
  });
  darkScreen.addEventListener("change", drawCharts);
  matchMedia("print").addEventListener("change", (event) => setPrinting(event.matches));
  addEventListener("beforeprint", () => setPrinting(true));
  addEventListener("afterprint", () => setPrinting(false));
  // Links to sections keep the choice in the address.
  for (const link of document.querySelectorAll("nav a")) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      const target = document.getElementById(link.getAttribute("href").slice(1));
      target.scrollIntoView();
      target.setAttribute("tabindex", "-1");
      target.focus({ preventScroll: true });
    });
  }
  // A menu closes when the pointer goes elsewhere.
  addEventListener("pointerdown", (event) => {
    for (const menu of document.querySelectorAll("details.picker[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });
}

document.documentElement.classList.add("js");
try {
  start();
} catch (error) {
  // The tables of the template stay readable.
  document.documentElement.classList.remove("js");
  throw error;
}
