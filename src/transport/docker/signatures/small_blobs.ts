import { allOrAbort, type CallOptions, toStream } from "../../../internal/room.ts";
import { getUnverifiedBlob, type Repository } from "../../../registry/room.ts";
import { type Descriptor, readBlob } from "../../../spec/room.ts";

/** Reads a blob that is held in memory, verified. Fails with code `LIMIT_EXCEEDED` above that many bytes. */
export async function readSmallBlob(
  repository: Repository,
  descriptor: Descriptor,
  limit: number,
  options: CallOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  return await readBlob(await getUnverifiedBlob(repository, descriptor.digest, options), descriptor, limit);
}

/** Writes blobs that nobody can have written before, such as what says when it was signed: all at once, unseen. */
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
