import type { SystemContext } from "../../image/room.ts";
import { describePlatforms } from "../../list/room.ts";
import {
  type Digest,
  findPlatform,
  formatPlatform,
  hasDomain,
  isManifestsError,
  ManifestsError,
} from "../../spec/room.ts";
import type { ImageStore } from "../../store/room.ts";
import { readManifestWith } from "../../actions/room.ts";
import { findSource } from "./find_source.ts";
import { LOCAL_RUNTIME } from "./runtime.ts";
import type { List } from "./list.ts";

/** Options for {@linkcode findInstance}. */
export interface FindInstanceOptions {
  /** Store in which names of images are looked up first, or a function that opens it when it is needed. */
  store: ImageStore | (() => Promise<ImageStore>);
  /** Access to registries: credentials, TLS, configuration files. Default: `{}`. */
  systemContext?: SystemContext | undefined;
  /** Aborts the call, which then rejects with the signal's reason. Default: no signal. */
  signal?: AbortSignal | undefined;
}

/**
 * Finds the instance of a list that a text refers to: by its digest, by the path of an artifact's file, by its platform,
 * such as `linux/arm64` or `windows/amd64:10.0.20348.1`, or by the name of an image, which is looked up in the store and
 * then in its registry. A digest is returned even if the list does not have it.
 *
 * @throws {ManifestsError} With code `INSTANCE_NOT_FOUND` or `INVALID_DIGEST`; `UNAUTHORIZED`, `DENIED`, `NETWORK` or
 * `REGISTRY_ERROR` if the image of that name cannot be read.
 *
 * @example
 * ```ts
 * import { create, createMemoryStore, findInstance } from "@multiarch/manifests";
 * import assert from "node:assert/strict";
 *
 * await using store = createMemoryStore();
 * const list = create();
 * const digest = await list.addArtifact([], { platform: { os: "linux", architecture: "arm64" } });
 * assert.equal(await findInstance(list, "linux/arm64", { store }), digest);
 * ```
 */
export async function findInstance(list: List, text: string, options: FindInstanceOptions): Promise<Digest> {
  const { store, ...call } = options;
  const known = findByFile(list, text) ?? findByPlatform(list, text);
  if (known) return known;
  const source = await findSource(store, text);
  // A single word is more likely a mistake than an image on Docker Hub.
  if (source.registry !== undefined && !/^docker:/.test(text) && !hasDomain(text)) throw notFound(list, text);
  return (await readManifestWith(LOCAL_RUNTIME, source.image, call)).digest;
}

function findByFile(list: List, text: string): Digest | undefined {
  try {
    return list.instanceByFile(text);
  } catch (error) {
    if (isManifestsError(error, "INSTANCE_NOT_FOUND")) return undefined;
    throw error;
  }
}

function findByPlatform(list: List, text: string): Digest | undefined {
  const platform = findPlatform(text);
  const found = platform ? list.instancesFor(platform) : [];
  if (found.length < 2) return found[0];
  const names = found.map((digest) => `${digest} (${formatPlatform(list.platform(digest))})`);
  throw new ManifestsError(
    "INSTANCE_NOT_FOUND",
    `Cannot find the instance for ${JSON.stringify(text)}: it matches ${found.length} instances: ${
      names.join(", ")
    }: use a digest`,
  );
}

function notFound(list: List, text: string): ManifestsError {
  const reason = findPlatform(text)
    ? `the list has no such platform (${
      describePlatforms(list)
    }), and there is no artifact file or local image of that name`
    : "it is not a digest, an artifact file, a platform or a local image";
  return new ManifestsError("INSTANCE_NOT_FOUND", `Cannot find instance ${JSON.stringify(text)}: ${reason}`);
}
