import type { ImageReference } from "../../image/room.ts";
import type { TransferOptions } from "../../copy/room.ts";
import type { AddOptions, PushResult } from "../../list/room.ts";
import { keepConnection, listMissing, resolveImage } from "../../actions/room.ts";
import { REMOTE_RUNTIME } from "./runtime.ts";
import { create, type List } from "./list.ts";

/** Options for sources that are indexes. */
export interface SourceOptions
  extends Pick<AddOptions, "attestations" | "allowPlatformMismatch" | "onPlatformMismatch"> {
  /**
   * Take every instance of a source that is an index, as BuildKit pushes even a single image. `false`: take the only image,
   * else the one for the platform that `systemContext` names, default `linux/amd64`.
   *
   * @default {true}
   */
  all?: boolean | undefined;
  /** Take only the instances for these platforms, as in `linux/arm64`, with their attestations; default: see `all`. */
  platforms?: readonly string[] | undefined;
}

/** Options for {@linkcode composeIndex}. */
export interface ComposeIndexOptions extends SourceOptions, TransferOptions {
  /** Name of the index to write, such as `quay.io/me/app:1`. */
  target: string | ImageReference;
  /** Images and indexes whose instances it gets, in this order. */
  sources: readonly (string | ImageReference)[];
  /** Annotations of the index itself. */
  annotations?: Readonly<Record<string, string>> | undefined;
  /** Called with the list before anything is written. An exception that it throws ends the call. */
  beforePush?: ((list: List) => unknown) | undefined;
}

/**
 * Makes an index of images in registries and publishes it, in one call. A source that is an index contributes all of its
 * instances, attestations included, unless `platforms` or `attestations` leave some out. The sources are read
 * concurrently, with two requests for each. Images that the target's repository already has are not copied. The index
 * itself is one write.
 *
 * @throws {ManifestsError} With code `NOT_FOUND` if a source does not exist, `PLATFORM_MISMATCH` or
 * `NO_MATCHING_PLATFORM` if its platform does not fit, `CONFLICT` (see `ifMatch`); the index is not written then. Else with
 * the codes of {@linkcode ManifestList.add} and {@linkcode ManifestList.push}.
 *
 * @example
 * ```ts
 * import { composeIndex, create } from "@multiarch/manifests/remote";
 * import { createMemoryStorage, createRegistry } from "@multiarch/manifests/server";
 * import assert from "node:assert/strict";
 *
 * const systemContext = { fetch: createRegistry({ storage: createMemoryStorage() }).fetch };
 * const pushed = await composeIndex({
 *   target: "registry.example/app:1",
 *   sources: [], // such as "registry.example/app:1-amd64"
 *   annotations: { "org.opencontainers.image.version": "1" },
 *   systemContext,
 * });
 * assert.equal(pushed.mediaType, "application/vnd.oci.image.index.v1+json");
 * ```
 */
export async function composeIndex(options: ComposeIndexOptions): Promise<PushResult> {
  const { target, sources, annotations, beforePush, ...rest } = options;
  const [add, push] = splitSourceOptions(rest);
  const reference = resolveImage(REMOTE_RUNTIME, target);
  await using _held = await keepConnection(reference, push.systemContext);
  const list = create();
  await list.addAll(sources, add);
  if (annotations) list.setAnnotations(undefined, annotations);
  await beforePush?.(list);
  // Signing and changing apply to all instances; otherwise, instances that the repository has are not copied again.
  const changes = push.signers?.length || push.addCompression?.length || push.manifestType ||
    push.forceCompressionFormat;
  const selection = changes ? {} : { imageListSelection: "specific", instances: listMissing(reference, list) } as const;
  return await list.push(reference, { ...push, ...selection });
}

/** Splits options into those for {@linkcode List.addAll} and all others. */
export function splitSourceOptions<T extends SourceOptions & Pick<AddOptions, "systemContext" | "signal">>(
  options: T,
): [add: AddOptions, rest: Omit<T, keyof SourceOptions>] {
  const { all = true, platforms, attestations, allowPlatformMismatch, onPlatformMismatch, ...rest } = options;
  const { systemContext, signal } = options;
  const add = { all, platforms, attestations, allowPlatformMismatch, onPlatformMismatch, systemContext, signal };
  return [add, rest];
}
