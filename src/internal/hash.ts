import * as sha2 from "@noble/hashes/sha2.js";
import { encodeHex } from "./bytes.ts";
import { findNodeCrypto } from "./node_crypto.ts";

/** Incremental hash. WebCrypto has none, so `node:crypto` is used if it exists. */
export interface Hasher {
  /** Adds bytes to the hash. */
  update(bytes: Uint8Array): void;
  /** Finishes the hash and returns it as lower-case hexadecimal text. May be called once. */
  hex(): string;
}

/** Creates an incremental hash. Without `node:crypto`, as in browsers, it is about ten times slower. */
export function createHasher(algorithm: "sha256" | "sha384" | "sha512"): Hasher {
  const nodeCrypto = findNodeCrypto();
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
