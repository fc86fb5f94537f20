import type { ImageReference } from "../image/room.ts";
import type { List, ListHost } from "../list/room.ts";

/** The environment of the functions of this room: a host with a disk, or `fetch` alone. */
export interface Runtime {
  /** How lists reach images and files. */
  readonly host: ListHost;
  /** Creates an empty list of this runtime. */
  createList(): List;
  /** Makes a list of the bytes of an index. */
  parseList(bytes: Uint8Array<ArrayBuffer>): List;
}

/** Returns the reference for a name, or the reference itself. */
export function resolveImage({ host }: Runtime, image: string | ImageReference): ImageReference {
  return typeof image === "string" ? host.transports.parseImageName(image) : image;
}
