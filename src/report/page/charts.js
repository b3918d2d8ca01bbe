// The chart of a metric over an axis, with its controls, its legend and the table of its points.

function axisOptions(none) {
  const indices = varying.length ? varying : [0];
  const list = indices.map((index) => [String(index), axes[index].title || axes[index].key]);
  return none ? [[String(NONE), "none"], ...list] : list;
}

// Axes that neither run along the chart, nor across lines, nor across panels, and have to be held
// at a label; axes that change together with the others need no choice.
function heldAxes(used) {
  const held = varying.filter((index) => !used.includes(index));
  for (const index of [...held].reverse()) {
    const others = [...used, ...held.filter((other) => other !== index)];
    if (
      follows(
        index,
        others.filter((other) => other !== NONE),
      )
    ) {
      held.splice(held.indexOf(index), 1);
    }
  }
  return held;
}

// The labels at which axes are held unless the reader says otherwise: those of the first of the
// combinations that `places` has, or of the one in the middle.
function usualLabels(places, held, middle) {
  const found = new Map();
  for (const at of places) {
    const key = held.map((axis) => at[axis]).join();
    if (!found.has(key)) found.set(key, at);
  }
  const order = (a, b) => held.map((axis) => a[axis] - b[axis]).find((by) => by !== 0) ?? 0;
  const sorted = [...found.values()].sort(order);
  return sorted[middle ? Math.floor(sorted.length / 2) : 0] ?? axes.map(() => 0);
}

// The labels at which axes are held.
const labelsHeld = (choices, usual) =>
  axes.map((_, axis) => (choices[axis] === NONE ? usual[axis] : choices[axis]));

const heldText = (held, labels) =>
  held.map((axis) => `${axes[axis].title} = ${labelText(axes[axis].labels[labels[axis]])}`);

// Drop-down lists for held axes inside `host`, kept while the same axes are held.
function heldControls(host, choices, redraw) {
  let shown = null;
  let lists = [];
  return (held, labels) => {
    if (held.join() !== shown) {
      shown = held.join();
      lists = held.map((axis) => {
        const options = axes[axis].labels.map((label, index) => [String(index), labelText(label)]);
        return choice(axes[axis].title, options, (value) => {
          choices()[axis] = Number(value);
          redraw();
        });
      });
      host.replaceChildren(...lists);
    }
    held.forEach((axis, index) => (lists[index].select.value = labels[axis]));
  };
}

// A legend whose entries switch lines on and off.
function legend(redraw) {
  const box = element("div", { class: "legend", role: "group", "aria-label": "Lines shown" });
  let shown = null;
  let entries = [];
  let onPoint = () => {};
  box.update = (axis, present, highlight) => {
    onPoint = highlight;
    box.hidden = axis === NONE;
    const key = `${axis}:${present.join()}`;
    if (axis === NONE) {
      shown = null;
      entries = [];
      box.replaceChildren();
      return;
    }
    const hidden = () => state.hidden[axis];
    if (key !== shown) {
      shown = key;
      entries = present.map((index) => {
        const mark = sample(styleOf(axis, index));
        const toggle = () => {
          if (!hidden().delete(index)) hidden().add(index);
          redraw();
        };
        const on = {
          click: toggle,
          pointerenter: () => onPoint(index),
          pointerleave: () => onPoint(null),
        };
        const text = labelElement(axes[axis].labels[index]);
        const button = element("button", { type: "button", class: "entry", on }, mark, text);
        return { index, button, mark };
      });
      const all = (text, change) => {
        const click = () => {
          change();
          redraw();
        };
        return element("button", { type: "button", class: "quiet", on: { click } }, text);
      };
      box.replaceChildren(
        element("bdi", { class: "title" }, axes[axis].title),
        ...entries.map((entry) => entry.button),
        all("all", () => hidden().clear()),
        all("none", () => present.forEach((index) => hidden().add(index))),
      );
    }
    for (const { index, button, mark } of entries) {
      button.setAttribute("aria-pressed", String(!hidden().has(index)));
      mark.draw();
    }
  };
  return box;
}

// Cells of the chart by label of x, series and panel.
function cellsOfView(view, held, labels) {
  const found = new Map();
  for (const [index, cell] of cells.entries()) {
    if (held.some((axis) => cell.at[axis] !== labels[axis])) continue;
    const key = view.map((axis) => (axis === NONE ? 0 : cell.at[axis])).join();
    if (!found.has(key)) found.set(key, index);
  }
  return found;
}

// What is shown of a cell under the cursor.
function describeCell(cell, metric, value, more = []) {
  const shown = axes.map((axis, index) => [axis, axis.labels[cell.at[index]]]);
  const rows = shown
    .filter(([axis]) => axis.key)
    .map(([axis, label]) => [axis.title, labelElement(cut(label, 80))]);
  const interval = value.length > 2 && value[1] !== null;
  rows.push(["mean", exact(value[0])]);
  if (interval) rows.push(["95 % interval", `${exact(value[1])} to ${exact(value[2])}`]);
  rows.push(["n", `${cell.n} ${report.samples}`], ...more);
  if (cell.grows) rows.push(["*", "the queue grows"]);
  const where = shown.map(([axis, label]) => `${axis.title} ${labelText(label)}`).join(", ");
  const spoken = `${where}: ${metric.title} ${exactText(value)}, n ${cell.n}`;
  return { head: [metricText(metric)], rows, spoken };
}

const MOST_PANELS = 48;

function chartSection(host) {
  const redraw = () => changed("chart");
  const set = (key) => (value) => {
    state[key] = value;
    redraw();
  };
  const role = (key) => (value) => {
    setRole(key, Number(value));
    redraw();
  };
  const controls = {
    metric: choice("metric", metricOptions(metrics.map((metric) => metric.name)), set("metric")),
    x: choice("x axis", axisOptions(false), role("x")),
    series: choice("lines", axisOptions(true), role("series")),
    facet: choice("panels", axisOptions(true), role("facet")),
  };
  const scales = {
    xScale: choice(
      "x scale",
      [
        ["linear", "linear"],
        ["log", "logarithmic"],
      ],
      set("xScale"),
    ),
    yScale: choice(
      "y scale",
      [
        ["linear", "linear"],
        ["zero", "linear from 0"],
        ["log", "logarithmic"],
      ],
      set("yScale"),
    ),
    interval: choice(
      "intervals",
      [
        ["auto", "automatic"],
        ["band", "bands"],
        ["bar", "bars"],
        ["none", "off"],
      ],
      set("interval"),
    ),
  };
  const end = (key, text) => {
    const change = () => {
      const valid = input.value.trim() !== "" && Number.isFinite(Number(input.value));
      state[key] = valid ? input.value.trim() : "";
      redraw();
    };
    const kind = { type: "text", inputmode: "decimal", size: "7", placeholder: "auto" };
    const input = element("input", { ...kind, on: { change } });
    const label = element("label", { class: "choice" }, element("span", {}, text), input);
    label.input = input;
    return label;
  };
  const from = end("from", "y from");
  const to = end("to", "y to");
  const heldBox = element("div", { class: "held" });
  const showHeld = heldControls(heldBox, () => state.fixed, redraw);
  const boxes = [...Object.values(controls), heldBox, ...Object.values(scales), from, to];
  const lines = legend(redraw);
  const panels = element("div", { class: "panels" });
  const caption = element("p", { class: "caption" });
  const direction = element("p", { class: "direction" });
  const table = element("div", { class: "scroll", tabindex: "0" });
  const tableBox = element(
    "details",
    { class: "behind" },
    element("summary", {}, "Table of this chart"),
    table,
  );
  host.append(
    element("div", { class: "controls" }, ...boxes),
    direction,
    lines,
    panels,
    caption,
    tableBox,
  );
  let plots = [];
  let rows = [];
  tableBox.addEventListener("toggle", () => fillTable());

  function fillTable() {
    if (!tableBox.open) return table.replaceChildren();
    const head = [state.facet, state.series, state.x].filter((axis) => report.axes[axis]);
    const titles = head.map((axis) => element("th", {}, axes[axis].title));
    const numbers = ["mean", "low", "high", "n"].map((text) =>
      element("th", { class: "number" }, text),
    );
    const body = rows.map(({ cell, value }) => {
      const labels = head.map((axis) =>
        element("td", {}, labelElement(axes[axis].labels[cell.at[axis]])),
      );
      const count = `${cell.n}${cell.grows ? "*" : ""}`;
      const texts = [exact(value[0]), exact(value[1]), exact(value[2]), count];
      return element(
        "tr",
        {},
        ...labels,
        ...texts.map((text) => element("td", { class: "number" }, text)),
      );
    });
    table.replaceChildren(
      element(
        "table",
        {},
        element("caption", {}, caption.textContent),
        element("thead", {}, element("tr", {}, ...titles, ...numbers)),
        element("tbody", {}, ...body),
      ),
    );
  }

  // The values that are to be drawn, for each panel and line.
  function collect(view) {
    const index = metricIndex.get(state.metric);
    const metric = metrics[index];
    const held = heldAxes(view);
    const usual = usualLabels(
      cells.map((cell) => cell.at),
      held,
      false,
    );
    const at = labelsHeld(state.fixed, usual);
    const found = cellsOfView(view, held, at);
    const labels = (axis) => (axis === NONE ? [0] : [...axes[axis].labels.keys()]);
    const used = view.map(() => new Set());
    for (const key of found.keys())
      key.split(",").forEach((label, at) => used[at].add(Number(label)));
    const [xs, series, facets] = view.map((axis, at) =>
      labels(axis).filter((label) => used[at].has(label)),
    );
    const numbers = axes[view[0]].numbers;
    if (numbers) xs.sort((a, b) => numbers[a] - numbers[b]);
    const hidden = view[1] === NONE ? new Set() : state.hidden[view[1]];
    const shown = series.filter((label) => !hidden.has(label));
    const panel = (facet) => ({
      facet,
      lines: shown.map((label) => {
        const line = { key: label, style: styleOf(view[1], label), cells: [], values: [] };
        for (const x of xs) {
          const at = found.get([x, label, facet].join());
          line.cells.push(at === undefined ? null : cells[at]);
          line.values.push(at === undefined ? null : cells[at].values[index]);
        }
        const part = (at) => line.values.map((value) => value?.[at] ?? null);
        [line.y, line.low, line.high] = [part(0), part(1), part(2)];
        line.starred = line.cells.map((cell) => Boolean(cell?.grows));
        return line;
      }),
    });
    return { metric, held, at, xs, series, facets, numbers, panels: facets.map(panel) };
  }

  function draw() {
    plots.forEach((plot) => plot.destroy());
    panels.replaceChildren();
    const view = [state.x, state.series, state.facet];
    const data = collect(view);
    for (const [key, box] of Object.entries({ ...controls, ...scales }))
      box.select.value = state[key];
    scales.xScale.select.disabled = !canLog(state.x);
    from.input.value = state.from;
    to.input.value = state.to;
    showHeld(data.held, data.at);
    lines.update(state.series, data.series, (key) => plots.forEach((plot) => plot.highlight(key)));
    const xLog = state.xScale === "log" && canLog(state.x);
    const yLog = state.yScale === "log";
    const interval = state.interval !== "auto" ? state.interval : data.numbers ? "band" : "bar";
    const everything = data.panels.flatMap((panel) => panel.lines);
    const withEnds =
      interval === "none" ? [] : everything.flatMap((line) => [...line.low, ...line.high]);
    const all = [...everything.flatMap((line) => line.y), ...withEnds].filter(
      (value) => value !== null,
    );
    let [low, high] = ends(all, yLog, state.yScale === "zero");
    if (state.from !== "" && (!yLog || Number(state.from) > 0)) low = Number(state.from);
    if (state.to !== "" && (!yLog || Number(state.to) > 0)) high = Number(state.to);
    if (!(high > low)) [low, high] = ends([low, high], yLog, false);
    const y = { min: Math.min(low, high), max: Math.max(low, high), log: yLog };
    const positions = data.numbers
      ? data.xs.map((label) => data.numbers[label])
      : [...data.xs.keys()];
    const [first, last] = data.numbers
      ? ends(positions, xLog, false)
      : [-0.5, positions.length - 0.5];
    const x = { positions, min: first, max: last, log: xLog };
    if (data.numbers) x.values = positions;
    else x.labels = data.xs.map((label) => axes[state.x].labels[label]);
    const many = data.facets.length > 1;
    const room = printing ? PAPER_WIDTH : panels.clientWidth;
    const columns = many ? Math.max(1, Math.min(data.facets.length, 4, Math.floor(room / 290))) : 1;
    const width = Math.floor((room - (columns - 1) * 16) / columns);
    const height = many ? 230 : room < 600 ? 320 : 420;
    panels.style.gridTemplateColumns = `repeat(${columns}, minmax(0, 1fr))`;
    const xTitle = axes[state.x].title;
    const drawn = data.panels.slice(0, MOST_PANELS);
    plots = drawn.map((panel) => {
      const title = many
        ? `${axes[state.facet].title} = ${labelText(axes[state.facet].labels[panel.facet])}`
        : null;
      const box = element("figure", { class: "panel" });
      if (title) box.append(element("figcaption", { dir: "auto", title }, title));
      box.append(element("div", { class: "y-title", dir: "auto" }, metricText(data.metric)));
      panels.append(box);
      if (!data.numbers) {
        const count = panel.lines.length;
        panel.lines.forEach(
          (line, at) => (line.shift = count > 1 ? (at / (count - 1) - 0.5) * 0.7 : 0),
        );
      }
      const plot = drawPlot(box, {
        name: `${data.metric.title} against ${xTitle}${title ? `, ${title}` : ""}`,
        width,
        height,
        x,
        y,
        lines: panel.lines,
        connect: Boolean(data.numbers),
        interval,
        markers: true,
        describe: (line, at) => describeCell(line.cells[at], data.metric, line.values[at]),
      });
      box.append(element("div", { class: "x-title", dir: "auto" }, xTitle));
      return plot;
    });
    say(data, view, interval, everything, yLog);
    rows = data.panels.flatMap((panel) =>
      panel.lines.flatMap((line) =>
        line.values
          .map((value, at) => ({ value, cell: line.cells[at] }))
          .filter((row) => row.value),
      ),
    );
    fillTable();
  }

  // The caption says what is drawn, and what could not be.
  function say(data, view, interval, everything, yLog) {
    const parts = [`${metricText(data.metric)} against ${axes[state.x].title}`];
    if (state.series !== NONE) parts.push(`a line for each ${axes[state.series].title}`);
    if (state.facet !== NONE) parts.push(`a panel for each ${axes[state.facet].title}`);
    parts.push(...heldText(data.held, data.at));
    const kind = { band: "Bands", bar: "Bars", none: "" }[interval];
    const values = everything.flatMap((line) => line.values);
    const lost = values.filter((value) => value && value[0] !== null && value[0] <= 0).length;
    const text = [
      `${parts.join("; ")}.`,
      kind && values.some((value) => value?.length > 2)
        ? `${kind}: 95 % interval of the mean over ${report.samples}.`
        : "",
      everything.some((line) => line.starred.includes(true))
        ? "* the queue grows during the run."
        : "",
      yLog && lost ? `${lost} values at or below 0 are not on the logarithmic scale.` : "",
      values.some(Boolean) ? "" : "No cell has a value here.",
      data.facets.length > MOST_PANELS
        ? `The first ${MOST_PANELS} of ${data.facets.length} panels.`
        : "",
    ];
    caption.textContent = text.filter(Boolean).join(" ");
    const meaning = data.metric.meaning ? `${data.metric.meaning} ` : "";
    const better = directionText(data.metric);
    direction.replaceChildren(
      element("bdi", {}, meaning),
      better ? element("strong", {}, `${better[0].toUpperCase()}${better.slice(1)}.`) : "",
    );
  }
  return draw;
}
