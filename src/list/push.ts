import type { CopyOptions, CopyResult, TransferOptions } from "../copy/room.ts";
import type { ImageReference } from "../image/room.ts";
import type { SignaturePolicy, Signer } from "../signature/room.ts";
import { type Digest, ManifestsError, parseDigest, parseReference, type Platform } from "../spec/room.ts";
import type { ImageStore } from "../store/room.ts";
import { assertKnownOptions } from "./check_values.ts";
import type { ListHost } from "./host.ts";
import type { ImageListSelection } from "./reference.ts";

/** Returns the reference to read from instead of the given one. Go: `LookupReferenceFunc`. */
export type LookupReferenceFunc = (reference: ImageReference) => ImageReference | Promise<ImageReference>;

/** Options for {@linkcode List.push}. */
export interface PushOptions extends TransferOptions {
  /** Store that contains the list. Default: the list is pushed as it is in memory. */
  store?: ImageStore | undefined;
  /**
   * Which instances are copied. `specific` writes an index that also names the instances that were not copied; `system`
   * writes only the image for the platform, without an index.
   *
   * @default {"all"}
   */
  imageListSelection?: ImageListSelection | undefined;
  /** Digests of the instances to copy with `specific`. Default: none. */
  instances?: readonly string[] | undefined;
  /** Returns the reference to read the list from instead of its own. Default: the list's own reference. */
  sourceFilter?: LookupReferenceFunc | undefined;
}

/** Result of {@linkcode List.push}. */
export type PushResult = CopyResult;

/** A copy of a list or image. */
export interface ListPush {
  /** The list or image to copy. */
  readonly source: ImageReference;
  /** Destination that the copy is written to. */
  readonly destination: ImageReference;
  /** Platform that the selection `system` chooses. */
  readonly platform: Platform;
  /** How the copy reaches images, keys and files. */
  readonly host: ListHost;
  /** Options that the caller passed, not yet checked. */
  readonly options: PushOptions;
  /** Ask the destination for each manifest before writing it: it probably has the list already. Default: `false`. */
  readonly skipExisting?: boolean | undefined;
}

/** Copies a list or image. With `outlineCopyWith` as `copy`, returns what the copy would do. */
export async function pushList<T>(
  push: ListPush,
  copy: (from: ImageReference, to: ImageReference, options: CopyOptions) => Promise<T>,
): Promise<T> {
  const { options } = push;
  assertPushOptions(options);
  assertNoContradictions(options);
  const source = await options.sourceFilter?.(push.source) ?? push.source;
  const policy = await openPolicy(push.host, options);
  await using opened = await openSigners(push.host, options);
  return await copy(source, push.destination, toCopyOptions(push, policy, opened.signers));
}

/** Returns the policy that the options or the host specify, in the form that copies use. */
async function openPolicy(
  host: ListHost,
  { signaturePolicy: policy, systemContext = {} }: PushOptions,
): Promise<SignaturePolicy> {
  if (policy === undefined) return host.openPolicy(systemContext);
  if ("assertAllowed" in policy) return policy;
  // Most programs that push do not check signatures: the code for it is loaded when it is needed.
  const { createSignaturePolicy } = await import("../signature/room.ts");
  return createSignaturePolicy(policy, { readFile: host.readPolicyFile });
}

/**
 * Returns the options for the copy engine. Each is named, so that passphrases and the store are not passed on. The type
 * makes the compiler report a missing option.
 */
function toCopyOptions(
  { options, platform, host, skipExisting }: ListPush,
  policy: SignaturePolicy,
  opened: readonly Signer[],
): CopyOptions {
  const { signers = [], signIdentity, ifMatch, systemContext, signaturePolicy } = options;
  return {
    selection: options.imageListSelection ?? "all",
    instances: options.instances?.map((digest): Digest => parseDigest(digest)),
    platform,
    skipExisting,
    policy,
    policyPerOrigin: signaturePolicy !== undefined,
    systemContext,
    sourceContext: options.sourceContext,
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

/** Opens the signers that the options name. Disposing the result forgets their keys. */
export async function openSigners(
  host: ListHost,
  options: TransferOptions,
): Promise<AsyncDisposable & { signers: Signer[] }> {
  const { signBySigstoreParamFile, signBy, signBySigstorePrivateKeyFile } = options;
  const named = [signBySigstoreParamFile, signBy, signBySigstorePrivateKeyFile].some((key) => key !== undefined);
  if (named && !host.openSigners) {
    throw new ManifestsError(
      "SIGNING_UNAVAILABLE",
      "Cannot sign with key files: no files can be read here: pass signers",
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
  sourceContext: true,
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

function assertNoContradictions(options: PushOptions): void {
  const { destinationTimestamp: time } = options;
  if (time !== undefined && !(time instanceof Date && !Number.isNaN(time.getTime()))) {
    throw new TypeError(`Cannot push: destinationTimestamp must be a valid Date, but is ${String(time)}`);
  }
  const { imageListSelection = "all", instances, addCompression, forceCompressionFormat, preserveDigests } = options;
  if (!["system", "all", "specific"].includes(imageListSelection)) {
    throw new TypeError(
      `Cannot push: imageListSelection must be "system", "all" or "specific", but is ${
        JSON.stringify(imageListSelection)
      }`,
    );
  }
  if (instances && imageListSelection !== "specific") {
    throw new TypeError('Cannot push: instances requires imageListSelection "specific"');
  }
  if (preserveDigests && (addCompression?.length || forceCompressionFormat)) {
    const other = forceCompressionFormat ? "forceCompressionFormat" : "addCompression";
    throw new TypeError(`Cannot push: preserveDigests may not be used with ${other}`);
  }
  if (addCompression?.length && imageListSelection === "system") {
    throw new TypeError(
      'Cannot push: addCompression requires a list, but imageListSelection "system" pushes a single image',
    );
  }
}

/** Throws a `TypeError` if an option is unknown: ignoring a misspelled one could leave images unsigned. */
export function assertPushOptions(options: PushOptions): void {
  assertKnownOptions(options, KNOWN_OPTIONS, "push");
}
