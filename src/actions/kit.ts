import type { ImageReference } from "../image/room.ts";
import type { BaseList, ListHost } from "../list/room.ts";

/** What functions over images are given of the side on which they run: a host with a disk, or `fetch` alone. */
export interface Kit<L extends BaseList = BaseList> {
  /** What lists are given of the world. */
  readonly host: ListHost;
  /** Makes an empty list. */
  createList(): L;
  /** Makes a list of an index. */
  parseList(bytes: Uint8Array<ArrayBuffer>): L;
}

/** The image that a caller means. */
export function resolveImage({ host }: Kit, image: string | ImageReference): ImageReference {
  return typeof image === "string" ? host.transports.parseImageName(image) : image;
}
