import type { CallOptions } from "../../internal/room.ts";
import { type ClientLease, isTransientError, type Repository } from "../../registry/room.ts";
import { isManifestsError, ManifestsError, type NamedReference } from "../../spec/room.ts";
import type { RegistryPlace } from "./lookups.ts";

/**
 * The places from which an image is pulled: mirrors, then its registry. A place that failed once is not tried again.
 */
export class PullPlaces implements AsyncDisposable {
  readonly #reference: NamedReference;
  readonly #places: readonly RegistryPlace[];
  readonly #acquire: (place: RegistryPlace) => Promise<ClientLease>;
  readonly #leases = new Map<RegistryPlace, Promise<ClientLease>>();
  #current = 0;

  /** `acquire` returns the client for a place, when it is first needed. */
  constructor(
    reference: NamedReference,
    places: readonly RegistryPlace[],
    acquire: (place: RegistryPlace) => Promise<ClientLease>,
  ) {
    this.#reference = reference;
    this.#places = places;
    this.#acquire = acquire;
  }

  /** Place of the last successful read, or the first place before any read. */
  get current(): RegistryPlace {
    return this.#places[this.#current]!;
  }

  /**
   * Reads from the first place that succeeds, beginning with the current one. Only the last place is retried after a
   * temporary failure: for the others, the next place is tried at once.
   */
  async read<T>(
    read: (repository: Repository, call: CallOptions, place: RegistryPlace) => Promise<T>,
    { signal, maxRetries }: CallOptions = {},
  ): Promise<T> {
    const failures: { place: RegistryPlace; error: Error }[] = [];
    for (let at = this.#current; at < this.#places.length; at++) {
      const place = this.#places[at]!;
      const call = { signal, maxRetries: at === this.#places.length - 1 ? maxRetries : 0 };
      try {
        const result = await read((await this.#lease(place)).client.repository(place.reference.path), call, place);
        this.#current = Math.max(this.#current, at);
        return result;
      } catch (error) {
        if (signal?.aborted || !isManifestsError(error)) throw error;
        failures.push({ place, error });
      }
    }
    return this.#fail(failures);
  }

  #lease(place: RegistryPlace): Promise<ClientLease> {
    let lease = this.#leases.get(place);
    if (!lease) this.#leases.set(place, lease = this.#acquire(place));
    return lease;
  }

  #fail(failures: readonly { place: RegistryPlace; error: Error }[]): never {
    const last = failures.at(-1)!.error as Error & { code: ManifestsError["code"] };
    if (this.#places.length === 1) throw last;
    const mirrors = failures.slice(0, -1).map(({ place, error }) => `${place.reference}: ${error.message}`);
    const others = mirrors.length > 0 ? ` (Mirrors also failed: ${mirrors.join("; ")})` : "";
    throw new ManifestsError(last.code, `Cannot pull ${this.#reference}: ${last.message}${others}`, {
      cause: new AggregateError(failures.map(({ error }) => error)),
      isTransient: failures.some(({ error }) => isTransientError(error)),
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const leases = await Promise.allSettled(this.#leases.values());
    for (const lease of leases) if (lease.status === "fulfilled") lease.value[Symbol.dispose]();
  }
}
