import { OncePerKey } from "../../internal/room.ts";
import type { AuthenticateOptions } from "./types.ts";

/** The public keys of an issuer: a JSON Web Key Set (RFC 7517). */
export interface JsonWebKeySet {
  /** The keys. Those that are not of RSA, or not for signatures, are passed over. */
  readonly keys: readonly (JsonWebKey & { readonly kid?: string })[];
}

/** The keys, or how to get them. */
export type KeySource = JsonWebKeySet | ((signal: AbortSignal) => Promise<JsonWebKeySet>);

/** Milliseconds that must pass before keys are fetched again, whoever asks for one that is not there. */
const MIN_AGE = 60_000;
/** … and where that failed. */
const FAILURE_AGE = 5_000;
/** Milliseconds after which they are fetched again anyway: a key that was withdrawn is not believed for longer. */
const MAX_AGE = 3_600_000;
/** Shorter ones are broken or soon will be. */
const MIN_MODULUS_BITS = 2048;

/** The keys of an issuer, fetched when they are needed. */
export class Keys {
  readonly #source: KeySource;
  readonly #fetching = new OncePerKey<"keys", void>();
  #keys: ReadonlyMap<string, CryptoKey> = new Map();
  #fetched = -Infinity;
  #nextFetch = -Infinity;

  /** Nothing is fetched yet. */
  constructor(source: KeySource) {
    this.#source = source;
  }

  /** The key of that name, if there is one. Rejects where there are no keys, and none can be had. */
  async find(kid: string, { now, signal }: AuthenticateOptions): Promise<CryptoKey | undefined> {
    const isStale = () => now - this.#fetched > MAX_AGE;
    let failure: unknown;
    if ((isStale() || !this.#keys.has(kid)) && now >= this.#nextFetch) {
      const fetching = this.#fetching.get("keys", (signal) => this.#fetch(now, signal), signal);
      await fetching.catch((error) => failure = error);
    }
    signal.throwIfAborted();
    // Old keys do while the issuer does not answer, but not for ever.
    if (isStale()) throw new Error("Cannot verify tokens as there are no keys", { cause: failure });
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
