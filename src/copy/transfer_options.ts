import type { SystemContext } from "../image/room.ts";
import type { Policy, SignaturePolicy, Signer } from "../signature/room.ts";
import type { CopyEvent } from "./events.ts";

/** Options that pushes of lists and copies of images have in common; the engine takes most of them as they are. */
export interface TransferOptions {
  /** How to reach the registries. Default: the configuration of the host, if it has a disk. */
  systemContext?: SystemContext | undefined;
  /**
   * How to reach the source. Its `dockerAuthConfig` is for the source's registry. Default: `systemContext`, whose
   * `dockerAuthConfig` is only for the destination's registry.
   */
  sourceContext?: SystemContext | undefined;
  /**
   * Media type of the manifests to write, of OCI or of Docker. A type of lists also selects the matching type for
   * instances, and the other way round. Default: manifests stay unchanged if the destination accepts them.
   */
  manifestType?: string | undefined;
  /**
   * Compressions that every platform of the list gets: `gzip`, `zstd`, `zstd:chunked`. Missing variants are made and
   * added to the list. In an OCI index, zstd variants are marked as such and follow the other instances. Default: none.
   */
  addCompression?: readonly string[] | undefined;
  /**
   * Recompress layers whose compression is not `systemContext.compressionFormat`, and do not reuse such layers at the
   * destination.
   *
   * @default {false}
   */
  forceCompressionFormat?: boolean | undefined;
  /**
   * Fail with `CANNOT_MODIFY` instead of writing a manifest that differs from the manifest at the source.
   *
   * @default {false}
   */
  preserveDigests?: boolean | undefined;
  /** Signers for every manifest that is written; the list is signed last. The caller disposes of them. Default: none. */
  signers?: readonly Signer[] | undefined;
  /** Fingerprint of a key in the user's GnuPG keyring to sign with, 40 hexadecimal digits. Default: none. */
  signBy?: string | undefined;
  /** Passphrase of the key that `signBy` names. Default: GnuPG's agent has it or asks for it. */
  signPassphrase?: string | Uint8Array | undefined;
  /** Path of a sigstore private key to sign with, as `cosign` and `skopeo` write them. Default: none. */
  signBySigstorePrivateKeyFile?: string | undefined;
  /** Passphrase of the key in `signBySigstorePrivateKeyFile`; it may be empty. Required if that is set. */
  signSigstorePrivateKeyPassphrase?: string | Uint8Array | undefined;
  /**
   * Path of a file of signing parameters (containers-sigstore-signing-params.yaml.5). It names a private key, and may
   * name a log for an entry of the signature (`rekorURL`). Default: none.
   */
  signBySigstoreParamFile?: string | undefined;
  /**
   * Returns the passphrase of the key in that file if the file does not name a `privateKeyPassphraseFile`. Returned bytes
   * are overwritten after use. Default: signing fails with `PASSPHRASE_REQUIRED`.
   */
  privateKeyPassphrasePrompt?: ((keyFile: string) => Promise<string | Uint8Array>) | undefined;
  /** Name to sign, with a tag or digest, such as `quay.io/me/app:1`. Default: the name of the destination. */
  signIdentity?: string | undefined;
  /**
   * Policy that decides which images may be copied: a value of `createPolicy` or `loadPolicy`, or an object with its own
   * rules. Each instance of a list in memory or in a store is checked by the name that it was added by. Default: such
   * lists are not checked; all other images are checked by the `policy.json` of the host.
   */
  signaturePolicy?: Policy | SignaturePolicy | undefined;
  /**
   * Do not copy signatures. Otherwise, signed instances must not change.
   *
   * @default {false}
   */
  removeSignatures?: boolean | undefined;
  /**
   * Do not copy the signatures of the list itself, so that it may change; those of its instances are copied. Go:
   * `RemoveListSignatures`.
   *
   * @default {false}
   */
  removeListSignatures?: boolean | undefined;
  /**
   * Also copy the referrers of each instance: attestations, SBOMs and signatures, and sigstore signatures that are
   * attached under a tag. Instances with referrers must not change.
   *
   * @default {false}
   */
  referrers?: boolean | undefined;
  /**
   * Time of the members of `oci-archive:` and `docker-archive:`, in whole seconds; other destinations record no time.
   * Default: 1970-01-01. Go: `DestinationTimestamp`.
   */
  destinationTimestamp?: Date | undefined;
  /**
   * Digest that the destination's tag must have before it is written, or `null` if the tag must not exist. Fails with
   * `CONFLICT` if another writer was faster. Default: an existing tag is replaced.
   */
  ifMatch?: string | null | undefined;
  /** Receives the lines that podman prints. Default: they are not written. */
  reportWriter?: { write(text: string): unknown } | undefined;
  /** Receives progress as events. Exceptions that it throws are ignored. Default: no callback. */
  onProgress?: ((event: CopyEvent) => void) | undefined;
  /**
   * Maximum number of retries of a step that failed for a temporary reason.
   *
   * @default {3}
   */
  maxRetries?: number | undefined;
  /** Time between retries in milliseconds. Default: 1 s, then doubled each time, up to 30 s. */
  retryDelay?: number | undefined;
  /**
   * Maximum number of blobs that are transferred at the same time. Default: 8, and in addition 32 blobs of at most 64 KiB,
   * which take round trips rather than bandwidth.
   */
  maxParallelTransfers?: number | undefined;
  /**
   * Aborts the call, which then rejects with the signal's reason. Blobs and manifests that were written before stay at
   * the destination, without an index that names them. Default: no signal.
   */
  signal?: AbortSignal | undefined;
}
