import { UNKNOWN_SIZE } from "../spec/room.ts";
import type { Descriptor } from "../spec/room.ts";
import type { ImageSource, InstanceOptions } from "./types.ts";

/**
 * Returns the size of a blob of a source in bytes, or `UNKNOWN_SIZE`; `undefined` if the source does not have it. A
 * source without `findBlob` is asked for the blob itself, and the stream is cancelled unread.
 */
export async function findSourceBlob(
  source: ImageSource,
  descriptor: Descriptor,
  options?: InstanceOptions,
): Promise<number | undefined> {
  if (source.findBlob) return await source.findBlob(descriptor, options);
  const stream = await source.getBlob(descriptor, options);
  await stream.cancel();
  return UNKNOWN_SIZE;
}
