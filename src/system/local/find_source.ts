import { findLocalImage, type ImageStore, isListRecord } from "../../store/room.ts";
import { resolveSource } from "../../actions/room.ts";
import { LOCAL_RUNTIME } from "./runtime.ts";

/** Options for {@linkcode findSource}. */
export interface FindSourceOptions {
  /**
   * Add every instance of a list: a single image of the local store is not used then.
   *
   * @default {false}
   */
  all?: boolean | undefined;
}

/** The image that a name refers to. */
export interface FoundSource {
  /** Name that was looked up. */
  readonly name: string;
  /** Reference with its transport, for {@linkcode List.add}. */
  readonly image: string;
  /** Host of its registry; `undefined` if it is not in a registry. */
  readonly registry?: string | undefined;
  /** Explanation why the name refers to this image. */
  readonly reason: string;
}

const LOCAL = "containers-storage:";

/**
 * Finds the image that a name refers to: an image of the store, otherwise an image in a registry. A name with a transport
 * refers to that place. Lists in the store are not used, as their instances are elsewhere.
 *
 * @param store The store, or a function that opens it, which is not called for a name that refers to another place.
 * @throws {ManifestsError} With code `UNSUPPORTED_TRANSPORT`; `STORE_IO` or `STORE_CORRUPT` if the store fails.
 * @throws {ManifestsSyntaxError} With code `INVALID_REFERENCE`.
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
  store: ImageStore | (() => Promise<ImageStore>),
  name: string,
  options: FindSourceOptions = {},
): Promise<FoundSource> {
  if (hasTransport(name)) return elsewhere(name, "its transport says so");
  const opened = typeof store === "function" ? await store() : store;
  if (name.startsWith(LOCAL)) return { name, image: locateInStore(opened, name), reason: "its transport says so" };
  const local = await findLocalImage(opened, name, ["manifest"]);
  if (!local) return elsewhere(name, "the store has no image of that name");
  if (isListRecord(local)) {
    return elsewhere(name, `${local.resolvedName} of the store is a list, not an image`);
  }
  if (options.all) return elsewhere(name, `${local.resolvedName} of the store is one image, and all are wanted`);
  return {
    name,
    image: `${LOCAL}${opened.location}@${local.image.id}`,
    reason: `the store has it as ${local.resolvedName}`,
  };
}

/** Returns a name in the local store, `containers-storage:NAME`, with this store; other names as they are. */
export function locateInStore({ location }: Pick<ImageStore, "location">, name: string): string {
  const isBare = name.startsWith(LOCAL) && name[LOCAL.length] !== "[";
  return isBare ? LOCAL + location + name.slice(LOCAL.length) : name;
}

/**
 * Returns whether a name has the transport of another place than the local store: `docker://…`, `oci:…`.
 *
 * @throws {ManifestsError} With code `UNSUPPORTED_TRANSPORT` or `INVALID_REFERENCE`.
 */
export function hasTransport(name: string): boolean {
  const prefix = /^([a-z-]+):/.exec(name)?.[1];
  return prefix !== undefined && `${prefix}:` !== LOCAL && resolveSource(LOCAL_RUNTIME, name).transport === prefix;
}

function elsewhere(name: string, reason: string): FoundSource {
  const reference = resolveSource(LOCAL_RUNTIME, name);
  const registry = reference.dockerReference?.domain;
  return { name, image: String(reference), registry, reason };
}
