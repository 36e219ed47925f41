/* The explorer: what the address names is fetched, held, drawn and listed. Every change goes through the address.

   `explorer/network.js` holds the nodes, `explorer/drawing.js` draws them, `explorer/layout.js` lays them out in a worker. */

import { Picture } from "./explorer/drawing.js";
import { ID, KINDS, MOST, Network } from "./explorer/network.js";

const root = document.getElementById("explorer");
const settings = JSON.parse(document.getElementById("explorer-settings").textContent);
const { words } = settings;
const $ = (name) => document.querySelector(`main [data-${name}]`);
const SLOW = 4000; // milliseconds after which waiting is explained
const TYPING = 350; // milliseconds without a key before the filters go to the server
const NAMED = 12; // names of what there was no room for

const said = $("said");
const canvas = $("canvas");
const form = $("filters");
const list = $("list");
const fill = (text, values) => text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
const plural = new Intl.PluralRules(document.documentElement.lang || "en");
const counted = (pair, n, values = {}) => fill(pair[plural.select(n) === "one" ? 0 : 1], { n: n.toLocaleString(document.documentElement.lang), ...values });
const census = (nodes) =>
  KINDS.map((kind) => [kind, nodes.filter((node) => node.kind === kind).length])
    .filter(([, n]) => n)
    .map(([kind, n]) => counted(words.count[kind], n))
    .join(", ") || words.nothing;
const say = (text) => {
  said.textContent = "";
  requestAnimationFrame(() => { said.textContent = text; }); // the same sentence twice is said twice
};
const element = (name, text = "", attributes = {}) => {
  const made = document.createElement(name);
  made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
};

/* The address: what is shown, and all that is shown. */
const read = (search) => {
  const query = new URLSearchParams(search);
  const ids = (query.get("open") ?? "").split(",").filter((id) => ID.test(id));
  const at = query.get("at") ?? "";
  return {
    at,
    open: [...new Set(ids)].filter((id) => id !== at),
    filters: { kind: query.getAll("kind"), from: query.get("from") ?? "", to: query.get("to") ?? "", weight: query.get("weight") ?? "" },
  };
};
const parameters = ({ kind, from, to, weight }) => {
  const query = new URLSearchParams(kind.map((one) => ["kind", one]));
  for (const [name, value] of Object.entries({ from, to, weight })) if (value) query.append(name, value);
  return query.toString();
};
const address = ({ at, open, filters }) =>
  [`${settings.explorer}?at=${at}`, open.length && `open=${open.join(",")}`, parameters(filters)].filter(Boolean).join("&");

/* What the server answers for one place, kept: going back asks nothing again. */
const answers = new Map();
const ask = (at, filters) => {
  const query = [`at=${at}`, parameters(filters), `most=${settings.most}`].filter(Boolean).join("&");
  if (!answers.has(query)) {
    const answer = fetch(`${settings.slice}?${query}`, { headers: { Accept: "application/json" } }).then(async (response) => {
      const found = await response.json().catch(() => ({}));
      if (response.ok && found.nodes) return found;
      throw Object.assign(new Error(), { problem: found.problem });
    });
    answer.catch(() => answers.delete(query)); // what failed is asked again
    answers.set(query, answer);
  }
  return answers.get(query);
};

/* The simulation, in a worker: one question at a time, so answers come in order. */
const worker = new Worker(root.dataset.layout);
const waiting = new Map();
let asked = 0;
worker.addEventListener("message", ({ data }) => {
  waiting.get(data.id).resolve(data.places);
  waiting.delete(data.id);
});
worker.addEventListener("error", () => {
  for (const { reject } of waiting.values()) reject(new Error());
  waiting.clear();
});
const lay = (question) =>
  new Promise((resolve, reject) => {
    asked += 1;
    waiting.set(asked, { resolve, reject });
    worker.postMessage({ id: asked, ...question });
  });

const network = new Network(lay);
let state = read(location.search);
let slices = new Map(); // by the id of the place
let selected = null;
let turn = 0; // the newest wish; what comes late for an older one is dropped
let busy = Promise.resolve(); // the network holds one thing at a time

root.classList.add("is-live");
for (const name of ["stage", "told", "keys", "listed"]) $(name).hidden = false;
if (matchMedia("(max-width: 62rem)").matches) for (const fold of [$("fold"), $("listed")]) fold.open = false;
const picture = new Picture(canvas, { onSelect: (node) => select(node), onOpen: (node) => node && toggle(node) });

const nameOf = (id) => network.nodes.get(id)?.label ?? "";

const wait = (text) => {
  $("waits").classList.toggle("is-waiting", Boolean(text));
  $("waits-text").textContent = text;
};

const problem = (text, again = null) => {
  const note = element("p", text, { class: "note note--warn", role: "alert" });
  if (again) {
    const button = element("button", words.again, { type: "button", class: "link" });
    button.addEventListener("click", again);
    note.append(" ", button);
  }
  $("problems").append(note);
};

/* Fetch and show what `wished` says. `tell(change)` gives the sentence that says what has happened. */
const show = async (wished, tell, { fit = false } = {}) => {
  turn += 1;
  const mine = turn;
  const name = nameOf(wished.open.at(-1) ?? wished.at) || nameOf(wished.at) || $("title").textContent;
  const first = !network.nodes.size;
  const soon = setTimeout(() => wait(fill(words.loading, { name })), first ? 0 : 150);
  const late = setTimeout(() => wait(`${fill(words.loading, { name })} ${words.slow}`), SLOW);
  $("problems").replaceChildren();
  try {
    const ids = [wished.at, ...wished.open];
    const found = await Promise.allSettled(ids.map((id) => ask(id, wished.filters)));
    if (mine !== turn) return;
    const failed = ids.filter((_, i) => found[i].status === "rejected");
    for (const [i, { status, reason }] of found.entries()) {
      if (status === "rejected") problem(reason.problem ?? fill(words.failed, { name: nameOf(ids[i]) || (i ? ids[i] : name) }), reason.problem ? null : () => show(wished, tell, { fit }));
    }
    if (failed.includes(wished.at)) {
      if (first) root.classList.remove("is-live"); // the server's picture is still there
      return;
    }
    const known = ids.map((id, i) => [id, found[i].value]).filter(([, slice]) => slice);
    const held = busy.then(() => (mine === turn ? network.hold(known.map(([, slice]) => slice)) : null));
    busy = held.catch(() => {});
    const change = await held;
    if (!change || mine !== turn) return;
    state = { ...wished, open: wished.open.filter((id) => !failed.includes(id)) };
    if (failed.length) history.replaceState(null, "", address(state));
    slices = new Map(known);
    shown({ fit: fit || first });
    say(tell(change));
  } catch {
    if (mine !== turn) return;
    problem(fill(words.failed, { name }), () => show(wished, tell, { fit }));
    if (first) root.classList.remove("is-live");
  } finally {
    clearTimeout(soon);
    clearTimeout(late);
    if (mine === turn) wait("");
  }
};

const go = (wished, tell, options) => {
  history.pushState(null, "", address(wished));
  return show(wished, tell, options);
};

/* The same rules as the server's, on what is here already: the picture follows the hand, the answer follows it. */
const passes = ({ kind, from, to, weight }) => {
  const kinds = new Set(kind.length ? kind : KINDS);
  const centres = new Set([state.at, ...state.open]);
  const tied = (edge) =>
    (!(Number(from) && edge.last_year) || edge.last_year >= Number(from)) &&
    (!(Number(to) && edge.first_year) || edge.first_year <= Number(to)) &&
    (edge.kind !== "wrote with" || edge.weight >= Number(weight || 0));
  const fits = (node) => centres.has(node.id) || kinds.has(node.kind);
  return { fits, tied };
};

const shown = ({ fit = false, filters = state.filters } = {}) => {
  const { fits, tied } = passes(filters);
  const edges = network.edges.filter((edge) => fits(edge.source) && fits(edge.target) && tied(edge));
  const ends = new Set(edges.flatMap((edge) => [edge.source, edge.target]));
  const centres = new Set([state.at, ...state.open, ...[...slices.values()].map((slice) => slice.focus)]);
  const nodes = [...network.nodes.values()].filter((node) => centres.has(node.id) || ends.has(node));
  picture.show(network, nodes, edges, new Set([...slices.values()].slice(1).map((slice) => slice.focus)));
  const focus = network.nodes.get(network.focus);
  const still = selected && picture.shown.has(network.nodes.get(selected.id)) ? network.nodes.get(selected.id) : focus;
  if (fit) picture.fit(true);
  title(focus);
  listed();
  cuts(nodes.length);
  select(still, { quiet: true });
  filled();
};

const title = (focus) => {
  $("title").textContent = focus.label;
  $("title").href = focus.url;
  document.title = `${fill(words.title, { name: focus.label })} · BZPEER`;
  canvas.setAttribute("aria-label", `${fill(words.name, { name: focus.label })}: ${census(picture.nodes)}`);
};

const cutsOf = (slice) =>
  KINDS.filter((kind) => slice.counts[kind]?.total > slice.counts[kind]?.shown).map((kind) =>
    fill(words.cut, {
      shown: slice.counts[kind].shown.toLocaleString(document.documentElement.lang),
      total: counted(words.count[kind], slice.counts[kind].total),
      order: words.order[slice.order[kind]] ?? slice.order[kind],
    }),
  );

/* What is not in the picture, and why: left out by the server, or for want of room here. */
const cuts = (count) => {
  const lines = [];
  for (const [id, slice] of slices) {
    const left = cutsOf(slice);
    const name = nameOf(slice.focus) || id;
    const within = [slice.newest && counted(words.newest, slice.newest), slice.names && counted(words.names, slice.names)].filter(Boolean);
    if (left.length) lines.push(element("p", [fill(words.around, { name, cuts: left.join("; ") }), ...within].join(" ")));
  }
  if (count <= 1) lines.push(element("p", fill(parameters(state.filters) ? words.emptied : words.empty, { name: nameOf(network.focus) })));
  for (const { slice, nodes } of network.missing) {
    const names = nodes.slice(0, NAMED).map((node) => node.label).join(", ");
    const rest = nodes.length - NAMED;
    const told = rest > 0 ? fill(words.and_more, { names, n: rest }) : names;
    lines.push(element("p", fill(words.full, { most: MOST.toLocaleString(document.documentElement.lang), name: nameOf(slice.focus), names: told }), { class: "note note--warn" }));
  }
  $("cuts").replaceChildren(...lines);
};

/* The list: the same nodes by kind, one of them active. */
const listed = () => {
  const groups = KINDS.map((kind) => [kind, picture.ranked.filter((node) => node.kind === kind)]).filter(([, nodes]) => nodes.length);
  list.replaceChildren(
    ...groups.map(([kind, nodes]) => {
      const group = element("div", "", { role: "group", class: `is-${kind}`, "aria-label": counted(words.count[kind], nodes.length) });
      group.append(element("div", counted(words.count[kind], nodes.length), { class: "explorer__kind", "aria-hidden": "true" }));
      for (const node of nodes) group.append(element("div", node.label, { role: "option", id: `item-${node.id}`, "aria-selected": "false", class: slices.has(node.id) ? "is-open" : "" }));
      return group;
    }),
  );
};

const span = (years) => {
  const known = years.filter(Boolean);
  if (!known.length) return "";
  const [first, last] = [Math.min(...known), Math.max(...known)];
  return first < last ? `${first}–${last}` : `${first}`;
};

const graphOf = (node) => {
  if (node.kind === "topic") return `${node.url}graph/`; // its addresses go by name
  return settings.graphs[node.kind].replace("/0/", `/${node.id.split("-")[1]}/`);
};

const facts = (node) => {
  const lines = [];
  const ties = node.ties.filter((edge) => picture.shown.has(edge.source) && picture.shown.has(edge.target));
  if (node.kind === "paper") {
    if (node.weight) lines.push(fill(words.published, { years: node.weight }));
  } else if (node.works !== null) {
    lines.push(counted(words.works, node.works));
  } else if (node.weight) {
    lines.push(counted(node.kind === "person" ? words.shared : words.of, node.weight, { name: nameOf(node.of) }));
  }
  const years = span(ties.flatMap((edge) => [edge.first_year, edge.last_year]));
  if (years && node.kind !== "paper") lines.push(fill(words.years, { years }));
  lines.push(counted(words.ties, ties.length));
  if (slices.has(node.id)) lines.push(...cutsOf(slices.get(node.id)));
  return lines;
};

const card = (node) => {
  $("card").hidden = !node;
  if (!node) return;
  $("card").className = `card explorer__card graph-slice is-${node.kind}`;
  $("card-kind").textContent = words[node.kind];
  $("card-name").textContent = node.label;
  $("card-name").href = $("card-page").href = node.url;
  $("card-facts").replaceChildren(...facts(node).map((line) => element("li", line)));
  $("card-graph").href = graphOf(node);
  $("card-path").href = `${settings.path}?from=${network.focus}&to=${node.id}`;
  $("card-path").parentElement.hidden = node.kind !== "person" || node.id === network.focus || !network.focus.startsWith("person-");
  const [expand, centre] = ["expand", "centre"].map((name) => root.querySelector(`.explorer__card [data-does=${name}]`));
  expand.textContent = slices.has(node.id) ? words.collapse : words.expand;
  expand.hidden = centre.hidden = node.id === network.focus;
};

const select = (node, { quiet = false, reveal = false } = {}) => {
  selected = node ?? null;
  picture.select(selected);
  card(selected);
  for (const option of list.querySelectorAll("[aria-selected=true]")) option.setAttribute("aria-selected", "false");
  const option = selected && document.getElementById(`item-${selected.id}`);
  option?.setAttribute("aria-selected", "true");
  if (option) {
    list.setAttribute("aria-activedescendant", option.id);
    const [top, bottom] = [option.offsetTop - 40, option.offsetTop + option.offsetHeight];
    if (top < list.scrollTop) list.scrollTop = top;
    if (bottom > list.scrollTop + list.clientHeight) list.scrollTop = bottom - list.clientHeight;
  } else list.removeAttribute("aria-activedescendant");
  if (!selected) return quiet || say(words.nothing_selected);
  if (reveal) picture.reveal(selected);
  if (!quiet) say(fill(words.selected, { kind: words[selected.kind], name: selected.label, ties: counted(words.ties, selected.ties.length) }));
};

const toggle = (node) => {
  if (node.id === network.focus) return undefined;
  const closes = state.open.includes(node.id);
  const open = closes ? state.open.filter((id) => id !== node.id) : [...state.open, node.id];
  select(node, { quiet: true });
  return go({ ...state, open }, ({ added, removed }) => {
    if (closes) return fill(words.removed, { name: node.label, counts: census(removed) });
    return added.length ? fill(words.added, { name: node.label, counts: census(added) }) : fill(words.added_nothing, { name: node.label });
  });
};

const arrived = () => fill(words.shown, { name: nameOf(network.focus), counts: census(picture.nodes) });

const centre = (id) => {
  if (network.nodes.has(id)) select(network.nodes.get(id), { quiet: true });
  else selected = null;
  return go({ ...state, at: id, open: [] }, arrived, { fit: true });
};

const jump = (id) => {
  const node = network.nodes.get(id);
  if (!node || !picture.shown.has(node)) return centre(id);
  select(node, { quiet: true });
  picture.reveal(node, true);
  say(fill(words.here, { name: node.label }));
  canvas.focus({ preventScroll: true });
  return undefined;
};

const share = async () => {
  try {
    await navigator.clipboard.writeText(location.href);
    say(words.copied);
    root.querySelector("[data-does=share]").classList.add("is-done");
  } catch {
    problem(words.not_copied);
  }
};

/* The form holds what the address says, unless one is typing there. */
const filled = () => {
  if (form.contains(document.activeElement)) return;
  form.elements.at.value = state.at;
  for (const box of form.querySelectorAll("[name=kind]")) box.checked = state.filters.kind.includes(box.value);
  for (const name of ["from", "to", "weight"]) form.elements[name].value = state.filters[name];
};
const typed = () => {
  const data = new FormData(form);
  return { kind: data.getAll("kind"), from: data.get("from").trim(), to: data.get("to").trim(), weight: data.get("weight").trim() };
};
let typing = 0;
const filter = () => {
  clearTimeout(typing);
  for (const old of form.querySelectorAll(".errorlist")) old.remove();
  if (parameters(typed()) === parameters(state.filters)) return;
  go({ ...state, filters: typed() }, () => fill(words.filtered, { counts: census(picture.nodes) }));
};
form.addEventListener("input", () => {
  if (form.checkValidity()) shown({ filters: typed() });
  clearTimeout(typing);
  typing = setTimeout(filter, TYPING);
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  filter();
});

const does = {
  nearer: () => picture.nearer(1.5),
  farther: () => picture.nearer(1 / 1.5),
  fit: () => picture.fit(),
  share,
  expand: () => selected && toggle(selected),
  centre: () => selected && centre(selected.id),
  clear: () => {
    form.querySelectorAll("[name=kind]").forEach((box) => { box.checked = false; });
    for (const name of ["from", "to", "weight"]) form.elements[name].value = "";
    filter();
  },
};
root.addEventListener("click", (event) => {
  const name = event.target.closest("[data-does]")?.dataset.does;
  if (!name) return;
  event.preventDefault();
  does[name]();
});

/* A place that the search found: to it, without leaving the page. */
document.addEventListener("click", (event) => {
  const link = event.target.closest("#found a[data-at]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  document.getElementById("found").replaceChildren();
  document.getElementById("seek").value = "";
  jump(link.dataset.at);
});

/* Keys of the picture and of the list. */
const toCard = () => selected && $("card-name").focus();
const both = {
  Enter: toCard,
  e: does.expand,
  c: () => selected && selected.id !== network.focus && does.centre(),
  o: () => selected && location.assign(selected.url),
  "+": does.nearer,
  "=": does.nearer,
  "-": does.farther,
  "0": does.fit,
  Escape: () => select(null),
};
const AIMS = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] };

/* The neighbour that lies best in the direction of the arrow: within 80 degrees of it, near before far. */
const towards = ([ax, ay]) => {
  if (!selected) return select(network.nodes.get(network.focus), { reveal: true });
  const ends = selected.ties.map((edge) => (edge.source === selected ? edge.target : edge.source));
  let [best, least] = [null, Infinity];
  for (const node of ends) {
    if (!picture.shown.has(node)) continue;
    const [x, y] = [node.x - selected.x, node.y - selected.y];
    const far = Math.hypot(x, y) || 1;
    const along = (x * ax + y * ay) / far;
    if (along > Math.cos((80 * Math.PI) / 180) && far / along ** 2 < least) [best, least] = [node, far / along ** 2];
  }
  return best ? select(best, { reveal: true }) : say(words.no_way);
};
const along = (step) => {
  const options = [...list.querySelectorAll("[role=option]")];
  const at = options.findIndex((option) => option.id === list.getAttribute("aria-activedescendant"));
  const option = options[Math.min(Math.max(at + step, 0), options.length - 1)];
  if (option) select(network.nodes.get(option.id.slice("item-".length)), { quiet: true, reveal: true });
};
const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -Infinity, End: Infinity };

const keyed = (own) => (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const action = own(event) ?? (Object.hasOwn(both, key) ? both[key] : null);
  if (!action) return;
  event.preventDefault();
  action();
};
canvas.addEventListener("keydown", keyed((event) => {
  const aim = AIMS[event.key];
  if (!aim) return event.key === "Home" ? () => select(network.nodes.get(network.focus), { reveal: true }) : null;
  return event.shiftKey ? () => picture.move(-80 * aim[0], -80 * aim[1]) : () => towards(aim);
}));
list.addEventListener("keydown", keyed(({ key }) => (Object.hasOwn(steps, key) ? () => along(steps[key]) : null)));
list.addEventListener("click", (event) => {
  const option = event.target.closest("[role=option]");
  if (option) select(network.nodes.get(option.id.slice("item-".length)), { reveal: true });
});
list.addEventListener("dblclick", () => does.expand());
$("card").addEventListener("keydown", (event) => { if (event.key === "Escape") canvas.focus(); });

window.addEventListener("popstate", () => {
  const wished = read(location.search);
  show(wished, arrived, { fit: wished.at !== state.at });
});
show(state, arrived);
