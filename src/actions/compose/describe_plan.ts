import type { ImageReference } from "../../image/room.ts";
import { digestOf } from "../../spec/room.ts";
import type { Composition } from "./composition.ts";
import type { Heads } from "./publish.ts";
import type { ComposeResult } from "./types.ts";

/** Returns the result of a dry run: the index that would be written, and which names would change. */
export function describePlan(
  references: readonly ImageReference[],
  heads: Heads,
  { list, manifest }: Composition,
): ComposeResult {
  const { bytes, mediaType } = manifest;
  const digest = digestOf(bytes);
  const published = references.map((reference) => {
    const previous = heads.get(reference);
    return {
      reference: String(reference.dockerReference),
      digest,
      ...(previous === undefined ? {} : { previous }),
      state: previous === digest ? "unchanged" : "planned",
    } as const;
  });
  const unchanged = published.length > 0 && published.every(({ state }) => state === "unchanged");
  return {
    digest,
    ...(references[0] ? { reference: String(references[0].dockerReference!.trimmed().withDigest(digest)) } : {}),
    mediaType,
    ...(unchanged ? { unchanged } : {}),
    instances: new Map(list.instances().map((instance) => [instance, instance])),
    published,
    manifest: bytes,
  };
}
