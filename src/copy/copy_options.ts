import type { ImageReference, SystemContext } from "../image/room.ts";
import type { SignaturePolicy } from "../signature/room.ts";
import type { Digest, NamedReference } from "../spec/room.ts";
import type { BlobInfoCache } from "./blob_info_cache.ts";
import { parseManifestType } from "./formats.ts";
import type { CopySettings } from "./plan_types.ts";
import { parseAlgorithm, runtimeLevel } from "./recoding/mod.ts";
import type { Selection } from "./select.ts";
import type { TransferOptions } from "./transfer_options.ts";

/** Options that the caller opens or parses before it calls the engine. */
type PreparedOption =
  | "signBy"
  | "signPassphrase"
  | "signBySigstorePrivateKeyFile"
  | "signSigstorePrivateKeyPassphrase"
  | "signBySigstoreParamFile"
  | "privateKeyPassphrasePrompt"
  | "signIdentity"
  | "signaturePolicy"
  | "ifMatch";

/** Options for {@linkcode copyImageWith}. */
export interface CopyOptions extends Selection, Readonly<Omit<TransferOptions, PreparedOption>> {
  /** The policy that every image must satisfy before it is copied. */
  readonly policy: SignaturePolicy;
  /** Evaluate the policy against each instance's source reference instead of the list's own. Default: `false`. */
  readonly policyPerOrigin?: boolean | undefined;
  /** Opens the cache of facts about blobs from earlier copies. Default: an empty cache in memory. */
  readonly openBlobInfoCache?: ((context: SystemContext) => Promise<BlobInfoCache>) | undefined;
  /** The name to sign, with a tag or digest. Default: the destination's name. */
  readonly signIdentity?: NamedReference | undefined;
  /**
   * The digest that the destination's name must have before the copy; `null`: the name must not exist. Default: an
   * existing image is replaced.
   */
  readonly ifMatch?: Digest | null | undefined;
  /** Look for each manifest before it is written, and skip existing ones. Default: `false`. */
  readonly skipExisting?: boolean | undefined;
}

/**
 * Asserts that the limits of a copy are numbers that it can use.
 *
 * @throws {RangeError} If one is not.
 */
export function assertLimits(maxRetries: number, maxParallelTransfers: number): void {
  if (!Number.isInteger(maxRetries) || maxRetries < 0) {
    throw new RangeError(`Cannot copy with maxRetries ${maxRetries}: it must be an integer of at least 0`);
  }
  if (!Number.isInteger(maxParallelTransfers) || maxParallelTransfers < 1) {
    throw new RangeError(
      `Cannot copy with maxParallelTransfers ${maxParallelTransfers}: it must be an integer of at least 1`,
    );
  }
}

/** Validates the caller's options and returns those that the plan needs. A digest in the destination's name adds one. */
export function readSettings(options: CopyOptions, to: ImageReference): CopySettings {
  const { manifestType, addCompression = [], forceCompressionFormat, preserveDigests, systemContext = {} } = options;
  const { compressionFormat, compressionLevel } = systemContext;
  if (forceCompressionFormat && !compressionFormat) {
    throw new TypeError("Cannot copy with forceCompressionFormat: set systemContext.compressionFormat too");
  }
  const format = compressionFormat ? parseAlgorithm(compressionFormat) : undefined;
  // Fail now if the level is invalid, rather than at the first layer.
  runtimeLevel(format ?? "gzip", compressionLevel);
  return {
    manifestType: manifestType ? parseManifestType(manifestType) : undefined,
    compressionFormat: format,
    compressionLevel,
    forceCompressionFormat,
    addCompression: [...new Set(addCompression.map(parseAlgorithm))],
    fixed: preserveDigests
      ? "preserveDigests (--preserve-digests) is set"
      : to.dockerReference?.digest && "the destination specifies a digest",
  };
}

/** Returns the context for the destination. */
export function getContext({ systemContext = {}, referrers }: CopyOptions): SystemContext {
  return withAttachments(systemContext, referrers);
}

/** Returns the context for the source. */
export function getSourceContext(options: CopyOptions, from: ImageReference, to: ImageReference): SystemContext {
  const { sourceContext, referrers } = options;
  return sourceContext
    ? limitCredentials(withAttachments(sourceContext, referrers), from)
    : limitCredentials(getContext(options), to);
}

/** With `referrers`, attached sigstore signatures are copied too unless the context says otherwise. */
function withAttachments(context: SystemContext, referrers: boolean | undefined): SystemContext {
  if (!referrers) return context;
  return { ...context, dockerUseSigstoreAttachments: context.dockerUseSigstoreAttachments ?? true };
}

/**
 * Limits the caller's credentials to the registry of one reference: they must not be sent to other registries, which a
 * list can name freely.
 */
export function limitCredentials(context: SystemContext, reference: ImageReference | undefined): SystemContext {
  const { dockerAuthConfig, dockerBearerRegistryToken: registryToken, ...rest } = context;
  const dockerReference = reference?.dockerReference;
  if (!dockerReference) return context;
  const credentials = dockerAuthConfig || registryToken
    ? { ...dockerAuthConfig, ...(registryToken ? { registryToken } : {}) }
    : undefined;
  return {
    ...rest,
    credentials: { ...(credentials ? { [dockerReference.domain]: credentials } : {}), ...rest.credentials },
  };
}
