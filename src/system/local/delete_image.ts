import { loadCredentials } from "../../config/files/mod.ts";
import type { ImageReference, SystemContext } from "../../image/mod.ts";
import { RegistryClient, type Repository } from "../../registry/mod.ts";
import { type Digest, isManifestsError, manifestDigest, ManifestsError } from "../../spec/mod.ts";
import { fetchManifest, parseImageName } from "./list.ts";

/** Options for {@linkcode deleteImage}. */
export interface DeleteRemoteImageOptions {
  /**
   * Delete the manifest itself, and with it every tag that points at it; registries that cannot delete a tag alone need
   * this.
   *
   * @default {false}
   */
  manifest?: boolean | undefined;
  /** How to reach the registry. */
  systemContext?: SystemContext | undefined;
  /** Ends the call. */
  signal?: AbortSignal | undefined;
}

/**
 * Deletes a tag of a registry, or a manifest. The instances of a list stay.
 *
 * @returns The digest that the name meant.
 * @throws {ManifestsError} With code `NOT_FOUND`; `REGISTRY_ERROR` where the registry deletes nothing, or no tag alone;
 * `DENIED` and others.
 *
 * @example
 * ```ts
 * import { create, deleteImage } from "@multiarch/manifests";
 * import { createMemoryStorage, createRegistry } from "@multiarch/manifests/server";
 * import assert from "node:assert/strict";
 *
 * const systemContext = { fetch: createRegistry({ storage: createMemoryStorage() }).fetch };
 * const { digest } = await create().push("registry.example/app:1", { systemContext });
 * assert.equal(await deleteImage("registry.example/app:1", { systemContext }), digest);
 * ```
 */
export async function deleteImage(
  image: string | ImageReference,
  options: DeleteRemoteImageOptions = {},
): Promise<Digest> {
  const { manifest = false, systemContext = {}, signal } = options;
  const reference = typeof image === "string" ? parseImageName(image) : image;
  const name = reference.dockerReference;
  if (!name) {
    throw new ManifestsError("UNSUPPORTED_TRANSPORT", `Cannot delete ${reference} as it is in no registry`);
  }
  const digest = name.digest ?? manifestDigest((await fetchManifest(reference, { systemContext, signal })).bytes);
  const repository = await openRepository(reference, systemContext);
  const deleted = await repository.deleteManifest(manifest ? digest : name.digest ?? name.tag!, { signal })
    .catch((error) => {
      throw manifest || name.digest !== undefined ? error : explain(reference, error);
    });
  if (deleted) return digest;
  throw new ManifestsError("NOT_FOUND", `Cannot delete ${reference} as the registry does not have it`);
}

/** Many registries delete manifests, but no tags. */
function explain(reference: ImageReference, error: unknown): unknown {
  if (!isManifestsError(error) || ["UNAUTHORIZED", "DENIED"].includes(error.code)) return error;
  return new ManifestsError(
    error.code,
    `Cannot delete the tag ${reference} alone; its manifest may be deleted, with all tags that point at it (--manifest): ${error.message}`,
    { cause: error },
  );
}

async function openRepository({ dockerReference }: ImageReference, context: SystemContext): Promise<Repository> {
  const { name, domain, path } = dockerReference!;
  const { registryToken, ...credentials } = context.credentials?.[name] ?? context.credentials?.[domain] ??
    context.dockerAuthConfig ?? await loadCredentials(name, context.authFilePath) ?? {};
  return new RegistryClient(domain, {
    credentials: Object.keys(credentials).length > 0 ? credentials : undefined,
    bearerToken: registryToken ?? context.dockerBearerRegistryToken,
    insecure: context.dockerInsecureSkipTlsVerify,
    userAgent: context.dockerRegistryUserAgent,
    fetch: context.fetch,
  }).repository(path);
}
