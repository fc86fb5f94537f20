import { encodeHex } from "./bytes.ts";
import { nodeCrypto } from "./node_crypto.ts";

/** An incremental hash. `node:crypto` because WebCrypto cannot hash a stream piece by piece. */
export interface Hasher {
  /** Adds bytes. */
  update(bytes: Uint8Array): void;
  /** Ends the hash and returns lower-case hex. */
  hex(): string;
}

/** What browsers hash with, at a tenth of the speed. */
const sha2 = nodeCrypto ? undefined : await import("@noble/hashes/sha2.js");

/** Starts a hash. */
export function createHasher(algorithm: "sha256" | "sha384" | "sha512"): Hasher {
  if (nodeCrypto) {
    const hash = nodeCrypto.createHash(algorithm);
    return {
      update: (bytes) => void hash.update(bytes),
      hex: () => hash.digest("hex"),
    };
  }
  const hash = sha2![algorithm].create();
  return {
    update: (bytes) => void hash.update(bytes),
    hex: () => encodeHex(hash.digest()),
  };
}
