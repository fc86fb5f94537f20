/**
 * Operations on a repository that other rooms need but users do not: they rely on the caller to verify bytes, or to
 * look at a tag again.
 */
import type { ByteStream, CallOptions } from "../internal/room.ts";
import type { Digest } from "../spec/room.ts";
import { getBlob, type GetBlobOptions, prepareUpload, putBlob, type PutBlobOptions } from "./blobs.ts";
import { replaceManifest, type ReplaceManifestOptions } from "./put_manifest.ts";
import { getApi, type Repository } from "./repository.ts";
import type { OutgoingBlob } from "./upload.ts";
import type { Upload } from "./upload_session.ts";

/**
 * Gets a token to write to a repository, so that the first request does not wait for that.
 *
 * @param from Path of another repository of the registry, from which blobs will be mounted.
 */
export async function connectForWriting(
  repository: Repository,
  from: string | undefined,
  call: CallOptions,
): Promise<void> {
  const api = getApi(repository);
  const scopes = [api.scope("pull,push"), ...(from === undefined ? [] : [`repository:${from}:pull`])];
  await api.connection.connect(scopes, call);
}

/** Opens an upload session for a blob; `undefined` if the registry does not name it. */
export async function openBlobUpload(
  repository: Repository,
  digest: Digest,
  call: CallOptions,
): Promise<Upload | undefined> {
  return await prepareUpload(getApi(repository), digest, call);
}

/** Reads a blob as the registry sends it, for callers that verify it themselves, so that it is not hashed twice. */
export async function getUnverifiedBlob(
  repository: Repository,
  digest: Digest,
  options: GetBlobOptions = {},
): Promise<ByteStream> {
  return await getBlob(getApi(repository), digest, options);
}

/** Uploads a blob from a stream that is verified already: the stream must fail if its bytes are wrong. */
export async function putVerifiedBlob(
  repository: Repository,
  blob: OutgoingBlob,
  stream: ByteStream,
  options: PutBlobOptions = {},
): Promise<void> {
  await putBlob(getApi(repository), blob, stream, options);
}

/**
 * Writes a manifest under a tag that the caller has read and edits together with other writers, and waits for slower
 * writers. The caller must read the tag again to make sure that its edit has not been overwritten.
 *
 * @throws {ManifestsError} With code `CONFLICT` if the tag no longer names `options.seen`.
 */
export async function replaceTaggedManifest(
  repository: Repository,
  tag: string,
  bytes: Uint8Array<ArrayBuffer>,
  options: ReplaceManifestOptions,
): Promise<void> {
  await replaceManifest(getApi(repository), tag, bytes, options);
}
