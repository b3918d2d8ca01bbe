// The table of the best rows, and the table of all cells, which is sorted and filtered.

const PAGE_ROWS = 200;

// The table of `best` for one metric: a row for each setting, which opens to all differences.
function bestSection(host) {
  const decider = report.decider;
  const labels = axes[decider].labels;
  const metricBox = choice(
    "metric",
    metricOptions(report.best.map((entry) => entry.metric)),
    (name) => {
      state.best = name;
      opened.clear();
      changed("best");
    },
  );
  const table = element("div", { class: "scroll", tabindex: "0" });
  const direction = element("span", { class: "direction" });
  const more = element("p", { class: "more" });
  host.append(element("div", { class: "controls" }, metricBox, direction), table, more);
  const opened = new Set();
  let limit = PAGE_ROWS;

  function item(other) {
    const words = [];
    if (other.verdict === "equal") words.push("equal");
    else words.push(`p ${probability(other.p_holm)}`);
    if (other.needed !== null && other.needed !== undefined) words.push(`${other.needed} needed`);
    const small = other.verdict === "worse" ? null : element("small", {}, words.join(", "));
    return element("span", { class: "item" }, labelElement(labels[other.label]), small);
  }

  function list(others) {
    if (!others.length) return [MISSING];
    return others.flatMap((other) => [item(other), " "]);
  }

  // Many worse rows are all but the best and those like it: their number says as much.
  function worseList(others) {
    if (others.length <= 5) return list(others);
    return [`the other ${others.length}`];
  }

  function differences(row, columns) {
    const lines = row.others.map((other) =>
      element(
        "tr",
        {},
        element("td", {}, labelElement(labels[other.label])),
        ...[
          [short(other.difference), exact(other.difference)],
          [
            `${short(other.low)} to ${short(other.high)}`,
            `${exact(other.low)} to ${exact(other.high)}`,
          ],
          [probability(other.p_holm), exact(other.p_holm)],
        ].map(([text, title]) => element("td", { class: "number", title }, text)),
        element("td", {}, other.verdict === "alike" ? "not significantly worse" : other.verdict),
        element("td", { class: "number" }, exact(other.needed)),
      ),
    );
    const head = ["difference", "95 % interval", "p (Holm)"].map((text) =>
      element("th", { class: "number" }, text),
    );
    const inner = element(
      "table",
      {},
      element(
        "thead",
        {},
        element(
          "tr",
          {},
          element("th", {}, element("bdi", {}, axes[decider].title)),
          ...head,
          element("th", {}, "verdict"),
          element("th", { class: "number" }, `${report.samples} needed`),
        ),
      ),
      element("tbody", {}, ...lines),
    );
    return element("tr", { class: "inner" }, element("td", { colspan: columns }, inner));
  }

  function draw() {
    const entry = report.best.find((one) => one.metric === state.best);
    const metric = metrics[metricIndex.get(state.best)];
    metricBox.select.value = state.best;
    direction.textContent = metric ? directionText(metric) : "";
    const others = axes.map((_, index) => index).filter((index) => index !== decider);
    const shown = others.filter((index) => varying.includes(index));
    const body = element("tbody");
    const columns = shown.length + 6;
    entry.settings.slice(0, limit).forEach((row, number) => {
      const alike = row.others.filter((other) => other.verdict !== "worse");
      const worse = row.others.filter((other) => other.verdict === "worse");
      const toggle = () => {
        if (!opened.delete(number)) opened.add(number);
        draw();
        table.querySelector(`button[data-row="${number}"]`)?.focus();
      };
      const open = element(
        "button",
        {
          type: "button",
          class: "open quiet",
          "data-row": number,
          "aria-expanded": String(opened.has(number)),
          "aria-label": "All differences at this setting",
          on: { click: toggle },
        },
        opened.has(number) ? "−" : "+",
      );
      body.append(
        element(
          "tr",
          {},
          ...shown.map((index) =>
            element("th", { scope: "row" }, labelElement(axes[index].labels[row.at[index]])),
          ),
          element("td", { class: "number" }, String(row.n)),
          element("td", {}, labelElement(labels[row.best], "winner")),
          element("td", { class: "number", title: exact(row.mean) }, short(row.mean)),
          element("td", { class: alike.length > 8 ? "names" : "names lines" }, ...list(alike)),
          element("td", { class: "names muted" }, ...worseList(worse)),
          element("td", {}, row.others.length ? open : null),
        ),
      );
      if (opened.has(number)) body.append(differences(row, columns));
    });
    table.replaceChildren(
      element(
        "table",
        { class: "top" },
        element(
          "thead",
          {},
          element(
            "tr",
            {},
            ...shown.map((index) => element("th", { dir: "auto" }, axes[index].title)),
            element("th", { class: "number" }, "n"),
            element("th", {}, "best"),
            element("th", { class: "number" }, "mean"),
            element("th", {}, "not significantly worse"),
            element("th", {}, "worse"),
            element("th", {}, element("span", { class: "unseen" }, "differences")),
          ),
        ),
        body,
      ),
    );
    moreButtons(more, limit, entry.settings.length, "settings", (next) => {
      limit = next;
      draw();
    });
  }
  return draw;
}

// Says how many rows are shown, and offers the rest.
function moreButtons(host, limit, total, noun, show) {
  host.hidden = total <= limit;
  const button = (text, next) =>
    element("button", { type: "button", on: { click: () => show(next) } }, text);
  host.replaceChildren(
    `${Math.min(limit, total)} of ${total} ${noun} shown. `,
    button(`Show ${Math.min(PAGE_ROWS, total - limit)} more`, limit + PAGE_ROWS),
    " ",
    button("Show all", total),
  );
}

// The table of all cells.
function cellSection(host) {
  const redraw = () => changed("cells");
  const names = metrics.map((metric) => metric.name);
  const pickers = [
    picker(
      "columns",
      names,
      () => state.columns,
      (set) => {
        state.columns = set;
        redraw();
      },
    ),
    ...varying.map((axis) =>
      picker(
        axes[axis].title,
        axes[axis].labels,
        () => state.filters[axis],
        (set) => {
          state.filters[axis] = set;
          redraw();
        },
      ),
    ),
  ];
  const count = element("span", { class: "direction", role: "status" });
  const head = element("tr");
  const body = element("tbody");
  const more = element("p", { class: "more" });
  const table = element("table", {}, element("thead", {}, head), body);
  host.append(
    element("div", { class: "controls" }, ...pickers, count),
    element(
      "div",
      { class: "scroll tall", tabindex: "0", role: "region", "aria-label": "All cells" },
      table,
    ),
    more,
  );
  let shownColumns = null;
  let limit = PAGE_ROWS;

  // Columns: an axis by its index, n, a metric by its name.
  function columns() {
    const main = chosen
      .map((name) => metricIndex.get(name))
      .filter((index) => state.columns.has(index));
    const rest = [...state.columns].filter((index) => !main.includes(index)).sort((a, b) => a - b);
    return [...report.axes.keys(), "n", ...[...main, ...rest].map((index) => names[index])];
  }

  function sortBy(column) {
    const same = state.sort?.column === column;
    if (same && state.sort.down) state.sort = null;
    else state.sort = { column, down: same };
    redraw();
  }

  function fillHead(list) {
    if (list.join() !== shownColumns) {
      shownColumns = list.join();
      head.replaceChildren(
        ...list.map((column) => {
          const axis = typeof column === "number" ? axes[column] : null;
          const metric = axis || column === "n" ? null : metrics[metricIndex.get(column)];
          const text = axis ? labelText(axis.title) : column;
          const title = metric
            ? [metricText(metric), metric.meaning, directionText(metric)]
            : [text];
          const on = { click: () => sortBy(column) };
          const button = element(
            "button",
            { type: "button", title: title.filter(Boolean).join(". "), on },
            element("bdi", {}, text),
          );
          const arrow = metric?.better
            ? element("small", {}, metric.better === "more" ? " ↑" : " ↓")
            : null;
          if (arrow) button.append(arrow);
          return element("th", { class: axis && !axis.numbers ? null : "number" }, button);
        }),
      );
    }
    list.forEach((column, index) => {
      const sorted =
        state.sort?.column === column ? (state.sort.down ? "descending" : "ascending") : "none";
      head.children[index].setAttribute("aria-sort", sorted);
    });
  }

  // The rows that pass the filters, sorted; missing values come last in both directions.
  function rows() {
    const kept = cells.filter((cell) =>
      varying.every((axis) => state.filters[axis].has(cell.at[axis])),
    );
    if (!state.sort) return kept;
    const { column, down } = state.sort;
    const metric = metricIndex.get(column);
    const key = (cell) => {
      if (typeof column === "number") {
        const axis = axes[column];
        return axis.numbers ? axis.numbers[cell.at[column]] : axis.labels[cell.at[column]];
      }
      return column === "n" ? cell.n : cell.values[metric]?.[0];
    };
    const order = new Intl.Collator("en", { numeric: true });
    const keyed = kept.map((cell) => [key(cell), cell]);
    keyed.sort(([a], [b]) => {
      const [noA, noB] = [a === undefined || a === null, b === undefined || b === null];
      if (noA || noB) return noA - noB;
      const compared = typeof a === "string" ? order.compare(a, b) : a - b;
      return down ? -compared : compared;
    });
    return keyed.map(([, cell]) => cell);
  }

  function draw() {
    pickers.forEach((one) => one.update());
    const list = columns();
    fillHead(list);
    const kept = rows();
    count.textContent =
      kept.length === cells.length
        ? `${kept.length} cells`
        : `${kept.length} of ${cells.length} cells`;
    body.replaceChildren(
      ...kept.slice(0, limit).map((cell) =>
        element(
          "tr",
          {},
          ...list.map((column) => {
            if (typeof column === "number") {
              const number = axes[column].numbers ? "number" : null;
              return element(
                "td",
                { class: number },
                labelElement(axes[column].labels[cell.at[column]]),
              );
            }
            if (column === "n")
              return element("td", { class: "number" }, `${cell.n}${cell.grows ? "*" : ""}`);
            const value = cell.values[metricIndex.get(column)];
            const [mean, half] = meanText(value).split(" ± ");
            return element(
              "td",
              { class: "number", title: exactText(value) },
              mean,
              half === undefined ? null : element("span", { class: "half" }, ` ± ${half}`),
            );
          }),
        ),
      ),
    );
    moreButtons(more, limit, kept.length, "cells", (next) => {
      limit = next;
      draw();
    });
  }
  return draw;
}
