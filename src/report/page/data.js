// The data of the report, and how its labels and numbers are written. Nothing here reads or
// changes the page beyond making elements; labels become text nodes, never markup.

const report = JSON.parse(document.getElementById("data").textContent);
const noAxis = { key: "", title: "", labels: ["all runs"], numbers: null };
const axes = report.axes.length ? report.axes : [noAxis];
const cells = report.cells.map((cell) => (report.axes.length ? cell : { ...cell, at: [0] }));
const metrics = report.metrics;
const metricIndex = new Map(metrics.map((metric, index) => [metric.name, index]));
const chosen = report.chosen.filter((name) => metricIndex.has(name));
if (!chosen.length && metrics.length) chosen.push(metrics[0].name);
const styledAxis = report.decider ?? 0;
const MISSING = "–";

// Makes an element. Children are nodes or strings; strings become text nodes.
function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "on") {
      for (const [event, handler] of Object.entries(value)) made.addEventListener(event, handler);
    } else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) {
      made.setAttribute(name, value);
    }
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

// The text of a label: an empty one is said to be empty.
function labelText(label) {
  return label === "" ? "(empty)" : label;
}

// A label with its own direction; a short one is not broken over lines, and a long one carries its
// whole text as a title.
function labelElement(label, className = "") {
  const title = label.length > 40 ? label : null;
  const broken = label.length > 28 ? "" : "short ";
  return element("bdi", { class: broken + className, title }, labelText(label));
}

// A label that fits in `length` characters.
function cut(label, length) {
  const text = labelText(label);
  const letters = Array.from(text);
  return letters.length > length ? letters.slice(0, length - 1).join("") + "…" : text;
}

// All digits of a number, as in the tables of the results folder.
function exact(value) {
  return value === null || value === undefined ? MISSING : String(value);
}

// A number with five significant digits.
function short(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return MISSING;
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e9)) return value.toExponential(3);
  return size >= 1e5 ? String(Math.round(value)) : String(Number(value.toPrecision(5)));
}

// A tick of an axis.
function tickText(value) {
  const rounded = Number(value.toPrecision(10));
  const size = Math.abs(rounded);
  if (size !== 0 && (size >= 1e7 || size < 1e-5)) return rounded.toExponential().replace("e+", "e");
  return String(rounded);
}

// A p value.
function probability(value) {
  if (value === null || value === undefined) return MISSING;
  if (value < 0.0001) return "< 0.0001";
  return value.toFixed(value < 0.1 ? 4 : 2);
}

// Mean and interval as text: the half width has two significant digits, the mean as many places.
// An interval that is not symmetric is written by its ends.
function meanText(value) {
  if (!value || value[0] === null) return MISSING;
  const [mean, low, high] = value;
  if (low === undefined || low === null || high === null) return short(mean);
  const half = (high - low) / 2;
  if (!(half > 0)) return `${short(mean)} ± 0`;
  const places = Math.max(0, 1 - Math.floor(Math.log10(half)));
  const size = Math.max(Math.abs(mean), half);
  const write = (number) =>
    places > 10 || size >= 1e12 ? number.toExponential(3) : number.toFixed(places);
  if (Math.abs((high + low) / 2 - mean) > half * 0.01) {
    return `${write(mean)} [${write(low)}, ${write(high)}]`;
  }
  return `${write(mean)} ± ${write(half)}`;
}

// Mean and interval with all digits.
function exactText(value) {
  if (!value || value[0] === null) return "no value";
  if (value.length < 3) return exact(value[0]);
  return `${exact(value[0])}, 95 % interval ${exact(value[1])} to ${exact(value[2])}`;
}

// What counts as good for a metric.
function directionText(metric) {
  return metric.better ? `${metric.better} is better` : "";
}

// Title of a metric, followed by its name where that says something else.
function metricText(metric) {
  const same = metric.title === metric.name || !metric.title;
  return same ? metric.name : `${metric.title} (${metric.name})`;
}

// A drop-down list. `options`: [value, text] pairs, or [text, options] for a group.
function choice(label, options, onchange) {
  const select = element("select", { on: { change: () => onchange(select.value) } });
  const box = element("label", { class: "choice" }, element("span", {}, label), select);
  box.select = select;
  box.fill = (list) => {
    const one = ([value, text]) => {
      const title = text.length > 60 ? text : null;
      return element("option", { value, title }, cut(text, 60));
    };
    select.replaceChildren(
      ...list.map((item) =>
        Array.isArray(item[1])
          ? element("optgroup", { label: item[0] }, ...item[1].map(one))
          : one(item),
      ),
    );
  };
  box.fill(options);
  return box;
}

// Metrics as options of a drop-down list, the chosen ones first.
function metricOptions(names) {
  const option = (name) => [name, metricText(metrics[metricIndex.get(name)])];
  const rest = names.filter((name) => !chosen.includes(name));
  const first = chosen.filter((name) => names.includes(name));
  if (!first.length || !rest.length) return names.map(option);
  return [
    ["Main", first.map(option)],
    ["Others", rest.map(option)],
  ];
}

// A list of tick boxes that opens under a button. `picked` returns the set of picked indices.
function picker(label, names, picked, onchange) {
  const summary = element("summary");
  const boxes = names.map((name, index) => {
    const changed = () => {
      const set = new Set(picked());
      if (input.checked) set.add(index);
      else set.delete(index);
      onchange(set);
    };
    const input = element("input", { type: "checkbox", on: { change: changed } });
    return { input, row: element("label", {}, input, labelElement(name)) };
  });
  const all = (set) => element("button", { type: "button", on: { click: () => onchange(set()) } });
  const every = all(() => new Set(names.keys()));
  every.textContent = "All";
  const none = all(() => new Set());
  none.textContent = "None";
  const list = element("div", { class: "list" }, ...boxes.map((box) => box.row));
  const body = element("div", { class: "menu" }, element("p", {}, every, none), list);
  const made = element("details", { class: "picker" }, summary, body);
  made.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !made.open) return;
    made.open = false;
    summary.focus();
  });
  made.update = () => {
    const set = picked();
    const only = set.size === 1 ? labelText(names[[...set][0]]) : `${set.size} of ${names.length}`;
    const count = set.size === names.length ? "all" : only;
    summary.replaceChildren(`${label}: `, element("bdi", {}, cut(count, 30)));
    boxes.forEach((box, index) => (box.input.checked = set.has(index)));
  };
  return made;
}
