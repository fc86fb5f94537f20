import { hasDomain, isDigest, isManifestsError, ManifestsError, parseReference } from "../spec/room.ts";
import type { ImageStore, ImageWithData, StoredImage } from "./types.ts";

/** A local image that a person's text means. */
export interface LocalImage extends ImageWithData {
  /** How it was found: the full name, or the id. */
  readonly resolvedName: string;
}

/**
 * Finds a local image the way podman does: full digests and ids, the names that the store's configuration has for a
 * short name, names with `localhost/` or `docker.io/` in front, names exactly as they are stored, id prefixes, and last
 * any image whose name ends in the short name.
 *
 * @param keys Big data to read at the same moment.
 * @throws {ManifestsError} With code `UNSUPPORTED_TRANSPORT` for a name of another transport.
 */
export async function findLocalImage(
  store: ImageStore,
  text: string,
  keys: readonly string[] = [],
): Promise<LocalImage | undefined> {
  const name = stripTransport(store, text);
  const id = /^(?:sha256:|@)?([a-f0-9]{64})$/.exec(name)?.[1];
  if (id) return await find(store, id, keys, (image) => image.id === id);
  for (const candidate of await candidatesIn(store, name)) {
    const found = await find(store, candidate, keys, (image) => image.names.includes(candidate)) ??
      await findByDigest(store, candidate, keys);
    if (found) return found;
  }
  // Other programs store names as they get them, also ones that are not fully qualified.
  const isMeant = (image: StoredImage) => image.names.includes(name) || image.id.startsWith(name);
  return await find(store, name, keys, isMeant) ?? await findBySuffix(store, name, keys);
}

/** The transports whose names may stand before a reference. */
const TRANSPORT_REGEXP = /^(docker|docker-archive|docker-daemon|dir|oci|oci-archive|sif|tarball|[a-z-]+(?=:\/\/)):/;

/** The name in a `containers-storage:` reference to this very store, or a plain name. */
function stripTransport(store: ImageStore, text: string): string {
  const transport = TRANSPORT_REGEXP.exec(text)?.[1];
  if (transport) {
    throw new ManifestsError(
      "UNSUPPORTED_TRANSPORT",
      `Cannot look up ${JSON.stringify(text)}: unsupported transport ${
        JSON.stringify(transport)
      } for looking up local images`,
    );
  }
  const [, place = "", name] = /^containers-storage:(\[[^\]]*\])?(.*)$/s.exec(text) ?? [];
  if (name === undefined) return text;
  // Options after the roots do not tell one store from another.
  const plain = (location: string) => location.replace(/:[^\]]*\]$/, "]");
  if (place === "" || plain(place) === plain(store.location)) return name;
  throw new ManifestsError(
    "UNSUPPORTED_TRANSPORT",
    `Cannot look up ${JSON.stringify(text)} in the store ${store.location} as it names another one`,
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

/** The full names that a name may stand for in a store, best first. */
async function candidatesIn(store: ImageStore, name: string): Promise<string[]> {
  const plain = candidates(name);
  if (hasDomain(name) || plain.length === 0 || !store.expandShortName) return plain;
  const expanded = await store.expandShortName(name);
  return [...new Set([...expanded.flatMap(candidates), ...plain])];
}

/** The full names that a name may stand for without any configuration, best first. */
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

/** `repository@digest` means an image with that digest that has any name in the repository. */
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

/** For short names: an image whose name ends in `/<short name>`, with the same tag or digest. */
async function findBySuffix(
  store: ImageStore,
  name: string,
  keys: readonly string[],
): Promise<LocalImage | undefined> {
  if (name === "" || hasDomain(name) || candidates(name).length === 0) return undefined;
  const [repository, digest] = name.split("@") as [string, string?];
  const wanted = /:[^/]*$/.test(repository) ? repository : `${repository}:latest`;
  const image = (await store.listImages()).find((image) =>
    digest === undefined
      ? image.names.some((full) => full.endsWith(`/${wanted}`))
      : isDigest(digest) && image.digests.includes(digest) &&
        image.names.some((full) => full.replace(/[:@][^/]*$/, "").endsWith(`/${repository.replace(/:[^/]*$/, "")}`))
  );
  return image && await find(store, image.id, keys, () => true);
}
