import { findLocalImage, type ImageStore, isListRecord } from "../../store/room.ts";
import { type fetchManifest, findSource, hasTransport, loadFromImage } from "../../system/local/room.ts";

/** An image or a list, wherever it is: what the functions of `system` take. */
export type AnyImage = Parameters<typeof fetchManifest>[0];

/** What a name means to commands that read lists from anywhere: the local list, the local image, else elsewhere. */
export async function findAny(store: ImageStore, name: string): Promise<AnyImage> {
  const local = hasTransport(name) ? undefined : await findLocalImage(store, name, ["manifest"]);
  if (!local || !isListRecord(local)) return (await findSource(store, name)).image;
  return (await loadFromImage(store, local.image.id)).list.reference(store);
}
