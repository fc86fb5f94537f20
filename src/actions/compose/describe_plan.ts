import type { ImageReference } from "../../image/room.ts";
import { type Digest, digestOf, MEDIA_TYPES, type ParsedManifest, ZSTD_ANNOTATION } from "../../spec/room.ts";
import { listMissing } from "../edit_remote_list.ts";
import { findZstd } from "../find_zstd.ts";
import type { Runtime } from "../runtime.ts";
import type { Composition } from "./composition.ts";
import { copiesAll, type Heads } from "./publish.ts";
import type { ComposeOptions, ComposeResult } from "./types.ts";

/**
 * Returns the result of a dry run: the index that would be written, and which names would change. Conversions of images
 * are not made, so that their digests, and that of the index, are still the old ones.
 */
export async function describePlan(
  runtime: Runtime,
  references: readonly ImageReference[],
  heads: Heads,
  composition: Composition,
  options: ComposeOptions,
): Promise<ComposeResult> {
  const { list, manifest } = composition;
  const manifests = await predictManifests(runtime, references, composition, options);
  const top = references[0] ? manifests.get(references[0])! : manifest;
  const published = references.map((reference) => {
    const previous = heads.get(reference);
    const digest = digestOf(manifests.get(reference)!.bytes);
    return {
      reference: String(reference.dockerReference),
      digest,
      ...(previous === undefined ? {} : { previous }),
      state: previous === digest ? "unchanged" : "planned",
    } as const;
  });
  const unchanged = published.length > 0 && published.every(({ state }) => state === "unchanged");
  const digest = digestOf(top.bytes);
  return {
    digest,
    ...(references[0] ? { reference: String(references[0].dockerReference!.trimmed().withDigest(digest)) } : {}),
    mediaType: top.mediaType,
    ...(unchanged ? { unchanged } : {}),
    instances: new Map(list.instances().map((instance) => [instance, instance])),
    published,
    manifest: top.bytes,
  };
}

/** Returns the manifest that each name would get: a push marks the entries of the images with zstd layers that it copies. */
async function predictManifests(
  runtime: Runtime,
  references: readonly ImageReference[],
  { list, manifest, single }: Composition,
  options: ComposeOptions,
): Promise<ReadonlyMap<ImageReference, Pick<ParsedManifest, "bytes" | "mediaType">>> {
  const { systemContext, sourceContext = systemContext, signal } = options;
  const canMark = single === undefined && manifest.mediaType === MEDIA_TYPES.ociIndex;
  const copied = new Map(references.map((reference) => [reference, canMark ? listCopied(reference) : []]));
  const all = [...new Set([...copied.values()].flat())].filter((digest) => !isMarked(digest));
  const zstd = await findZstd(list, all, { systemContext: sourceContext, signal });
  return new Map(Array.from(copied, ([reference, digests]) => {
    const marked = digests.filter((digest) => zstd.has(digest));
    if (marked.length === 0) return [reference, manifest];
    const changed = runtime.parseList(manifest.bytes);
    for (const digest of marked) changed.setAnnotations(digest, { [ZSTD_ANNOTATION]: "true" });
    return [reference, { bytes: changed.serialize(manifest.mediaType), mediaType: manifest.mediaType }];
  }));

  function listCopied(reference: ImageReference): Digest[] {
    return copiesAll(options) ? list.instances() : listMissing(reference, list);
  }

  function isMarked(digest: Digest): boolean {
    return list.annotations(digest)[ZSTD_ANNOTATION] === "true";
  }
}
