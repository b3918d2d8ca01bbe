// The distribution of the latency at one setting, and what the late requests waited for.

const causeColours = [
  ["#0072b2", "#56b4e9"],
  ["#e69f00", "#f0b429"],
  ["#009e73", "#2ec4a0"],
  ["#cc79a7", "#e39fc6"],
  ["#d55e00", "#ff8c42"],
  ["#7a7a7a", "#9a9a9a"],
  ["#332288", "#8f86d8"],
  ["#999933", "#c8c85a"],
];

// A share of requests as a percentage; the rarest keep their digits.
const percent = (share) => `${Number((share * 100).toPrecision(6))} %`;

function latencySection(host) {
  const { latency, late_because: late } = report;
  const redraw = () => changed("latency");
  const seriesBox = choice("lines", axisOptions(true), (value) => {
    state.latencySeries = Number(value);
    redraw();
  });
  const scaleBox = choice(
    "latency scale",
    [
      ["linear", "linear"],
      ["log", "logarithmic"],
    ],
    (value) => {
      state.latencyScale = value;
      redraw();
    },
  );
  const heldBox = element("div", { class: "held" });
  const showHeld = heldControls(heldBox, () => state.latencyAt, redraw);
  const lines = legend(() => changed("latency"));
  const panels = element("div", { class: "panels" });
  const caption = element("p", { class: "caption" });
  const table = element("div", { class: "scroll", tabindex: "0" });
  const behind = element(
    "details",
    { class: "behind" },
    element("summary", {}, "Table of this chart"),
    table,
  );
  const causes = element("div", { class: "causes" });
  const controls = element(
    "div",
    { class: "controls" },
    seriesBox,
    heldBox,
    latency ? scaleBox : null,
  );
  host.append(controls, lines);
  if (latency) host.append(panels, caption, behind);
  if (late) host.append(causes);
  let plot = null;
  let drawn = [];
  behind.addEventListener("toggle", () => fillTable());

  // The entries of `list` at the chosen setting, by label of the lines.
  function entriesAt(list, held, labels) {
    const found = new Map();
    for (const entry of list) {
      const place = report.axes.length ? entry.at : [0];
      if (held.some((axis) => place[axis] !== labels[axis])) continue;
      const label = state.latencySeries === NONE ? 0 : place[state.latencySeries];
      if (!found.has(label)) found.set(label, { ...entry, at: place });
    }
    return found;
  }

  const name = (label) =>
    state.latencySeries === NONE ? "all" : axes[state.latencySeries].labels[label];

  function fillTable() {
    if (!behind.open) return table.replaceChildren();
    const head = drawn.map((line) =>
      element("th", { class: "number" }, labelElement(name(line.key))),
    );
    const rows = latency.shares.map((share, index) =>
      element(
        "tr",
        {},
        element("th", { scope: "row", class: "number" }, percent(share)),
        ...drawn.map((line) => element("td", { class: "number" }, exact(line.y[index]))),
      ),
    );
    table.replaceChildren(
      element(
        "table",
        {},
        element("caption", {}, "Latency (ms) within which the share of requests is complete."),
        element("thead", {}, element("tr", {}, element("th", {}, "share"), ...head)),
        element("tbody", {}, ...rows),
      ),
    );
  }

  function draw() {
    plot?.destroy();
    plot = null;
    panels.replaceChildren();
    seriesBox.select.value = state.latencySeries;
    scaleBox.select.value = state.latencyScale;
    const held = heldAxes([state.latencySeries]);
    const places = (latency ?? late).cells.map((cell) => (report.axes.length ? cell.at : [0]));
    const at = labelsHeld(state.latencyAt, usualLabels(places, held, true));
    showHeld(held, at);
    const found = latency ? entriesAt(latency.cells, held, at) : new Map();
    const because = late ? entriesAt(late.cells, held, at) : new Map();
    const setting = heldText(held, at).join("; ");
    const present = [...new Set([...found.keys(), ...because.keys()])].sort((a, b) => a - b);
    const hidden = state.latencySeries === NONE ? new Set() : state.hidden[state.latencySeries];
    lines.update(state.latencySeries, present, (key) => plot?.highlight(key));
    drawn = present
      .filter((label) => found.has(label) && !hidden.has(label))
      .map((label) => {
        const none = latency.shares.map(() => null);
        return {
          key: label,
          style: styleOf(state.latencySeries, label),
          y: found.get(label).ms,
          low: none,
          high: none,
          starred: none,
        };
      });
    if (latency) {
      drawDistribution();
      caption.textContent = drawn.length
        ? `Share of requests complete within a latency${setting ? `; ${setting}` : ""}.`
        : `No distribution was kept here${setting ? ` (${setting})` : ""}.`;
      fillTable();
    }
    if (late)
      fillCauses(
        because,
        present.filter((label) => !hidden.has(label)),
        setting,
      );
  }

  function drawDistribution() {
    const width = printing ? PAPER_WIDTH : panels.clientWidth;
    const log = state.latencyScale === "log";
    const [min, max] = ends(
      drawn.flatMap((line) => line.y).filter((ms) => ms !== null),
      log,
      !log,
    );
    const box = element("figure", { class: "panel" });
    panels.style.gridTemplateColumns = "minmax(0, 1fr)";
    panels.append(box);
    box.append(element("div", { class: "y-title" }, "share of requests"));
    plot = drawPlot(box, {
      name: "Distribution of the latency",
      width,
      height: width < 600 ? 300 : 380,
      x: { positions: latency.shares, min: 0, max: 1, log: false, text: percent },
      y: { min, max, log },
      swap: true,
      lines: drawn,
      connect: true,
      interval: "none",
      markers: false,
      describe: (line, index) => {
        const share = percent(latency.shares[index]);
        const rows = [
          ["share of requests", share],
          ["latency", `${exact(line.y[index])} ms`],
        ];
        const head = [labelElement(cut(name(line.key), 80))];
        const spoken = `${labelText(name(line.key))}: ${share} within ${exact(line.y[index])} ms`;
        return { head, rows, spoken };
      },
    });
    box.append(element("div", { class: "x-title" }, "latency (ms)"));
  }

  // A row for each line: how many requests were late, and the share of each cause as a bar.
  function fillCauses(because, present, setting) {
    const colours = (index) => causeColours[index % causeColours.length][theme().dark ? 1 : 0];
    const head = late.causes.map((cause, index) => {
      const key = element("span", { class: "key" });
      key.style.background = colours(index);
      return element("th", { class: "number" }, key, labelElement(cause));
    });
    const rows = present
      .filter((label) => because.has(label))
      .map((label) => {
        const entry = because.get(label);
        const bar = element("div", { class: "bar" });
        entry.shares.forEach((share, index) => {
          if (!(share > 0) || !(entry.late > 0)) return;
          const title = `${labelText(late.causes[index])}: ${percent(share)}`;
          const part = element("span", { title });
          part.style.width = `${share * 100}%`;
          part.style.background = colours(index);
          bar.append(part);
        });
        const share = (value) =>
          entry.late > 0 && value !== null ? `${(value * 100).toFixed(1)} %` : MISSING;
        return element(
          "tr",
          {},
          element("th", { scope: "row" }, labelElement(name(label))),
          element("td", { class: "number", title: exact(entry.late) }, short(entry.late)),
          element("td", {}, entry.late > 0 ? bar : MISSING),
          ...entry.shares.map((value) => element("td", { class: "number" }, share(value))),
        );
      });
    const title = state.latencySeries === NONE ? "" : axes[state.latencySeries].title;
    causes.replaceChildren(
      element("h3", {}, "Why requests are late"),
      element(
        "div",
        { class: "scroll", tabindex: "0" },
        element(
          "table",
          {},
          element(
            "caption",
            {},
            `Share of late requests by cause${setting ? `; ${setting}` : ""}.`,
          ),
          element(
            "thead",
            {},
            element(
              "tr",
              {},
              element("th", {}, title),
              element("th", { class: "number" }, "late per run"),
              element("th", {}, "causes"),
              ...head,
            ),
          ),
          element("tbody", {}, ...rows),
        ),
      ),
    );
  }
  return draw;
}
