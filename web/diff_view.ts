import type { InspectedInstance, Inspection } from "../src/actions/room.ts";
import { count, formatBytes } from "../src/cli/format/units.ts";
import { compareAnnotations, listChanges, type Pair, pairInstances } from "./compare.ts";
import { type Child, clean, copyable, data, element, shortDigest } from "./dom.ts";
import { createBar } from "./layers.ts";
import { link } from "./links.ts";

/** Creates the view of the difference of two indexes, side by side. Equal instances come last. */
export function createDiffView(before: Inspection, after: Inspection): HTMLElement {
  const pairs = pairInstances(before, after).map((pair) => ({ pair, changes: listChanges(pair) }));
  const changed = pairs.filter(({ changes }) => changes.length > 0);
  const equal = pairs.filter(({ changes }) => changes.length === 0);
  const largest = Math.max(...[...before.instances, ...after.instances].map(({ size }) => size), 1);
  const own = [
    ...(before.mediaType === after.mediaType ? [] : [`media type: ${before.mediaType} → ${after.mediaType}`]),
    ...compareAnnotations(before.annotations, after.annotations),
  ];
  const summary = before.digest === after.digest
    ? "Both are the same index"
    : `${count(changed.length, "difference")} in ${count(pairs.length, "instance")}`;
  return element(
    "article",
    { class: "diff" },
    element("h2", {}, "Difference"),
    element(
      "div",
      { class: "sides" },
      [before, after].map((image) =>
        element(
          "div",
          {},
          element("p", {}, link({ image: image.name }, image.name.replace(/^docker:\/\//, ""))),
          copyable(image.digest, "digest"),
        )
      ),
    ),
    element("p", { class: before.digest === after.digest ? "good" : "busy" }, summary),
    createChanges(own),
    element(
      "p",
      { class: "legend" },
      element("span", { class: "swatch shared" }),
      " layers in both ", //
      element("span", { class: "swatch single" }),
      " layers in one",
    ),
    element("ul", { class: "pairs" }, changed.map(({ pair, changes }) => createPair(pair, changes, largest))),
    equal.length > 0 && element(
      "details",
      {},
      element("summary", {}, `${count(equal.length, "equal instance")}`),
      element("ul", { class: "pairs" }, equal.map(({ pair, changes }) => createPair(pair, changes, largest))),
    ),
  );
}

function createPair(pair: Pair, changes: readonly string[], largest: number): HTMLElement {
  const { before, after } = pair;
  const { platform, attests, artifactType, instances } = (before ?? after)!;
  const title = attests !== undefined
    ? "Attestation"
    : platform || artifactType || (instances ? "Nested index" : "No platform");
  const kind = changes.length === 0 ? "equal" : !before ? "added" : !after ? "removed" : "changed";
  return element(
    "li",
    { class: `card ${kind}`, "data-kind": kind },
    element("h3", {}, data(title), " ", element("span", { class: "kind" }, kind)),
    element(
      "div",
      { class: "sides" },
      createSide(before, after, largest),
      createSide(after, before, largest),
    ),
    createChanges(changes),
  );
}

function createSide(
  instance: InspectedInstance | undefined,
  other: InspectedInstance | undefined,
  largest: number,
): HTMLElement {
  if (!instance) return element("div", { class: "muted" }, "–");
  const kept = new Set(other?.layers.map(({ digest }) => digest));
  const layers = instance.layers.map((layer) => ({ ...layer, shared: kept.has(layer.digest) }));
  return element(
    "div",
    {},
    createBar(layers, largest),
    element(
      "p",
      {},
      `${formatBytes(instance.size)} `,
      copyable(instance.digest, "digest", shortDigest(instance.digest)),
    ),
  );
}

function createChanges(changes: readonly string[]): Child {
  return changes.length > 0 &&
    element("ul", { class: "changes" }, changes.map((change) => element("li", {}, clean(change))));
}
