import type { ImageReference } from "../../image/room.ts";
import { createContainersStorageTransport } from "../../transport/containers_storage/room.ts";
import { deleteStoredImage, openStore, openStoreForImage, type OpenStoreOptions } from "./store.ts";

/**
 * Parses the text after `containers-storage:`, for a store that is opened with these options. The text must not name a
 * store itself.
 *
 * @throws {ManifestsSyntaxError} With code `INVALID_REFERENCE`.
 */
export function parseLocalReference(text: string, options: OpenStoreOptions): ImageReference {
  const transport = createContainersStorageTransport({
    openStore: () => openStore(options),
    openImageWriter: (_spec, { temporaryFolder }) => openStoreForImage(options, temporaryFolder),
    deleteImage: (_spec, image) => deleteStoredImage(options, image),
  });
  return transport.parseReference(text);
}
