import { createHash } from "node:crypto";

/** An incremental hash. `node:crypto` because WebCrypto cannot hash a stream piece by piece. */
export interface Hasher {
  /** Adds bytes. */
  update(bytes: Uint8Array): void;
  /** Ends the hash and returns lower-case hex. */
  hex(): string;
}

/** Starts a hash with an algorithm that `node:crypto` knows (`sha256`, `sha384`, `sha512`). */
export function createHasher(algorithm: string): Hasher {
  const hash = createHash(algorithm);
  return {
    update: (bytes) => void hash.update(bytes),
    hex: () => hash.digest("hex"),
  };
}
