import { type CallOptions, repeatWhileLost, Semaphore } from "../internal/room.ts";
import {
  type Descriptor,
  type Digest,
  isManifestsError,
  manifestDigest,
  MEDIA_TYPES,
  serializeOciIndex,
} from "../spec/room.ts";
import type { RegistryConnection } from "./connection.ts";
import { readReferrersTag, referrersTag } from "./referrers.ts";
import type { RepositoryApi } from "./repository_api.ts";
import { createConflict, repeatReadAndWrite, type SeenTag, settle, writeSeenTag } from "./write_tag.ts";

/** Returns the changed list of referrers; `undefined` if there is nothing to change. */
type Change = (entries: readonly Descriptor[]) => readonly Descriptor[] | undefined;

/** A change of the referrers of one subject. */
interface Update {
  readonly api: RepositoryApi;
  readonly subject: Digest;
  readonly call: CallOptions;
  readonly change: Change;
}

/** Updates the tags that list referrers. Updates of one client run one after another; those of others are detected. */
class ReferrersUpdater {
  readonly #turns = new Map<string, { turn: Semaphore; users: number }>();

  /** Adds a referrer to the tag of its subject. */
  async add(api: RepositoryApi, subject: Digest, referrer: Descriptor, call: CallOptions): Promise<void> {
    const { digest } = referrer;
    const change: Change = (entries) =>
      entries.some((entry) => entry.digest === digest) ? undefined : [...entries, referrer];
    await this.#update({ api, subject, call, change });
  }

  /** Removes a referrer from the tag of its subject. */
  async remove(api: RepositoryApi, subject: Digest, digest: Digest, call: CallOptions): Promise<void> {
    const change: Change = (entries) => {
      const left = entries.filter((entry) => entry.digest !== digest);
      return left.length < entries.length ? left : undefined;
    };
    await this.#update({ api, subject, call, change });
  }

  async #update(update: Update): Promise<void> {
    const { api, subject, call } = update;
    const key = `${api.path}@${subject}`;
    const entry = this.#turns.get(key) ?? { turn: new Semaphore(1), users: 0 };
    this.#turns.set(key, entry);
    entry.users++;
    try {
      await repeatWhileLost(async () => {
        const write = () => repeatReadAndWrite(api, call, (call) => writeOnce({ ...update, call }));
        const written = await entry.turn.run(write, call.signal);
        // The turn ends before the confirmation, so that other updates of this client need not wait for it.
        if (written) await confirm(update, written);
      }, { isLost, signal: call.signal });
    } finally {
      if (--entry.users === 0) this.#turns.delete(key);
    }
  }
}

/** Updaters by connection: all repositories of a client share one. */
const UPDATERS = new WeakMap<RegistryConnection, ReferrersUpdater>();

/** Returns the updater that all repositories of a connection share. */
export function getUpdater(connection: RegistryConnection): ReferrersUpdater {
  const known = UPDATERS.get(connection) ?? new ReferrersUpdater();
  UPDATERS.set(connection, known);
  return known;
}

/** Reads the list, changes it and writes it; returns `undefined` if there was nothing to change. */
async function writeOnce({ api, subject, call, change }: Update): Promise<SeenTag & { digest: Digest } | undefined> {
  const seenAt = performance.now();
  const { digest: before, etag, entries } = await readReferrersTag(api, subject, call);
  const manifests = change(entries);
  if (manifests === undefined) return undefined;
  const mediaType = MEDIA_TYPES.ociIndex;
  const bytes = serializeOciIndex({ schemaVersion: 2, mediaType, manifests });
  const digest = manifestDigest(bytes);
  const upload = { target: referrersTag(subject), bytes, digest, mediaType };
  await writeSeenTag(api, upload, { digest: before, etag, seenAt }, call);
  return { digest, etag: null, seenAt };
}

/**
 * Waits for slower writers and makes sure that none of them has undone a change.
 *
 * @throws {ManifestsError} With code `CONFLICT` if one has.
 */
async function confirm({ api, subject, call, change }: Update, written: SeenTag & { digest: Digest }): Promise<void> {
  await settle(api, written, call);
  const { digest, entries } = await readReferrersTag(api, subject, call);
  if (change(entries) !== undefined) throw createConflict(api, referrersTag(subject), written.digest, digest);
}

/** Returns whether another attempt, which reads the list again, may succeed. */
function isLost(error: unknown): boolean {
  return isManifestsError(error, "CONFLICT");
}
