import { delay } from "@std/async";
import { type CallOptions, type Fetch, isTransientStatus, readStream, retryDelay } from "../../../internal/room.ts";
import { MAX_SIGNATURE_SIZE, MAX_SIGNATURES, type SimpleSignature } from "../../../signature/room.ts";
import { type Digest, isManifestsError, ManifestsError } from "../../../spec/room.ts";
import { followRedirects } from "./redirects.ts";
import { parseSimpleSignature } from "./simple_signature.ts";
import type { LookasideFiles, SignatureStorage, SimpleSignatureStorage } from "./storage.ts";

/** Default for the maximum number of retries. */
const DEFAULT_RETRIES = 3;

/** Options for {@linkcode Lookaside}. */
export interface LookasideOptions {
  /** Configured locations of the signatures. */
  readonly storage: SignatureStorage;
  /** Path of the repository in its registry. */
  readonly path: string;
  /** Function for requests to servers. They get no credentials, because they are not the registry. */
  readonly fetch: Fetch;
  /** Maximum number of retries of a request after a temporary failure. Default: 3. */
  readonly maxRetries?: number | undefined;
  /** Delay before the first retry in milliseconds; it doubles with each retry. Default: 1000. */
  readonly retryDelay?: number | undefined;
  /** Files of lookaside directories; `undefined` on a host without files. */
  readonly files: LookasideFiles | undefined;
}

/**
 * Simple signatures in a lookaside: files, numbered from 1, in a folder per manifest (c/image,
 * docs/signature-protocols.md).
 */
export class Lookaside implements SimpleSignatureStorage {
  readonly #options: LookasideOptions;

  constructor(options: LookasideOptions) {
    this.#options = options;
  }

  get writable(): true | string {
    const base = this.#writeBase;
    if (!base) return "no lookaside is configured for this repository";
    if (base.protocol !== "file:") {
      return `signatures cannot be written to ${base.protocol} locations: configure a lookaside-staging location`;
    }
    return this.#options.files ? true : "this host has no files";
  }

  async read(digest: Digest, options: CallOptions = {}): Promise<SimpleSignature[]> {
    const base = this.#options.storage.lookaside;
    const signatures: SimpleSignature[] = [];
    if (!base) return signatures;
    for (let number = 1;; number++) {
      const url = this.#url(base, digest, number);
      const bytes = await this.#readWithRetries(url, options);
      if (!bytes) return signatures;
      if (number > MAX_SIGNATURES) {
        throw new ManifestsError(
          "LIMIT_EXCEEDED",
          `Cannot read signatures at ${url.href}: there are more than ${MAX_SIGNATURES}`,
        );
      }
      signatures.push(parseSimpleSignature(bytes, url.href));
    }
  }

  /** Replaces the signatures of a manifest by the given ones. */
  async write(digest: Digest, signatures: readonly SimpleSignature[], { signal }: CallOptions = {}): Promise<void> {
    const base = this.#writeBase!, files = this.#options.files!;
    for (const [i, { bytes }] of signatures.entries()) {
      signal?.throwIfAborted();
      await files.write(this.#url(base, digest, i + 1), bytes);
    }
    let number = signatures.length + 1;
    while (await files.remove(this.#url(base, digest, number))) number++;
  }

  get #writeBase(): URL | undefined {
    const { lookaside, lookasideStaging } = this.#options.storage;
    return lookasideStaging ?? lookaside;
  }

  #url(base: URL, digest: Digest, number: number): URL {
    const url = new URL(base);
    url.pathname = `${url.pathname}/${this.#options.path}@${digest.replace(":", "=")}/signature-${number}`;
    return url;
  }

  /** Reads a file, with retries after temporary failures. */
  async #readWithRetries(
    url: URL,
    { signal, maxRetries = this.#options.maxRetries ?? DEFAULT_RETRIES }: CallOptions,
  ): Promise<Uint8Array<ArrayBuffer> | undefined> {
    for (let attempt = 1;; attempt++) {
      try {
        return await this.#readOne(url, signal);
      } catch (error) {
        const isTemporary = isManifestsError(error, "NETWORK") || error instanceof ManifestsError && error.isTransient;
        if (attempt > maxRetries || !isTemporary) throw error;
        await delay(retryDelay(attempt, this.#options.retryDelay), signal ? { signal } : {});
      }
    }
  }

  async #readOne(url: URL, signal: AbortSignal | undefined): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const { files, fetch } = this.#options;
    // On a host without files, a directory has no signatures.
    if (url.protocol === "file:") return await files?.read(url, MAX_SIGNATURE_SIZE);
    const response = await followRedirects(fetch, url, signal);
    if (!response.ok) {
      await response.body?.cancel();
      if (response.status === 404) return undefined;
      throw new ManifestsError("REGISTRY_ERROR", `Cannot read signature ${url.href}: status ${response.status}`, {
        isTransient: isTransientStatus(response.status),
      });
    }
    const bytes = response.body ? await readStream(response.body, MAX_SIGNATURE_SIZE, signal) : new Uint8Array();
    if (bytes) return bytes;
    throw new ManifestsError("LIMIT_EXCEEDED", `Cannot read signature ${url.href}: it is larger than 4 MiB`);
  }
}
