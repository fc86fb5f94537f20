import {
  type Descriptor,
  type Digest,
  type DockerListEntry,
  findAttested,
  formatPlatform,
  getEntries,
  type ParsedIndex,
} from "../spec/room.ts";

/** An instance that two lists have differently, or that one lacks. */
export interface InstanceDifference {
  /** Platform of the instance, as in `linux/arm64/v8`; `""` if it has none. */
  readonly platform: string;
  /** Platform of the image that the instance attests; absent unless it is an attestation of an image of its list. */
  readonly attestedPlatform?: string | undefined;
  /** Digest in the first list; absent if only the second list has the instance. */
  readonly before?: Digest | undefined;
  /** Digest in the second list; absent if only the first list has the instance. */
  readonly after?: Digest | undefined;
  /** Other differences between the entries, as in `platform` or `annotation com.example.team`. */
  readonly fields: readonly string[];
}

/** The differences between two lists. */
export interface ListDifference {
  /** The instances that differ, in the order of the first list, then of the second. */
  readonly instances: readonly InstanceDifference[];
  /** Differences between the lists themselves: `mediaType`, `artifactType`, `subject`, `annotation com.example.team`. */
  readonly fields: readonly string[];
}

type Entry = Descriptor | DockerListEntry;

/**
 * Compares two lists: instances of equal digest first, then those for equal platforms, and attestations of images for
 * equal platforms. The order does not matter.
 *
 * @example
 * ```ts
 * import { diffIndexes } from "@multiarch/manifests";
 * import { parseManifest, type ParsedIndex } from "@multiarch/manifests/spec";
 * import assert from "node:assert/strict";
 *
 * const encode = (index: object) => new TextEncoder().encode(JSON.stringify(index));
 * const mediaType = "application/vnd.oci.image.index.v1+json";
 * const before = parseManifest(encode({ schemaVersion: 2, mediaType, manifests: [] })) as ParsedIndex;
 * const annotations = { "org.opencontainers.image.version": "1" };
 * const after = parseManifest(encode({ schemaVersion: 2, mediaType, manifests: [], annotations })) as ParsedIndex;
 * const { instances, fields } = diffIndexes(before, after);
 * assert.deepEqual(instances, []);
 * assert.equal(fields.length, 1);
 * ```
 */
export function diffIndexes(before: ParsedIndex, after: ParsedIndex): ListDifference {
  const old: readonly Entry[] = getEntries(before);
  const rest = new Set<Entry>(getEntries(after));
  const attested = new Map([...findAttestedImages(old), ...findAttestedImages([...rest])]);
  const getName = (entry: Entry) => JSON.stringify([getPurpose(entry), getPurpose(attested.get(entry))]);
  const partners = new Map<Entry, Entry>();
  for (const name of [({ digest }: Entry): string => digest, getName]) {
    pairUp(old.filter((entry) => !partners.has(entry)), rest, name, partners);
  }
  return {
    instances: [
      ...old.map((entry) => findDifference(entry, partners.get(entry), attested.get(entry))),
      ...Array.from(rest, (entry) => findDifference(undefined, entry, attested.get(entry))),
    ].filter((difference) => difference !== undefined),
    fields: findChangedFields(getFields(before), getFields(after)),
  };
}

/** Returns the attestations of a list, with the image of the list that each one attests. */
function findAttestedImages(entries: readonly Entry[]): Map<Entry, Entry> {
  const byDigest = new Map<string, Entry>(entries.map((entry) => [entry.digest, entry]));
  const pairs = entries.map((entry) => [entry, byDigest.get(findAttested(entry) ?? "")] as const);
  return new Map(pairs.filter((pair): pair is [Entry, Entry] => pair[1] !== undefined));
}

/** Pairs each entry with the first one of `rest` that has the same name, which is taken from there. */
function pairUp(
  entries: readonly Entry[],
  rest: Set<Entry>,
  getName: (entry: Entry) => string,
  partners: Map<Entry, Entry>,
): void {
  const byName = new Map<string, Entry[]>();
  // The last one first: taking from the end of a group costs the same however large it is.
  for (const entry of [...rest].reverse()) {
    const name = getName(entry);
    const group = byName.get(name);
    if (group) group.push(entry);
    else byName.set(name, [entry]);
  }
  for (const entry of entries) {
    const partner = byName.get(getName(entry))?.pop();
    if (!partner) continue;
    partners.set(entry, partner);
    rest.delete(partner);
  }
}

function findDifference(
  before: Entry | undefined,
  after: Entry | undefined,
  attested: Entry | undefined,
): InstanceDifference | undefined {
  const { platform } = (before ?? after)!;
  const fields = before && after ? findChangedFields({ ...before, digest: "" }, { ...after, digest: "" }) : [];
  if (before?.digest === after?.digest && fields.length === 0) return undefined;
  return {
    platform: formatPlatform(platform),
    ...(attested ? { attestedPlatform: formatPlatform(attested.platform) } : {}),
    before: before?.digest,
    after: after?.digest,
    fields,
  };
}

/** Returns the purpose of an instance; variants of one platform differ by their annotations. */
function getPurpose(instance: Entry | undefined): unknown {
  if (!instance) return undefined;
  const { platform, ...entry } = instance;
  const { annotations = {}, artifactType = "" }: Partial<Descriptor> = entry;
  const sorted = Object.entries(annotations).filter(([key]) => key.includes("compression")).toSorted();
  return [formatPlatform(platform), platform?.osVersion ?? "", artifactType, sorted];
}

function getFields(index: ParsedIndex): Record<string, unknown> {
  const { manifests: _, ...fields } = index.kind === "oci-index" ? index.index : index.list;
  return { ...fields, mediaType: index.mediaType };
}

function findChangedFields(before: object, after: object): string[] {
  const [a, b] = [spreadAnnotations(before), spreadAnnotations(after)];
  const names = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...names].filter((name) => toComparable(a[name]) !== toComparable(b[name])).toSorted();
}

/** The fields, with each annotation as one of its own: `annotation KEY`. */
function spreadAnnotations({ annotations = {}, ...fields }: { annotations?: object }): Record<string, unknown> {
  const spread = Object.entries(annotations).map(([key, value]) => [`annotation ${key}`, value]);
  return { ...fields, ...Object.fromEntries(spread) };
}

/** Equal text for equal values, in whatever order their members stand. */
function toComparable(value: unknown): string {
  return JSON.stringify(
    value,
    (_, inner) =>
      inner !== null && typeof inner === "object" && !Array.isArray(inner)
        ? Object.fromEntries(Object.entries(inner).toSorted(([x], [y]) => x < y ? -1 : 1))
        : inner,
  ) ?? "";
}
