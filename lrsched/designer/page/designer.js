/* The page of `lrsched design`. It knows no trainer: it draws what Python answers and asks again after each gesture. */
"use strict";

const $ = (id) => document.getElementById(id);
const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);
const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
const SVG = "http://www.w3.org/2000/svg";
const SHAPES = new Set(["svg", "g", "path", "rect", "line", "circle", "text", "defs", "pattern", "clipPath", "title"]);

/** An element with attributes (functions listen to events) and children. */
function make(tag, attributes = {}, ...children) {
  const node = SHAPES.has(tag) ? document.createElementNS(SVG, tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") node.addEventListener(name, value);
    else if (value !== null && value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null));
  return node;
}

/* ---- Transport: a server on this machine, or the notebook around this frame ---- */

const served = location.protocol.startsWith("http");
const fragment = new URLSearchParams(location.hash.slice(1));
const replies = new Map();
let asked = 0;

async function ask(method, body) {
  if (served) {
    const headers = { "Content-Type": "application/json", "X-Lrsched-Token": fragment.get("token") ?? "" };
    const answer = await fetch(`api/${method}`, { method: "POST", headers, body: JSON.stringify(body) });
    return { status: answer.status, body: await answer.json() };
  }
  return new Promise((resolve) => {
    replies.set(++asked, resolve);
    parent.postMessage({ lrsched: asked, method, body }, "*");
  });
}

addEventListener("message", ({ source, data }) => {
  if (served || source !== parent || !replies.has(data?.lrsched)) return;
  replies.get(data.lrsched)(data);
  replies.delete(data.lrsched);
});

/* ---- What the page knows ---- */

const page = {
  files: [], file: 0, opened: [], states: [], log: null,
  last: null, // the newest answer
  good: null, goods: [], // the newest one that was not refused, also of each file: its curve stays
  past: [], future: [], // states, for undo and redo
  view: { first: 0, last: null }, logarithmic: false,
  cursor: null, // the iteration whose rate is shown; null: the end of the run
  shown: null, // the finding whose stretch is marked
  gone: false,
};

const bodyOf = () => ({ file: page.file, states: page.states });

/* ---- One request in flight; of what waits, the newest state wins ---- */

const queue = []; // gestures: {base, action, about, sent, done}; only the first is talked about with Python
let busy = false, lookNeeded = false, peekNeeded = false;

/** Tell Python of a gesture. While it lasts, each action replaces the one before: all start from the same states. */
function act(action, done = true) {
  const about = action.move?.handle ?? Object.keys(action.set ?? {}).join();
  if (queue.at(-1)?.about !== about) finish();
  const current = queue.at(-1);
  if (current && !current.done) Object.assign(current, { action, done });
  else queue.push({ base: null, action, about, sent: null, done });
  pump();
}

/** End the gesture that is going on, if there is one. */
function finish() {
  const current = queue.at(-1);
  if (current) current.done = true;
  pump();
}

/** Ask for the answer of the current states once more: the window or the file has changed. */
function look() {
  lookNeeded = true;
  pump();
}

/** Ask for the exact rate under the cursor. */
function peek() {
  peekNeeded = true;
  pump();
}

async function pump() {
  if (busy || page.gone || !page.opened.length) return;
  const gesture = queue[0];
  if (gesture?.done && gesture.sent === gesture.action) return settle(gesture);
  if (gesture && gesture.sent !== gesture.action) lookNeeded = true;
  if (!lookNeeded && !peekNeeded) return;
  const body = { ...bodyOf(), ...(page.good && { at: cursorNow() }) };
  const method = lookNeeded ? "answer" : "rate";
  if (gesture) {
    body.states = gesture.base ??= page.states;
    body.do = gesture.sent = gesture.action;
  }
  body.view = { ...page.view, width: Math.round(plot.width * (devicePixelRatio || 1)) };
  busy = true;
  lookNeeded &&= method !== "answer";
  peekNeeded = false;
  const answer = await request(method, body);
  busy = false;
  if (!answer && gesture) {
    if (page.gone) gesture.sent = null; // asked again when there is a connection
    else queue.shift(); // Python does not take it
  }
  if (answer) method === "rate" ? showRate(answer.at) : take(answer);
  else if (!page.last && !same(page.states, page.opened)) {
    page.states = page.opened; // what the address has is no state
    lookNeeded = true;
  }
  pump();
}

/** A gesture is over: it becomes one step of undo, if it changed anything. */
function settle(gesture) {
  queue.shift();
  if (!same(gesture.base, page.states)) {
    page.past.push(gesture.base);
    page.future = [];
  }
  draw(); // the axes may shrink now
  showStatus();
  remember();
  pump();
}

function take(answer) {
  page.states = page.states.map((state, file) => (file === page.file ? answer.state : state));
  page.last = answer;
  if (!answer.refused) page.good = page.goods[page.file] = answer;
  showControls();
  draw();
  showPlanner();
  if (answer.at) showRate(answer.at);
  else if (page.good) peek();
  showStatus();
  if (!queue.length) remember();
}

/** Wait until Python has answered what was done so far. */
async function settled() {
  finish();
  while ((busy || queue.length) && !page.gone) await new Promise((resolve) => setTimeout(resolve, 5));
}

async function travel(from, to) {
  await settled();
  if (queue.length || !from.length) return;
  to.push(page.states);
  const states = from.pop();
  const changed = states.findIndex((state, file) => !same(state, page.states[file]));
  page.states = states;
  switchTo(changed < 0 ? page.file : changed);
}

async function reset() {
  await settled();
  if (queue.length) return;
  page.past.push(page.states);
  page.future = [];
  page.states = page.states.map((state, file) => (file === page.file ? page.opened[file] : state));
  look();
}

function switchTo(file) {
  if (file !== page.file) {
    Object.assign(page, { file, view: { first: 0, last: null }, cursor: null, good: page.goods[file] ?? null });
    if (!page.good) clear();
  }
  look();
}

/** Keep the state in the address, so that a reload and a copied link have it; browsers bear few writes a second. */
function remember() {
  clearTimeout(remember.timer);
  remember.timer = setTimeout(() => {
    if (!served) return;
    const view = { ...page.view, logarithmic: page.logarithmic };
    const state = encodeURIComponent(JSON.stringify({ states: page.states, file: page.file, view }));
    history.replaceState(null, "", `#token=${fragment.get("token") ?? ""}&state=${state}`);
  }, 150);
}

function recall() {
  try {
    const kept = JSON.parse(fragment.get("state") ?? "null");
    if (!Array.isArray(kept?.states) || kept.states.length !== page.files.length) return;
    page.states = kept.states;
    page.file = page.files[kept.file] ? kept.file : 0;
    page.logarithmic = kept.view?.logarithmic === true;
    if (kept.view?.last > kept.view?.first) page.view = { first: kept.view.first, last: kept.view.last };
  } catch {
    say("The state in this address cannot be read, so the file is shown as it is.");
  }
}

/* ---- Left: settings, parameters, rows ---- */

const inputs = new Map(); // key -> how the control shows a new value

function showControls() {
  const { settings, controls, rows } = page.last;
  const shape = [...settings, ...controls].map((one) => [one.key, one.kind, one.choices, one.low === null]);
  const signature = JSON.stringify([page.file, shape, rows?.values.length]);
  if (signature !== showControls.signature) {
    showControls.signature = signature;
    build(settings, controls, rows);
  }
  for (const one of settings) inputs.get(`setting ${one.key}`)(one);
  for (const one of controls) inputs.get(`set ${one.key}`)(one);
  if (rows) inputs.get("rows")(rows);
}

function build(settings, controls, rows) {
  const focused = document.activeElement?.id;
  inputs.clear();
  const choices = controls.filter((one) => one.kind === "choice");
  const [policy, ...others] = choices;
  const short = make("div", { class: "short" });
  if (policy) short.append(control("set", policy));
  short.append(...settings.map((one) => control("setting", one)), ...others.map((one) => control("set", one)));
  const long = controls.filter((one) => one.kind !== "choice").map((one) => [one, control("set", one)]);
  const nodes = [short];
  let group = "";
  for (const [one, node] of long) {
    if ((one.group ?? "") !== group) nodes.push(make("h2", {}, (group = one.group ?? "") || "other"));
    nodes.push(node);
  }
  if (rows) nodes.splice(2, 0, rowsTable(rows));
  $("controls").replaceChildren(...nodes);
  if (focused) $(focused)?.focus();
}

/** One parameter: label, mark when changed, field, slider, help. `how` is set or setting. */
function control(how, one) {
  const id = `${how}-${one.key}`;
  const tell = (value, done) => act({ [how]: { [one.key]: value } }, done);
  const described = { id, "aria-describedby": `${id}-help ${id}-error` };
  const field = makeField(one, described, tell);
  const slides = how === "set" && one.low !== null && ["number", "whole"].includes(one.kind);
  const slider = slides ? makeSlider(one, tell) : null;
  const mark = make("button", { type: "button", class: "mark", click: () => tell(null, true) });
  const error = make("span", { id: `${id}-error`, class: "wrong" });
  const under = make("div", { class: "under" }, make("span", { id: `${id}-help`, class: "help" }, one.help), mark);
  const title = how === "setting" || one.kind === "choice" ? one.help : null; // there the help is not shown
  const label = make("label", { for: id }, one.label);
  const node = make("div", { class: `control ${how} ${one.kind}`, title }, label, field, slider, under, error);
  inputs.set(`${how} ${one.key}`, (now) => {
    field.show(now);
    slider?.show(now);
    node.classList.toggle("changed", now.changed);
    mark.hidden = !now.changed || how === "setting";
    mark.textContent = now.file === null ? "not in the file" : `was ${now.file}`;
    mark.title = mark.ariaLabel = now.file === null ? `Take ${now.label} out again` : `Set ${now.label} back to ${now.file}`;
    error.textContent = now.error ?? "";
    field.setAttribute("aria-invalid", Boolean(now.error));
  });
  return node;
}

function makeField(one, attributes, tell) {
  if (one.kind === "choice") {
    const options = one.choices.map((value, i) => make("option", { value }, one.titles?.[i] ?? value));
    const field = make("select", { ...attributes, change: () => tell(field.value, true) }, ...options);
    field.show = (now) => {
      if (now.text && !one.choices.includes(now.text)) field.append(make("option", { value: now.text }, now.text));
      field.value = now.text ?? "";
    };
    return field;
  }
  if (one.kind === "flag") {
    const field = make("input", { ...attributes, type: "checkbox", change: () => tell(field.checked, true) });
    field.show = (now) => (field.checked = Boolean(now.value));
    return field;
  }
  const field = make("input", {
    ...attributes, type: "text", spellcheck: "false", placeholder: one.default || "none",
    inputmode: one.kind === "whole" ? "numeric" : one.kind === "number" ? "decimal" : null,
    change: () => tell(field.value, true),
  });
  field.show = (now) => {
    if (document.activeElement !== field || field.value === field.shown) field.value = now.text ?? "";
    field.shown = field.value;
  };
  return field;
}

const NOTCHES = 1000;

function makeSlider(one, tell) {
  let now = one;
  const value = () => fromNotch(now, Number(slider.value));
  let key = false; // while a key is held, each notch changes the value: one step of undo
  const slider = make("input", {
    type: "range", min: 0, max: NOTCHES, "aria-label": `${one.label}, slider`,
    input: () => tell(value(), false),
    change: () => key || finish(),
    keydown: () => (key = true),
    keyup: () => ((key = false), finish()),
    blur: () => ((key = false), finish()),
  });
  slider.show = (newest) => {
    if (queue.length && !queue.at(-1).done && document.activeElement === slider) {
      now = { ...now, text: newest.text };
    } else {
      now = newest;
      slider.value = toNotch(now);
    }
    slider.setAttribute("aria-valuetext", newest.text || newest.default || "none");
  };
  return slider;
}

function fromNotch(one, notch) {
  const share = notch / NOTCHES;
  const least = one.low_positive;
  let value = one.low + share * (one.high - one.low);
  if (one.log) value = notch === 0 ? one.low : least * (one.high / least) ** share;
  const rounded = Number(value.toPrecision(3));
  return one.kind === "whole" ? Math.round(rounded) : rounded;
}

function toNotch(one) {
  const value = Number(one.value ?? one.default);
  if (!one.log) return NOTCHES * clamp((value - one.low) / (one.high - one.low), 0, 1);
  if (!(value > 0)) return 0;
  const share = Math.log(value / one.low_positive) / Math.log(one.high / one.low_positive);
  return clamp(NOTCHES * share, one.low === 0 ? 1 : 0, NOTCHES); // the lowest notch is 0 itself
}

/** Lists that belong together, such as steps and scales: one row each, with add and remove. */
function rowsTable({ keys, helps, values }) {
  const cells = values.map((_, index) => keys.map((key, column) => {
    const cell = make("input", {
      id: `row-${index}-${key}`, type: "text", spellcheck: "false", inputmode: "decimal",
      "aria-label": `${key}, row ${index + 1}`,
      change: () => act({ row: { index, key, value: cell.value } }),
    });
    return cell;
  }));
  const body = cells.map((row, index) => make(
    "tr", {}, ...row.map((cell) => make("td", {}, cell)),
    make("td", {}, make("button", {
      type: "button", class: "icon", "aria-label": `Remove row ${index + 1}`, title: "Remove",
      click: () => act({ row: { remove: index } }),
    }, "×")),
  ));
  const mark = make("button", {
    type: "button", class: "mark", "aria-label": "Set the rows back to the file",
    click: () => act({ set: Object.fromEntries(keys.map((key) => [key, null])) }),
  });
  const heads = keys.map((key, column) => make("th", { scope: "col", title: helps[column] }, key));
  const table = make("table", {}, make("thead", {}, make("tr", {}, ...heads, make("td", {}))), make("tbody", {}, ...body));
  const add = make("button", { type: "button", id: "add-row", click: () => act({ row: { add: null } }) }, "Add a row");
  const node = make("div", { class: "control rows" }, table, make("div", { class: "under" }, add, mark));
  inputs.set("rows", (now) => {
    now.values.forEach((row, index) => row.forEach((value, column) => {
      const cell = cells[index][column];
      if (document.activeElement !== cell || cell.value === cell.shown) cell.value = value ?? "";
      cell.shown = cell.value;
    }));
    node.classList.toggle("changed", now.changed);
    mark.hidden = !now.changed;
    mark.textContent = now.file.length ? `was ${now.file.map((row) => row[0]).join(", ")}` : "not in the file";
  });
  return node;
}

/* ---- Centre: the curve ---- */

const plot = { width: 0, height: 0, left: 64, right: 20, top: 18, bottom: 44, first: 0, last: 1, low: 0, high: 1 };
const LAYERS = ["under", "grid", "log", "ghost", "others", "curve", "over", "handles"];
const layers = Object.fromEntries(LAYERS.map((name) => [name, make("g", { class: name })]));
const svg = make(
  "svg", {},
  make("defs", {},
    make("pattern", { id: "hatch", width: 7, height: 7, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
      make("rect", { width: 2, height: 7, class: "hatch" })),
    make("clipPath", { id: "inside" }, (plot.clip = make("rect")))),
  ...Object.values(layers),
);
for (const name of ["under", "log", "ghost", "others", "curve"]) layers[name].setAttribute("clip-path", "url(#inside)");

const xOf = (t) => plot.left + ((t - plot.first) / (plot.last - plot.first)) * (plot.width - plot.left - plot.right);
const tOf = (x) => plot.first + ((x - plot.left) / (plot.width - plot.left - plot.right)) * (plot.last - plot.first);
const bottom = () => plot.height - plot.bottom;

function yOf(rate) {
  const share = page.logarithmic
    ? Math.log(Math.max(rate, plot.low) / plot.low) / Math.log(plot.high / plot.low)
    : (rate - plot.low) / (plot.high - plot.low);
  return bottom() - share * (bottom() - plot.top);
}

function rateOf(y) {
  const share = (bottom() - y) / (bottom() - plot.top);
  return page.logarithmic ? plot.low * (plot.high / plot.low) ** share : plot.low + share * (plot.high - plot.low);
}

const DECADES = 1e7; // how far a logarithmic axis goes down, at most
const largest = (values) => values.reduce((most, value) => (value > most ? value : most), 0);

/** The ranges of the axes. They never shrink during a gesture: otherwise moving the largest rate seems to do nothing. */
function setAxes(answer) {
  const gesture = queue.length > 0;
  const { scale, run } = answer;
  const last = page.view.last ?? Math.max(run.last + (run.last - run.first) * 0.02, answer.view.last, run.first + 1);
  const logged = page.log?.rate ? largest(page.log.rate.y) : 0;
  const most = Math.max(scale.high, logged, answer.band?.high ?? 0, ...answer.others.map(({ y }) => largest(y))) || 1;
  let low = Math.min(scale.low, 0), high = most * 1.08;
  if (page.logarithmic) {
    low = 10 ** Math.floor(Math.log10(Math.max((scale.least || 0) * 0.8, most / DECADES)));
    high = most * 1.6;
  }
  const kept = gesture && plot.logarithmic === page.logarithmic && page.view.last === plot.asked;
  plot.first = page.view.last === null ? run.first : page.view.first;
  plot.last = kept ? Math.max(plot.last, last) : last;
  plot.low = kept ? Math.min(plot.low, low) : low;
  plot.high = kept ? Math.max(plot.high, high) : high;
  Object.assign(plot, { logarithmic: page.logarithmic, asked: page.view.last });
}

/** Round numbers in a range: 1, 2 or 5 times a power of ten. */
function ticks(low, high, count) {
  const rough = (high - low) / Math.max(count, 1);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((times) => times * power >= rough);
  const first = Math.ceil(low / step);
  return Array.from({ length: Math.floor(high / step) - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

function decades(low, high) {
  const first = Math.ceil(Math.log10(low) - 1e-9);
  return Array.from({ length: Math.floor(Math.log10(high) + 1e-9) - first + 1 }, (_, i) => Number(`1e${first + i}`));
}

/** How iterations are written on an axis. */
function iterations(values) {
  const multiples = (unit) => values.every((value) => value % unit === 0);
  const [unit, letter] = multiples(100000) && values.at(-1) >= 1e6 ? [1e6, "M"] : multiples(1000) ? [1000, "k"] : [1, ""];
  return (value) => (value === 0 ? "0" : `${value / unit}${letter}`);
}

/** A rate in a few digits, as Python writes it. */
function short(rate) {
  if (rate === 0 || Math.abs(rate) >= 1e-4) return String(Number(rate.toPrecision(4)));
  return rate.toExponential(3).replace(/\.?0+e/, "e").replace(/e-(\d)$/, "e-0$1");
}

/** A curve; a gap where there is no number. */
function line({ t, y }, kind = "", height = yOf) {
  let text = "", pen = "M", travelled = 0, before = null;
  for (let i = 0; i < t.length; i++) {
    if (y[i] === null) pen = "M";
    else {
      const at = height(y[i]);
      if (pen === "L") travelled += Math.abs(at - before);
      text += `${pen}${xOf(t[i]).toFixed(1)} ${at.toFixed(1)}`;
      pen = "L";
      before = at;
    }
  }
  // a solid block of a thousand cycles: mitred joins and smooth edges would cost a second a frame
  const dense = t.length > 1000 && travelled > 30 * plot.height;
  return make("path", { d: text, class: dense ? `${kind} dense` : kind });
}

const stretch = ([first, last], attributes) => {
  const x = xOf(first);
  return make("rect", { x, y: plot.top, width: Math.max(xOf(last) - x, 2), height: bottom() - plot.top, ...attributes });
};

function clear() {
  drawHandles([]);
  for (const layer of Object.values(layers)) layer.replaceChildren();
}

function draw() {
  const answer = page.good;
  if (!answer || !plot.width) return;
  setAxes(answer);
  const { marks } = answer;
  const refused = Boolean(page.last.refused);
  svg.classList.toggle("refused", refused);
  const inner = { x: plot.left, y: plot.top, width: plot.width - plot.left - plot.right, height: bottom() - plot.top + 1 };
  for (const [name, value] of Object.entries(inner)) plot.clip.setAttribute(name, value);
  const stretches = [
    marks.burn_in && stretch(marks.burn_in, { class: "burn-in" }),
    marks.zero && stretch(marks.zero, { fill: "url(#hatch)", class: "zero" }),
    page.shown && stretch(page.shown, { class: "shown" }),
  ];
  layers.under.replaceChildren(...stretches.filter(Boolean));
  drawGrid(answer);
  drawLog();
  layers.ghost.replaceChildren(...(answer.ghost ? [line(answer.ghost)] : []));
  const others = answer.others.filter((one) => !one.refused).map((one) => line(one, `other other-${one.file % 4}`));
  layers.others.replaceChildren(...answer.parts.map((one) => line(one, "part")), ...others);
  const [top, low] = answer.band ? [yOf(answer.band.high), yOf(answer.band.low)] : [];
  const band = answer.band && make("rect", { class: "band", x: plot.left, width: inner.width, y: top, height: low - top });
  const curve = line(answer.curve);
  curve.id = "curve";
  layers.curve.replaceChildren(...(band ? [band] : []), curve);
  drawCursor();
  drawHandles(refused && !queue.length ? [] : answer.handles);
  showLegend(answer);
}

function drawGrid(answer) {
  const nodes = [];
  const below = bottom();
  const across = ticks(plot.first, plot.last, (plot.width - plot.left) / 80).filter(Number.isInteger);
  const written = iterations(across);
  for (const t of across) {
    const x = xOf(t).toFixed(1);
    nodes.push(make("line", { x1: x, x2: x, y1: plot.top, y2: below }));
    nodes.push(make("text", { x, y: below + 18, class: "across" }, written(t)));
  }
  const up = page.logarithmic ? decades(plot.low, plot.high) : ticks(plot.low, plot.high, (below - plot.top) / 70);
  for (const rate of up) {
    const y = yOf(rate).toFixed(1);
    nodes.push(make("line", { x1: plot.left, x2: plot.width - plot.right, y1: y, y2: y }));
    nodes.push(make("text", { x: plot.left - 8, y, dy: "0.35em", class: "up" }, short(rate)));
  }
  const turned = `translate(12 ${(plot.top + below) / 2}) rotate(-90)`;
  nodes.push(make("text", { x: (plot.left + plot.width - plot.right) / 2, y: below + 36, class: "across" }, answer.unit));
  if (plot.width > 500) nodes.push(make("text", { transform: turned, class: "across" }, "learning rate"));
  for (const [name, t] of [["target", answer.marks.target], ["end", answer.marks.horizon]]) {
    if (t === null || t < plot.first || t > plot.last) continue;
    nodes.push(make("line", { x1: xOf(t), x2: xOf(t), y1: plot.top, y2: below, class: `mark-${name}` }));
  }
  layers.grid.replaceChildren(...nodes);
}

/** A log's rate on the axis of the rate, and its loss on a logarithmic axis of its own at the right. */
function drawLog() {
  const { rate = null, loss = null, loss_name: name } = page.log ?? {};
  const nodes = rate ? [line(rate, "log-rate")] : [];
  const seen = loss?.y.filter((value, i) => value > 0 && loss.t[i] >= plot.first && loss.t[i] <= plot.last);
  if (seen?.length) {
    const low = seen.reduce((a, b) => Math.min(a, b)), high = Math.max(largest(seen), low * 1.1);
    const share = (value) => Math.log(Math.max(value, low) / low) / Math.log(high / low);
    const height = (value) => bottom() - 8 - share(value) * (bottom() - plot.top - 16);
    const turned = `translate(${plot.width - 8} ${(plot.top + bottom()) / 2}) rotate(90)`;
    nodes.push(line(loss, "loss", height));
    const marks = decades(low, high).length > 1 ? decades(low, high) : ticks(low, high, 4);
    const x = plot.width - plot.right + 8;
    layers.grid.append(
      ...marks.map((value) => make("text", { x, y: height(value), dy: "0.35em", class: "loss-tick" }, short(value))),
      make("text", { transform: turned, class: "across loss-tick" }, name),
    );
  }
  layers.log.replaceChildren(...nodes);
}

function showLegend({ ghost, others, parts, marks, curve }) {
  const { name } = page.files[page.file];
  const log = page.log;
  const several = page.files.length > 1;
  const seen = (mark) => mark && mark[0] <= plot.last && mark[1] >= plot.first;
  const entries = [
    curve && ["curve", several ? name : "now"],
    ghost && ["ghost", "as opened"],
    ...others.map((one) => [`other other-${one.file % 4}`, `${one.name}${one.refused ? " (refused)" : ""}`]),
    parts.length && ["part", parts.map((one) => one.name).join(", ")],
    log?.rate && ["log-rate", `rate in ${log.name}`],
    log?.loss && ["loss", log.loss_name],
    seen(marks.burn_in) && ["burn-in", marks.burn_in_name],
    seen(marks.zero) && ["zero", marks.zero_name],
  ].filter(Boolean);
  if (same(entries, showLegend.shown)) return;
  showLegend.shown = entries;
  const items = entries.map(([kind, text]) => make("li", {}, make("i", { class: `swatch ${kind}` }), text));
  $("legend").replaceChildren(...items);
}

/* the cursor: an iteration whose exact rate Python tells */

const withinRun = (t) => clamp(Math.round(t), page.good.run.first, Math.max(page.good.run.last, page.good.view.last));

function cursorNow() {
  const answer = page.good;
  if (!answer) return page.cursor ?? 0;
  return withinRun(page.cursor ?? answer.marks.target ?? answer.marks.horizon ?? answer.run.last);
}

function drawCursor() {
  const t = cursorNow();
  if (page.cursor === null || t < plot.first || t > plot.last) return layers.over.replaceChildren();
  const x = xOf(t).toFixed(1);
  const rate = page.at?.iteration === t ? page.at.rate : null;
  const dot = rate === null ? [] : [make("circle", { cx: x, cy: clamp(yOf(rate), 0, bottom()), r: 3.5 })];
  layers.over.replaceChildren(make("line", { x1: x, x2: x, y1: plot.top, y2: bottom() }), ...dot);
}

function setCursor(iteration) {
  if (!page.good) return;
  page.cursor = withinRun(iteration);
  drawCursor();
  peek();
}

function showRate(at) {
  page.at = at;
  const parts = at ? { [page.good?.unit ?? "iteration"]: String(at.iteration), printed: at.printed, exact: at.exact } : {};
  const said = Object.entries(parts).filter(([, value]) => value);
  $("readout").replaceChildren(...said.flatMap(([name, value]) => [make("span", {}, `${name} `, make("b", {}, value)), " "]));
  drawCursor();
}

/* the handles */

const handles = new Map(); // id -> element, kept while it is there: a new element would lose the pointer and the focus

function drawHandles(wanted) {
  const seen = new Set();
  for (const handle of wanted) {
    seen.add(handle.id);
    let node = handles.get(handle.id);
    if (!node) handles.set(handle.id, (node = makeHandle(handle.id)));
    node.handle = handle;
    const held = node === dragged?.node || node.contains(document.activeElement);
    const within = handle.iteration >= plot.first && handle.iteration <= plot.last;
    node.toggleAttribute("hidden", !within && !held);
    const x = clamp(xOf(handle.iteration), plot.left, plot.width - plot.right);
    const y = clamp(yOf(handle.rate ?? 0), plot.top - 6, bottom());
    node.setAttribute("transform", `translate(${x.toFixed(1)} ${y.toFixed(1)})`);
    node.setAttribute("class", `handle ${handle.moves}`);
    const across = handle.moves !== "rate";
    const about = {
      label: handle.label, valuetext: handle.text, valuenow: across ? handle.iteration : handle.rate,
      valuemin: across ? handle.min ?? plot.first : 0, valuemax: across ? handle.max ?? plot.last : plot.high,
    };
    for (const [name, value] of Object.entries(about)) node.setAttribute(`aria-${name}`, value);
    const label = node.lastChild;
    const value = { rate: short(handle.rate ?? 0), time: handle.iteration }[handle.moves];
    label.textContent = value === undefined ? `${handle.iteration}, ${short(handle.rate)}` : `${handle.label} ${value}`;
    const right = x > plot.width - plot.right - 170;
    label.setAttribute("x", right ? -12 : 12);
    label.setAttribute("y", y < plot.top + 24 ? 24 : -12);
    label.setAttribute("text-anchor", right ? "end" : "start");
    if (!node.parentNode) layers.handles.append(node);
  }
  for (const [id, node] of handles) {
    if (seen.has(id)) continue;
    node.remove();
    handles.delete(id);
  }
}

let dragged = null; // {node, scale: the axes at its beginning, moved}

function makeHandle(id) {
  const node = make(
    "g", { role: "slider", tabindex: 0, "data-handle": id, keydown: nudge, keyup: finish, blur: finish },
    make("circle", { r: 16, class: "reach" }), make("circle", { r: 7, class: "knob" }), make("text", {}),
  );
  node.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    event.preventDefault();
    event.stopPropagation();
    node.focus();
    node.setPointerCapture(event.pointerId);
    const box = svg.getBoundingClientRect();
    const { iteration, rate } = node.handle;
    // the pointer keeps its distance from the handle's centre, on the axes as they are now
    const [dx, dy] = [event.clientX - box.left - xOf(iteration), event.clientY - box.top - yOf(rate ?? 0)];
    dragged = { node, dx, dy, axes: { ...plot } };
  });
  node.addEventListener("pointermove", (event) => {
    if (dragged?.node === node) drag(event, node.handle);
  });
  for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) {
    node.addEventListener(end, () => {
      if (dragged?.node !== node) return;
      dragged = null;
      finish();
    });
  }
  return node;
}

function drag(event, handle) {
  const box = svg.getBoundingClientRect();
  const now = { ...plot };
  Object.assign(plot, dragged.axes); // a growing axis would run away from the pointer
  const iteration = Math.round(tOf(event.clientX - box.left - dragged.dx));
  const rate = rateOf(event.clientY - box.top - dragged.dy);
  Object.assign(plot, now);
  move(handle, iteration, rate);
}

function move(handle, iteration, rate) {
  const action = { handle: handle.id };
  if (handle.moves !== "rate") action.iteration = Math.max(iteration, 0);
  if (handle.moves !== "time") action.rate = Math.max(rate, 0);
  act({ move: action }, false);
}

function nudge(event) {
  const { handle } = event.currentTarget;
  const sign = { ArrowLeft: -1, ArrowRight: 1, ArrowDown: -1, ArrowUp: 1 }[event.key];
  if (!sign) return;
  event.preventDefault();
  event.stopPropagation();
  const current = queue.at(-1);
  const going = current && !current.done && current.action.move?.handle === handle.id ? current.action.move : {};
  const across = handle.moves === "time" || (handle.moves === "both" && ["ArrowLeft", "ArrowRight"].includes(event.key));
  let iteration = going.iteration ?? handle.iteration;
  let rate = going.rate ?? handle.rate;
  if (across) iteration += sign * handle.step * (event.shiftKey ? 10 : 1);
  else rate *= (event.shiftKey ? 1.5 : 1.05) ** sign;
  move(handle, iteration, rate);
}

/* zoom in time */

function setView(first, last) {
  const run = page.good?.run;
  if (!run) return;
  const end = Math.max(run.last, run.first + 1);
  const span = clamp(Math.round(last - first), Math.min(10, end - run.first), end - run.first);
  const begin = clamp(Math.round(first), run.first, end - span);
  page.view = span >= end - run.first ? { first: 0, last: null } : { first: begin, last: begin + span };
  draw(); // what is there, on the new axis, until the answer has more
  showStatus();
  look();
}

function zoom(factor, centre = null) {
  const cursorSeen = page.cursor !== null && page.cursor > plot.first && page.cursor < plot.last;
  const middle = centre ?? (cursorSeen ? page.cursor : (plot.first + plot.last) / 2);
  setView(middle - (middle - plot.first) * factor, middle + (plot.last - middle) * factor);
}

const pan = (share) => setView(plot.first + share * (plot.last - plot.first), plot.last + share * (plot.last - plot.first));
const showWhole = () => setView(-Infinity, Infinity);

/* ---- Right: what the planner says ---- */

function showPlanner() {
  const { verdict, findings, fixes, extensions, diff, refused } = page.last;
  const said = refused ? { severity: "error", text: refused } : verdict;
  $("verdict").className = said.severity;
  if ($("verdict").textContent !== said.text) $("verdict").textContent = said.text;
  const shown = [fixes, findings, extensions];
  if (!same(shown, showPlanner.shown)) {
    showPlanner.shown = shown;
    page.shown = null;
    const focusWasHere = $("findings").contains(document.activeElement);
    const serious = findings.filter((finding) => finding.severity !== "note");
    const fixesOf = (finding) => (serious.length === 1 && finding === serious[0] ? fixes : finding.fixes);
    const items = findings.map((finding) => findingItem(finding, fixesOf(finding)));
    if (fixes.length && serious.length !== 1) items.unshift(offers("How to fix everything", fixes));
    if (extensions.length) items.push(offers("Ways to extend the run", extensions));
    $("findings").replaceChildren(...items);
    if (focusWasHere) $("verdict").focus();
  }
  const kinds = { "-": "removed", "+": "added", " ": null };
  $("diff").replaceChildren(...diff.map(({ sign, text }) => make("span", { class: kinds[sign] }, `${sign}${text}\n`)));
  if (!diff.length) $("diff").textContent = "none";
}

function findingItem({ code, severity, message, first, last }, fixes) {
  const mark = (on) => () => {
    page.shown = on ? [first, last] : null;
    draw();
  };
  const where = first === last ? `${first}` : `${first} – ${last}`;
  const zoomTo = () => setView(first - (last - first) * 0.25 - 5, last + (last - first) * 0.25 + 5);
  const listens = { mouseenter: mark(true), mouseleave: mark(false), focusin: mark(true), focusout: mark(false) };
  const named = { title: "Show this stretch", "aria-label": `${severity} ${code}: show ${where}` };
  const title = [make("b", {}, `${severity}: ${code}`), make("span", {}, where)];
  const head = make("button", { type: "button", class: "where", click: zoomTo, ...named }, ...title);
  return make("li", { class: `finding ${severity}`, ...listens }, head, make("p", {}, message), ...fixes.map(offer));
}

const offers = (title, list) => make("li", { class: "finding offers" }, make("b", {}, title), ...list.map(offer));

function offer({ name, text, lines, apply }) {
  const title = name ? `${name}: ${text}` : text;
  return make("div", { class: "offer" },
    make("p", {}, title), make("code", {}, lines.join("\n")),
    make("button", { type: "button", "aria-label": `Apply ${lines.join(", ")}`, click: () => act({ apply }) }, "Apply"));
}

/* ---- Top: the file, undo, save, and what may go wrong with them ---- */

function showStatus() {
  const { refused, saved, dirty, disk } = page.last;
  const { name, path: place, writable, why } = page.files[page.file];
  const [kind, text] = page.gone ? ["error", "no connection"]
    : refused ? ["error", "refused"]
    : disk === "gone" ? ["error", "file is gone"]
    : disk === "changed" ? ["error", "changed on disk"]
    : !saved ? ["unsaved", "not saved"]
    : dirty ? ["good", "saved"]
    : ["", writable ? "no changes" : "read only"];
  $("status").className = kind;
  if ($("status").textContent !== text) $("status").textContent = text;
  $("status").title = why;
  document.title = `${kind === "unsaved" ? "● " : ""}${name} · lrsched`;
  if (!same([page.files, page.file], showStatus.tabs)) {
    showStatus.tabs = structuredClone([page.files, page.file]);
    const tab = (file, index) => make("button", {
      type: "button", title: file.path, "aria-pressed": String(index === page.file), click: () => switchTo(index),
    }, file.name);
    $("file").replaceChildren(...(page.files.length > 1 ? page.files.map(tab) : [make("span", { title: place }, name)]));
  }
  $("undo").disabled = !page.past.length;
  $("redo").disabled = !page.future.length;
  $("reset").disabled = same(page.states[page.file], page.opened[page.file]);
  $("download").disabled = Boolean(refused) || page.gone;
  $("save").disabled = Boolean(refused) || page.gone || !writable || saved;
  $("save").title = writable ? "Ctrl+S" : why;
  $("linear").ariaPressed = String(!page.logarithmic);
  $("log").ariaPressed = String(page.logarithmic);
  const whole = page.view.last === null;
  for (const id of ["earlier", "later", "out", "whole"]) $(id).disabled = whole;
  if (!refused && disk !== showStatus.disk) {
    showStatus.disk = disk;
    if (disk === "changed") conflict(`${name} has changed on disk since it was opened here.`);
  }
}

/** A sentence above the page with what one can do about it. A sandboxed frame has no confirm(). */
function say(sentence, choices = {}) {
  const buttons = Object.entries({ ...choices, Close: () => {} }).map(([text, choose]) => {
    const click = () => {
      $("banner").hidden = true;
      choose();
    };
    return make("button", { type: "button", click }, text);
  });
  $("banner").replaceChildren(make("span", {}, sentence), ...buttons);
  $("banner").hidden = false;
}

function conflict(sentence, hash = null) {
  say(sentence, {
    "Read it, keep my changes": () => reload(true),
    "Read it, drop my changes": () => reload(false),
    ...(hash !== null && { "Overwrite it": () => save(hash) }),
  });
}

function serverGone() {
  page.gone = true;
  if (page.last) showStatus();
  say("No answer: lrsched has ended, or the connection to it. Your changes are kept in the address of this page.", {
    "Try again": () => {
      page.gone = false;
      if (page.last) look();
      else start();
    },
  });
}

/** The answer to a request; null, and a sentence above the page, where there is none. */
async function request(method, body, refusedBy = (answer) => say(answer.body.error)) {
  const answer = await ask(method, body).catch(() => null);
  if (answer?.status === 200) return answer.body;
  if (answer) refusedBy(answer);
  else serverGone();
  return null;
}

async function save(seen = null) {
  await settled();
  seen ??= page.last.hash;
  const refusedBy = ({ status, body }) => (status === 409 ? conflict(body.error, body.hash) : say(body.error));
  const saved = await request("save", { ...bodyOf(), seen }, refusedBy);
  if (saved) look();
}

async function download() {
  await settled();
  const file = await request("text", bodyOf());
  if (!file) return;
  const bytes = Uint8Array.from(atob(file.base64), (byte) => byte.charCodeAt(0));
  const link = make("a", { href: URL.createObjectURL(new Blob([bytes])), download: file.name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

async function reload(keep) {
  const opened = await request("reload", { file: page.file });
  if (!opened) return;
  page.past.push(page.states);
  page.future = [];
  page.files = opened.files;
  page.opened = opened.states;
  if (!keep) page.states = page.states.map((state, file) => (file === page.file ? opened.states[file] : state));
  look();
}

/* ---- Keys, pointer and size ---- */

const clicks = {
  undo: () => travel(page.past, page.future), redo: () => travel(page.future, page.past),
  reset, download, save: () => save(),
  linear: () => setLogarithmic(false), log: () => setLogarithmic(true),
  in: () => zoom(0.5), out: () => zoom(2), whole: showWhole, earlier: () => pan(-0.25), later: () => pan(0.25),
};

function setLogarithmic(on) {
  page.logarithmic = on;
  draw();
  showStatus();
  remember();
}

function shortcuts(event) {
  if (!(event.ctrlKey || event.metaKey) || event.altKey) return;
  const key = event.key.toLowerCase();
  const writing = event.target.matches("input[type=text]") && event.target.value !== event.target.shown;
  // in a field with new text, undo is the field's own
  const id = { s: "save", y: "redo", z: event.shiftKey ? "redo" : "undo" }[key];
  if (!id || (writing && id !== "save")) return;
  event.preventDefault();
  if (writing) event.target.dispatchEvent(new Event("change"));
  if (!$(id).disabled) $(id).click();
}

function plotKeys(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const step = ((plot.last - plot.first) / 100) * (event.shiftKey ? 10 : 1);
  const at = cursorNow();
  const keys = {
    ArrowLeft: () => setCursor(at - Math.max(step, 1)), ArrowRight: () => setCursor(at + Math.max(step, 1)),
    Home: () => setCursor(plot.first), End: () => setCursor(plot.last),
    "+": clicks.in, "=": clicks.in, "-": clicks.out, 0: showWhole,
  };
  if (!keys[event.key]) return;
  event.preventDefault();
  keys[event.key]();
  if (page.view.last === null || page.cursor === null) return;
  if (page.cursor < plot.first) pan(-0.5);
  if (page.cursor > plot.last) pan(0.5);
}

/** Moving over the plot reads the rate; dragging its ground moves the window; the wheel zooms where the pointer is. */
function pointers(node) {
  let held = null;
  const over = (event) => tOf(event.clientX - svg.getBoundingClientRect().left);
  node.addEventListener("pointerdown", (event) => {
    if (event.button === 0) held = { x: event.clientX, first: plot.first, last: plot.last };
  });
  node.addEventListener("pointermove", (event) => {
    if (dragged) return;
    if (held && event.buttons && page.view.last !== null && event.pointerType !== "touch") {
      const by = ((held.x - event.clientX) / (plot.width - plot.left - plot.right)) * (held.last - held.first);
      setView(held.first + by, held.last + by);
    } else setCursor(over(event));
  });
  addEventListener("pointerup", () => (held = null));
  node.addEventListener("wheel", (event) => {
    if (document.documentElement.scrollHeight > innerHeight && !event.ctrlKey) return; // the page itself scrolls
    event.preventDefault();
    if (event.deltaX) pan(clamp(event.deltaX / plot.width, -0.5, 0.5));
    if (event.deltaY) zoom(1.25 ** clamp(event.deltaY / 50, -3, 3), over(event));
  }, { passive: false });
  node.addEventListener("dblclick", showWhole);
}

function resize() {
  const box = $("plot").getBoundingClientRect();
  if (!box.width || (box.width === plot.width && box.height === plot.height)) return;
  const wider = box.width !== plot.width;
  Object.assign(plot, { width: box.width, height: box.height, left: box.width < 500 ? 58 : 80, });
  svg.setAttribute("viewBox", `0 0 ${box.width} ${box.height}`);
  draw();
  if (wider) look();
}

async function start() {
  const opened = await request("open", {});
  if (!opened) return;
  Object.assign(page, { files: opened.files, opened: opened.states, states: opened.states, log: opened.log });
  recall();
  plot.right = page.log?.loss ? 58 : 20;
  look();
}

$("plot").append(svg);
for (const [id, click] of Object.entries(clicks)) $(id).addEventListener("click", click);
$("controls").addEventListener("submit", (event) => event.preventDefault());
// text that is being typed can be saved at once
$("controls").addEventListener("input", ({ target }) => {
  if (target.type === "text") $("save").disabled = !page.files[page.file].writable;
});
$("plot").addEventListener("keydown", plotKeys);
addEventListener("keydown", shortcuts);
addEventListener("hashchange", () => location.reload()); // another state was pasted into the address
addEventListener("focus", () => page.last && !page.gone && look()); // has the file changed meanwhile?
pointers(svg);
new ResizeObserver(resize).observe($("plot"));
resize();
start();
