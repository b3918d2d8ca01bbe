// One chart, drawn with uPlot: lines, intervals and markers, and a cursor that follows the
// pointer or the arrow keys. It knows nothing of metrics and axes of a sweep.

const darkScreen = matchMedia("screen and (prefers-color-scheme: dark)");

// Colours of the page; paper is light.
function theme() {
  const style = getComputedStyle(document.documentElement);
  const paper = document.documentElement.classList.contains("paper");
  return {
    dark: darkScreen.matches && !paper,
    text: style.getPropertyValue("--text").trim(),
    muted: style.getPropertyValue("--muted").trim(),
    grid: style.getPropertyValue("--grid").trim(),
    back: style.getPropertyValue("--back").trim(),
  };
}

const spareColours = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b07c00", "#3a3a3a"];
const spareDark = ["#56b4e9", "#ff8c42", "#2ec4a0", "#e39fc6", "#f0c419", "#dddddd"];
const spareMarkers = ["circle", "square", "up", "down", "diamond", "plus", "cross"];

// Colour, dash and marker of a label of an axis.
function styleOf(axis, index) {
  if (axis === NONE) index = 0;
  if ((axis === NONE || axis === styledAxis) && report.style[index]) return report.style[index];
  return {
    color: spareColours[index % 6],
    dark: spareDark[index % 6],
    dash: [[], [7, 3.5], [2.5, 2.75], [10, 3.5, 2.5, 3.5]][Math.floor(index / 6) % 4],
    marker: spareMarkers[index % 7],
    filled: Math.floor(index / 42) % 2 === 0,
  };
}

// The outline of a marker around (x, y) with radius r.
function markerPath(shape, x, y, r) {
  const path = new Path2D();
  const polygon = (...corners) => {
    corners.forEach(([dx, dy], index) =>
      index ? path.lineTo(x + dx * r, y + dy * r) : path.moveTo(x + dx * r, y + dy * r),
    );
    path.closePath();
  };
  const stroke = (x1, y1, x2, y2) => {
    path.moveTo(x + x1 * r, y + y1 * r);
    path.lineTo(x + x2 * r, y + y2 * r);
  };
  if (shape === "square") polygon([-0.8, -0.8], [0.8, -0.8], [0.8, 0.8], [-0.8, 0.8]);
  else if (shape === "up") polygon([0, -1], [0.95, 0.75], [-0.95, 0.75]);
  else if (shape === "down") polygon([0, 1], [0.95, -0.75], [-0.95, -0.75]);
  else if (shape === "diamond") polygon([0, -1.1], [1.1, 0], [0, 1.1], [-1.1, 0]);
  else if (shape === "plus") {
    stroke(-1, 0, 1, 0);
    stroke(0, -1, 0, 1);
  } else if (shape === "cross") {
    stroke(-0.75, -0.75, 0.75, 0.75);
    stroke(-0.75, 0.75, 0.75, -0.75);
  } else path.arc(x, y, r * 0.9, 0, 2 * Math.PI);
  return path;
}

function drawMarker(context, style, colour, back, x, y, r) {
  const path = markerPath(style.marker, x, y, r);
  const bare = style.marker === "plus" || style.marker === "cross";
  context.setLineDash([]);
  context.lineWidth = r * (bare ? 0.5 : 0.35);
  context.strokeStyle = colour;
  if (!bare) {
    context.fillStyle = style.filled ? colour : back;
    context.fill(path);
  }
  context.stroke(path);
}

// A short piece of the line with its marker, for the legend.
function sample(style) {
  const canvas = element("canvas", { class: "sample", "aria-hidden": "true" });
  canvas.draw = () => {
    const ratio = Math.max(2, window.devicePixelRatio || 1);
    canvas.width = 30 * ratio;
    canvas.height = 14 * ratio;
    const colours = theme();
    const context = canvas.getContext("2d");
    const colour = colours.dark ? style.dark : style.color;
    context.scale(ratio, ratio);
    context.strokeStyle = colour;
    context.lineWidth = 1.6;
    context.setLineDash(style.dash ?? []);
    context.beginPath();
    context.moveTo(0, 7);
    context.lineTo(30, 7);
    context.stroke();
    drawMarker(context, style, colour, colours.back, 15, 7, 4.5);
  };
  canvas.draw();
  return canvas;
}

// Round values between two ends, about `count` of them.
function roundTicks(low, high, count) {
  const raw = (high - low) / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= raw * 0.999);
  const ticks = [];
  for (let index = Math.ceil(low / step - 1e-9); index * step <= high + step * 1e-9; index++) {
    ticks.push(index * step);
    if (ticks.length > 50) break;
  }
  return ticks;
}

// Ticks of a scale with ends `min` and `max`.
function scaleTicks(scale, pixels, spacing) {
  const count = Math.max(1, Math.floor(pixels / spacing));
  if (scale.values && scale.values.length <= 16) {
    const at = (value) => {
      const [a, b, c] = [scale.min, scale.max, value].map(scale.log ? Math.log : Number);
      return ((c - a) / (b - a)) * pixels;
    };
    const kept = [];
    for (const value of scale.values) {
      if (!kept.length || at(value) - at(kept.at(-1)) >= spacing * 0.7) kept.push(value);
    }
    if (kept.length > 1 || scale.values.length === 1) return kept;
  }
  if (!scale.log || scale.max / scale.min < 8) return roundTicks(scale.min, scale.max, count);
  const first = Math.floor(Math.log10(scale.min));
  const last = Math.ceil(Math.log10(scale.max));
  const factors = (last - first) * 3 <= count ? [1, 2, 5] : [1];
  const every = Math.max(1, Math.ceil((last - first) / count));
  const ticks = [];
  for (let power = first; power <= last; power += every) {
    for (const factor of factors) {
      const value = Number(`${factor}e${power}`);
      if (value >= scale.min * 0.9999 && value <= scale.max * 1.0001) ticks.push(value);
    }
  }
  return ticks;
}

// The ends of a scale around the values, with room at both sides.
function ends(values, log, zero) {
  const usable = values.filter((value) => Number.isFinite(value) && (!log || value > 0));
  if (!usable.length) return log ? [1, 10] : [0, 1];
  let low = usable.reduce((a, b) => Math.min(a, b));
  let high = usable.reduce((a, b) => Math.max(a, b));
  if (log) {
    const room = low === high ? 0.2 : 0.04 * Math.log10(high / low);
    return [low / 10 ** room, high * 10 ** room];
  }
  if (zero) [low, high] = [Math.min(0, low), Math.max(0, high)];
  const room = high === low ? Math.abs(low) * 0.1 || 1 : (high - low) * 0.05;
  const [from, to] = [low, high];
  low = from >= 0 ? Math.max(0, low - room) : low - room;
  high = to <= 0 ? Math.min(0, high + room) : high + room;
  return low === high ? [low, low + 1] : [low, high];
}

const measure = document.createElement("canvas").getContext("2d");
const FONT = '12px system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif';

function textWidth(text) {
  measure.font = FONT;
  return measure.measureText(text).width;
}

// Draws a chart into `host`. `chart`:
//   name          what a screen reader calls it
//   width, height in CSS pixels
//   x             { positions, min, max, log, values?, labels?, title }; labels: categories
//   y             { min, max, log, title }
//   swap          x runs upwards, y to the right
//   lines         [{ style, y, low, high, starred, shift }], arrays over x.positions
//   connect       whether points of a line are joined; interval: "band", "bar" or "none"
//   markers       whether points are drawn
//   describe      (line, point) -> { head, rows: [[term, text]], spoken }
//   onFocus       (line or null): the cursor is on a line
function drawPlot(host, chart) {
  const colours = theme();
  const colour = (line) => (colours.dark ? line.style.dark : line.style.color);
  let faded = null;
  const alpha = (line) => (faded !== null && line !== faded ? 0.18 : 1);
  const usable = (value) =>
    value !== null && value !== undefined && (!chart.y.log || value > 0) ? value : null;
  const points = [];
  const rotate = Boolean(chart.x.labels) && !chart.swap;
  const plotWidth = chart.width - 60;
  const slot = plotWidth / chart.x.positions.length;
  const names = (chart.x.labels ?? []).map((label) => cut(label, 22));
  const widest = names.reduce((size, name) => Math.max(size, textWidth(name)), 0);
  const turned = rotate && widest > slot - 8;
  const every = turned ? Math.ceil(16 / slot) : 1;
  const ticks = (scale, pixels, spacing) =>
    scale.labels
      ? chart.x.positions.filter((_, index) => index % every === 0)
      : scaleTicks(scale, pixels, spacing);
  const axis = (scale, side) => ({
    side,
    scale: scale === chart.x ? "x" : "y",
    stroke: colours.muted,
    font: FONT,
    grid: { stroke: colours.grid, width: 1, show: !scale.labels },
    ticks: { stroke: colours.grid, width: 1, size: 4 },
    gap: 4,
    rotate: scale.labels && turned ? -40 : 0,
    splits: (plot) =>
      side === 2
        ? ticks(scale, plot.bbox.width / uPlot.pxRatio, 52)
        : ticks(scale, plot.bbox.height / uPlot.pxRatio, 32),
    filter: (_, splits) => splits,
    values: (_, splits) =>
      splits.map((value) => (scale.labels ? names[value] : (scale.text ?? tickText)(value))),
    size: (_, values) => {
      if (side === 2) return turned ? 16 + Math.min(widest, 140) * 0.65 : 24;
      return 12 + (values ?? []).reduce((size, text) => Math.max(size, textWidth(text)), 10);
    },
  });
  const scale = (ends) => ({
    time: false,
    auto: false,
    distr: ends.log ? 3 : 1,
    range: [ends.min, ends.max],
    min: ends.min,
    max: ends.max,
  });
  const scales = { x: scale(chart.x), y: scale(chart.y) };
  if (chart.swap) [scales.x.ori, scales.y.ori] = [1, 0];

  // Canvas position of a point; `shift` separates lines at a category.
  const place = (plot, index, value, line, canvas) => {
    const along = plot.valToPos(chart.x.positions[index] + (line.shift ?? 0), "x", canvas);
    const across = plot.valToPos(value, "y", canvas);
    return chart.swap ? [across, along] : [along, across];
  };
  const inside = (value) => Math.min(Math.max(value, chart.y.min), chart.y.max);

  function clipped(plot, draw) {
    const { left, top, width, height } = plot.bbox;
    plot.ctx.save();
    plot.ctx.beginPath();
    plot.ctx.rect(left - 6, top - 6, width + 12, height + 12);
    plot.ctx.clip();
    draw(plot.ctx, uPlot.pxRatio);
    plot.ctx.restore();
  }

  function drawBand(plot, context, line) {
    let run = [];
    const flush = () => {
      if (run.length > 1) {
        context.beginPath();
        run.forEach((index) =>
          context.lineTo(...place(plot, index, inside(line.high[index]), line, true)),
        );
        run
          .reverse()
          .forEach((index) =>
            context.lineTo(...place(plot, index, inside(line.low[index]), line, true)),
          );
        context.closePath();
        context.fill();
      }
      run = [];
    };
    line.y.forEach((value, index) => {
      const whole = usable(value) !== null && line.low[index] !== null;
      if (whole) run.push(index);
      else if (usable(value) === null) flush();
    });
    flush();
  }

  function drawBars(plot, context, line, ratio) {
    line.y.forEach((value, index) => {
      if (usable(value) === null || line.low[index] === null) return;
      const [x1, y1] = place(plot, index, inside(line.low[index]), line, true);
      const [x2, y2] = place(plot, index, inside(line.high[index]), line, true);
      const cap = 3 * ratio;
      context.beginPath();
      context.moveTo(x1, y1);
      context.lineTo(x2, y2);
      for (const y of [y1, y2]) {
        context.moveTo(x1 - cap, y);
        context.lineTo(x1 + cap, y);
      }
      context.stroke();
    });
  }

  function drawIntervals(plot) {
    if (chart.interval === "none") return;
    clipped(plot, (context, ratio) => {
      const band = chart.lines.length > 8 ? 0.1 : 0.16;
      for (const line of chart.lines) {
        context.globalAlpha = (chart.interval === "band" ? band : 0.8) * alpha(line);
        context.fillStyle = context.strokeStyle = colour(line);
        context.lineWidth = ratio;
        context.setLineDash([]);
        if (chart.interval === "band") drawBand(plot, context, line);
        else drawBars(plot, context, line, ratio);
      }
    });
  }

  function drawPoints(plot) {
    points.length = 0;
    const dense = chart.x.positions.length > plotWidth / 9;
    clipped(plot, (context, ratio) => {
      const radius = (chart.lines.length > 12 || chart.width < 360 ? 3.4 : 4.2) * ratio;
      for (const line of chart.lines) {
        context.globalAlpha = alpha(line);
        line.y.forEach((value, index) => {
          if (usable(value) === null) return;
          const [left, top] = place(plot, index, value, line, false);
          const hidden = value < chart.y.min || value > chart.y.max;
          if (hidden) return;
          points.push({ line, index, left, top });
          const alone = usable(line.y[index - 1]) === null && usable(line.y[index + 1]) === null;
          if (!chart.markers || (dense && !alone && chart.connect)) return;
          const [x, y] = place(plot, index, value, line, true);
          drawMarker(context, line.style, colour(line), colours.back, x, y, radius);
          if (line.starred[index]) {
            context.fillStyle = colour(line);
            context.font = `${12 * ratio}px sans-serif`;
            context.fillText("*", x + radius * 0.8, y - radius * 0.5);
          }
        });
      }
    });
  }

  const area = element("div", {
    class: "area",
    tabindex: "0",
    role: "application",
    "aria-roledescription": "chart",
    "aria-label": `${chart.name}. Arrow keys move from point to point.`,
  });
  const tip = element("div", { class: "tip", hidden: true });
  const ring = element("div", { class: "ring", hidden: true });
  area.append(tip);
  host.append(area);

  const plot = new uPlot(
    {
      width: chart.width,
      height: chart.height,
      padding: [10, 14, 0, 0],
      legend: { show: false },
      cursor: { show: false },
      scales,
      axes: [axis(chart.x, chart.swap ? 3 : 2), axis(chart.y, chart.swap ? 2 : 3)],
      series: [
        {},
        ...chart.lines.map((line) => ({
          stroke: () => colour(line),
          width: 1.6,
          dash: line.style.dash?.length ? line.style.dash : undefined,
          points: { show: false },
          paths: chart.connect ? uPlot.paths.linear() : () => null,
        })),
      ],
      hooks: { drawAxes: [drawIntervals], draw: [drawPoints] },
    },
    [chart.x.positions, ...chart.lines.map((line) => line.y.map(usable))],
    area,
  );
  plot.over.append(ring);

  function fade(line) {
    if (faded === line) return;
    faded = line;
    chart.lines.forEach((other, index) => (plot.series[index + 1].alpha = alpha(other)));
    plot.redraw(false, false);
  }

  let current = null;
  function move(point, speak) {
    current = point;
    tip.hidden = ring.hidden = !point;
    fade(point && chart.lines.length > 1 ? point.line : null);
    chart.onFocus?.(point?.line ?? null);
    if (!point) return;
    const said = chart.describe(point.line, point.index);
    tip.replaceChildren(
      element("div", { class: "head" }, ...said.head),
      element(
        "dl",
        {},
        ...said.rows.map(([term, text]) =>
          element("div", {}, element("dt", {}, term), element("dd", {}, text)),
        ),
      ),
    );
    ring.style.left = `${point.left}px`;
    ring.style.top = `${point.top}px`;
    ring.style.borderColor = colour(point.line);
    const left = plot.over.offsetLeft + point.left;
    const top = plot.over.offsetTop + point.top;
    const width = tip.offsetWidth;
    const beside = left + 14 + width <= chart.width ? left + 14 : left - 14 - width;
    tip.style.left = `${Math.max(0, Math.min(beside, chart.width - width))}px`;
    const above = top - tip.offsetHeight - 12;
    const fits = beside >= 0;
    tip.style.top = `${fits ? Math.max(0, top - tip.offsetHeight / 2) : above}px`;
    if (speak) document.getElementById("live").textContent = said.spoken;
  }

  function nearest(event) {
    const box = plot.over.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    let found = null;
    let best = 60 * 60;
    for (const point of points) {
      const distance = (point.left - x) ** 2 + (point.top - y) ** 2;
      if (distance < best) [found, best] = [point, distance];
    }
    if (found?.line !== current?.line || found?.index !== current?.index) move(found, false);
  }
  plot.over.addEventListener("pointermove", nearest);
  plot.over.addEventListener("pointerdown", nearest);
  plot.over.addEventListener("pointerleave", (event) => {
    if (event.pointerType !== "touch") move(null, false);
  });

  // The next point along the line (`step` of the index), or across lines at the same position.
  function step(along, by) {
    if (!current) return points[0] ?? null;
    const same = points.filter((point) =>
      along ? point.line === current.line : point.index === current.index,
    );
    const size = (point) => (along ? point.index : chart.swap ? point.left : -point.top);
    const order = chart.lines.indexOf(current.line);
    same.sort(
      (a, b) => size(a) - size(b) || chart.lines.indexOf(a.line) - chart.lines.indexOf(b.line),
    );
    const at = same.findIndex(
      (point) => point.index === current.index && chart.lines.indexOf(point.line) === order,
    );
    return same[Math.min(Math.max(at + by, 0), same.length - 1)] ?? current;
  }

  area.addEventListener("keydown", (event) => {
    const keys = {
      ArrowRight: [!chart.swap, 1],
      ArrowLeft: [!chart.swap, -1],
      ArrowUp: [Boolean(chart.swap), 1],
      ArrowDown: [Boolean(chart.swap), -1],
      Home: [true, -Infinity],
      End: [true, Infinity],
    };
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === "Escape") move(null, false);
    else if (keys[event.key]) {
      move(step(...keys[event.key]), true);
      event.preventDefault();
    }
  });
  area.addEventListener("blur", () => move(null, false));

  return {
    destroy: () => plot.destroy(),
    // Fades all lines but the one with this key, or none.
    highlight: (key) => fade(chart.lines.find((line) => line.key === key) ?? null),
  };
}
