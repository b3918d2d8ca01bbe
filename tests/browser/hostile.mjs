// A report whose labels try to be markup: they are shown as text, and nothing else happens.

import { check, choose, dataOf, hoverPoint, open } from "./support.mjs";

/** Elements that the page itself never has. */
const FOREIGN =
  "img, iframe, object, embed, b, i, u, svg, form, video, audio, link[rel=stylesheet]";

async function onlyOwnElements(page, how) {
  const found = await page.evaluate((foreign) => {
    const names = [...document.querySelectorAll(foreign)].map((one) => one.outerHTML.slice(0, 80));
    const scripts = document.querySelectorAll("script").length;
    const handlers = [...document.querySelectorAll("*")].filter((one) =>
      [...one.attributes].some((attribute) => attribute.name.startsWith("on")),
    ).length;
    return { names, scripts, handlers };
  }, FOREIGN);
  check(found.names.length === 0, `${how}: foreign elements: ${found.names[0]}`);
  check(found.handlers === 0, `${how}: ${found.handlers} elements with handlers`);
  check(found.scripts === 3, `${how}: ${found.scripts} scripts instead of 3`);
}

/** Whether each label stands in the text of the page, letter for letter. */
async function literally(page, labels, where, how) {
  const missing = await page.evaluate(
    ([labels, where]) => {
      const texts = new Set(
        [...document.querySelectorAll(`${where} bdi`)].map((one) => one.textContent),
      );
      return labels.filter((label) => !texts.has(label === "" ? "(empty)" : label));
    },
    [labels, where],
  );
  check(missing.length === 0, `${how}: not found as text: ${JSON.stringify(missing[0])}`);
}

/** Opens a report with hostile labels and uses what shows labels. */
export async function hostile(browser, file) {
  const page = await open(browser, file);
  const data = await dataOf(page);
  const present = data.axes.map((axis, index) =>
    axis.labels.filter((_, label) => data.cells.some((cell) => cell.at[index] === label)),
  );
  check(
    present.flat().some((label) => /[<>"']/.test(label)),
    "some label is hostile",
  );
  check(
    await page.evaluate(() => document.documentElement.classList.contains("js")),
    "the script ran",
  );
  await onlyOwnElements(page, "at the start");
  for (const [index, labels] of present.entries()) {
    await literally(page, labels, "#cell-table", `table of cells, axis ${index}`);
  }
  check(
    (await page.title()) === data.title.replace(/\s+/g, " ").trim(),
    `the title is ${await page.title()}`,
  );
  check((await page.locator("h1").textContent()) === data.title, "the heading is the title");
  check(await hoverPoint(page), "a point is shown under the pointer");
  const varying = data.axes
    .map((_, index) => index)
    .filter((index) => data.axes[index].labels.length > 1);
  for (const axis of varying) {
    await choose(page, "#charts", "x axis", String(axis));
    check(await hoverPoint(page), `a point is shown with axis ${axis} along x`);
    await choose(page, "#charts", "panels", String(axis));
    await onlyOwnElements(page, `panels of axis ${axis}`);
    await choose(page, "#charts", "lines", String(axis));
    await literally(page, present[axis], "#charts .legend", `legend of axis ${axis}`);
  }
  for (const summary of await page.locator("summary").all()) {
    if (await summary.isVisible()) await summary.click();
  }
  for (const button of await page.locator("#best-table button.open").all()) await button.click();
  await onlyOwnElements(page, "with everything open");
  const view = await page.evaluate(() => location.hash);
  await page.reload();
  check((await page.evaluate(() => location.hash)) === view, "the address is stable");
  check(
    await page.evaluate(() => document.querySelectorAll("#charts .u-over").length > 0),
    "a chart is drawn",
  );
  await page.context().close();

  const narrow = await open(browser, file, { viewport: { width: 400, height: 800 } });
  const width = await narrow.evaluate(() => document.documentElement.scrollWidth);
  check(width <= 400, `400 px wide, the page is ${width} px`);
  await narrow.context().close();

  const plain = await open(browser, file, { javaScriptEnabled: false });
  const foreign = await plain.locator(FOREIGN).count();
  check(foreign === 0, `without scripts: ${foreign} foreign elements`);
  const text = (await plain.locator("#cells").textContent()) ?? "";
  const lost = present.flat().filter((label) => !text.includes(label));
  check(data.cells.length > 500 || lost.length === 0, `without scripts: not found: ${lost[0]}`);
  await plain.context().close();
}
