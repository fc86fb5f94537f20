import type { CallOptions } from "../internal/room.ts";
import { type Digest, isDigest, ManifestsError } from "../spec/room.ts";
import { readError } from "./errors.ts";
import { findManifest } from "./manifests.ts";
import type { RepositoryApi } from "./repository_api.ts";

/** Maximum number of reads until an accepted manifest is found: some registries show it only a moment later. */
const MAX_READS = 4;

/** A manifest to be written under a tag or digest. */
export interface ManifestUpload {
  /** Tag or digest under which the manifest is written. */
  readonly target: string;
  /** Tag that the registry may write in the same request, if `target` is a digest. Default: none. */
  readonly tag?: string | undefined;
  /** Bytes of the manifest, sent unchanged. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Digest of the bytes, to compare with the registry's. */
  readonly digest: Digest;
  /** Media type of the manifest. */
  readonly mediaType: string;
}

/** Acknowledgement of a registry for a manifest. */
export interface AcceptedManifest {
  /** Subject that the registry acknowledged (`OCI-Subject`); `null` for none. */
  readonly subject: string | null;
  /** Tags that the registry wrote in addition to the target (`OCI-Tag`). */
  readonly tags: readonly string[];
}

/**
 * Sends a manifest and returns the registry's acknowledgement.
 *
 * @throws {RegistryError} If the registry rejects the manifest; its code follows from the status.
 * @throws {ManifestsError} With code `DIGEST_MISMATCH` if it stored another manifest, `REGISTRY_ERROR` if it accepted the
 * manifest but does not have it.
 */
export async function sendManifest(
  api: RepositoryApi,
  { target, tag, bytes, digest, mediaType }: ManifestUpload,
  condition: Readonly<Record<string, string>>,
  call: CallOptions,
): Promise<AcceptedManifest> {
  const headers = { "content-type": mediaType, ...condition };
  const query = tag === undefined ? "" : `?tag=${encodeURIComponent(tag)}`;
  const answer = await api.send("PUT", `manifests/${target}${query}`, {
    ...call,
    headers,
    body: bytes,
    actions: "pull,push",
  });
  const { response } = answer;
  if (response.status < 200 || response.status > 299) throw await readError("PUT", answer);
  await response.body?.cancel();
  const stored = response.headers.get("docker-content-digest");
  if (stored === null && response.headers.get("location") === null) await assertStored(api, digest, call);
  if (stored !== null && stored !== digest && !isDigest(target)) {
    throw new ManifestsError(
      "DIGEST_MISMATCH",
      `Cannot trust the upload of ${api.getName(target)}: the registry stored ${stored} instead of ${digest}`,
    );
  }
  const tags = (response.headers.get("oci-tag") ?? "").split(",").map((tag) => tag.trim());
  return { subject: response.headers.get("oci-subject"), tags };
}

/** Makes sure that the registry has a manifest: a web server in its place may answer 200 to every request. */
async function assertStored(api: RepositoryApi, digest: Digest, call: CallOptions): Promise<void> {
  for (let attempt = 1;; attempt++) {
    const found = await findManifest(api, digest, call);
    if (found?.descriptor.digest === digest) return;
    if (found || attempt === MAX_READS) break;
    await api.connection.pause(attempt, call.signal);
  }
  throw new ManifestsError(
    "REGISTRY_ERROR",
    `Cannot trust the upload of ${api.getName(digest)}: the registry accepted it, but does not have it`,
  );
}
