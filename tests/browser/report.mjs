// Uses a report as a reader does: with the pointer, by keyboard, on a phone, on paper, without
// scripts. See README.md.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import {
  check,
  choose,
  dataOf,
  finish,
  hoverPoint,
  launch,
  open,
  readCsv,
  settled,
  tableRows,
  tipOf,
} from "./support.mjs";
import { hostile } from "./hostile.mjs";

/** The row of the CSV that has the labels which the page shows, by titles of axes. */
function csvRow(rows, data, shown) {
  const titles = new Map(data.axes.map((axis) => [axis.title, axis.key]));
  const labels = shown.filter(([title]) => titles.has(title));
  const matching = rows.filter((row) =>
    labels.every(([title, label]) => row[titles.get(title)] === (label === "(empty)" ? "" : label)),
  );
  check(labels.length === data.axes.length, `the tip shows every axis: ${JSON.stringify(shown)}`);
  check(matching.length === 1, `one row of the CSV has ${JSON.stringify(labels)}`);
  return matching[0];
}

/** Compares the point that is shown with the CSV. */
function compareTip(tip, rows, data, metric, how) {
  if (!check(tip, `a point is shown ${how}`)) return;
  check(tip.head.includes(metric), `the tip names ${metric}: ${tip.head}`);
  const row = csvRow(rows, data, tip.rows);
  if (!row) return;
  const shown = new Map(tip.rows);
  const mean = Number(shown.get("mean"));
  check(
    shown.get("mean") !== "" && mean === Number(row[metric]),
    `${metric} ${how}: shown ${shown.get("mean")}, CSV ${row[metric]}`,
  );
  const half = row[`${metric}_ci95`];
  const interval = shown.get("95 % interval");
  check(Boolean(interval) === (half !== ""), `interval of ${metric} ${how}: ${interval}, ${half}`);
  if (interval && half !== "") {
    const [low, high] = interval.split(" to ").map(Number);
    const near = (a, b) => Math.abs(a - b) <= 1e-9 * Math.max(1, Math.abs(mean));
    check(
      near(low, mean - Number(half)) && near(high, mean + Number(half)),
      `interval of ${metric} ${how}: ${interval}, half width ${half}`,
    );
  }
}

const hashOf = (page) => page.evaluate(() => location.hash);

async function pointer(page, data, rows) {
  compareTip(await hoverPoint(page), rows, data, data.chosen[0], "under the pointer");
  if (data.cells.length >= 20) {
    const tip = await hoverPoint(page, "#charts", 9);
    compareTip(tip, rows, data, data.chosen[0], "at a tenth point");
  }
  const metric = data.chosen.find((name, index) => index > 0) ?? data.chosen[0];
  await choose(page, "#charts", "metric", metric);
  compareTip(await hoverPoint(page), rows, data, metric, "after the metric was changed");
  check(
    data.chosen.length < 2 || (await hashOf(page)).includes(metric),
    "the address has the metric",
  );
}

async function legendSwitches(page, data) {
  const entries = page.locator("#charts .legend .entry");
  const count = await entries.count();
  const several = data.axes.filter((axis) => axis.labels.length > 1).length > 1;
  check(count > 0 === several, `the legend has ${count} entries`);
  if (!count) return;
  const first = entries.first();
  const label = await first.locator("bdi").textContent();
  const before = await pointsOfTable(page);
  const ofLabel = before.filter((row) => row.includes(label)).length;
  check(ofLabel > 0, `the table behind the chart has points of ${label}`);
  await first.click();
  check((await first.getAttribute("aria-pressed")) === "false", "a click switches a line off");
  const off = await pointsOfTable(page);
  check(
    off.length === before.length - ofLabel && !off.some((row) => row.includes(label)),
    `points of ${label} are gone: ${before.length}, ${ofLabel}, ${off.length}`,
  );
  check((await hashOf(page)).includes("hide."), "the address has the line that is off");
  await first.click();
  check((await first.getAttribute("aria-pressed")) === "true", "a second click switches it on");
  check((await pointsOfTable(page)).length === before.length, "its points are back");
}

const pointsOfTable = (page) =>
  page.evaluate(() => {
    const box = document.querySelector("#charts details.behind");
    return [...box.querySelectorAll("tbody tr")].map((row) =>
      [...row.children].map((cell) => cell.textContent),
    );
  });

async function tableBehind(page, data, rows) {
  await page.locator("#charts details.behind summary").focus();
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.querySelector("#charts details.behind tbody tr"));
  const points = await pointsOfTable(page);
  const state = await page.evaluate(() => ({
    metric: [...document.querySelectorAll("#charts label.choice")]
      .find((box) => box.textContent.startsWith("metric"))
      .querySelector("select").value,
    head: [...document.querySelectorAll("#charts details.behind th")].map(
      (cell) => cell.textContent,
    ),
  }));
  const mean = state.head.indexOf("mean");
  const keys = state.head
    .slice(0, mean)
    .map((title) => data.axes.find((axis) => axis.title === title)?.key);
  const wrong = points.filter(
    (point) =>
      !rows.some(
        (row) =>
          keys.every((key, index) => row[key] === point[index]) &&
          Number(row[state.metric]) === Number(point[mean]),
      ),
  );
  check(
    points.length > 0 && !wrong.length,
    `${points.length} points of the table behind the chart are in the CSV, not: ${wrong[0]}`,
  );
}

async function sorting(page, data) {
  const all = page.locator("#cell-table .more button").last();
  if (await all.isVisible()) await all.click();
  const header = (index) => page.locator("#cell-table thead th").nth(index);
  const column = data.axes.length + 1;
  // The title of a cell has all digits.
  const values = () =>
    page.evaluate(
      (column) =>
        [...document.querySelectorAll(`#cell-table tbody td:nth-child(${column + 1})`)]
          .filter((cell) => cell.textContent !== "–")
          .map((cell) => Number.parseFloat(cell.title)),
      column,
    );
  const ordered = (list, sign) =>
    list.every((value, index) => !index || sign * (value - list[index - 1]) >= 0);
  await header(column).locator("button").click();
  check((await header(column).getAttribute("aria-sort")) === "ascending", "a click sorts upwards");
  const up = await values();
  check(up.length > 0 && ordered(up, 1), "the column rises");
  await header(column).locator("button").focus();
  await page.keyboard.press("Enter");
  check((await header(column).getAttribute("aria-sort")) === "descending", "Enter sorts downwards");
  const down = await values();
  check(ordered(down, -1) && down[0] === Math.max(...up), "the column falls");
  check((await hashOf(page)).includes("sort="), "the address has the order");
}

async function filtering(page, data) {
  const axis = data.axes.findIndex((one) => one.labels.length > 1);
  if (axis < 0) return;
  const position =
    data.axes.filter((one, index) => index < axis && one.labels.length > 1).length + 1;
  const menu = page.locator("#cell-table details.picker").nth(position);
  await menu.locator("summary").click();
  await menu.locator("button", { hasText: "None" }).click();
  check((await tableRows(page)).length === 0, "no label picked: no rows");
  await menu.locator(".list label").nth(1).click();
  const rows = await tableRows(page);
  const label = data.axes[axis].labels[1];
  const expected = data.cells.filter((cell) => cell.at[axis] === 1).length;
  check(
    rows.length === expected && rows.every((row) => row[axis] === label),
    `only rows of ${label}: ${rows.length} of ${expected}`,
  );
  await page.keyboard.press("Escape");
  check((await menu.getAttribute("open")) === null, "Escape closes the menu");
}

async function panelsAndScales(page, data) {
  const varying = data.axes
    .map((_, index) => index)
    .filter((index) => data.axes[index].labels.length > 1);
  const plots = () => page.locator("#charts .panel").count();
  const ticks = () =>
    page.evaluate(() => document.querySelector("#charts .u-wrap canvas").toDataURL());
  const before = await ticks();
  const facetBefore = await plots();
  await choose(page, "#charts", "y scale", "log");
  check((await ticks()) !== before, "the logarithmic scale draws another picture");
  await choose(page, "#charts", "y scale", "linear");
  check((await ticks()) === before, "the linear scale draws the first picture again");
  if (varying.length < 2) return;
  const facet = varying.reduce((a, b) =>
    data.axes[b].labels.length < data.axes[a].labels.length ? b : a,
  );
  await choose(page, "#charts", "panels", String(facet));
  const expected = Math.min(48, new Set(data.cells.map((cell) => cell.at[facet])).size);
  check((await plots()) === expected, `${expected} panels, not ${await plots()}`);
  check(facetBefore > 1 || (await hashOf(page)).includes("facet="), "the address has the panels");
}

async function sameAfterReload(browser, page, file) {
  const view = () => {
    const all = (selector, read) => [...document.querySelectorAll(selector)].map(read);
    return {
      choices: all("select", (select) => select.value),
      lines: all(".entry", (entry) => entry.textContent + entry.ariaPressed),
      rows: all("#cell-table tbody tr", (row) => row.textContent).slice(0, 200),
      pictures: all(".u-wrap canvas", (canvas) => canvas.toDataURL()),
    };
  };
  const same = (first, second, how) => {
    for (const [part, value] of Object.entries(first)) {
      check(JSON.stringify(value) === JSON.stringify(second[part]), `the same ${part} ${how}`);
    }
  };
  await page.mouse.move(1, 1);
  const entry = page.locator(".entry:visible").last();
  if (await entry.count()) await entry.click();
  await page.mouse.move(1, 1);
  const before = await page.evaluate(view);
  const hash = await hashOf(page);
  check(hash.length > 1, "the address has a view");
  await page.reload();
  same(before, await page.evaluate(view), "after a reload");
  const other = await open(browser, file, {}, hash);
  same(before, await other.evaluate(view), "behind a link");
  await other.evaluate(
    () => (location.hash = "metric=unknown&x=nowhere&at.=9&hide.a=z&sort=q&from=w"),
  );
  check(
    await other.evaluate(() => document.querySelectorAll("#charts .u-over").length > 0),
    "an address that makes no sense shows the default view",
  );
  await other.context().close();
}

async function keyboard(browser, file, data, rows) {
  const page = await open(browser, file);
  let reached = false;
  for (let press = 0; press < 400 && !reached; press += 1) {
    await page.keyboard.press("Tab");
    reached = await page.evaluate(() => document.activeElement?.matches("#charts .area"));
  }
  check(reached, "Tab reaches the chart");
  await page.keyboard.press("ArrowRight");
  const first = await tipOf(page);
  compareTip(first, rows, data, data.chosen[0], "by keyboard");
  const said = () => page.locator("#live").textContent();
  const words = await said();
  const mean = new Map(first?.rows ?? []).get("mean");
  check(words.includes(mean), `the value is announced: ${words}`);
  await page.keyboard.press("ArrowRight");
  const second = await tipOf(page);
  const moved = JSON.stringify(second) !== JSON.stringify(first);
  check(moved || data.cells.length < 2, "an arrow key moves to the next point");
  compareTip(second, rows, data, data.chosen[0], "after an arrow key");
  await page.keyboard.press("End");
  compareTip(await tipOf(page), rows, data, data.chosen[0], "at the end of the line");
  await page.keyboard.press("ArrowDown");
  compareTip(await tipOf(page), rows, data, data.chosen[0], "on the line below");
  await page.keyboard.press("Escape");
  check((await tipOf(page)) === null, "Escape hides the values");
  await page.context().close();
}

async function latency(page, data) {
  if (!data.latency) return;
  const tip = await hoverPoint(page, "#latency");
  if (!check(tip, "a point of the latency chart is shown")) return;
  const shown = new Map(tip.rows);
  const share = Number.parseFloat(shown.get("share of requests")) / 100;
  const ms = Number.parseFloat(shown.get("latency"));
  const index = data.latency.shares.findIndex((value) => Math.abs(value - share) < 1e-9);
  check(
    data.latency.cells.some((cell) => cell.ms[index] === ms),
    `the latency ${ms} ms at ${share} is in the data`,
  );
}

async function narrow(browser, file) {
  const page = await open(browser, file, { viewport: { width: 400, height: 800 } });
  const wide = () => page.evaluate(() => document.documentElement.scrollWidth);
  check((await wide()) <= 400, `400 px wide, the page is ${await wide()} px`);
  await page.evaluate(() =>
    document.querySelectorAll("details").forEach((box) => (box.open = true)),
  );
  await settled(page);
  check((await wide()) <= 400, `400 px wide and all open, the page is ${await wide()} px`);
  await page.context().close();
}

/** The background, the width of the first chart, and how many of its pixels have each colour. */
const look = (page, colours) =>
  page.evaluate((colours) => {
    const canvas = document.querySelector("#charts .u-wrap canvas");
    const back = getComputedStyle(document.documentElement).getPropertyValue("--back");
    const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
    const counts = Object.fromEntries(colours.map((colour) => [colour, 0]));
    for (let at = 0; at < pixels.length; at += 4) {
      const hex = [0, 1, 2].map((part) => pixels[at + part].toString(16).padStart(2, "0"));
      const colour = `#${hex.join("")}`;
      if (pixels[at + 3] === 255 && colour in counts) counts[colour] += 1;
    }
    return { back, counts, width: canvas.getBoundingClientRect().width };
  }, colours);

async function schemes(browser, file, data) {
  const page = await open(browser, file, { colorScheme: "light" });
  // Colours that lines have in one scheme alone.
  const light = data.style.map((style) => style.color.toLowerCase());
  const dark = data.style.map((style) => style.dark.toLowerCase());
  const lightOnly = light.filter((colour) => !dark.includes(colour) && colour !== "#000000");
  const darkOnly = dark.filter((colour) => !light.includes(colour));
  const colours = [...new Set([...light, ...dark])];
  const inked = (seen, list) => list.reduce((sum, colour) => sum + seen.counts[colour], 0);
  const inLight = await look(page, colours);
  check(inked(inLight, lightOnly) > 0 && inked(inLight, darkOnly) === 0, "light: colours of lines");
  await page.emulateMedia({ colorScheme: "dark" });
  await settled(page);
  const inDark = await look(page, colours);
  check(inLight.back !== inDark.back, "the page has a dark scheme");
  check(inked(inDark, dark) > 0 && inked(inDark, lightOnly) === 0, "dark: colours of lines");
  await page.emulateMedia({ colorScheme: "dark", media: "print" });
  await settled(page);
  const paper = await look(page, colours);
  check(paper.back === inLight.back, "paper is light");
  check(inked(paper, lightOnly) > 0 && inked(paper, darkOnly) === 0, "paper: colours of lines");
  check(paper.width <= 700, `the chart fits on paper: ${paper.width} px`);
  check(!(await page.locator("#charts .controls").isVisible()), "controls are not printed");
  check((await page.pdf()).length > 10_000, "the page prints");
  await page.emulateMedia({ colorScheme: "dark", media: "screen" });
  await settled(page);
  const again = (await look(page, colours)).width;
  check(again === inLight.width, `the chart has its width again after printing: ${again} px`);
  await page.context().close();
}

async function withoutScripts(browser, file, data, rows) {
  const page = await open(browser, file, { javaScriptEnabled: false });
  const text = await page.locator("body").innerText();
  for (const part of [data.title, data.note, ...data.notes, ...data.again.commands]) {
    check(text.includes(part), `without scripts the page says: ${part}`);
  }
  const lines = await page.locator("#cells .static tbody tr").count();
  check(lines === (data.cells.length <= 500 ? rows.length : 0), `without scripts: ${lines} cells`);
  const settings = await page.locator("#best .static tbody tr").count();
  check(
    !data.best.length || settings === data.best[0].settings.length,
    `without scripts: ${settings} settings with a best row`,
  );
  check(!(await page.locator("#charts").isVisible()), "without scripts no empty chart is shown");
  await page.context().close();
}

async function screenshots(browser, file, folder) {
  mkdirSync(folder, { recursive: true });
  for (const width of [400, 1400]) {
    for (const colorScheme of ["light", "dark"]) {
      const page = await open(browser, file, { viewport: { width, height: 900 }, colorScheme });
      await hoverPoint(page, "#charts", 4);
      await page.screenshot({
        path: join(folder, `report-${width}-${colorScheme}.png`),
        fullPage: true,
      });
      await page.context().close();
    }
  }
}

async function main() {
  const [first, second, folder] = process.argv.slice(2);
  if (!first || !second) {
    console.error(
      "node report.mjs REPORT.html SUMMARY.csv [SCREENSHOT_FOLDER]\n" +
        "node report.mjs --hostile REPORT.html",
    );
    process.exitCode = 2;
    return;
  }
  const browser = await launch();
  try {
    if (first === "--hostile") await hostile(browser, second);
    else {
      const rows = readCsv(second);
      const page = await open(browser, first);
      const data = await dataOf(page);
      check(
        await page.evaluate(() => document.documentElement.classList.contains("js")),
        "the script ran",
      );
      await pointer(page, data, rows);
      await tableBehind(page, data, rows);
      await legendSwitches(page, data);
      await sorting(page, data);
      await filtering(page, data);
      await panelsAndScales(page, data);
      await latency(page, data);
      await sameAfterReload(browser, page, first);
      await keyboard(browser, first, data, rows);
      await narrow(browser, first);
      await schemes(browser, first, data);
      await withoutScripts(browser, first, data, rows);
      if (folder) await screenshots(browser, first, folder);
    }
  } catch (error) {
    check(false, String(error.stack ?? error));
  } finally {
    await browser.close();
  }
  finish();
}

await main();
