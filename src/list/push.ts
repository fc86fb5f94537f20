import type { CopyEvent, CopyOptions, CopyResult } from "../copy/room.ts";
import type { ImageReference, SystemContext } from "../image/room.ts";
import type { SignaturePolicy, Signer } from "../signature/room.ts";
import { type Digest, ManifestsError, parseDigest, parseReference, type Platform } from "../spec/room.ts";
import type { ImageStore } from "../store/room.ts";
import { refuseUnknownOptions } from "./check_values.ts";
import type { ListHost } from "./host.ts";
import type { ImageListSelection } from "./reference.ts";

/** Replaces the reference that is read from. Go: `LookupReferenceFunc`. */
export type LookupReferenceFunc = (reference: ImageReference) => ImageReference | Promise<ImageReference>;

/** Options for {@linkcode List.push}. */
export interface PushOptions {
  /** The store that holds the list; default: the list is pushed as it is in memory. */
  store?: ImageStore | undefined;
  /** How to reach the registries. */
  systemContext?: SystemContext | undefined;
  /**
   * Which instances are copied. `specific` writes an index that also names those that were not copied; `system` writes
   * the one image for the platform, without an index.
   *
   * @default {"all"}
   */
  imageListSelection?: ImageListSelection | undefined;
  /** The instances of `specific`. */
  instances?: readonly string[] | undefined;
  /**
   * Media type of the manifests to write, OCI's or Docker's; that of a list stands for its instances, that of an image
   * for the list that belongs to it. Default: manifests stay as they are, where the destination takes them so.
   */
  manifestType?: string | undefined;
  /**
   * Compressions in which every platform shall be offered: `gzip`, `zstd`, `zstd:chunked`. Variants that a platform
   * lacks are made and added; in an OCI index, those with zstd are marked as such and stand after the others.
   */
  addCompression?: readonly string[] | undefined;
  /**
   * Compress layers anew that are compressed in another way than `systemContext.compressionFormat`, and take no others
   * for them that the destination may have.
   *
   * @default {false}
   */
  forceCompressionFormat?: boolean | undefined;
  /**
   * Fail with `CANNOT_MODIFY` rather than write a manifest that differs from the one at the source.
   *
   * @default {false}
   */
  preserveDigests?: boolean | undefined;
  /** Sign every manifest that is written, and the list last. They stay the caller's, who disposes them. */
  signers?: readonly Signer[] | undefined;
  /** Sign with a key of the user's GnuPG keyring: its fingerprint, 40 hexadecimal digits. */
  signBy?: string | undefined;
  /** What unlocks that key; default: GnuPG's agent knows it or asks. */
  signPassphrase?: string | Uint8Array | undefined;
  /** Sign with a sigstore private key, as `cosign` and `skopeo` make them: path of the file. */
  signBySigstorePrivateKeyFile?: string | undefined;
  /** What unlocks that key; an empty one is a passphrase too. */
  signSigstorePrivateKeyPassphrase?: string | Uint8Array | undefined;
  /**
   * Sign as a file of parameters says (containers-sigstore-signing-params.yaml.5): with a private key, and with an entry
   * in a log where it names one (`rekorURL`). Path of the file.
   */
  signBySigstoreParamFile?: string | undefined;
  /**
   * Asks for what unlocks the key of that file, where the file names no `privateKeyPassphraseFile`; bytes are wiped
   * then. Default: fails with `PASSPHRASE_REQUIRED`.
   */
  privateKeyPassphrasePrompt?: ((keyFile: string) => Promise<string | Uint8Array>) | undefined;
  /** The name that is signed, with a tag or digest, as in `quay.io/me/app:1`; default: the destination's. */
  signIdentity?: string | undefined;
  /**
   * Which instances may be pushed: each is judged by the name that it was added by, and its signatures there. Default:
   * whoever made the list has judged them.
   */
  signaturePolicy?: SignaturePolicy | undefined;
  /**
   * Leave out the signatures that instances have. With them, instances must not change.
   *
   * @default {false}
   */
  removeSignatures?: boolean | undefined;
  /**
   * Leave out the signatures of a list that is copied from where it is, and keep those of its instances: the list may
   * change then. Go: `RemoveListSignatures`.
   *
   * @default {false}
   */
  removeListSignatures?: boolean | undefined;
  /**
   * What is about an instance goes with it: attestations, SBOMs and signatures that are its referrers, and sigstore
   * signatures that are attached under a tag. With them, instances must not change.
   *
   * @default {false}
   */
  referrers?: boolean | undefined;
  /**
   * The time that is recorded for what is created at the destination, in whole seconds: that of the members of
   * `oci-archive:` and `docker-archive:`. Other destinations record none. Default: 1970. Go: `DestinationTimestamp`.
   */
  destinationTimestamp?: Date | undefined;
  /**
   * The digest that the destination's tag must mean before it is written, or `null` where there must be none: fails
   * with `CONFLICT` where somebody else wrote meanwhile. Default: whatever is there is replaced.
   */
  ifMatch?: string | null | undefined;
  /** Receives the lines that podman prints. */
  reportWriter?: { write(text: string): unknown } | undefined;
  /** Receives what happens, as values. What it throws is ignored. */
  onProgress?: ((event: CopyEvent) => void) | undefined;
  /** Replaces the reference that the list is read from. */
  sourceFilter?: LookupReferenceFunc | undefined;
  /**
   * How often a step that failed for a passing reason is tried again.
   *
   * @default {3}
   */
  maxRetries?: number | undefined;
  /** Milliseconds between tries; default: 1 s, 2 s, 4 s and so on, up to 30 s. */
  retryDelay?: number | undefined;
  /**
   * How many blobs are moved at once.
   *
   * @default {8}
   */
  maxParallelTransfers?: number | undefined;
  /** Ends the push. What was written to the destination by then stays there, without an index that names it. */
  signal?: AbortSignal | undefined;
}

/** What {@linkcode List.push} did. */
export type PushResult = CopyResult;

/** What is copied, and where to. */
export interface ListPush {
  /** The list. */
  readonly source: ImageReference;
  /** Where it goes. */
  readonly destination: ImageReference;
  /** The platform of `system`. */
  readonly wanted: Platform;
  /** What the list is given of the world around it. */
  readonly host: ListHost;
  /** What the caller wants. */
  readonly options: PushOptions;
  /** Whether the destination may well have the list: it is asked before each manifest is written. */
  readonly skipExisting?: boolean | undefined;
}

/** Copies a list to a destination, or, with `outlineCopyWith`, finds out what that would do. */
export async function pushList<T>(
  push: ListPush,
  copy: (from: ImageReference, to: ImageReference, options: CopyOptions) => Promise<T>,
): Promise<T> {
  const { options } = push;
  assertKnownOptions(options);
  refuseContradictions(options);
  const source = await options.sourceFilter?.(push.source) ?? push.source;
  await using opened = await openSigners(push.host, options);
  return await copy(source, push.destination, copyOptions(push, opened.signers));
}

/**
 * The options for the copy engine, each by its name: passphrases and the store are not handed on. The type makes the
 * compiler report an option of the engine that is missing here.
 */
function copyOptions({ options, wanted, host, skipExisting }: ListPush, opened: readonly Signer[]): CopyOptions {
  const { signers = [], signIdentity, ifMatch, systemContext, signaturePolicy } = options;
  return {
    selection: options.imageListSelection ?? "all",
    instances: options.instances?.map((digest): Digest => parseDigest(digest)),
    platform: wanted,
    skipExisting,
    policy: signaturePolicy ?? host.openPolicy(systemContext ?? {}),
    policyPerOrigin: signaturePolicy !== undefined,
    systemContext,
    openBlobInfoCache: host.openBlobInfoCache,
    manifestType: options.manifestType,
    addCompression: options.addCompression,
    forceCompressionFormat: options.forceCompressionFormat,
    preserveDigests: options.preserveDigests,
    signers: [...signers, ...opened],
    signIdentity: signIdentity === undefined ? undefined : parseReference(signIdentity),
    removeSignatures: options.removeSignatures,
    removeListSignatures: options.removeListSignatures,
    referrers: options.referrers,
    destinationTimestamp: options.destinationTimestamp,
    ifMatch: typeof ifMatch === "string" ? parseDigest(ifMatch) : ifMatch,
    reportWriter: options.reportWriter,
    onProgress: options.onProgress,
    maxRetries: options.maxRetries,
    retryDelay: options.retryDelay,
    maxParallelTransfers: options.maxParallelTransfers,
    signal: options.signal,
  } satisfies { [Name in keyof Required<CopyOptions>]: CopyOptions[Name] };
}

/** The signers that options name; disposing forgets their keys. */
async function openSigners(host: ListHost, options: PushOptions): Promise<AsyncDisposable & { signers: Signer[] }> {
  const { signBySigstoreParamFile, signBy, signBySigstorePrivateKeyFile } = options;
  const named = [signBySigstoreParamFile, signBy, signBySigstorePrivateKeyFile].some((key) => key !== undefined);
  if (named && !host.openSigners) {
    throw new ManifestsError(
      "SIGNING_UNAVAILABLE",
      "Cannot sign with these keys as this host has no files: use signers",
    );
  }
  const { privateKeyPassphrasePrompt, signPassphrase, signSigstorePrivateKeyPassphrase, systemContext } = options;
  const secrets = { privateKeyPassphrasePrompt, signPassphrase, signSigstorePrivateKeyPassphrase };
  const keys = { signBySigstoreParamFile, signBy, signBySigstorePrivateKeyFile, ...secrets };
  const signers = named ? [...await host.openSigners!({ ...keys, fetch: systemContext?.fetch })] : [];
  return {
    signers,
    [Symbol.asyncDispose]: async () => {
      for (const signer of signers) await signer[Symbol.asyncDispose]?.();
    },
  };
}

const KNOWN_OPTIONS = {
  store: true,
  systemContext: true,
  imageListSelection: true,
  instances: true,
  manifestType: true,
  addCompression: true,
  forceCompressionFormat: true,
  preserveDigests: true,
  signers: true,
  signBy: true,
  signPassphrase: true,
  signBySigstorePrivateKeyFile: true,
  signSigstorePrivateKeyPassphrase: true,
  signBySigstoreParamFile: true,
  privateKeyPassphrasePrompt: true,
  signIdentity: true,
  signaturePolicy: true,
  removeSignatures: true,
  removeListSignatures: true,
  referrers: true,
  destinationTimestamp: true,
  ifMatch: true,
  reportWriter: true,
  onProgress: true,
  sourceFilter: true,
  maxRetries: true,
  retryDelay: true,
  maxParallelTransfers: true,
  signal: true,
} satisfies Record<keyof PushOptions, true>;

function refuseContradictions(options: PushOptions): void {
  const { destinationTimestamp: time } = options;
  if (time !== undefined && !(time instanceof Date && !Number.isNaN(time.getTime()))) {
    throw new TypeError(`Cannot push: destinationTimestamp must be a valid Date, but is ${String(time)}`);
  }
  const { imageListSelection = "all", instances, addCompression, forceCompressionFormat, preserveDigests } = options;
  if (!["system", "all", "specific"].includes(imageListSelection)) {
    throw new TypeError(
      `Cannot push as imageListSelection is none of its values: ${JSON.stringify(imageListSelection)}`,
    );
  }
  if (instances && imageListSelection !== "specific") {
    throw new TypeError('Cannot push as instances are named, which wants imageListSelection "specific"');
  }
  if (preserveDigests && (addCompression?.length || forceCompressionFormat)) {
    const other = forceCompressionFormat ? "forceCompressionFormat" : "addCompression";
    throw new TypeError(`Cannot push as preserveDigests forbids every change, but ${other} asks for one`);
  }
  if (addCompression?.length && imageListSelection === "system") {
    throw new TypeError("Cannot push as addCompression adds to a list, but only a single image is pushed");
  }
}

/** An option that is not known may be one that matters, such as a key to sign with. */
export function assertKnownOptions(options: PushOptions): void {
  refuseUnknownOptions(options, KNOWN_OPTIONS, "push");
}
