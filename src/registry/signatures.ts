import { type CallOptions, encodeUtf8, readStream } from "../internal/room.ts";
import { type Digest, ManifestsError } from "../spec/room.ts";
import { getBody } from "./body.ts";
import { readError } from "./errors.ts";
import type { RepositoryApi } from "./repository_api.ts";

/** Maximum size of a list of signatures, in bytes. */
const MAX_LIST_SIZE = 4 * 1024 * 1024;

/**
 * Reads the list of a manifest's signatures as the registry sends it: JSON of at most 4 MiB.
 *
 * @throws {ManifestsError} With code `LIMIT_EXCEEDED` if the list is larger.
 */
export async function getSignatureList(
  api: RepositoryApi,
  digest: Digest,
  options: CallOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  const answer = await api.send("GET", getSignaturesPath(api, digest), options);
  // A 404 is an error too: a registry that stores signatures has an empty list, and one that answers 404 may hide them.
  if (answer.response.status !== 200) throw await readError("GET", answer);
  const bytes = await readStream(getBody(answer), MAX_LIST_SIZE);
  if (bytes) return bytes;
  throw new ManifestsError(
    "LIMIT_EXCEEDED",
    `Cannot read the signatures of ${api.getName(digest)}: their list is larger than ${MAX_LIST_SIZE} bytes`,
  );
}

/** Adds a signature to those of a manifest. */
export async function putSignature(
  api: RepositoryApi,
  digest: Digest,
  signature: Readonly<Record<string, unknown>>,
  options: CallOptions,
): Promise<void> {
  const answer = await api.send("PUT", getSignaturesPath(api, digest), {
    ...options,
    headers: { "content-type": "application/json" },
    body: encodeUtf8(JSON.stringify(signature)),
    actions: "pull,push",
  });
  if (answer.response.status !== 201) throw await readError("PUT", answer);
  await answer.response.body?.cancel();
}

function getSignaturesPath({ path }: RepositoryApi, digest: Digest): string {
  return `/extensions/v2/${path}/signatures/${digest}`;
}
