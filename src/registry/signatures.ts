import { type CallOptions, encodeUtf8, readStream } from "../internal/room.ts";
import { type Digest, ManifestsError } from "../spec/room.ts";
import { getBody } from "./body.ts";
import { readError } from "./errors.ts";
import type { RepositoryApi } from "./repository_api.ts";

/** Largest list of signatures that is read, in bytes. */
const MAX_LIST_SIZE = 4 * 1024 * 1024;

/** The list of a manifest's signatures, as the registry sends it: JSON of at most 4 MiB. */
export async function getSignatureList(
  api: RepositoryApi,
  digest: Digest,
  options: CallOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  const answer = await api.send("GET", getSignaturesPath(api, digest), options);
  // Also 404: who has signatures has a list of none, and who says otherwise may be hiding them.
  if (answer.response.status !== 200) throw await readError("GET", answer);
  const bytes = await readStream(getBody(answer), MAX_LIST_SIZE);
  if (bytes) return bytes;
  throw new ManifestsError(
    "LIMIT_EXCEEDED",
    `Cannot read the signatures of ${api.getName(digest)} as their list is larger than ${MAX_LIST_SIZE} bytes`,
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
