import type { SignalOptions } from "../internal/room.ts";
import {
  type Digest,
  manifestDigest,
  ManifestsError,
  ManifestsSyntaxError,
  type NamedReference,
  verifyManifestDigest,
} from "../spec/room.ts";
import { type OpenMessage, openMessage } from "./openpgp/mod.ts";
import { assertClaims, type Claims, CREATOR, encodePayload, type ExpectedClaims, parsePayload } from "./payload.ts";
import type { MessageSigner, Signer, SimpleSignature } from "./types.ts";

const TYPE = "atomic container signature";

/** Options that fix the variable parts of a signature, for reproducible output. */
export interface SignerOptions {
  /** Name of the signing program to record in the signature. Default: this module and its version. */
  readonly creator?: string | undefined;
  /** Clock for the timestamp in the signature. Default: the current time. */
  readonly now?: (() => Date) | undefined;
}

/** Creates the claims of a signature of a manifest under a name. */
export function createClaims(
  manifest: Uint8Array,
  identity: NamedReference,
  { digest, ...options }: SignerOptions & { readonly digest?: Digest | undefined },
): Claims {
  if (digest) verifyManifestDigest(manifest, digest, "the manifest to sign");
  if (identity.tag === undefined && identity.digest === undefined) {
    throw new ManifestsSyntaxError(
      "INVALID_REFERENCE",
      `Cannot sign under the name ${JSON.stringify(String(identity))}: it has neither a tag nor a digest`,
    );
  }
  const { creator = CREATOR, now = () => new Date() } = options;
  return {
    digest: digest ?? manifestDigest(manifest),
    reference: String(identity),
    creator,
    timestamp: Math.floor(now().getTime() / 1000),
  };
}

/**
 * Creates a signer that makes simple signatures: OpenPGP messages.
 *
 * @param messages The key, as opened by {@linkcode openPgpKey} or from a gpg keyring. The signer disposes it.
 *
 * @example
 * ```ts
 * import { createSimpleSigner, openPgpKey, verifySimpleSignature } from "@multiarch/manifests/signature";
 * import { digestOf, parseReference } from "@multiarch/manifests/spec";
 * import assert from "node:assert/strict";
 * import { generateKey } from "openpgp";
 *
 * const encode = (text: string) => new TextEncoder().encode(text);
 * const { privateKey, publicKey } = await generateKey({ userIDs: [{ name: "Me" }] });
 * await using signer = createSimpleSigner(await openPgpKey(encode(privateKey)));
 * const manifest = encode("{}");
 * const { bytes } = await signer.sign(manifest, parseReference("quay.io/me/app:1"));
 *
 * const { claims } = await verifySimpleSignature(bytes, {
 *   keyrings: [encode(publicKey)],
 *   manifestDigest: digestOf(manifest),
 *   acceptsReference: (name) => name === "quay.io/me/app:1",
 * });
 * assert.equal(claims.reference, "quay.io/me/app:1");
 * ```
 */
export function createSimpleSigner(
  messages: MessageSigner,
  options: SignerOptions = {},
): Signer<SimpleSignature> & AsyncDisposable {
  return {
    kind: "simple",
    description: "using simple signing",
    async sign(manifest, identity, call = {}) {
      const payload = encodePayload(TYPE, createClaims(manifest, identity, { ...options, digest: call.digest }));
      const bytes = await messages.seal(payload, { signal: call.signal });
      if (bytes.length === 0) {
        throw new ManifestsError("SIGNING_FAILED", "Cannot sign: the key returned an empty signature");
      }
      return { kind: "simple", bytes };
    },
    [Symbol.asyncDispose]: async () => await messages[Symbol.asyncDispose]?.(),
  };
}

/** A simple signature that was verified. */
export interface VerifiedSimpleSignature {
  /** The claims of the signature, verified except for `creator` and `timestamp`. */
  readonly claims: Claims;
  /** Fingerprint of the signing primary key or subkey, in upper-case hex. */
  readonly fingerprint: string;
  /** Fingerprint of the primary key to which the signing key belongs, in upper-case hex. */
  readonly primaryFingerprint: string;
}

/** Options of {@linkcode verifySimpleSignature}. */
export interface VerifySimpleOptions extends SignalOptions, ExpectedClaims {
  /** Keyrings, armored or binary. Every key in them is trusted. */
  readonly keyrings: readonly Uint8Array[];
  /** Time at which keys and signatures must be valid. Default: the current time. */
  readonly now?: Date | undefined;
  /** Function that verifies OpenPGP messages. Default: verification in this process. */
  readonly openMessage?: OpenMessage | undefined;
}

/**
 * Verifies a simple signature: first the OpenPGP message, then its claims.
 *
 * @throws {SignatureRefusedError} With code `SIGNATURE_DIGEST_MISMATCH`, `SIGNATURE_EXPIRED`,
 * `SIGNATURE_IDENTITY_MISMATCH`, `SIGNATURE_INVALID`, `SIGNATURE_KEY_EXPIRED`, `SIGNATURE_KEY_REVOKED`,
 * `SIGNATURE_KEY_UNKNOWN`, `SIGNATURE_MESSAGE_INVALID`, `SIGNATURE_PAYLOAD_INVALID`, `SIGNATURE_WEAK` or
 * `LIMIT_EXCEEDED`.
 * @throws {ManifestsError} With code `KEY_INVALID`.
 *
 * @example
 * ```ts
 * import { createSimpleSigner, openPgpKey, verifySimpleSignature } from "@multiarch/manifests/signature";
 * import { digestOf, parseReference } from "@multiarch/manifests/spec";
 * import assert from "node:assert/strict";
 * import { generateKey } from "openpgp";
 *
 * const encode = (text: string) => new TextEncoder().encode(text);
 * const { privateKey, publicKey } = await generateKey({ userIDs: [{ name: "Me" }] });
 * await using signer = createSimpleSigner(await openPgpKey(encode(privateKey)));
 * const { bytes } = await signer.sign(encode("{}"), parseReference("quay.io/me/app:1"));
 *
 * const verifying = verifySimpleSignature(bytes, {
 *   keyrings: [encode(publicKey)],
 *   manifestDigest: digestOf(encode("{}")),
 *   acceptsReference: (name) => name === "quay.io/me/other:1",
 * });
 * await assert.rejects(verifying, { code: "SIGNATURE_IDENTITY_MISMATCH" });
 * ```
 */
export async function verifySimpleSignature(
  bytes: Uint8Array<ArrayBuffer>,
  options: VerifySimpleOptions,
): Promise<VerifiedSimpleSignature> {
  const open = options.openMessage ?? openMessage;
  const opened = await open(bytes, options.keyrings, { now: options.now, signal: options.signal });
  const claims = parsePayload(TYPE, opened.body);
  assertClaims(claims, options);
  const { fingerprint, primaryFingerprint } = opened;
  return { claims, fingerprint, primaryFingerprint };
}
