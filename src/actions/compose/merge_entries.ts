import {
  findAttested,
  formatPlatform,
  isAttestation,
  isEmptyPlatform,
  isIndexMediaType,
  ManifestsError,
  normalizePlatform,
} from "../../spec/room.ts";
import type { ComposedEntry } from "./entries.ts";

/**
 * Merges the entries of all sources. The same image is one entry with the annotations of all its sources.
 *
 * @throws {ManifestsError} With code `DUPLICATE_PLATFORM` if two sources have different images for one platform.
 */
export function mergeSources(sources: readonly (readonly ComposedEntry[])[]): ComposedEntry[] {
  const merger = new Merger();
  for (const entries of sources) merger.add(entries, { replace: false });
  return merger.finish();
}

/** Options for {@linkcode mergeEntries}. */
export interface MergeOptions {
  /** Added images replace existing ones for their platform, whose attestations go with them. */
  readonly replace: boolean;
}

/** Adds entries to existing ones; see {@linkcode mergeSources}. */
export function mergeEntries(
  existing: readonly ComposedEntry[],
  added: readonly ComposedEntry[],
  options: MergeOptions,
): ComposedEntry[] {
  const merger = new Merger(existing);
  merger.add(added, options);
  return merger.finish();
}

/** A place in the merged list. */
interface Slot {
  entry: ComposedEntry;
  /** The key of {@linkcode platformKey}. */
  readonly platform: string;
  /** Entries that replace this one, which stand before it. */
  readonly before: Slot[];
  /** Whether another image replaces this one. */
  replaced: boolean;
}

/** Merges sources in linear time: an entry is found by its digest and its platform. */
class Merger {
  readonly #slots: Slot[] = [];
  /** The first entry for each digest and platform. */
  readonly #byImage = new Map<string, Slot>();
  /** The entries of earlier sources for each platform. */
  readonly #byPlatform = new Map<string, Slot[]>();

  /** Starts with entries that are not merged with each other. */
  constructor(existing: readonly ComposedEntry[] = []) {
    const slots = existing.map(createSlot);
    for (const slot of slots) this.#append(slot, this.#slots);
    this.#close(slots);
  }

  /** Adds the entries of one source, which may have several images for one platform. */
  add(entries: readonly ComposedEntry[], { replace }: MergeOptions): void {
    const added: Slot[] = [];
    const given = new Set<Slot>();
    for (const entry of entries) {
      const slot = createSlot(entry);
      const same = this.#byImage.get(imageKey(slot));
      if (same) {
        const annotations = { ...same.entry.annotations, ...entry.annotations };
        same.entry = { ...same.entry, annotations };
        given.add(same);
        continue;
      }
      const rivals = this.#byPlatform.get(slot.platform) ?? [];
      const [rival] = rivals;
      if (rival && !replace) throw duplicatePlatform(rival.entry, entry);
      if (rival && !rival.replaced) { for (const other of rivals) other.replaced = true; }
      this.#append(slot, rival && !given.has(rival) ? rival.before : this.#slots);
      added.push(slot);
    }
    // An image that the source has too is not replaced by the others of the source.
    for (const slot of given) slot.replaced = false;
    this.#close(added);
  }

  /** Returns the merged entries, without those that were replaced and their attestations. */
  finish(): ComposedEntry[] {
    const all = this.#slots.flatMap((slot) => [...slot.before, slot]);
    const gone = new Set<string | undefined>(
      all.filter(({ replaced }) => replaced).map(({ entry }) => entry.digest),
    );
    return all.filter(({ entry, replaced }) => !replaced && !(isAttestation(entry) && gone.has(findAttested(entry))))
      .map(({ entry }) => entry);
  }

  #append(slot: Slot, to: Slot[]): void {
    to.push(slot);
    const key = imageKey(slot);
    if (!this.#byImage.has(key)) this.#byImage.set(key, slot);
  }

  /** Makes the entries of a source rivals of those of the next ones. */
  #close(slots: readonly Slot[]): void {
    for (const slot of slots) {
      if (slot.platform === "") continue;
      const others = this.#byPlatform.get(slot.platform);
      if (others) others.push(slot);
      else this.#byPlatform.set(slot.platform, [slot]);
    }
  }
}

function createSlot(entry: ComposedEntry): Slot {
  return { entry, platform: platformKey(entry), before: [], replaced: false };
}

/** Equal for entries that are the same image for the same platform. */
function imageKey({ entry, platform }: Slot): string {
  return `${entry.digest} ${platform}`;
}

/** Returns the platform that must be unique in an index; `""` for entries that are not images for a platform. */
function platformKey(entry: ComposedEntry): string {
  const { platform, artifactType, mediaType } = entry;
  const isImage = !artifactType && !isAttestation(entry) && !isIndexMediaType(mediaType);
  return isImage && !isEmptyPlatform(platform) ? formatPlatform(normalizePlatform(platform)) : "";
}

function duplicatePlatform(one: ComposedEntry, other: ComposedEntry): ManifestsError {
  return new ManifestsError(
    "DUPLICATE_PLATFORM",
    `Cannot compose an index with two images for ${
      formatPlatform(other.platform)
    }: ${one.origin} (${one.digest}) and ` +
      `${other.origin} (${other.digest}): leave one of them out, or record another platform for it. ` +
      "To replace an image of an existing index, use replace (--append --replace)",
  );
}
