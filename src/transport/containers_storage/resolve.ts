import { isManifestsError, ManifestsError, type NamedReference, parseReference } from "../../spec/room.ts";
import type { ImageStore, StoredImage } from "../../store/room.ts";
import type { ParsedStorageName } from "./parse.ts";

/**
 * Returns the image that a reference names (c/image storage `resolveRecord`): by exactly that name or id, unlike the
 * look-up of names that users type.
 *
 * @throws {ManifestsError} With code `NOT_FOUND`.
 */
export async function resolveRecord(store: ImageStore, name: ParsedStorageName, what: string): Promise<StoredImage> {
  const { named, id, maybeId } = name;
  const found = await findById(store, id ?? maybeId) ?? (id === undefined && named && await findByName(store, named));
  if (!found) {
    throw new ManifestsError(
      "NOT_FOUND",
      `Cannot read ${what}: the reference does not resolve to an image ID: identifier is not an image`,
    );
  }
  if (id === undefined || !named || hasRepository(found, named)) return found;
  throw new ManifestsError("NOT_FOUND", `Cannot read ${what}: no image matching reference found: it has other names`);
}

/** Finds an image by its id, or by a prefix that only one id has. */
async function findById(store: ImageStore, id: string | undefined): Promise<StoredImage | undefined> {
  const image = id === undefined ? undefined : (await store.findImage(id))?.image;
  return image && image.id.startsWith(id!) ? image : undefined;
}

async function findByName(store: ImageStore, named: NamedReference): Promise<StoredImage | undefined> {
  const image = (await store.findImage(String(named)))?.image;
  if (image?.names.includes(String(named))) return image;
  const { digest } = named;
  if (digest === undefined) return undefined;
  return (await store.listImages()).find((image) => image.digests.includes(digest) && hasRepository(image, named));
}

function hasRepository({ names }: StoredImage, { name }: NamedReference): boolean {
  return names.some((stored) => parseRepository(stored) === name);
}

function parseRepository(name: string): string | undefined {
  try {
    return parseReference(name).name;
  } catch (error) {
    if (isManifestsError(error)) return undefined;
    throw error;
  }
}
