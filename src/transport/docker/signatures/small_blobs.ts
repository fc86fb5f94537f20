import { type CallOptions, streamOf } from "../../../internal/mod.ts";
import type { Repository } from "../../../registry/mod.ts";
import { type Descriptor, readBlob } from "../../../spec/mod.ts";

/** Reads a blob that is held in memory, verified. Fails with code `LIMIT_EXCEEDED` above that many bytes. */
export async function readSmallBlob(
  repository: Repository,
  descriptor: Descriptor,
  limit: number,
  options: CallOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  return await readBlob(await repository.getUnverifiedBlob(descriptor.digest, options), descriptor, limit);
}

/** Writes a blob that is held in memory, unless it is there. */
export async function putSmallBlob(
  repository: Repository,
  descriptor: Descriptor,
  bytes: Uint8Array<ArrayBuffer>,
  options: CallOptions,
): Promise<void> {
  if (await repository.headBlob(descriptor.digest, options) !== undefined) return;
  await repository.putBlob(descriptor, streamOf(bytes), options);
}
