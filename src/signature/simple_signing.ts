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

/** Options of signers, for those who need the same bytes again. */
export interface SignerOptions {
  /** The program that signs, as the signature will say; default: this module and its version. */
  readonly creator?: string | undefined;
  /** The time that the signature will claim; default: now. */
  readonly now?: (() => Date) | undefined;
}

/** What a signature under this name claims about this manifest. */
export function createClaims(
  manifest: Uint8Array,
  identity: NamedReference,
  { digest, ...options }: SignerOptions & { readonly digest?: Digest | undefined },
): Claims {
  if (digest) verifyManifestDigest(manifest, digest, "the manifest to sign");
  if (identity.tag === undefined && identity.digest === undefined) {
    throw new ManifestsSyntaxError(
      "INVALID_REFERENCE",
      `Cannot sign as reference ${JSON.stringify(String(identity))} has neither a tag nor a digest`,
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
 * Signs images in the older way: as OpenPGP messages.
 *
 * @param messages The key: of the gpg binary, or of {@linkcode openPgpKey}.
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
      if (bytes.length === 0) throw new ManifestsError("SIGNING_FAILED", "Cannot sign as the signature is empty");
      return { kind: "simple", bytes };
    },
    [Symbol.asyncDispose]: async () => await messages[Symbol.asyncDispose]?.(),
  };
}

/** What is known of a simple signature that was accepted. */
export interface VerifiedSimpleSignature {
  /** What it claims, all of it checked but its creator and time. */
  readonly claims: Claims;
  /** Fingerprint of the key that signed, in upper-case hex: a primary key's or a subkey's. */
  readonly fingerprint: string;
  /** Fingerprint of the primary key that it belongs to. */
  readonly primaryFingerprint: string;
}

/** Options of {@linkcode verifySimpleSignature}. */
export interface VerifySimpleOptions extends SignalOptions, ExpectedClaims {
  /** Keyrings, armoured or binary; every key in them is trusted. */
  readonly keyrings: readonly Uint8Array[];
  /** What counts as now; default: now. */
  readonly now?: Date | undefined;
  /** Verifies the message; default: in this process. */
  readonly openMessage?: OpenMessage | undefined;
}

/**
 * Verifies a simple signature: the message first, then what it claims.
 *
 * @throws {ManifestsError} With a code that begins with `SIGNATURE_`, or `KEY_INVALID`.
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
