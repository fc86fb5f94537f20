import * as sha2 from "@noble/hashes/sha2.js";
import { concatBytes, encodeHex } from "./bytes.ts";
import { findNodeCrypto, isNodeCryptoLoaded } from "./node_crypto.ts";

/** Incremental hash. WebCrypto has none, so `node:crypto` is used if it exists. */
export interface Hasher {
  /** Adds bytes to the hash. */
  update(bytes: Uint8Array): void;
  /** Finishes the hash and returns it as lower-case hexadecimal text. May be called once. */
  hex(): string;
}

/** Name of a hash function. */
type HashName = "sha256" | "sha384" | "sha512";

/**
 * Maximum number of bytes, in all hashes of a process together, that are hashed without `node:crypto`. Loading that module
 * takes Deno 30 ms; in this time, 128 KiB are hashed without it. Most commands hash only a few small documents.
 */
const LIGHT_BYTES = 128 * 1024;
let lightBytes = 0;

/** Creates an incremental hash. Without `node:crypto`, as in browsers, it is about ten times slower. */
export function createHasher(algorithm: HashName): Hasher {
  return isNodeCryptoLoaded() ? createFastHasher(algorithm) : new LightHasher(algorithm);
}

function createFastHasher(algorithm: HashName): Hasher {
  const nodeCrypto = findNodeCrypto();
  if (!nodeCrypto) return createPortableHasher(algorithm);
  const hash = nodeCrypto.createHash(algorithm);
  return {
    update: (bytes) => void hash.update(bytes),
    hex: () => hash.digest("hex"),
  };
}

function createPortableHasher(algorithm: HashName): Hasher {
  const hash = sha2[algorithm].create();
  return {
    update: (bytes) => void hash.update(bytes),
    hex: () => encodeHex(hash.digest()),
  };
}

/** Keeps the bytes as long as they are few, and hashes them at the end without `node:crypto`. */
class LightHasher implements Hasher {
  readonly #algorithm: HashName;
  #kept: Uint8Array[] = [];
  #fast: Hasher | undefined;

  constructor(algorithm: HashName) {
    this.#algorithm = algorithm;
  }

  update(bytes: Uint8Array): void {
    if (this.#fast) return this.#fast.update(bytes);
    lightBytes += bytes.length;
    if (lightBytes <= LIGHT_BYTES) return void this.#kept.push(bytes.slice());
    this.#fast = createFastHasher(this.#algorithm);
    for (const part of [...this.#kept, bytes]) this.#fast.update(part);
    this.#kept = [];
  }

  hex(): string {
    if (this.#fast) return this.#fast.hex();
    const hasher = createPortableHasher(this.#algorithm);
    hasher.update(concatBytes(this.#kept));
    return hasher.hex();
  }
}
