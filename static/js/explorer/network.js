/* What the explorer holds: the union of the slices that were opened, and where its nodes stand. No document here. */

export const KINDS = ["person", "paper", "topic", "institution"];
export const MOST = 2000;
export const ID = /^(person|paper|topic|institution)-\d{1,18}$/;

const NEAR = 1500; // pixels around a place that is opened
const DISTANCE = 90; // between two tied nodes, in pixels at scale 1

/* A number from 0 to 1 that an id always gives (FNV-1a): where its node starts must not depend on anything else. */
const chance = (text) => {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return (hash >>> 0) / 2 ** 32;
};

const radius = (node, focus) => {
  if (node.id === focus) return 15;
  return node.kind === "paper" ? 5 : Math.min(4 + Math.sqrt(Math.max(node.weight, 0)), 11);
};

export class Network {
  nodes = new Map(); // by id, in the order in which they came
  edges = [];
  missing = []; // [{slice, nodes}]: what there was no room for
  places = new Map(); // outlives its node: who comes back stands where it stood

  constructor(lay) {
    this.lay = lay; // ({nodes, links}) → promise of [x, y, …]
  }

  /* Hold exactly these slices, the focus's first. One is laid out after the other, each around what stood before, so
     that a shared address gives the picture of the one who walked there step by step. */
  async hold(slices) {
    const next = { nodes: new Map(), edges: new Map(), missing: [] };
    const focus = slices[0]?.focus;
    for (const slice of slices) {
      this.#take(slice, next, focus);
      await this.#place(slice, next);
    }
    const ids = new Set(this.nodes.keys());
    const added = [...next.nodes.values()].filter((node) => !ids.has(node.id));
    const removed = [...this.nodes.values()].filter((node) => !next.nodes.has(node.id));
    for (const node of next.nodes.values()) [node.x, node.y] = this.places.get(node.id);
    Object.assign(this, { nodes: next.nodes, edges: [...next.edges.values()], missing: next.missing, focus });
    for (const edge of this.edges) {
      edge.source.ties.push(edge);
      edge.target.ties.push(edge);
    }
    // Who is named first where there is no room for all: the focus, the opened ones, then the best tied.
    const opened = new Set(slices.map((slice) => slice.focus));
    const rank = (node) => (node.id === focus ? 1e9 : 0) + (opened.has(node.id) ? 1e6 : 0) + node.ties.length + node.r / 100;
    this.ranked = [...this.nodes.values()].sort((a, b) => rank(b) - rank(a) || (a.id < b.id ? -1 : 1));
    return { added, removed };
  }

  #take(slice, next, focus) {
    const missing = [];
    for (const given of slice.nodes) {
      const known = next.nodes.get(given.id);
      if (known) {
        if (given.id === slice.focus) known.works = given.weight;
      } else if (next.nodes.size >= MOST) {
        missing.push(given);
      } else {
        const node = { ...given, of: slice.focus, works: given.id === slice.focus ? given.weight : null, ties: [] };
        next.nodes.set(node.id, Object.assign(node, { r: radius(node, focus) }));
      }
    }
    for (const edge of slice.edges) {
      const [source, target] = [next.nodes.get(edge.source), next.nodes.get(edge.target)];
      const key = [edge.kind, ...[edge.source, edge.target].sort()].join(" ");
      if (source && target && !next.edges.has(key)) next.edges.set(key, { ...edge, source, target });
    }
    if (missing.length) next.missing.push({ slice, nodes: missing });
  }

  async #place(slice, next) {
    const fresh = [...next.nodes.values()].filter((node) => !this.places.has(node.id));
    if (!fresh.length) return;
    const [x, y] = this.places.get(slice.focus) ?? [0, 0];
    const near = (node) => {
      const at = this.places.get(node.id);
      return !at || Math.hypot(at[0] - x, at[1] - y) < NEAR;
    };
    const all = [...next.nodes.values()].filter(near); // what stands far off moves nobody here
    const index = new Map(all.map((node, at) => [node.id, at]));
    const nodes = all.map((node) => {
      const stood = this.places.get(node.id) ?? (node.id === slice.focus && !this.places.size ? [0, 0] : null);
      if (stood) return { x: stood[0], y: stood[1], r: node.r, fixed: true };
      const [angle, away] = [2 * Math.PI * chance(node.id), DISTANCE * (0.5 + chance(`${node.id}/`))];
      return { x: x + away * Math.cos(angle), y: y + away * Math.sin(angle), r: node.r, fixed: false };
    });
    // Stronger ties are shorter; the size of the ends is added, so that it is a distance of rims.
    const links = [];
    for (const { source, target, weight, kind } of next.edges.values()) {
      const [from, to] = [index.get(source.id), index.get(target.id)];
      if (from === undefined || to === undefined || (nodes[from].fixed && nodes[to].fixed)) continue;
      links.push([from, to, (kind === "wrote with" ? DISTANCE / (1 + Math.min(weight, 2) / 2) : DISTANCE) + source.r + target.r]);
    }
    const found = await this.lay({ nodes, links });
    all.forEach((node, at) => this.places.set(node.id, [found[2 * at], found[2 * at + 1]]));
  }
}
