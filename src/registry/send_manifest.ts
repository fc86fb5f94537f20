import type { CallOptions } from "../internal/room.ts";
import { type Digest, isDigest, ManifestsError } from "../spec/room.ts";
import { readError } from "./errors.ts";
import { findManifest } from "./manifests.ts";
import type { RepositoryApi } from "./repository_api.ts";

/** How often a registry is asked for a manifest that it has accepted. */
const MAX_LOOKS = 4;

/** A manifest that is about to be written. */
export interface ManifestUpload {
  /** The tag or digest under which it is written. */
  readonly target: string;
  /** A tag that the registry may write in the same request, if `target` is a digest. */
  readonly tag?: string | undefined;
  /** Its bytes. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Digest of the bytes. */
  readonly digest: Digest;
  /** Their media type. */
  readonly mediaType: string;
}

/** What a registry acknowledged. */
export interface AcceptedManifest {
  /** The subject; `null` for none. */
  readonly subject: string | null;
  /** The tags that it wrote besides the target. */
  readonly tags: readonly string[];
}

/** Sends a manifest and returns what the registry acknowledged. */
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

/** A web server in a registry's place may answer everything with success. */
async function assertStored(api: RepositoryApi, digest: Digest, call: CallOptions): Promise<void> {
  for (let look = 1;; look++) {
    const found = await findManifest(api, digest, call);
    if (found?.descriptor.digest === digest) return;
    if (found || look === MAX_LOOKS) break;
    // Some registries show what they took a moment later.
    await api.connection.pause(look, call.signal);
  }
  throw new ManifestsError(
    "REGISTRY_ERROR",
    `Cannot trust the upload of ${api.getName(digest)}: the registry accepted it, but does not have it`,
  );
}
