import * as sha2 from "@noble/hashes/sha2.js";
import { encodeHex } from "./bytes.ts";
import { nodeCrypto } from "./node_crypto.ts";

/** An incremental hash. `node:crypto` because WebCrypto cannot hash a stream piece by piece. */
export interface Hasher {
  /** Adds bytes. */
  update(bytes: Uint8Array): void;
  /** Ends the hash and returns lower-case hex. */
  hex(): string;
}

/** Starts a hash. Without `node:crypto`, as in browsers, it has a tenth of the speed. */
export function createHasher(algorithm: "sha256" | "sha384" | "sha512"): Hasher {
  if (nodeCrypto) {
    const hash = nodeCrypto.createHash(algorithm);
    return {
      update: (bytes) => void hash.update(bytes),
      hex: () => hash.digest("hex"),
    };
  }
  const hash = sha2[algorithm].create();
  return {
    update: (bytes) => void hash.update(bytes),
    hex: () => encodeHex(hash.digest()),
  };
}
