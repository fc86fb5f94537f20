import type { BlobInfoCache, SignaturePolicy } from "../copy/mod.ts";
import type { SystemContext, TransportTable } from "../image/mod.ts";
import type { ByteStream } from "../internal/mod.ts";
import type { Platform } from "../spec/mod.ts";

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
}

/** What a list is given of the world around it; it never reaches out by itself. */
export interface ListHost {
  /** Parses names of images. */
  readonly transports: TransportTable;
  /** The platform that is meant where nobody says one. */
  readonly platform: Platform;
  /** Which images may be copied. */
  readonly policy: SignaturePolicy;
  /** Opens what is known of blobs from earlier copies; `undefined`: nothing lasts longer than a copy. */
  readonly openBlobInfoCache?: ((context: SystemContext) => Promise<BlobInfoCache>) | undefined;
  /** The host's files; `undefined` where there are none. */
  readonly files?: HostFiles | undefined;
}
