import type { ByteStream } from "../internal/room.ts";
import type { Digest } from "../spec/room.ts";

/** A manifest as a registry keeps it. */
export interface KeptManifest {
  /** The exact bytes. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The `Content-Type` with which it was pushed. */
  readonly mediaType: string;
}

/** A range of bytes: `start` inclusive, `end` exclusive. */
export interface ByteRange {
  /** First byte. */
  readonly start: number;
  /** Byte after the last. */
  readonly end: number;
}

/** An upload under way. */
export interface StoredUpload {
  /** How many bytes arrived. */
  readonly size: number;
  /** Adds bytes. Where the stream fails, `size` says how many came before; where the storage does, it is over. */
  append(stream: ByteStream): Promise<void>;
  /** Ends the session: `true` where the bytes have that digest and are now a blob of the repository. */
  finish(repository: string, digest: Digest): Promise<boolean>;
  /** Drops the session. */
  cancel(): Promise<void>;
}

/** Where a registry keeps what it is given. One suite of tests runs on every implementation. */
export interface RegistryStorage {
  /** Size of a blob of this repository in bytes, or `undefined`. */
  statBlob(repository: string, digest: Digest): Promise<number | undefined>;
  /** The bytes of a blob that {@linkcode statBlob} has found; `undefined` if it was removed in between. */
  readBlob(digest: Digest, range: ByteRange): Promise<ByteStream | undefined>;
  /** Makes a blob of one repository a blob of another; `false` where the first has none. */
  linkBlob(digest: Digest, from: string, to: string): Promise<boolean>;
  /** Removes a blob from a repository; `false` where there was none. */
  deleteBlob(repository: string, digest: Digest): Promise<boolean>;
  /** Opens an upload. */
  createUpload(): Promise<StoredUpload>;
  /** A manifest of this repository, or `undefined`. */
  getManifest(repository: string, digest: Digest): Promise<KeptManifest | undefined>;
  /** Keeps a manifest. */
  putManifest(repository: string, digest: Digest, manifest: KeptManifest): Promise<void>;
  /** Removes a manifest; `false` where there was none. */
  deleteManifest(repository: string, digest: Digest): Promise<boolean>;
  /** The digests of all manifests of this repository. */
  listManifests(repository: string): Promise<Digest[]>;
  /** What a tag points at, or `undefined`. */
  getTag(repository: string, tag: string): Promise<Digest | undefined>;
  /** Points a tag at a manifest. */
  putTag(repository: string, tag: string, digest: Digest): Promise<void>;
  /** Removes a tag; `false` where there was none. */
  deleteTag(repository: string, tag: string): Promise<boolean>;
  /** All tags, sorted; `undefined` where the repository is unknown. */
  listTags(repository: string): Promise<string[] | undefined>;
  /** All repositories, sorted. */
  listRepositories(): Promise<string[]>;
}
