import type { ImageReference } from "../../image/room.ts";
import { allOrAbort } from "../../internal/room.ts";
import type { List } from "../../list/room.ts";
import {
  createPlatform,
  type Digest,
  getEntries,
  isAttestation,
  isIndex,
  isIndexMediaType,
  ManifestsError,
  type ParsedManifest,
  type Platform,
} from "../../spec/room.ts";
import type { Runtime } from "../runtime.ts";
import { buildList } from "./build_list.ts";
import { describeSource } from "./describe_source.ts";
import type { ComposedEntry } from "./entries.ts";
import { mergeEntries, mergeSources } from "./merge_entries.ts";
import { annotateEntries, assertPlatforms, selectPlatforms } from "./select_platforms.ts";
import { sortByPlatform } from "./sort_entries.ts";
import { findBase } from "./find_base.ts";
import { findSources, type FoundSource } from "./find_sources.ts";
import type { ComposeOptions, ComposeSource } from "./types.ts";

/** An index in memory, ready to be published. */
export interface Composition {
  /** The index as an editable list. */
  readonly list: List;
  /** Platform of the only image if that is published, not the index; else `undefined`. */
  readonly single: Platform | undefined;
  /** The manifest to publish, unless instances have to be converted. */
  readonly manifest: Pick<ParsedManifest, "bytes" | "mediaType">;
  /** The sources that were read, after the existing index of `append`. */
  readonly sources: readonly FoundSource[];
  /** The entries of the index, in order. */
  readonly entries: readonly ComposedEntry[];
  /** Type to convert to; `undefined` if nothing has to be converted. */
  readonly manifestType: string | undefined;
  /** Digest that the first name must still have; `null`: it must not exist; `undefined`: anything. */
  readonly ifMatch: Digest | string | null | undefined;
}

/** Reads the sources, and the existing index of `append`, and makes the index. Writes nothing. */
export async function readComposition(
  runtime: Runtime,
  target: ImageReference | undefined,
  options: ComposeOptions,
): Promise<Composition> {
  const { append = false, entryAnnotations = [], preferIndex = true, require = [] } = options;
  const { sourceContext = options.systemContext } = options;
  const reading = { ...options, systemContext: sourceContext };
  let existing: FoundSource | undefined;
  let sources: readonly FoundSource[] = [];
  await allOrAbort([
    async (signal) => {
      if (append && target) existing = await findBase(runtime, target, { ...options, signal });
    },
    async (signal) => {
      sources = await findSources(runtime, options.sources.map(toSource), { ...reading, signal });
    },
  ], options.signal);
  const entries = annotateEntries(joinEntries(existing, sources, options), entryAnnotations);
  assertPlatforms(entries, require, "require");
  const base = existing ?? getOnlyIndex(sources, options);
  const built = await buildList(runtime, { entries, base: base?.found.manifest }, reading);
  const single = !preferIndex && !base && entries.length === 1 ? entries[0] : undefined;
  if (single) assertNoIndexMembers(built.list, single);
  const image = single && sources.find(({ found }) => found.digest === single.digest);
  return {
    ...built,
    sources: existing ? [existing, ...sources] : sources,
    entries,
    manifest: image?.found.manifest ?? built.manifest,
    single: single?.platform,
    // `null` is a condition of its own: the name must not exist.
    ifMatch: options.ifMatch === undefined && append ? existing?.found.digest : options.ifMatch,
  };
}

function toSource(source: string | ImageReference | ComposeSource): ComposeSource {
  return typeof source === "object" && "image" in source ? source : { image: source };
}

/** Returns the entries of the index, in order. */
function joinEntries(
  existing: FoundSource | undefined,
  sources: readonly FoundSource[],
  options: ComposeOptions,
): readonly ComposedEntry[] {
  const { order = "given", replace = false } = options;
  const described = mergeSources(sources.map((source) => describeSource(source, options)));
  const added = selectPlatforms(described, { ...options, available: sources.flatMap(listPlatforms) });
  const all = existing ? mergeEntries(describeSource(existing), added, { replace }) : added;
  return order === "platform" ? sortByPlatform(all) : all;
}

/** Platforms of all images of a source, also of those that `platforms` leaves out. */
function listPlatforms({ found: { instances, manifest } }: FoundSource): Platform[] {
  const entries = isIndex(manifest) ? getEntries(manifest) : [];
  const others = entries.filter((entry) => !isAttestation(entry)).map(({ platform }) => createPlatform(platform ?? {}));
  return [...instances.filter((instance) => !isAttestation(instance)).map(({ platform }) => platform), ...others];
}

/** The only source if that is an index whose instances are taken: its own members are kept. */
function getOnlyIndex(
  sources: readonly FoundSource[],
  { nested = false }: ComposeOptions,
): FoundSource | undefined {
  const [only] = sources;
  return sources.length === 1 && only && isIndex(only.found.manifest) && !nested ? only : undefined;
}

function assertNoIndexMembers(list: List, { digest, mediaType }: ComposedEntry): void {
  const { annotations, artifactType, subject } = list.ociV1();
  if (!annotations && !artifactType && !subject && !isIndexMediaType(mediaType)) return;
  throw new ManifestsError(
    "CANNOT_MODIFY",
    `Cannot annotate ${digest}: preferIndex: false (--prefer-index=false) publishes a single image unchanged`,
  );
}
