import type { ImageDestination, StoredManifest } from "../image/room.ts";
import { allOrAbort, type Semaphore, type SignalOptions } from "../internal/room.ts";
import type { Signature, Signer } from "../signature/room.ts";
import { type Digest, ManifestsError, type NamedReference } from "../spec/room.ts";
import type { CopyEvent } from "./events.ts";

/** How what is copied is signed. */
export interface Signing {
  /** Each of them signs every manifest that is written. */
  readonly signers: readonly Signer[];
  /** The name that is signed. */
  readonly identity: NamedReference;
}

/**
 * Checks how a copy shall be signed; `undefined` where nobody signs.
 *
 * @param destination The name at the destination, which is signed unless another one is given.
 * @throws {ManifestsError} With code `INVALID_REFERENCE` where there is no full name to sign.
 */
export function readSigning(
  signers: readonly Signer[],
  given: NamedReference | undefined,
  destination: NamedReference | undefined,
): Signing | undefined {
  if (signers.length === 0) return undefined;
  const identity = given ?? destination;
  if (identity && (identity.tag !== undefined || identity.digest !== undefined)) return { signers, identity };
  throw new ManifestsError(
    "INVALID_REFERENCE",
    identity
      ? `Cannot sign as ${identity} has neither a tag nor a digest`
      : "Cannot sign as the destination has no name in a registry: say which identity to sign (signIdentity)",
  );
}

/** Fails now where signatures cannot be kept later. */
export async function assertSignatures(
  destination: ImageDestination,
  signatures: Iterable<Pick<Signature, "kind">>,
  options: SignalOptions,
): Promise<void> {
  for (const kind of new Set([...signatures].map(({ kind }) => kind))) {
    const kept = await destination.supportsSignatures?.(kind, options) ?? "it has no place for signatures";
    if (kept === true) continue;
    const removal = "; removeSignatures (--remove-signatures) leaves out those that the source has";
    throw new ManifestsError(
      "SIGNATURES_NOT_SUPPORTED",
      `Cannot copy ${kind} signatures to ${destination.reference} as ${kept}${removal}`,
    );
  }
}

/** What {@linkcode signManifest} needs besides the manifest. */
export interface SignOptions {
  /** How it is signed; `undefined`: only what it has already is kept. */
  readonly signing: Signing | undefined;
  /** Bounds how many manifests are signed at once: a signer may be a process. */
  readonly slots: Semaphore;
  /** Told of each signature. */
  readonly emit: (event: CopyEvent) => void;
  /** Ends the work. */
  readonly signal: AbortSignal;
}

/** The signatures that a manifest will have: those it has, then a new one of each signer. */
export async function signManifest(
  { bytes, digest }: { readonly bytes: Uint8Array<ArrayBuffer>; readonly digest: Digest },
  existing: readonly Signature[],
  { signing, slots, emit, signal }: SignOptions,
): Promise<readonly Signature[]> {
  if (!signing) return existing;
  using _slot = await slots.acquire(signal);
  const added = await allOrAbort(
    signing.signers.map((signer) => async (signal) => {
      emit({ type: "signing", digest, kind: signer.kind });
      return await signer.sign(bytes, signing.identity, { signal, digest });
    }),
    signal,
  );
  return [...existing, ...added];
}

/** Keeps the signatures of a manifest that was written, where there are any. */
export async function storeSignatures(
  destination: ImageDestination,
  signatures: readonly Signature[],
  manifest: StoredManifest,
  signal: AbortSignal,
): Promise<void> {
  if (signatures.length > 0) await destination.putSignatures!(signatures, manifest, { signal, maxRetries: 0 });
}
