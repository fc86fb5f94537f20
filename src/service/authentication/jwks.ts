import { OncePerKey } from "../../internal/room.ts";
import type { AuthenticateOptions } from "./types.ts";

/** Public keys of an issuer: a JSON Web Key Set (RFC 7517). */
export interface JsonWebKeySet {
  /** The keys. Keys that are not RSA signature keys are ignored. */
  readonly keys: readonly (JsonWebKey & { readonly kid?: string })[];
}

/** Keys of an issuer, or a function that fetches them. */
export type KeySource = JsonWebKeySet | ((signal: AbortSignal) => Promise<JsonWebKeySet>);

/** Minimum time between two fetches, in milliseconds, so that tokens with unknown keys cannot cause many requests. */
const MIN_AGE = 60_000;
/** Minimum time before the next fetch after a failed one, in milliseconds. */
const FAILURE_AGE = 5_000;
/** Maximum age of fetched keys, in milliseconds: a revoked key is accepted for at most this long. */
const MAX_AGE = 3_600_000;
/** Minimum size of RSA keys, in bits: NIST SP 800-131A disallows shorter ones. */
const MIN_MODULUS_BITS = 2048;

/** Keys of an issuer, fetched when needed. */
export class IssuerKeys {
  readonly #source: KeySource;
  readonly #fetching = new OncePerKey<"keys", void>();
  #keys: ReadonlyMap<string, CryptoKey> = new Map();
  #fetched = -Infinity;
  #nextFetch = -Infinity;

  /** Creates a cache that has not fetched any keys. */
  constructor(source: KeySource) {
    this.#source = source;
  }

  /** Finds a key by its id; `undefined` if the issuer has no such key. Rejects if the keys cannot be fetched. */
  async find(kid: string, { now, signal }: AuthenticateOptions): Promise<CryptoKey | undefined> {
    const isStale = () => now - this.#fetched > MAX_AGE;
    let failure: unknown;
    if ((isStale() || !this.#keys.has(kid)) && now >= this.#nextFetch) {
      const fetching = this.#fetching.get("keys", (signal) => this.#fetch(now, signal), signal);
      await fetching.catch((error) => failure = error);
    }
    signal.throwIfAborted();
    // If a fetch fails, the previous keys remain valid until they are stale.
    if (isStale()) {
      throw new Error("Cannot verify tokens: the keys of the issuer are missing or stale", { cause: failure });
    }
    return this.#keys.get(kid);
  }

  async #fetch(now: number, signal: AbortSignal): Promise<void> {
    try {
      const { keys } = typeof this.#source === "function" ? await this.#source(signal) : this.#source;
      const imported = await Promise.all(keys.map(importKey));
      this.#keys = new Map(imported.filter((entry) => entry !== undefined));
      this.#fetched = now;
      this.#nextFetch = now + MIN_AGE;
    } catch (error) {
      this.#nextFetch = now + FAILURE_AGE;
      throw error;
    } finally {
      this.#fetching.forget("keys");
    }
  }
}

async function importKey({ kid, kty, use = "sig", alg = "RS256", n, e }: JsonWebKeySet["keys"][number]) {
  if (kid === undefined || kty !== "RSA" || use !== "sig" || alg !== "RS256" || !n || !e) return undefined;
  const algorithm = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("jwk", { kty, n, e }, algorithm, false, ["verify"]).catch(() => undefined);
  const bits = key && (key.algorithm as RsaHashedKeyAlgorithm).modulusLength;
  return key && bits! >= MIN_MODULUS_BITS ? [kid, key] as const : undefined;
}
