import { findLocalImage, isListRecord } from "../../store/room.ts";
import {
  type fetchManifest,
  findSource,
  hasTransport,
  loadFromImage,
  resolveShortName,
  type SystemContext,
} from "../../system/local/room.ts";
import type { LocalStore } from "../context.ts";
import { findUnlessElsewhere } from "./find.ts";

/** An image or a list in any place, as the functions of `system` take it. */
export type AnyImage = Parameters<typeof fetchManifest>[0];

/** Resolves a name to the local list, or else to the local image, or else to an image in another place. */
export async function findAny(store: LocalStore, name: string): Promise<AnyImage> {
  const local = hasTransport(name) ? undefined : await findUnlessElsewhere(store, name);
  if (!local || local === "elsewhere" || !isListRecord(local)) return (await findSource(store.open, name)).image;
  const opened = await store.open();
  return (await loadFromImage(opened, local.image.id)).list.reference(opened);
}

/**
 * Resolves a name like {@linkcode findAny}, but a short name that is not in the store to all images that it can mean, in
 * the order in which they are tried.
 */
export async function findCandidates(
  store: LocalStore,
  name: string,
  systemContext: SystemContext,
): Promise<readonly AnyImage[]> {
  const isStored = name.startsWith("containers-storage:") ||
    (!hasTransport(name) && await findLocalImage(await store.open(), name, ["manifest"]));
  return isStored ? [await findAny(store, name)] : await resolveShortName(name, systemContext);
}
