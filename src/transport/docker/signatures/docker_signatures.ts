import type { CallOptions, Fetch } from "../../../internal/room.ts";
import type { Repository } from "../../../registry/room.ts";
import type { Signature } from "../../../signature/room.ts";
import type { Descriptor, Digest } from "../../../spec/room.ts";
import { Attachments } from "./attachments.ts";
import { SignatureExtension } from "./extension.ts";
import { Lookaside } from "./lookaside.ts";
import { SignatureReferrers } from "./signature_referrers.ts";
import type { LookasideFiles, SignatureStorage, SimpleSignatureStorage } from "./storage.ts";

/** Options for {@linkcode DockerSignatures}. */
export interface DockerSignaturesOptions {
  /** Repository whose signatures are read and written. */
  readonly repository: Repository;
  /** Configured locations of the signatures. */
  readonly storage: SignatureStorage;
  /** Function for requests to lookaside servers. */
  readonly fetch: Fetch;
  /** Maximum number of retries of such a request after a temporary failure. Default: 3. */
  readonly maxRetries?: number | undefined;
  /** Delay before the first retry in milliseconds; it doubles with each retry. Default: 1000. */
  readonly retryDelay?: number | undefined;
  /** Files of lookaside directories; `undefined` on a host without files. */
  readonly files: LookasideFiles | undefined;
}

/** The signatures of a repository's manifests, in all locations: lookaside, registry extension, attached, referrers. */
export class DockerSignatures {
  readonly #repository: Repository;
  readonly #lookaside: Lookaside;
  readonly #attachments: Attachments | undefined;
  readonly #referrers: SignatureReferrers | undefined;
  readonly #writesReferrers: boolean;

  constructor({ repository, ...rest }: DockerSignaturesOptions) {
    this.#repository = repository;
    this.#lookaside = new Lookaside({ ...rest, path: repository.path });
    this.#attachments = rest.storage.attachments ? new Attachments(repository) : undefined;
    this.#referrers = rest.storage.attachments ? new SignatureReferrers(repository) : undefined;
    this.#writesReferrers = rest.storage.referrersMode === "oci-1-1";
  }

  /** Returns true if signatures of a kind can be written, or the reason why they cannot. */
  async supports(kind: Signature["kind"], options: CallOptions = {}): Promise<true | string> {
    if (kind === "simple") return (await this.#simpleStorage(options)).writable;
    const disabled = "writing sigstore attachments is disabled by configuration (use-sigstore-attachments)";
    return this.#attachments ? true : disabled;
  }

  /** Reads all signatures of a manifest. */
  async read(digest: Digest, options: CallOptions = {}): Promise<Signature[]> {
    const found = await Promise.all([
      this.#simpleStorage(options).then((storage) => storage.read(digest, options)),
      this.#attachments?.read(digest, options) ?? [],
      this.#referrers?.read(digest, options) ?? [],
    ]);
    return found.flat();
  }

  /**
   * Adds signatures to a manifest. In a lookaside, the given simple signatures replace the existing ones.
   */
  async write(manifest: Descriptor, signatures: readonly Signature[], options: CallOptions = {}): Promise<void> {
    const { digest } = manifest;
    const simple = signatures.filter((signature) => signature.kind === "simple");
    const attached = signatures.filter((signature) => signature.kind === "sigstore");
    if (simple.length > 0) await (await this.#simpleStorage(options)).write(digest, simple, options);
    if (attached.length === 0) return;
    if (this.#writesReferrers) await this.#referrers!.write(manifest, attached, options);
    else await this.#attachments!.write(digest, attached, options);
  }

  /**
   * Returns the registry's own storage of simple signatures if it has one, whatever is configured; otherwise the
   * lookaside.
   */
  async #simpleStorage(options: CallOptions): Promise<SimpleSignatureStorage> {
    const isSupported = await this.#repository.supportsSignatures(options);
    return isSupported ? new SignatureExtension(this.#repository) : this.#lookaside;
  }
}
