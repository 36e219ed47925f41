/* The picture of the explorer on a canvas: up to 2,000 nodes, drawn only when something has changed.

   Lines are drawn in as many strokes as there are classes of them, nodes in one fill a kind; a quadtree finds what is
   pointed at; names stand by rank where there is room. Colours are the page's own (CSS custom properties). */

import { KINDS } from "./network.js";

const [NEAREST, FARTHEST] = [4, 0.05];
const REACH = 14; // pixels around a node that still mean it: 28 in all, above the 24 of WCAG 2.5.8
const LONGEST = 30; // letters of a name in the picture; the card and the list have it whole
const CELL = 24; // pixels of the grid that finds room for names

const calm = matchMedia("(prefers-reduced-motion: reduce)");
const forced = matchMedia("(forced-colors: active)");
const clamp = (value, least, most) => Math.min(Math.max(value, least), most);
const shorten = (text) => ([...text].length > LONGEST ? `${[...text].slice(0, LONGEST - 1).join("").trimEnd()}…` : text);

/* As in the server's picture: circle, square, diamond, triangle, of about the same area. */
const outline = {
  person: (path, x, y, r) => { path.moveTo(x + r, y); path.arc(x, y, r, 0, 2 * Math.PI); },
  paper: (path, x, y, r) => path.rect(x - 0.9 * r, y - 0.9 * r, 1.8 * r, 1.8 * r),
  topic: (path, x, y, r) => polygon(path, x, y - 1.25 * r, x + 1.25 * r, y, x, y + 1.25 * r, x - 1.25 * r, y),
  institution: (path, x, y, r) => polygon(path, x, y - 1.2 * r, x + 1.2 * r, y + 0.9 * r, x - 1.2 * r, y + 0.9 * r),
};
const polygon = (path, x, y, ...rest) => {
  path.moveTo(x, y);
  for (let i = 0; i < rest.length; i += 2) path.lineTo(rest[i], rest[i + 1]);
  path.closePath();
};

/* The class of a line: one stroke draws all of a class. */
const CLASSES = {
  "wrote with": { colour: "person", faint: 0.28, spoke: 0.5 },
  wrote: { colour: "line", faint: 0.2, spoke: 0.4 },
  about: { colour: "topic", faint: 0.24, spoke: 0.45, dash: [1.5, 4] },
  at: { colour: "institution", faint: 0.35, spoke: 0.5, dash: [6, 4] },
};
const DASHED = 600; // lines; above that many, dashes cost more than they tell
const width = (edge) => (edge.kind === "wrote with" ? Math.round(2 * Math.min(0.8 + 1.2 * Math.sqrt(Math.max(edge.weight, 0)), 4)) / 2 : 1);

export class Picture {
  nodes = [];
  edges = [];
  focus = "";
  opened = new Set();
  selected = null;
  hovered = null;
  #due = 0;
  #names = { k: 0, placed: [] };
  #widths = new Map();

  constructor(canvas, { onSelect, onOpen }) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.transform = d3.zoomIdentity;
    this.fitted = true; // until somebody moves the picture, it follows the size of its box
    this.zoom = d3.zoom().scaleExtent([FARTHEST, NEAREST]).on("zoom", ({ transform, sourceEvent }) => {
      this.transform = transform;
      if (sourceEvent) this.fitted = false;
      this.redraw();
    });
    d3.select(canvas).call(this.zoom).on("dblclick.zoom", null);
    canvas.addEventListener("pointermove", (event) => this.#hover(event.buttons ? null : this.hit(event)));
    canvas.addEventListener("pointerleave", () => this.#hover(null));
    canvas.addEventListener("click", (event) => onSelect(this.hit(event)));
    canvas.addEventListener("dblclick", (event) => onOpen(this.hit(event)));
    new ResizeObserver(() => this.#resize()).observe(canvas);
    for (const query of [calm, forced, matchMedia("(prefers-color-scheme: dark)")]) query.addEventListener("change", () => this.#recolour());
    new MutationObserver(() => this.#recolour()).observe(document.documentElement, { attributeFilter: ["data-theme"] });
    this.#recolour();
    this.#resize();
  }

  /* Show these of a network's nodes and edges. */
  show(network, nodes, edges, opened) {
    Object.assign(this, { nodes, edges, opened, focus: network.focus });
    this.shown = new Set(nodes);
    this.ranked = network.ranked.filter((node) => this.shown.has(node));
    this.tree = d3.quadtree(nodes, (node) => node.x, (node) => node.y);
    this.classes = this.#classes();
    this.#names.k = 0;
    if (!this.shown.has(this.hovered)) this.hovered = null;
    this.redraw();
  }

  redraw() {
    this.#due ||= requestAnimationFrame(() => {
      this.#due = 0;
      this.#draw();
    });
  }

  select(node) {
    this.selected = node;
    this.redraw();
  }

  hit({ clientX, clientY }) {
    const box = this.canvas.getBoundingClientRect();
    const [x, y] = this.transform.invert([clientX - box.left, clientY - box.top]);
    return this.tree?.find(x, y, Math.max(REACH / this.transform.k, 16 * this.#size() / this.transform.k)) ?? null;
  }

  nearer(factor) {
    this.fitted = false;
    this.#gently().call(this.zoom.scaleBy, factor);
  }

  move(x, y, atOnce = false) {
    this.fitted = false;
    this.#gently(atOnce).call(this.zoom.translateBy, x / this.transform.k, y / this.transform.k);
  }

  /* All that is shown, with room for the names at the rim. */
  fit(atOnce = false) {
    this.fitted = true;
    if (!this.nodes.length || !this.width) return;
    const [left, right] = d3.extent(this.nodes, (node) => node.x);
    const [top, bottom] = d3.extent(this.nodes, (node) => node.y);
    const { width: w, height: h } = this;
    const k = clamp(Math.min((w - Math.min(150, w / 4)) / (right - left || 1), (h - 90) / (bottom - top || 1)), FARTHEST, 1.4);
    this.#to(d3.zoomIdentity.translate(w / 2, h / 2).scale(k).translate(-(left + right) / 2, -(top + bottom) / 2), atOnce);
  }

  /* Move the picture only if the node is not well in it. */
  reveal(node, centred = false) {
    const [x, y] = this.transform.apply([node.x, node.y]);
    const [w, h] = [this.width / 8, this.height / 8];
    if (!centred && x > w && x < this.width - w && y > h && y < this.height - h) return;
    this.fitted = false;
    const k = Math.max(this.transform.k, 0.7);
    this.#to(d3.zoomIdentity.translate(this.width / 2, this.height / 2).scale(k).translate(-node.x, -node.y));
  }

  #to(transform, atOnce = false) {
    this.#gently(atOnce).call(this.zoom.transform, transform);
  }

  #gently(atOnce = false) {
    const canvas = d3.select(this.canvas);
    return calm.matches || atOnce ? canvas : canvas.transition().duration(280);
  }

  #hover(node) {
    if (node === this.hovered) return;
    this.hovered = node;
    this.canvas.classList.toggle("is-over", Boolean(node));
    this.redraw();
  }

  #resize() {
    const { clientWidth, clientHeight } = this.canvas;
    if (!clientWidth || !clientHeight) return;
    const before = [this.width, this.height];
    [this.width, this.height, this.ratio] = [clientWidth, clientHeight, window.devicePixelRatio || 1];
    this.canvas.width = Math.round(clientWidth * this.ratio);
    this.canvas.height = Math.round(clientHeight * this.ratio);
    this.zoom.extent([[0, 0], [clientWidth, clientHeight]]);
    if (this.fitted) this.fit(true);
    else this.move((clientWidth - before[0]) / 2, (clientHeight - before[1]) / 2, true);
    this.#draw(); // a canvas that changes its size is empty until it is drawn
  }

  /* What a custom property comes to can only be read from a property that takes a colour. */
  #recolour() {
    const probe = document.createElement("span");
    this.canvas.after(probe);
    const read = (value) => {
      probe.style.color = value;
      return getComputedStyle(probe).color;
    };
    const names = { surface: "--surface-raised", ink: "--ink", accent: "--accent", line: "--kind-line" };
    this.colours = Object.fromEntries(Object.entries(names).map(([name, property]) => [name, read(`var(${property})`)]));
    for (const kind of KINDS) this.colours[kind] = read(`var(--kind-${kind})`);
    if (forced.matches) {
      for (const name of Object.keys(this.colours)) this.colours[name] = "CanvasText";
      Object.assign(this.colours, { surface: "Canvas", accent: "Highlight" });
    }
    probe.remove();
    this.family = getComputedStyle(this.canvas).fontFamily;
    this.redraw();
  }

  #classes() {
    const classes = new Map();
    for (const edge of this.edges) {
      const spoke = edge.source.id === this.focus || edge.target.id === this.focus;
      const key = `${edge.kind} ${spoke} ${width(edge)}`;
      if (!classes.has(key)) classes.set(key, { ...CLASSES[edge.kind], spoke, alpha: CLASSES[edge.kind][spoke ? "spoke" : "faint"], width: width(edge), edges: [] });
      classes.get(key).edges.push(edge);
    }
    return [...classes.values()].sort((a, b) => a.spoke - b.spoke);
  }

  /* How much larger than at scale 1 nodes are drawn: less than the distances, so that near views have room. */
  #size() {
    return clamp(Math.sqrt(this.transform.k), 0.45, 1.5);
  }

  #draw() {
    const { context, transform: { k, x, y }, ratio } = this;
    if (!this.width) return;
    const active = [this.hovered, this.selected].find((node) => this.shown?.has(node)) ?? null;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, this.width, this.height);
    if (!this.nodes.length) return;
    const seen = { left: -x / k, top: -y / k, right: (this.width - x) / k, bottom: (this.height - y) / k };
    context.setTransform(ratio * k, 0, 0, ratio * k, ratio * x, ratio * y);
    this.#lines(k, seen, active);
    this.#marks(k, seen, active);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.#write(active);
    context.globalAlpha = 1;
  }

  #lines(k, seen, active) {
    const { context, colours } = this;
    const dense = this.edges.length > 1500 ? 0.55 : 1;
    for (const { edges, colour, alpha, dash, width } of this.classes) {
      context.globalAlpha = alpha * dense * (active && active.id !== this.focus ? 0.45 : 1);
      context.strokeStyle = colours[colour];
      context.lineWidth = (dense < 1 ? 1 : width) / k;
      context.setLineDash(dash && this.edges.length < DASHED ? dash.map((length) => length / k) : []);
      context.beginPath();
      for (const { source: a, target: b } of edges) {
        if ((a.x < seen.left && b.x < seen.left) || (a.x > seen.right && b.x > seen.right)) continue;
        if ((a.y < seen.top && b.y < seen.top) || (a.y > seen.bottom && b.y > seen.bottom)) continue;
        context.moveTo(a.x, a.y);
        context.lineTo(b.x, b.y);
      }
      context.stroke();
    }
    context.setLineDash([]);
    if (!active || active.id === this.focus) return; // the focus's own lines are stronger anyway
    context.globalAlpha = 0.85;
    for (const edge of active.ties) {
      if (!this.shown.has(edge.source) || !this.shown.has(edge.target) || edge.off) continue;
      context.strokeStyle = colours[CLASSES[edge.kind].colour];
      context.lineWidth = (width(edge) + 0.5) / k;
      context.beginPath();
      context.moveTo(edge.source.x, edge.source.y);
      context.lineTo(edge.target.x, edge.target.y);
      context.stroke();
    }
  }

  #marks(k, seen, active) {
    const { context, colours } = this;
    const scale = this.#size() / k;
    const rim = 20 * scale;
    context.globalAlpha = 1;
    context.lineWidth = 1.5 / k;
    context.strokeStyle = colours.surface;
    for (const kind of KINDS) {
      context.beginPath();
      for (const node of this.nodes) {
        if (node.kind !== kind || node.x < seen.left - rim || node.x > seen.right + rim || node.y < seen.top - rim || node.y > seen.bottom + rim) continue;
        outline[kind](context, node.x, node.y, node.r * scale);
      }
      context.fillStyle = colours[kind];
      context.fill();
      context.stroke();
    }
    const ring = (node, gap, line, colour) => {
      context.beginPath();
      outline[node.kind](context, node.x, node.y, node.r * scale + gap / k);
      context.lineWidth = line / k;
      context.strokeStyle = colour;
      context.stroke();
    };
    for (const node of this.nodes) if (this.opened.has(node.id)) ring(node, 3, 1.5, colours[node.kind]);
    if (this.selected && this.shown.has(this.selected)) ring(this.selected, 5.5, 3, colours.accent);
    if (active && active !== this.selected) ring(active, 5.5, 2, colours.ink);
  }

  #write(active) {
    const { context, colours, transform } = this;
    context.lineJoin = "round";
    context.textBaseline = "middle";
    context.strokeStyle = colours.surface;
    context.fillStyle = colours.ink;
    context.globalAlpha = 1;
    for (const { node, text, dx, dy, size } of this.#placed()) {
      if (node === active) continue;
      const [x, y] = transform.apply([node.x, node.y]);
      if (x + dx > this.width || x + dx < -260 || y < -20 || y > this.height + 20) continue;
      this.#text(text, x + dx, y + dy, size, 3);
    }
    for (const node of new Set([this.selected, active])) {
      if (!node || !this.shown.has(node)) continue;
      const [x, y] = transform.apply([node.x, node.y]);
      const text = node === active ? node.label.slice(0, 80) : shorten(node.label);
      const wide = this.#wide(text, 14);
      const gap = node.r * this.#size() + 9;
      const left = x + gap + wide > this.width - 4 && x - gap - wide > 0 ? x - gap - wide : x + gap;
      this.#text(text, clamp(left, 4, Math.max(4, this.width - wide - 4)), y, 14, 5);
    }
  }

  #text(text, x, y, size, halo) {
    this.context.font = `${size > 13 ? 600 : 400} ${size}px ${this.family}`;
    this.context.lineWidth = halo;
    this.context.strokeText(text, x, y);
    this.context.fillText(text, x, y);
  }

  #wide(text, size) {
    const key = `${size} ${text}`;
    if (!this.#widths.has(key)) {
      this.context.font = `${size > 13 ? 600 : 400} ${size}px ${this.family}`;
      this.#widths.set(key, this.context.measureText(text).width);
    }
    return this.#widths.get(key);
  }

  /* Names by rank, each where it covers neither a mark nor another name. Moving the picture changes nothing of it. */
  #placed() {
    const { k } = this.transform;
    if (this.#names.k === k) return this.#names.placed;
    const scale = this.#size();
    const taken = new Map();
    const cells = function* (box) {
      for (let cx = Math.floor(box[0] / CELL); cx <= Math.floor(box[2] / CELL); cx += 1)
        for (let cy = Math.floor(box[1] / CELL); cy <= Math.floor(box[3] / CELL); cy += 1) yield 65536 * cx + cy;
    };
    const take = (box) => {
      for (const cell of cells(box)) {
        if (!taken.has(cell)) taken.set(cell, []);
        taken.get(cell).push(box);
      }
    };
    const free = (box) => {
      for (const cell of cells(box))
        for (const other of taken.get(cell) ?? []) if (box[0] < other[2] && other[0] < box[2] && box[1] < other[3] && other[1] < box[3]) return false;
      return true;
    };
    for (const { x, y, r } of this.nodes) take([x * k - r * scale, y * k - r * scale, x * k + r * scale, y * k + r * scale]);
    const placed = [];
    for (const node of this.ranked) {
      const chief = node.id === this.focus || this.opened.has(node.id);
      const size = chief ? 15 : 13;
      const text = shorten(node.label);
      const wide = this.#wide(text, size);
      const gap = node.r * scale + (this.opened.has(node.id) ? 8 : 5);
      const [x, y] = [node.x * k, node.y * k];
      const choices = [[gap, 0], [-gap - wide, 0], [-wide / 2, gap + 8], [-wide / 2, -gap - 8]];
      const found = choices.find(([dx, dy]) => free([x + dx - 2, y + dy - 8, x + dx + wide + 2, y + dy + 8])) ?? (chief ? choices[0] : null);
      if (!found) continue;
      const [dx, dy] = found;
      take([x + dx - 2, y + dy - 8, x + dx + wide + 2, y + dy + 8]);
      placed.push({ node, text, dx, dy, size });
    }
    this.#names = { k, placed };
    return placed;
  }
}
