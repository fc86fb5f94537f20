import { encodeUtf8 } from "../../internal/room.ts";
import { isObject, parseJson } from "../../json/room.ts";
import { type Digest, digestAlgorithm, digestHex, isManifestsError } from "../../spec/room.ts";
import { refuse } from "../refusal.ts";

/** Types of statements that are read. cosign writes the older one. */
const STATEMENT_TYPES = ["https://in-toto.io/Statement/v1", "https://in-toto.io/Statement/v0.1"] as const;
/** Predicate type of cosign's signatures: a statement about nothing but its subject. */
export const SIGN_PREDICATE_TYPE = "https://sigstore.dev/cosign/sign/v1";

/** A manifest that a statement is about. */
export interface StatementSubject {
  /** Name of the manifest, such as its repository. Verifiers ignore it. Default: none. */
  readonly name?: string | undefined;
  /** Digest of the manifest that the statement is about. */
  readonly digest: Digest;
}

/** A statement about manifests (in-toto attestation framework, "Statement"). */
export interface Statement {
  /** Digests of the subjects, by algorithm, in hex. */
  readonly subjects: readonly Readonly<Record<string, unknown>>[];
  /** Type of the predicate, such as `https://slsa.dev/provenance/v1`. */
  readonly predicateType: string;
  /** The predicate as it is in the statement; its type determines its structure. */
  readonly predicate: unknown;
}

/** Encodes a statement about manifests. */
export function encodeStatement(
  subjects: readonly StatementSubject[],
  predicateType: string,
  predicate: unknown,
): Uint8Array<ArrayBuffer> {
  return encodeUtf8(JSON.stringify({
    _type: STATEMENT_TYPES[0],
    subject: subjects.map(({ name, digest }) => ({ name, digest: { [digestAlgorithm(digest)]: digestHex(digest) } })),
    predicateType,
    predicate,
  }));
}

/**
 * Parses a statement of either version.
 *
 * @throws {SignatureRefusedError} With code `SIGNATURE_PAYLOAD_INVALID`.
 */
export function parseStatement(bytes: Uint8Array): Statement {
  const { _type, subject, predicateType, predicate } = parseObject(bytes);
  if (!STATEMENT_TYPES.some((type) => type === _type)) fail(`unknown type ${JSON.stringify(_type)?.slice(0, 100)}`);
  if (typeof predicateType !== "string" || predicateType === "") fail("it has no predicateType");
  if (!Array.isArray(subject)) fail("it has no subject");
  const subjects = subject.map((one) => isObject(one) && isObject(one.digest) ? one.digest : fail("malformed subject"));
  return { subjects, predicateType, predicate };
}

/** Returns whether a statement is about the manifest with this digest. */
export function isAbout({ subjects }: Statement, digest: Digest): boolean {
  const algorithm = digestAlgorithm(digest);
  return subjects.some((digests) => Object.hasOwn(digests, algorithm) && digests[algorithm] === digestHex(digest));
}

function parseObject(bytes: Uint8Array): Record<string, unknown> {
  try {
    const { value } = parseJson(bytes, "statement");
    return isObject(value) ? value : fail("it is not a JSON object");
  } catch (error) {
    if (!isManifestsError(error, "INVALID_JSON")) throw error;
    fail(error.message);
  }
}

function fail(problem: string): never {
  refuse("SIGNATURE_PAYLOAD_INVALID", `invalid statement: ${problem}`);
}
