import { createHasher, type Hasher } from "../internal/room.ts";
import { ManifestsError, ManifestsSyntaxError } from "../errors/room.ts";

/**
 * Valid content digest such as `sha256:…` (image-spec descriptor.md §Digests). It is a plain string at run time, so it
 * works as a map key and in JSON. The digest of a parsed entry may have an algorithm that is not in
 * {@linkcode DigestAlgorithm}: such an entry is kept, but its content cannot be verified and therefore not used.
 */
export type Digest = `${DigestAlgorithm}:${string}` & {
  /** Marks a checked digest; does not exist at run time. */
  readonly __digest: true;
};

/** Hash algorithms that this module supports. */
export type DigestAlgorithm = "sha256" | "sha384" | "sha512";

const HEX_LENGTH: Record<DigestAlgorithm, number> = { sha256: 64, sha384: 96, sha512: 128 };
const DIGEST_REGEXP = /^([a-z0-9]+(?:[+._-][a-z0-9]+)*):([a-zA-Z0-9=_-]+)$/;

function digestProblem(text: string, isKept = false): string | undefined {
  const match = text.length <= 1024 ? DIGEST_REGEXP.exec(text) : null;
  if (!match) return "invalid checksum digest format";
  if (!isSupported(match[1]!)) return isKept ? undefined : `unsupported digest algorithm ${JSON.stringify(match[1])}`;
  const length = HEX_LENGTH[match[1]];
  if (match[2]!.length !== length) return "invalid checksum digest length";
  if (!/^[a-f0-9]+$/.test(match[2]!)) return "invalid checksum digest format";
  return undefined;
}

/**
 * Parses a digest: a supported algorithm, a colon, and lower-case hexadecimal digits of the right number.
 *
 * @throws {ManifestsSyntaxError} With code `INVALID_DIGEST` if the text is not a digest or its algorithm is unsupported.
 *
 * @example
 * ```ts
 * import { parseDigest } from "@multiarch/manifests/spec";
 * import assert from "node:assert/strict";
 *
 * assert.throws(() => parseDigest("sha256:beef"), { code: "INVALID_DIGEST" });
 * ```
 */
export function parseDigest(text: string): Digest {
  const problem = digestProblem(text);
  if (problem) {
    throw new ManifestsSyntaxError(
      "INVALID_DIGEST",
      `Cannot parse digest: ${problem}: current value is ${JSON.stringify(text.slice(0, 256))}`,
    );
  }
  return text as Digest;
}

/**
 * Returns whether `text` is a digest that {@linkcode parseDigest} accepts.
 *
 * @example
 * ```ts
 * import { isDigest } from "@multiarch/manifests/spec";
 * import assert from "node:assert/strict";
 *
 * assert.ok(isDigest(`sha256:${"0".repeat(64)}`));
 * assert.ok(!isDigest("sha256:beef"));
 * ```
 */
export function isDigest(text: string): text is Digest {
  return digestProblem(text) === undefined;
}

/**
 * Returns whether `text` is a digest that an entry may have: one that {@linkcode parseDigest} accepts, or one with an
 * unsupported algorithm (image-spec descriptor.md §Digests: such digests should pass).
 */
export function isWellFormedDigest(text: string): text is Digest {
  return digestProblem(text, true) === undefined;
}

/**
 * Returns the algorithm of a digest.
 *
 * @throws {ManifestsError} With code `INVALID_DIGEST` if the algorithm is not supported, so that content of this digest
 * cannot be verified.
 *
 * @example
 * ```ts
 * import { digestAlgorithm, parseDigest } from "@multiarch/manifests/spec";
 * import assert from "node:assert/strict";
 *
 * assert.equal(digestAlgorithm(parseDigest(`sha512:${"0".repeat(128)}`)), "sha512");
 * ```
 */
export function digestAlgorithm(digest: Digest): DigestAlgorithm {
  const algorithm = digest.slice(0, digest.indexOf(":"));
  if (isSupported(algorithm)) return algorithm;
  throw new ManifestsError(
    "INVALID_DIGEST",
    `Cannot use content of digest ${
      JSON.stringify(digest.slice(0, 256))
    }: it cannot be verified, because digest algorithm ${JSON.stringify(algorithm.slice(0, 256))} is not supported`,
  );
}

function isSupported(algorithm: string): algorithm is DigestAlgorithm {
  return Object.hasOwn(HEX_LENGTH, algorithm);
}

/** Returns the hexadecimal part of a digest. */
export function digestHex(digest: Digest): string {
  return digest.slice(digest.indexOf(":") + 1);
}

/**
 * Computes the digest of bytes.
 *
 * @param algorithm Hash algorithm. Default: `sha256`.
 *
 * @example
 * ```ts
 * import { digestOf } from "@multiarch/manifests/spec";
 * import assert from "node:assert/strict";
 *
 * const empty = new TextEncoder().encode("{}");
 * assert.equal(digestOf(empty), "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a");
 * ```
 */
export function digestOf(bytes: Uint8Array, algorithm: DigestAlgorithm = "sha256"): Digest {
  const digester = createDigester(algorithm);
  digester.update(bytes);
  return digester.digest();
}

/** Incremental computation of a digest. */
export interface Digester {
  /** Adds bytes to the digest. */
  update(bytes: Uint8Array): void;
  /** Returns the digest and ends the computation. May be called once. */
  digest(): Digest;
}

/** Starts an incremental digest. Default algorithm: `sha256`. */
export function createDigester(algorithm: DigestAlgorithm = "sha256"): Digester {
  const hasher: Hasher = createHasher(algorithm);
  return {
    update: (bytes) => hasher.update(bytes),
    digest: () => `${algorithm}:${hasher.hex()}` as Digest,
  };
}
