import { findLocalImage, type ImageStore, isListRecord } from "../../store/room.ts";
import { parseImageName } from "./list.ts";

/** Options for {@linkcode findSource}. */
export interface FindSourceOptions {
  /**
   * Whether every instance of a list is wanted: a single local image is none then.
   *
   * @default {false}
   */
  all?: boolean | undefined;
}

/** The image that a name means. */
export interface FoundSource {
  /** The name that was looked up. */
  readonly name: string;
  /** A reference with its transport, for {@linkcode List.add} and others. */
  readonly image: string;
  /** Its registry, where it is in one. */
  readonly registry?: string | undefined;
  /** Why it is this one. */
  readonly reason: string;
}

const LOCAL = "containers-storage:";

/**
 * Finds what a name means: the image of a store that has it, else what a registry has. A transport in front says which
 * is meant. Local lists are passed over, as their instances are elsewhere.
 *
 * @throws {ManifestsError} With code `UNSUPPORTED_TRANSPORT`, `INVALID_REFERENCE`, `STORE_IO` and others.
 *
 * @example
 * ```ts
 * import { createMemoryStore, findSource } from "@multiarch/manifests";
 * import assert from "node:assert/strict";
 *
 * await using store = createMemoryStore();
 * assert.equal((await findSource(store, "quay.io/me/app:1")).image, "docker://quay.io/me/app:1");
 * ```
 */
export async function findSource(
  store: ImageStore,
  name: string,
  options: FindSourceOptions = {},
): Promise<FoundSource> {
  if (name.startsWith(LOCAL)) {
    // A reference without a store means the one that is worked on.
    const image = name[LOCAL.length] === "[" ? name : LOCAL + store.location + name.slice(LOCAL.length);
    return { name, image, reason: "its transport says so" };
  }
  if (hasTransport(name)) return elsewhere(name, "its transport says so");
  const local = await findLocalImage(store, name, ["manifest"]);
  if (!local) return elsewhere(name, "the store has no image of that name");
  if (isListRecord(local)) {
    return elsewhere(name, `${local.resolvedName} of the store is a list, not an image`);
  }
  if (options.all) return elsewhere(name, `${local.resolvedName} of the store is one image, and all are wanted`);
  return {
    name,
    image: `${LOCAL}${store.location}@${local.image.id}`,
    reason: `the store has it as ${local.resolvedName}`,
  };
}

/**
 * Whether a name says by a transport that it is no image of the local store: `docker://…`, `oci:…`.
 *
 * @throws {ManifestsError} With code `UNSUPPORTED_TRANSPORT` or `INVALID_REFERENCE`.
 */
export function hasTransport(name: string): boolean {
  const prefix = /^([a-z-]+):/.exec(name)?.[1];
  return prefix !== undefined && `${prefix}:` !== LOCAL && parseImageName(name).transport === prefix;
}

function elsewhere(name: string, reason: string): FoundSource {
  const reference = parseImageName(name);
  const registry = reference.dockerReference?.domain;
  return { name, image: String(reference), registry, reason };
}
