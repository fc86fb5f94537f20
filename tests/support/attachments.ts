import type { Repository } from "../../src/registry/room.ts";
import {
  attachedSignature,
  attachmentTag,
  attachSignatures,
  MAX_SIGNATURE_SIZE,
  parseAttachment,
  type SigstoreSignature,
  type StoredAttachment,
} from "../../src/signature/room.ts";
import { type Descriptor, type Digest, readBlob } from "../../src/spec/room.ts";

/** Reads the attachment of a manifest as it is stored. */
export async function readStored(repository: Repository, digest: Digest): Promise<StoredAttachment> {
  const { bytes } = await repository.getManifest(attachmentTag(digest));
  return { manifest: bytes, config: await fetchBlob(repository, parseAttachment(bytes).config) };
}

/** The signatures that are attached to a manifest. */
export async function readAttached(repository: Repository, digest: Digest): Promise<SigstoreSignature[]> {
  const { layers } = parseAttachment((await readStored(repository, digest)).manifest);
  return await Promise.all(layers.map(async (layer) => attachedSignature(layer, await fetchBlob(repository, layer))));
}

/** Attaches signatures to a manifest, in addition to those of `stored`; other attachments are replaced. */
export async function attach(
  repository: Repository,
  digest: Digest,
  stored: StoredAttachment | undefined,
  ...added: SigstoreSignature[]
): Promise<void> {
  const { manifest, blobs } = attachSignatures(stored, added)!;
  for (const { descriptor, bytes } of blobs) {
    await repository.putBlob(descriptor, new Blob([bytes]).stream() as ReadableStream<Uint8Array<ArrayBuffer>>);
  }
  await repository.putManifest(attachmentTag(digest), manifest);
}

async function fetchBlob(repository: Repository, descriptor: Descriptor): Promise<Uint8Array<ArrayBuffer>> {
  return await readBlob(await repository.getBlob(descriptor), descriptor, MAX_SIGNATURE_SIZE);
}
