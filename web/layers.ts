import type { DescribedLayer } from "../src/actions/room.ts";
import { count, formatBytes } from "../src/cli/format/units.ts";
import { type Child, copyable, data, element, shortDigest, table } from "./dom.ts";
import type { InspectedInstance } from "../src/actions/room.ts";

/** Names of the instances that have each layer, by its digest. */
export type LayerOwners = ReadonlyMap<string, readonly string[]>;

/** Lists which instances have each layer, at whatever depth. */
export function collectOwners(instances: readonly InspectedInstance[]): LayerOwners {
  const owners = new Map<string, string[]>();
  const collect = ({ layers, platform, digest, instances = [] }: InspectedInstance): void => {
    for (const layer of new Set(layers.map(({ digest }) => digest))) {
      const names = owners.get(layer) ?? [];
      names.push(platform || shortDigest(digest));
      owners.set(layer, names);
    }
    instances.forEach(collect);
  };
  instances.forEach(collect);
  return owners;
}

/**
 * Creates the bar of an image: a segment for each layer, as wide as the layer is large. Shared layers have one colour.
 *
 * @param largest Size of the image whose bar has the full width, in bytes.
 */
export function createBar(layers: readonly DescribedLayer[], largest: number): HTMLElement {
  const shared = layers.filter((layer) => layer.shared);
  const sum = (some: readonly DescribedLayer[]) => some.reduce((total, { size }) => total + Math.max(size, 0), 0);
  const label = `${count(layers.length, "layer")}, ${formatBytes(sum(layers))}; shared: ${shared.length}, ${
    formatBytes(sum(shared))
  }`;
  const bar = element("div", { class: "bar", role: "img", "aria-label": label, title: label });
  for (const { size, shared, digest } of layers) {
    const segment = element("span", {
      class: shared ? "shared" : "single",
      title: `${shortDigest(digest)} ${formatBytes(size)}${shared ? ", shared" : ""}`,
    });
    segment.style.width = `${Math.max(size, 0) / Math.max(largest, 1) * 100}%`;
    bar.append(segment);
  }
  return bar;
}

/** Creates the table of the layers of an image. */
export function createLayerTable(layers: readonly DescribedLayer[], owners: LayerOwners, own: string): Child {
  if (layers.length === 0) return undefined;
  const rows = layers.map(({ digest, size, mediaType, shared }) => [
    copyable(digest, "digest of the layer", shortDigest(digest)),
    formatBytes(size),
    data(mediaType),
    shared ? data((owners.get(digest) ?? []).filter((name) => name !== own).join(", ") || "this image") : "",
  ]);
  return element(
    "details",
    {},
    element("summary", {}, count(layers.length, "layer")),
    table("Layers, base first", ["Digest", "Size", "Media type", "Shared with"], rows),
  );
}
