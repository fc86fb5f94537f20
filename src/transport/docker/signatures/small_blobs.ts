import { allOrAbort, type CallOptions, toStream } from "../../../internal/room.ts";
import { getUnverifiedBlob, type Repository } from "../../../registry/room.ts";
import { type Descriptor, readBlob } from "../../../spec/room.ts";

/** Reads a blob into memory and verifies it. Fails with code `LIMIT_EXCEEDED` if it has more than `limit` bytes. */
export async function readSmallBlob(
  repository: Repository,
  descriptor: Descriptor,
  limit: number,
  options: CallOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  return await readBlob(await getUnverifiedBlob(repository, descriptor.digest, options), descriptor, limit);
}

/**
 * Writes blobs concurrently, without checking whether they exist: they are unique, because they contain signatures or
 * the time of signing.
 */
export async function putNewBlobs(
  repository: Repository,
  blobs: readonly { readonly descriptor: Descriptor; readonly bytes: Uint8Array<ArrayBuffer> }[],
  options: CallOptions,
): Promise<void> {
  await allOrAbort(
    blobs.map(({ descriptor, bytes }) => async (signal) =>
      await repository.putBlob(descriptor, toStream(bytes), { ...options, signal })
    ),
    options.signal,
  );
}
