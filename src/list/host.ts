import type { BlobInfoCache, SignaturePolicy } from "../copy/room.ts";
import type { ImageReference, SystemContext, TransportTable } from "../image/room.ts";
import type { ByteStream, Fetch } from "../internal/room.ts";
import type { Signer } from "../signature/room.ts";
import type { MediaTypeFiles } from "./media_type.ts";
import type { Platform } from "../spec/room.ts";
import type { ImageStore } from "../store/room.ts";

/** A file of an artifact. */
export interface ArtifactFile {
  /** Absolute path. */
  readonly path: string;
  /** A stream of its content, new each time. */
  open(): Promise<ByteStream>;
}

/** The files of a host, for artifacts. */
export interface HostFiles {
  /** An absolute path for a path. */
  resolve(path: string): string;
  /** Finds a file. Throws where there is none. */
  find(path: string): Promise<ArtifactFile>;
  /** Reads what the host says about media types of files; default: nothing beyond the types that are built in. */
  readMediaTypes?(context: SystemContext): Promise<MediaTypeFiles>;
}

/** Keys to sign with, as options name them. */
export interface SigningKeys {
  /** File of parameters for sigstore signatures. */
  readonly signBySigstoreParamFile?: string | undefined;
  /** Asks for what unlocks the key that it names. */
  readonly privateKeyPassphrasePrompt?: ((keyFile: string) => Promise<string | Uint8Array>) | undefined;
  /** Fingerprint of a key in the user's GnuPG keyring. */
  readonly signBy?: string | undefined;
  /** What unlocks it; default: its agent knows it or asks. */
  readonly signPassphrase?: string | Uint8Array | undefined;
  /** File of a sigstore private key. */
  readonly signBySigstorePrivateKeyFile?: string | undefined;
  /** What unlocks it. */
  readonly signSigstorePrivateKeyPassphrase?: string | Uint8Array | undefined;
  /** How logs of signatures are asked; default: the global `fetch`. */
  readonly fetch?: Fetch | undefined;
}

/** A name in a local store, to which a list is pushed. */
export interface StoreTarget {
  /** The store, which whoever opened it closes. */
  readonly store: ImageStore;
  /** The name, fully qualified. */
  readonly name: string;
}

/** What a list is given of the world around it; it never reaches out by itself. */
export interface ListHost {
  /** Parses names of images. */
  readonly transports: TransportTable;
  /** The platform that is meant where nobody says one. */
  readonly platform: Platform;
  /** Says which images may be copied, where the caller does not. */
  openPolicy(context: SystemContext): SignaturePolicy;
  /** Opens what is known of blobs from earlier copies; `undefined`: nothing lasts longer than a copy. */
  readonly openBlobInfoCache?: ((context: SystemContext) => Promise<BlobInfoCache>) | undefined;
  /** Opens the local store that a reference names, where it names a place in one; `undefined`: it does not. */
  readonly openStoreOf?: ((reference: ImageReference) => Promise<StoreTarget | undefined>) | undefined;
  /** Opens keys that are named by options; `undefined` where there are none. */
  readonly openSigners?: ((keys: SigningKeys) => Promise<readonly Signer[]>) | undefined;
  /** The host's files; `undefined` where there are none. */
  readonly files?: HostFiles | undefined;
}
