import { type CallOptions, Semaphore } from "../internal/room.ts";
import { type Descriptor, type Digest, isManifestsError, MEDIA_TYPES, serializeOciIndex } from "../spec/room.ts";
import type { RegistryClient } from "./client.ts";
import { putManifest } from "./put_manifest.ts";
import { readReferrersTag, referrersTag } from "./referrers.ts";
import type { RepositoryApi } from "./repository_api.ts";

/** How often a list is read and written anew because others write it too. */
const MAX_ATTEMPTS = 8;

/** A change of a list of referrers; `undefined` where there is nothing to change. */
type Change = (entries: readonly Descriptor[]) => readonly Descriptor[] | undefined;

/** Keeps the tags that stand in for the referrers API. Writers of one client take turns; others are noticed. */
class ReferrersUpdater {
  readonly #turns = new Map<string, { turn: Semaphore; users: number }>();

  /** Adds a referrer. */
  async add(api: RepositoryApi, subject: Digest, referrer: Descriptor, call: CallOptions): Promise<void> {
    const { digest } = referrer;
    await this.#change(
      api,
      subject,
      call,
      (entries) => entries.some((entry) => entry.digest === digest) ? undefined : [...entries, referrer],
    );
  }

  /** Takes a referrer out. */
  async remove(api: RepositoryApi, subject: Digest, digest: Digest, call: CallOptions): Promise<void> {
    await this.#change(
      api,
      subject,
      call,
      (entries) =>
        entries.some((entry) => entry.digest === digest)
          ? entries.filter((entry) => entry.digest !== digest)
          : undefined,
    );
  }

  async #change(api: RepositoryApi, subject: Digest, call: CallOptions, change: Change): Promise<void> {
    const key = `${api.path}@${subject}`;
    const entry = this.#turns.get(key) ?? { turn: new Semaphore(1), users: 0 };
    this.#turns.set(key, entry);
    entry.users++;
    try {
      await entry.turn.run(() => write(api, subject, call, change), call.signal);
    } finally {
      if (--entry.users === 0) this.#turns.delete(key);
    }
  }
}

const UPDATERS = new WeakMap<RegistryClient, ReferrersUpdater>();

/** The one that all writers of a client share. */
export function updaterOf(client: RegistryClient): ReferrersUpdater {
  const known = UPDATERS.get(client) ?? new ReferrersUpdater();
  UPDATERS.set(client, known);
  return known;
}

/** Reads, changes and writes, until a look finds nothing left to change: a writer in between may have undone it. */
async function write(api: RepositoryApi, subject: Digest, call: CallOptions, change: Change): Promise<void> {
  for (let attempt = 1;; attempt++) {
    const { digest, entries } = await readReferrersTag(api, subject, call);
    const manifests = change(entries);
    if (manifests === undefined) return;
    try {
      const bytes = serializeOciIndex({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests });
      await putManifest(api, referrersTag(subject), bytes, { ...call, ifMatch: digest });
    } catch (error) {
      if (!isManifestsError(error, "CONFLICT") || attempt === MAX_ATTEMPTS) throw error;
      await api.client.pause(attempt, call.signal);
    }
  }
}
