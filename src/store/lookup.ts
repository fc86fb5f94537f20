import {
  assertTransportSupported,
  findTransportName,
  hasDomain,
  isDigest,
  isManifestsError,
  ManifestsError,
  parseReference,
} from "../spec/room.ts";
import type { ImageStore, ImageWithData, StoredImage } from "./types.ts";

/** A local image that was found by what a user typed. */
export interface LocalImage extends ImageWithData {
  /** Name under which the image was found: a full name, or an id. */
  readonly resolvedName: string;
}

/**
 * Finds a local image in the order in which podman looks: full digests and ids, the names that the configuration of
 * the store gives for a short name, names with `localhost/` or `docker.io/` in front, names exactly as stored, prefixes
 * of ids, and last any image whose name ends in the short name. Returns `undefined` if no image matches.
 *
 * @param keys Keys of big data to read together with the record. Default: none.
 * @throws {ManifestsError} With code `UNSUPPORTED_TRANSPORT` for a name of another transport or another store;
 * `TRANSPORT_NOT_SUPPORTED` for a name of `tarball:`, `sif:`, `ostree:` or `atomic:`.
 *
 * @example
 * ```ts
 * import { create } from "@multiarch/manifests";
 * import { createMemoryStore, findLocalImage } from "@multiarch/manifests/store";
 * import assert from "node:assert/strict";
 *
 * await using store = createMemoryStore();
 * await create().saveToImage(store, { names: ["app"] });
 * assert.equal((await findLocalImage(store, "app"))?.resolvedName, "localhost/app:latest");
 * ```
 */
export async function findLocalImage(
  store: ImageStore,
  text: string,
  keys: readonly string[] = [],
): Promise<LocalImage | undefined> {
  const name = stripTransport(store, text);
  const id = /^(?:sha256:|@)?([a-f0-9]{64})$/.exec(name)?.[1];
  if (id) return await find(store, id, keys, (image) => image.id === id);
  for (const candidate of await listCandidates(store, name)) {
    const found = await find(store, candidate, keys, (image) => image.names.includes(candidate)) ??
      await findByDigest(store, candidate, keys);
    if (found) return found;
  }
  // Other programs may have stored names that are not fully qualified.
  const matches = (image: StoredImage) => image.names.includes(name) || image.id.startsWith(name);
  return await find(store, name, keys, matches) ?? await findBySuffix(store, name, keys);
}

/** A `containers-storage:` reference: its store, if any, and its name. */
const LOCAL_REFERENCE = /^containers-storage:(?!\/\/)(\[[^\]]*\])?(.*)$/s;

/**
 * Checks that a name can be in a local store, without a store.
 *
 * @throws {ManifestsError} With code `UNSUPPORTED_TRANSPORT` or `TRANSPORT_NOT_SUPPORTED` for a name of another transport.
 */
export function assertLocalName(text: string): void {
  const transport = /^([a-z-]+):\/\//.exec(text)?.[1] ?? findTransportName(text);
  if (transport === undefined || LOCAL_REFERENCE.test(text)) return;
  assertTransportSupported(text);
  throw new ManifestsError(
    "UNSUPPORTED_TRANSPORT",
    `Cannot look up ${JSON.stringify(text)}: unsupported transport ${
      JSON.stringify(transport)
    } for looking up local images`,
  );
}

/** Returns the name in a `containers-storage:` reference to this store, or the text itself if it has no transport. */
function stripTransport(store: ImageStore, text: string): string {
  assertLocalName(text);
  const [, place = "", name = text] = LOCAL_REFERENCE.exec(text) ?? [];
  // Driver options after the roots do not change which store is named.
  const plain = (location: string) => location.replace(/:[^\]]*\]$/, "]");
  if (place === "" || plain(place) === plain(store.location)) return name;
  throw new ManifestsError(
    "UNSUPPORTED_TRANSPORT",
    `Cannot look up ${JSON.stringify(text)} in the store ${store.location}: the name is for another store`,
  );
}

async function find(
  store: ImageStore,
  nameOrId: string,
  keys: readonly string[],
  matches: (image: StoredImage) => boolean,
): Promise<LocalImage | undefined> {
  const found = nameOrId === "" ? undefined : await store.findImage(nameOrId, keys);
  return found && matches(found.image) ? { ...found, resolvedName: nameOrId } : undefined;
}

/** Returns the full names that a name may stand for in a store, best first. */
async function listCandidates(store: ImageStore, name: string): Promise<string[]> {
  const plain = candidates(name);
  if (hasDomain(name) || plain.length === 0 || !store.expandShortName) return plain;
  const expanded = await store.expandShortName(name);
  return [...new Set([...expanded.flatMap(candidates), ...plain])];
}

/** Returns the full names that a name may stand for without any configuration, best first. */
function candidates(name: string): string[] {
  const full = (text: string): string[] => {
    try {
      const named = parseReference(text);
      return [String(named.digest === undefined ? named.withDefaultTag() : named.trimmed().withDigest(named.digest))];
    } catch (error) {
      if (isManifestsError(error)) return [];
      throw error;
    }
  };
  return hasDomain(name) ? full(name) : [...full(`localhost/${name}`), ...full(`docker.io/${name}`)];
}

/** Finds the image for `repository@digest`: it has that digest, and any name in the repository. */
async function findByDigest(
  store: ImageStore,
  candidate: string,
  keys: readonly string[],
): Promise<LocalImage | undefined> {
  const { name, digest } = parseReference(candidate);
  if (digest === undefined) return undefined;
  const image = (await store.listImages()).find((image) =>
    image.digests.includes(digest) && image.names.some((full) => parseStoredName(full) === name)
  );
  return image && await find(store, image.id, keys, () => true);
}

function parseStoredName(text: string): string | undefined {
  try {
    return parseReference(text).name;
  } catch {
    return undefined;
  }
}

/** Finds an image whose name ends in `/<short name>`, with the same tag or digest. */
async function findBySuffix(
  store: ImageStore,
  name: string,
  keys: readonly string[],
): Promise<LocalImage | undefined> {
  if (name === "" || hasDomain(name) || candidates(name).length === 0) return undefined;
  const [repository, digest] = name.split("@") as [string, string?];
  const tagged = /:[^/]*$/.test(repository) ? repository : `${repository}:latest`;
  const image = (await store.listImages()).find((image) =>
    digest === undefined
      ? image.names.some((full) => full.endsWith(`/${tagged}`))
      : isDigest(digest) && image.digests.includes(digest) &&
        image.names.some((full) => full.replace(/[:@][^/]*$/, "").endsWith(`/${repository.replace(/:[^/]*$/, "")}`))
  );
  return image && await find(store, image.id, keys, () => true);
}
