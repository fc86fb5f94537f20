import type { InspectedInstance, Inspection } from "../src/actions/room.ts";
import { formatBytes } from "../src/cli/format/units.ts";

/** An instance of two indexes, or of one of them. */
export interface Pair {
  /** Instance of the first index; `undefined` if it has none for this platform. */
  readonly before: InspectedInstance | undefined;
  /** Instance of the second index; `undefined` if it has none for this platform. */
  readonly after: InspectedInstance | undefined;
}

/**
 * Pairs the instances of two indexes: those with one digest, then those for one platform, and attestations of images for
 * one platform.
 */
export function pairInstances(before: Inspection, after: Inspection): Pair[] {
  const rest = new Set(after.instances);
  const partners = new Map<InspectedInstance, InspectedInstance>();
  // The variant v8 is the default of arm64.
  const simplify = (platform: string | undefined) => platform?.replace(/^([^/]*\/arm64)\/v8/, "$1");
  const platforms = new Map<string, string>(
    [...before.instances, ...after.instances].map(({ digest, platform }) => [digest, platform]),
  );
  const purpose = ({ platform, artifactType, attests = "" }: InspectedInstance) =>
    JSON.stringify([simplify(platform), artifactType, attests !== "", simplify(platforms.get(attests))]);
  const digest = (instance: InspectedInstance): string => instance.digest;
  for (const getName of [digest, purpose]) {
    const byName = new Map<string, InspectedInstance[]>();
    // The last one first: `pop` then takes the first one.
    for (const other of [...rest].reverse()) {
      const group = byName.get(getName(other)) ?? [];
      group.push(other);
      byName.set(getName(other), group);
    }
    for (const instance of before.instances.filter((instance) => !partners.has(instance))) {
      const partner = byName.get(getName(instance))?.pop();
      if (!partner) continue;
      partners.set(instance, partner);
      rest.delete(partner);
    }
  }
  return [
    ...before.instances.map((instance) => ({ before: instance, after: partners.get(instance) })),
    ...[...rest].map((instance) => ({ before: undefined, after: instance })),
  ];
}

/** Lists the changes of an instance, as texts. */
export function listChanges({ before, after }: Pair): string[] {
  if (!before) return ["only in the second"];
  if (!after) return ["only in the first"];
  const change = (name: string, from: string, to: string) => from === to ? [] : [`${name}: ${from} → ${to}`];
  return [
    ...before.digest === after.digest ? [] : ["digest differs"],
    ...change("platform", before.platform, after.platform),
    ...change("media type", before.mediaType, after.mediaType),
    ...change("artifact type", before.artifactType, after.artifactType),
    ...describeSizes(before, after),
    ...compareLayers(before, after),
    ...change("signatures", String(before.signatures), String(after.signatures)),
    ...compareAnnotations(before.annotations, after.annotations),
  ];
}

/** Lists the differences of two maps of annotations, as texts. */
export function compareAnnotations(
  before: Readonly<Record<string, string>>,
  after: Readonly<Record<string, string>>,
): string[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names].filter((name) => before[name] !== after[name]).map((name) => {
    const [from, to] = [before, after].map((all) => Object.hasOwn(all, name) ? JSON.stringify(all[name]) : "none");
    return `annotation ${name}: ${from} → ${to}`;
  });
}

function describeSizes(before: InspectedInstance, after: InspectedInstance): string[] {
  const growth = after.size - before.size;
  if (growth === 0) return [];
  const sizes = `${formatBytes(before.size)} → ${formatBytes(after.size)}`;
  return [`size: ${sizes} (${growth > 0 ? "+" : "−"}${formatBytes(Math.abs(growth))})`];
}

function compareLayers(before: InspectedInstance, after: InspectedInstance): string[] {
  const [from, to] = [before, after].map(({ layers }) => new Set(layers.map(({ digest }) => digest)));
  const kept = [...from!].filter((digest) => to!.has(digest)).length;
  const [removed, added] = [from!.size - kept, to!.size - kept];
  return removed + added === 0 ? [] : [`layers: ${removed} removed, ${added} added, ${kept} kept`];
}
