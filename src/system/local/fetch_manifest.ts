import { type FetchManifestOptions, fetchManifestWith } from "../../actions/room.ts";
import type { ImageReference } from "../../image/room.ts";
import type { ParsedManifest } from "../../spec/room.ts";
import { LOCAL_RUNTIME } from "./runtime.ts";

/**
 * Reads and verifies the manifest of an image or list, wherever it is.
 *
 * @throws {ManifestsError} With code `NOT_FOUND`, `DIGEST_MISMATCH`, `INVALID_MANIFEST`, `AMBIGUOUS_MANIFEST`,
 * `MANIFEST_TYPE_NOT_SUPPORTED` or `LIMIT_EXCEEDED` if the manifest is not valid; `UNAUTHORIZED`, `DENIED`, `NETWORK`,
 * `TOO_MANY_REQUESTS`, `REGISTRY_BLOCKED` or `REGISTRY_ERROR` if a registry cannot be read; `TRANSPORT_IO` if a file
 * cannot be read; `UNSUPPORTED_TRANSPORT` for an unknown transport.
 * @throws {ManifestsSyntaxError} With code `INVALID_REFERENCE`, `INVALID_DIGEST` or `INVALID_JSON`.
 *
 * @example
 * ```ts
 * import { create, fetchManifest } from "@multiarch/manifests";
 * import { createMemoryStorage, createRegistry } from "@multiarch/manifests/server";
 * import assert from "node:assert/strict";
 *
 * const systemContext = { fetch: createRegistry({ storage: createMemoryStorage() }).fetch };
 * const list = create();
 * await list.addArtifact([]);
 * await list.push("registry.example/app:1", { systemContext });
 * const manifest = await fetchManifest("registry.example/app:1", { systemContext });
 * assert.equal(manifest.kind, "oci-index");
 * ```
 */
export async function fetchManifest(
  image: string | ImageReference,
  options: FetchManifestOptions = {},
): Promise<ParsedManifest> {
  return await fetchManifestWith(LOCAL_RUNTIME, image, options);
}
