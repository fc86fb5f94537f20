import type { ByteStream } from "../internal/room.ts";
import type { Digest } from "../spec/room.ts";

/** A manifest in a {@linkcode RegistryStorage}. */
export interface KeptManifest {
  /** Bytes of the manifest, exactly as pushed. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Media type with which it was pushed. */
  readonly mediaType: string;
}

/** A range of bytes: `start` inclusive, `end` exclusive. */
export interface ByteRange {
  /** Offset of the first byte. */
  readonly start: number;
  /** Offset after the last byte. */
  readonly end: number;
}

/** An unfinished upload in a {@linkcode RegistryStorage}. */
export interface StoredUpload {
  /** Number of bytes that have arrived. */
  readonly size: number;
  /** Appends bytes. If the stream fails, `size` counts the bytes before; if the storage fails, the upload cannot continue. */
  append(stream: ByteStream): Promise<void>;
  /** Ends the upload. Returns `true` if the bytes have this digest and are now a blob of the repository. */
  finish(repository: string, digest: Digest): Promise<boolean>;
  /** Ends the upload and deletes its bytes. */
  cancel(): Promise<void>;
}

/** Storage of a registry. Implement it to store blobs elsewhere than in memory or in a directory. */
export interface RegistryStorage {
  /** Returns the size of a blob of this repository in bytes; `undefined` if it does not exist. */
  statBlob(repository: string, digest: Digest): Promise<number | undefined>;
  /** Returns bytes of a blob that {@linkcode statBlob} has found; `undefined` if it was deleted in between. */
  readBlob(digest: Digest, range: ByteRange): Promise<ByteStream | undefined>;
  /** Adds a blob of one repository to another. Returns `false` if the first repository does not have it. */
  linkBlob(digest: Digest, from: string, to: string): Promise<boolean>;
  /** Removes a blob from a repository. Returns `false` if it did not exist. */
  deleteBlob(repository: string, digest: Digest): Promise<boolean>;
  /** Starts an upload, which is not yet part of a repository. */
  createUpload(): Promise<StoredUpload>;
  /** Returns a manifest of this repository; `undefined` if it does not exist. */
  getManifest(repository: string, digest: Digest): Promise<KeptManifest | undefined>;
  /** Stores a manifest in a repository. Its digest has been verified. */
  putManifest(repository: string, digest: Digest, manifest: KeptManifest): Promise<void>;
  /** Removes a manifest and the tags that name it. Returns `false` if it did not exist. */
  deleteManifest(repository: string, digest: Digest): Promise<boolean>;
  /** Returns the digests of all manifests of this repository, in any order. */
  listManifests(repository: string): Promise<Digest[]>;
  /** Returns the digest that a tag names; `undefined` if the tag does not exist. */
  getTag(repository: string, tag: string): Promise<Digest | undefined>;
  /** Points a tag at a manifest of its repository. */
  putTag(repository: string, tag: string, digest: Digest): Promise<void>;
  /** Removes a tag. Returns `false` if it did not exist. */
  deleteTag(repository: string, tag: string): Promise<boolean>;
  /** Returns all tags, sorted; `undefined` if the repository has no manifest. */
  listTags(repository: string): Promise<string[] | undefined>;
  /** Returns the names of all repositories, sorted. */
  listRepositories(): Promise<string[]>;
}
