// What the reader has chosen, and the part of the address behind `#` that keeps it, so that a
// link shows the same view. Only what differs from the default is written.

const NONE = -1;

const varying = axes.map((_, index) => index).filter((index) => axes[index].labels.length > 1);

// Whether values of an axis can lie on a logarithmic scale.
function canLog(axis) {
  const numbers = axes[axis].numbers;
  return Boolean(numbers) && numbers.every((value) => value > 0);
}

function defaultXScale(axis) {
  if (!canLog(axis)) return "linear";
  const numbers = axes[axis].numbers;
  return Math.max(...numbers) / Math.min(...numbers) >= 30 ? "log" : "linear";
}

function defaults() {
  const free = varying.filter((index) => index !== report.decider);
  const x = free.find((index) => axes[index].numbers) ?? free[0] ?? varying[0] ?? 0;
  const decider = report.decider !== null && report.decider !== x;
  const others = varying.filter((index) => index !== x);
  const preferred = decider && others.includes(report.decider) ? report.decider : others[0];
  const series = preferred ?? NONE;
  const spare = others.filter((index) => index !== series && !follows(index, [x, series]));
  const facet = spare.find((index) => axes[index].labels.length <= 6) ?? NONE;
  return {
    metric: chosen[0] ?? "",
    x,
    series,
    facet,
    xScale: defaultXScale(x),
    yScale: "linear",
    interval: "auto",
    from: "",
    to: "",
    fixed: axes.map(() => NONE),
    hidden: axes.map(() => new Set()),
    best: report.best.length ? report.best[0].metric : "",
    columns: new Set(chosen.map((name) => metricIndex.get(name))),
    filters: axes.map((axis) => new Set(axis.labels.keys())),
    sort: null,
    latencySeries: varying.includes(styledAxis) ? styledAxis : (varying[0] ?? NONE),
    latencyAt: axes.map(() => NONE),
    latencyScale: "log",
  };
}

// Whether the label of `axis` is the same in all cells that agree in the axes `given`, as for
// axes that change together.
function follows(axis, given) {
  const seen = new Map();
  for (const cell of cells) {
    const key = given.map((index) => (index === NONE ? 0 : cell.at[index])).join();
    const before = seen.get(key);
    if (before === undefined) seen.set(key, cell.at[axis]);
    else if (before !== cell.at[axis]) return false;
  }
  return true;
}

const state = defaults();

const listText = (set) => [...set].sort((a, b) => a - b).join(".");

function listOf(text, length) {
  const numbers = text === "" ? [] : text.split(".").map(Number);
  return new Set(
    numbers.filter((value) => Number.isInteger(value) && value >= 0 && value < length),
  );
}

// Gives an axis a role of the chart. The role that the axis had goes to the axis that had this
// role; x, which cannot be empty, else takes a free axis or that of the lines.
function setRole(role, axis) {
  const roles = ["x", "series", "facet"];
  const before = state[role];
  const former = roles.find((other) => other !== role && state[other] === axis);
  if (axis !== NONE && former) {
    let next = before;
    if (former === "x" && before === NONE) {
      const taken = roles.filter((other) => other !== "x").map((other) => state[other]);
      next = varying.find((other) => other !== axis && !taken.includes(other)) ?? NONE;
      const donor = roles.find((other) => other !== "x" && other !== role && state[other] !== NONE);
      if (next === NONE && !donor) return;
      if (next === NONE) [next, state[donor]] = [state[donor], NONE];
    }
    state[former] = next;
  }
  state[role] = axis;
  state.xScale = defaultXScale(state.x);
}

// The text behind `#` for the state.
function stateToHash() {
  const usual = defaults();
  const out = new URLSearchParams();
  const name = (axis) => (axis === NONE ? "" : axes[axis].key);
  for (const key of ["metric", "yScale", "interval", "from", "to", "best", "latencyScale"]) {
    if (state[key] !== usual[key]) out.set(key, state[key]);
  }
  for (const role of ["x", "series", "facet", "latencySeries"]) {
    if (state[role] !== usual[role]) out.set(role, name(state[role]));
  }
  if (state.xScale !== defaultXScale(state.x)) out.set("xScale", state.xScale);
  if (listText(state.columns) !== listText(usual.columns)) {
    out.set("columns", [...state.columns].map((index) => metrics[index].name).join());
  }
  if (state.sort) {
    const { column, down } = state.sort;
    const title = typeof column === "string" ? `metric.${column}` : `axis.${name(column)}`;
    out.set("sort", `${title}.${down ? "down" : "up"}`);
  }
  axes.forEach((axis, index) => {
    if (state.fixed[index] !== NONE) out.set(`at.${axis.key}`, state.fixed[index]);
    if (state.hidden[index].size) out.set(`hide.${axis.key}`, listText(state.hidden[index]));
    if (state.filters[index].size < axis.labels.length) {
      out.set(`only.${axis.key}`, listText(state.filters[index]));
    }
    if (state.latencyAt[index] !== NONE) out.set(`latency.${axis.key}`, state.latencyAt[index]);
  });
  return out.toString();
}

// Sets the state from the text behind `#`; what is unknown there is passed over.
function hashToState(hash) {
  const given = new URLSearchParams(hash.replace(/^#/, ""));
  Object.assign(state, defaults());
  const oneOf = (key, values) => {
    if (given.has(key) && values.includes(given.get(key))) state[key] = given.get(key);
  };
  const axisOf = (key) => axes.findIndex((axis) => axis.key === key);
  oneOf(
    "metric",
    metrics.map((metric) => metric.name),
  );
  oneOf(
    "best",
    report.best.map((entry) => entry.metric),
  );
  for (const role of ["x", "series", "facet", "latencySeries"]) {
    if (!given.has(role)) continue;
    const key = given.get(role);
    const axis = axisOf(key);
    if (axis !== NONE || (key === "" && role !== "x")) state[role] = axis;
  }
  if (state.series === state.x) state.series = NONE;
  if (state.facet === state.x || state.facet === state.series) state.facet = NONE;
  state.xScale = defaultXScale(state.x);
  oneOf("xScale", canLog(state.x) ? ["linear", "log"] : ["linear"]);
  oneOf("yScale", ["linear", "zero", "log"]);
  oneOf("interval", ["auto", "band", "bar", "none"]);
  oneOf("latencyScale", ["linear", "log"]);
  for (const key of ["from", "to"]) {
    const text = given.get(key);
    if (text && Number.isFinite(Number(text))) state[key] = text;
  }
  if (given.has("columns")) {
    const names = given
      .get("columns")
      .split(",")
      .filter((name) => metricIndex.has(name));
    state.columns = new Set(names.map((name) => metricIndex.get(name)));
  }
  const sort = /^(metric|axis)\.(.*)\.(up|down)$/s.exec(given.get("sort") ?? "");
  if (sort) {
    const column = sort[1] === "axis" ? axisOf(sort[2]) : sort[2];
    const known = sort[1] === "axis" ? column !== NONE : column === "n" || metricIndex.has(column);
    if (known) state.sort = { column, down: sort[3] === "down" };
  }
  axes.forEach((axis, index) => {
    const label = (key) => {
      const number = Number(given.get(key));
      const inside = Number.isInteger(number) && number >= 0 && number < axis.labels.length;
      return given.get(key) && inside ? number : NONE;
    };
    const set = (key) => listOf(given.get(key), axis.labels.length);
    state.fixed[index] = label(`at.${axis.key}`);
    state.latencyAt[index] = label(`latency.${axis.key}`);
    if (given.has(`hide.${axis.key}`)) state.hidden[index] = set(`hide.${axis.key}`);
    if (given.has(`only.${axis.key}`)) state.filters[index] = set(`only.${axis.key}`);
  });
}

let written = null;

function writeHash() {
  written = stateToHash();
  const place = written ? `#${written}` : location.pathname + location.search;
  try {
    history.replaceState(null, "", place);
  } catch {
    location.replace(`#${written}`);
  }
}
