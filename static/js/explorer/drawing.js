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
  #rest = 0;
  #kept = null;
  #names = { k: 0, placed: [] };
  #widths = new Map();

  constructor(canvas, { onSelect, onOpen }) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d", { alpha: false });
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
    const [left, right] = d3.extent(nodes, (node) => node.x);
    const [top, bottom] = d3.extent(nodes, (node) => node.y);
    this.box = [left, top, right, bottom];
    this.#names.k = 0;
    this.#kept = null;
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
    const [left, top, right, bottom] = this.box;
    const { width: w, height: h } = this;
    const k = clamp(Math.min((w - Math.min(190, w / 3)) / (right - left || 1), (h - 90) / (bottom - top || 1)), FARTHEST, 1.4);
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
    this.#kept = null;
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
    this.#repaint();
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

  /* The picture without what is pointed at is kept, with a margin around it: moving it is one copy a frame. While it is
     zoomed the copy is stretched, and painted anew when the hand rests. */
  #draw() {
    const { context, ratio } = this;
    if (!this.width) return;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.fillStyle = this.colours.surface;
    context.fillRect(0, 0, this.canvas.width, this.canvas.height);
    if (!this.nodes.length) return;
    const active = [this.hovered, this.selected].find((node) => this.shown.has(node)) ?? null;
    const dimmed = Boolean(active) && active.id !== this.focus && this.edges.length < DASHED;
    clearTimeout(this.#rest);
    const stretched = this.#kept?.dimmed === dimmed && this.#covers() ? this.transform.k / this.#kept.transform.k : 0;
    if (stretched < 0.5 || stretched > 2) this.#paint(dimmed);
    else if (stretched !== 1) this.#rest = setTimeout(() => this.#repaint(), 140);
    const { transform: from, margin, sheet } = this.#kept;
    const k = this.transform.k / from.k;
    const [x, y] = [this.transform.x - (from.x + margin[0]) * k, this.transform.y - (from.y + margin[1]) * k];
    context.imageSmoothingEnabled = k !== 1; // unstretched, it is copied as it is
    context.drawImage(sheet, Math.round(x * ratio), Math.round(y * ratio), sheet.width * k, sheet.height * k);
    if (active) this.#point(active);
  }

  #repaint() {
    this.#kept = null;
    this.redraw();
  }

  /* Whether what is kept holds all that the view shows. */
  #covers() {
    const { transform: from, margin } = this.#kept;
    const [left, top] = this.transform.invert([0, 0]);
    const [right, bottom] = this.transform.invert([this.width, this.height]);
    const has = (x, y) => {
      const [px, py] = from.apply([x, y]);
      return px >= -margin[0] && py >= -margin[1] && px <= this.width + margin[0] && py <= this.height + margin[1];
    };
    const { box } = this; // nothing is drawn outside it
    return has(Math.max(left, box[0]), Math.max(top, box[1])) && has(Math.min(right, box[2]), Math.min(bottom, box[3]));
  }

  #paint(dimmed) {
    const margin = [Math.round(this.width / 2), Math.round(this.height / 2)];
    const sheet = this.#kept?.sheet ?? document.createElement("canvas");
    const size = [this.width, this.height].map((side, i) => Math.round((side + 2 * margin[i]) * this.ratio));
    [sheet.width, sheet.height] = size; // empties it
    const context = sheet.getContext("2d", { alpha: false });
    context.fillStyle = this.colours.surface;
    context.fillRect(0, 0, ...size);
    const { k, x, y } = this.transform;
    const at = [x + margin[0], y + margin[1]];
    const seen = { left: -at[0] / k, top: -at[1] / k, right: (size[0] / this.ratio - at[0]) / k, bottom: (size[1] / this.ratio - at[1]) / k };
    context.setTransform(this.ratio * k, 0, 0, this.ratio * k, this.ratio * at[0], this.ratio * at[1]);
    this.#lines(context, k, seen, dimmed);
    this.#marks(context, k, seen);
    context.setTransform(this.ratio, 0, 0, this.ratio, this.ratio * margin[0], this.ratio * margin[1]);
    this.#write(context, margin);
    this.#kept = { sheet, margin, dimmed, transform: this.transform };
  }

  #lines(context, k, seen, dimmed) {
    const dense = this.edges.length > 1500 ? 0.55 : 1;
    for (const { edges, colour, alpha, dash, width } of this.classes) {
      context.globalAlpha = alpha * dense * (dimmed ? 0.45 : 1);
      context.strokeStyle = this.colours[colour];
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
    context.globalAlpha = 1;
  }

  #marks(context, k, seen) {
    const scale = this.#size() / k;
    const rim = 20 * scale;
    context.lineWidth = 1.5 / k;
    context.strokeStyle = this.colours.surface;
    for (const kind of KINDS) {
      context.beginPath();
      for (const node of this.nodes) {
        if (node.kind !== kind || node.x < seen.left - rim || node.x > seen.right + rim || node.y < seen.top - rim || node.y > seen.bottom + rim) continue;
        outline[kind](context, node.x, node.y, node.r * scale);
      }
      context.fillStyle = this.colours[kind];
      context.fill();
      context.stroke();
    }
    for (const node of this.nodes) if (this.opened.has(node.id)) this.#ring(context, k, node, 3, 1.5, this.colours[node.kind]);
  }

  #ring(context, k, node, gap, line, colour) {
    context.beginPath();
    outline[node.kind](context, node.x, node.y, (node.r * this.#size() + gap) / k);
    context.lineWidth = line / k;
    context.strokeStyle = colour;
    context.stroke();
  }

  #write(context, margin) {
    for (const { node, text, dx, dy, size } of this.#placed()) {
      const [x, y] = this.transform.apply([node.x, node.y]);
      if (x + dx > this.width + margin[0] || x + dx < -margin[0] - 300 || y < -margin[1] - 20 || y > this.height + margin[1] + 20) continue;
      this.#text(context, text, x + dx, y + dy, size, 3);
    }
  }

  /* What is pointed at or chosen, over the rest: its lines, its ends, its whole name. */
  #point(active) {
    const { context, colours, ratio, transform: { k, x, y } } = this;
    context.setTransform(ratio * k, 0, 0, ratio * k, ratio * x, ratio * y);
    if (active.id !== this.focus) { // the focus's own lines are stronger anyway
      context.globalAlpha = 0.85;
      for (const edge of this.edges) {
        if (edge.source !== active && edge.target !== active) continue;
        context.strokeStyle = colours[CLASSES[edge.kind].colour];
        context.lineWidth = (width(edge) + 0.5) / k;
        context.beginPath();
        context.moveTo(edge.source.x, edge.source.y);
        context.lineTo(edge.target.x, edge.target.y);
        context.stroke();
      }
      context.globalAlpha = 1;
      const ends = new Set([active]);
      for (const { source, target } of active.ties) for (const end of [source, target]) if (this.shown.has(end)) ends.add(end);
      for (const end of ends) {
        context.beginPath();
        outline[end.kind](context, end.x, end.y, (end.r * this.#size()) / k);
        context.fillStyle = colours[end.kind];
        context.fill();
      }
    }
    const chosen = this.shown.has(this.selected) ? this.selected : null;
    if (chosen) this.#ring(context, k, chosen, 5.5, 3, colours.accent);
    if (active !== chosen) this.#ring(context, k, active, 5.5, 2, colours.ink);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    for (const node of new Set([chosen, active])) {
      if (!node) continue;
      const [px, py] = this.transform.apply([node.x, node.y]);
      const text = node === active ? [...node.label].slice(0, 80).join("") : shorten(node.label);
      const place = this.#names.placed.find((one) => one.node === node) ?? { dx: node.r * this.#size() + 9, dy: 0, size: 13 };
      const wide = this.#wide(text, place.size);
      // Where its short name stands: to the right of it, to the left, or in the middle above or below.
      const side = place.dy ? -wide / 2 : place.dx > 0 ? place.dx : place.dx + this.#wide(place.text, place.size) - wide;
      this.#text(context, text, clamp(px + side, 4, Math.max(4, this.width - wide - 4)), py + place.dy, place.size, 5);
    }
  }

  #text(context, text, x, y, size, halo) {
    context.font = `${size > 13 ? 600 : 400} ${size}px ${this.family}`;
    context.textBaseline = "middle";
    context.lineJoin = "round";
    context.strokeStyle = this.colours.surface;
    context.fillStyle = this.colours.ink;
    context.lineWidth = halo;
    context.strokeText(text, x, y);
    context.fillText(text, x, y);
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
      const gap = node.r * scale + (chief ? 10 : 5);
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
