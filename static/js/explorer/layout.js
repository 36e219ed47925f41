/* Where the nodes of the explorer stand: a force simulation run to rest in a worker, off the path of drawing.

   Asked with {id, nodes: [{x, y, r, fixed}], links: [[source, target, length], …]} (indices), answers {id, places: [x, y, …]}.
   The same question gets the same answer: d3's simulation draws its random numbers from a fixed seed, and the number of
   ticks is fixed. Nodes that are `fixed` push and pull, and stay where they are. */
"use strict";
importScripts("../../d3_bridge/js/d3.v7.min.js");

const TICKS = 120;
const FAR = 900; // pixels beyond which nodes no longer push one another

self.onmessage = ({ data: { id, nodes, links } }) => {
  for (const node of nodes) if (node.fixed) [node.fx, node.fy] = [node.x, node.y];
  d3.forceSimulation(nodes)
    .force("link", d3.forceLink(links.map(([source, target, length]) => ({ source, target, length }))).distance((link) => link.length))
    .force("charge", d3.forceManyBody().strength((node) => -14 * node.r).distanceMax(FAR))
    .force("collide", d3.forceCollide((node) => node.r + 7))
    .force("x", d3.forceX(0).strength(0.03))
    .force("y", d3.forceY(0).strength(0.045)) // a stage is wider than high
    .alphaDecay(1 - 0.001 ** (1 / TICKS))
    .stop()
    .tick(TICKS);
  self.postMessage({ id, places: nodes.flatMap(({ x, y }) => [x, y]) });
};
