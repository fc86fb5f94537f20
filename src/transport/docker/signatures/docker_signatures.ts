import type { CallOptions, Fetch } from "../../../internal/room.ts";
import type { Repository } from "../../../registry/room.ts";
import type { Signature } from "../../../signature/room.ts";
import type { Descriptor, Digest } from "../../../spec/room.ts";
import { Attachments } from "./attachments.ts";
import { SignatureExtension } from "./extension.ts";
import { Lookaside } from "./lookaside.ts";
import { SignatureReferrers } from "./signature_referrers.ts";
import type { LookasideFiles, SignatureStorage, SimpleSignatureStorage } from "./storage.ts";

/** What {@linkcode DockerSignatures} needs. */
export interface DockerSignaturesOptions {
  /** The repository. */
  readonly repository: Repository;
  /** Where its signatures are. */
  readonly storage: SignatureStorage;
  /** How lookaside servers are asked. */
  readonly fetch: Fetch;
  /** How often a question to them is repeated after a failure that may pass. Default: 3. */
  readonly maxRetries?: number | undefined;
  /** Milliseconds before the first repetition of a question to them; doubles with each. Default: 1000. */
  readonly retryDelay?: number | undefined;
  /** The host's files; `undefined` where there are none. */
  readonly files: LookasideFiles | undefined;
}

/** The signatures of a repository's manifests, wherever they are. */
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

  /** Whether signatures of a kind can be kept, or why not. */
  async supports(kind: Signature["kind"], options: CallOptions = {}): Promise<true | string> {
    if (kind === "simple") return (await this.#simpleStorage(options)).writable;
    const disabled = "writing sigstore attachments is disabled by configuration (use-sigstore-attachments)";
    return this.#attachments ? true : disabled;
  }

  /** All signatures of a manifest. */
  async read(digest: Digest, options: CallOptions = {}): Promise<Signature[]> {
    const found = await Promise.all([
      this.#simpleStorage(options).then((storage) => storage.read(digest, options)),
      this.#attachments?.read(digest, options) ?? [],
      this.#referrers?.read(digest, options) ?? [],
    ]);
    return found.flat();
  }

  /**
   * Writes signatures of a manifest beside those that there are; of simple ones in a lookaside, these are all then.
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

  /** A registry that keeps simple signatures is where they are, whatever configuration says. */
  async #simpleStorage(options: CallOptions): Promise<SimpleSignatureStorage> {
    const kept = await this.#repository.supportsSignatures(options);
    return kept ? new SignatureExtension(this.#repository) : this.#lookaside;
  }
}
