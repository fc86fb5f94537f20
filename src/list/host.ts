import type { BlobInfoCache, SignaturePolicy, TransferOptions } from "../copy/room.ts";
import type { ImageReference, SystemContext, TransportTable } from "../image/room.ts";
import type { ByteStream, Fetch } from "../internal/room.ts";
import type { EvaluatePolicyOptions, Signer } from "../signature/room.ts";
import type { MediaTypeFiles } from "./media_type.ts";
import type { Platform } from "../spec/room.ts";
import type { ImageStore } from "../store/room.ts";

/** A file of an artifact. */
export interface ArtifactFile {
  /** Absolute path on the host that has the file. */
  readonly path: string;
  /** Opens a new stream of its content. */
  open(): Promise<ByteStream>;
}

/** Files of a host, of which artifacts are made. */
export interface HostFiles {
  /** Returns the absolute path of a path. */
  resolve(path: string): string;
  /** Finds a file. Throws `ARTIFACT_UNAVAILABLE` if it cannot be read. */
  find(path: string): Promise<ArtifactFile>;
  /** Reads the media types of file names that the host configures. Default: only the built-in types are used. */
  readMediaTypes?(context: SystemContext): Promise<MediaTypeFiles>;
}

/** Options that name keys to sign with. */
type SigningKeyName =
  | "signBySigstoreParamFile"
  | "privateKeyPassphrasePrompt"
  | "signBy"
  | "signPassphrase"
  | "signBySigstorePrivateKeyFile"
  | "signSigstorePrivateKeyPassphrase";

/** Keys to sign with, as options name them. */
export interface SigningKeys extends Readonly<Pick<TransferOptions, SigningKeyName>> {
  /** Sends requests to logs of signatures. Default: the global `fetch`. */
  readonly fetch?: Fetch | undefined;
}

/** A local store and a name in it, as the destination of a push. */
export interface StoreTarget {
  /** The store. The caller that opened it must close it. */
  readonly store: ImageStore;
  /** Fully qualified image name, such as `localhost/app:latest`. */
  readonly name: string;
}

/** How a list reaches images, files and keys. A list uses nothing else of its environment. */
export interface ListHost {
  /** Transports that parse image names, such as `docker://` and `oci:`. */
  readonly transports: TransportTable;
  /** Platform that is used if a call does not specify one. */
  readonly platform: Platform;
  /** Opens the policy that decides which images may be copied, for calls without `signaturePolicy`. */
  openPolicy(context: SystemContext): SignaturePolicy;
  /** Reads the files of keys that a `Policy` names. `undefined` if no files can be read. */
  readonly readPolicyFile?: EvaluatePolicyOptions["readFile"];
  /** Opens the cache of blob locations that earlier copies recorded. `undefined`: each copy has its own. */
  readonly openBlobInfoCache?: ((context: SystemContext) => Promise<BlobInfoCache>) | undefined;
  /** Opens the local store that contains a reference; resolves to `undefined` for a reference elsewhere. */
  readonly openStoreTarget?: ((reference: ImageReference) => Promise<StoreTarget | undefined>) | undefined;
  /** Opens the keys that options name. `undefined` if no key files can be read. */
  readonly openSigners?: ((keys: SigningKeys) => Promise<readonly Signer[]>) | undefined;
  /** Files of the host. `undefined` if no files can be read. */
  readonly files?: HostFiles | undefined;
}
