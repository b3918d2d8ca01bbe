// Opens a report in Chromium, counts checks, and reads what the page shows.

import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { resolve } from "node:path";
import { chromium } from "playwright-core";

let passed = 0;
let failed = 0;

/** Counts a check and prints a failed one. */
export function check(holds, text) {
  if (holds) passed += 1;
  else {
    failed += 1;
    console.log(`FAILED: ${text}`);
  }
  return Boolean(holds);
}

/** Prints the counts; the exit code is 1 if a check failed or none was made. */
export function finish() {
  if (passed === 0) failed += 1;
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed ? 1 : 0;
}

/** Starts Chromium. */
export function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu"],
  });
}

/** Opens `file` in a page of its own; console errors, dialogs and requests are failures. */
export async function open(browser, file, options = {}, hash = "") {
  const context = await browser.newContext({ viewport: { width: 1400, height: 900 }, ...options });
  // A busy machine is not a failure.
  context.setDefaultTimeout(120_000);
  const page = await context.newPage();
  const address = pathToFileURL(resolve(file)).href;
  page.on("console", (message) => {
    if (message.type() === "error") check(false, `console: ${message.text()}`);
  });
  page.on("pageerror", (error) => check(false, `script: ${error.stack ?? error}`));
  page.on("dialog", async (dialog) => {
    check(false, `a dialog opened: ${dialog.message()}`);
    await dialog.dismiss();
  });
  page.on("request", (request) => {
    const own = request.url().split("#")[0] === address || request.url().startsWith("data:");
    if (!own) check(false, `request: ${request.url()}`);
  });
  await page.goto(address + hash);
  return page;
}

/** The data inside a report. */
export const dataOf = (page) =>
  page.evaluate(() => JSON.parse(document.getElementById("data").textContent));

/** Rows of a CSV file as objects. */
export function readCsv(file) {
  const text = readFileSync(file, "utf8");
  const rows = [];
  let row = [];
  let field = "";
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const letter = text[at];
    if (quoted) {
      if (letter !== '"') field += letter;
      else if (text[at + 1] === '"') {
        field += '"';
        at += 1;
      } else quoted = false;
    } else if (letter === '"') quoted = true;
    else if (letter === "," || letter === "\n") {
      row.push(field);
      field = "";
      if (letter === "\n") {
        rows.push(row);
        row = [];
      }
    } else if (letter !== "\r") field += letter;
  }
  const [head, ...body] = rows;
  return body.map((cells) => Object.fromEntries(head.map((name, index) => [name, cells[index]])));
}

/** What the box at the cursor of the chart shows: its head, and its rows as [term, text]. */
export const tipOf = (page, section = "#charts") =>
  page.evaluate((section) => {
    const tip = document.querySelector(`${section} .tip:not([hidden])`);
    if (!tip) return null;
    const rows = [...tip.querySelectorAll("dl > div")].map((row) => [
      row.querySelector("dt").textContent,
      row.querySelector("dd").textContent,
    ]);
    return { head: tip.querySelector(".head").textContent, rows };
  }, section);

/** Moves the pointer over the plot until a point is shown; `skip` points are passed over. */
export async function hoverPoint(page, section = "#charts", skip = 0) {
  const over = page.locator(`${section} .u-over`).first();
  await over.scrollIntoViewIfNeeded();
  const box = await over.boundingBox();
  const seen = new Set();
  for (let column = 1; column < 40; column += 1) {
    for (let line = 1; line < 16; line += 1) {
      const x = box.x + (box.width * ((column * 17) % 40)) / 40;
      await page.mouse.move(x, box.y + (box.height * line) / 16);
      const tip = await tipOf(page, section);
      if (!tip) continue;
      seen.add(JSON.stringify(tip.rows));
      if (seen.size > skip) return tip;
    }
  }
  return null;
}

/** What happens on the next frames (media queries, resizing) has happened. */
export const settled = (page) =>
  page.evaluate(
    () =>
      new Promise((done) =>
        requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 30))),
      ),
  );

/** The rows of the table of all cells, as arrays of texts. */
export const tableRows = (page) =>
  page.evaluate(() =>
    [...document.querySelectorAll("#cell-table tbody tr")].map((row) =>
      [...row.children].map((cell) => cell.textContent),
    ),
  );

/** Sets a drop-down list of the chart by the text of its label. */
export const choose = (page, section, label, value) =>
  page
    .locator(`${section} label.choice`, { has: page.locator(`span:text-is("${label}")`) })
    .locator("select")
    .selectOption(value);
