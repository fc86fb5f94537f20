import type { ImageDestination, StoredManifest } from "../image/room.ts";
import { allOrAbort, type Semaphore, type SignalOptions } from "../internal/room.ts";
import type { Signature, Signer } from "../signature/room.ts";
import { type Digest, ManifestsError, type NamedReference } from "../spec/room.ts";
import type { CopyEvent } from "./events.ts";

/** How the manifests of a copy are signed. */
export interface Signing {
  /** The signers, each of which signs every manifest that is written. */
  readonly signers: readonly Signer[];
  /** The name that the signatures contain, with a tag or digest. */
  readonly identity: NamedReference;
}

/**
 * Returns how a copy is signed; `undefined` if `signers` is empty.
 *
 * @param signIdentity The name to sign; `undefined`: the destination's name.
 * @throws {ManifestsError} With code `INVALID_REFERENCE` if the name to sign is missing, or has neither tag nor digest.
 */
export function readSigning(
  signers: readonly Signer[],
  signIdentity: NamedReference | undefined,
  destination: NamedReference | undefined,
): Signing | undefined {
  if (signers.length === 0) return undefined;
  const identity = signIdentity ?? destination;
  if (identity && (identity.tag !== undefined || identity.digest !== undefined)) return { signers, identity };
  throw new ManifestsError(
    "INVALID_REFERENCE",
    identity
      ? `Cannot sign ${identity}: the name has neither a tag nor a digest; set signIdentity to a full name`
      : "Cannot sign: the destination has no registry name; set signIdentity to the name to sign",
  );
}

/**
 * Fails before anything is written if the destination cannot store signatures.
 *
 * @throws {ManifestsError} With code `SIGNATURES_NOT_SUPPORTED`.
 */
export async function assertSignaturesSupported(
  destination: ImageDestination,
  signatures: Iterable<Pick<Signature, "kind">>,
  options: SignalOptions,
): Promise<void> {
  for (const kind of new Set([...signatures].map(({ kind }) => kind))) {
    const supported = await destination.supportsSignatures?.(kind, options) ?? "it does not support signatures";
    if (supported === true) continue;
    const hint = "; to copy without existing signatures, set removeSignatures (--remove-signatures)";
    throw new ManifestsError(
      "SIGNATURES_NOT_SUPPORTED",
      `Cannot copy ${kind} signatures to ${destination.reference}: ${supported}${hint}`,
    );
  }
}

/** Options of {@linkcode signManifest}. */
export interface SignOptions {
  /** How the manifest is signed; `undefined`: only its existing signatures are returned. */
  readonly signing: Signing | undefined;
  /** Limits how many manifests are signed concurrently: a signer can be a process. */
  readonly slots: Semaphore;
  /** Called with an event for each signature. */
  readonly emit: (event: CopyEvent) => void;
  /** Aborts signing of the manifest. */
  readonly signal: AbortSignal;
}

/** Signs a manifest and returns its existing signatures followed by one new signature of each signer. */
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

/** Stores the signatures of a manifest that was written, if it has any. */
export async function storeSignatures(
  destination: ImageDestination,
  signatures: readonly Signature[],
  manifest: StoredManifest,
  signal: AbortSignal,
): Promise<void> {
  if (signatures.length > 0) await destination.putSignatures!(signatures, manifest, { signal, maxRetries: 0 });
}
