import type { CopyOutline } from "../copy/room.ts";
import type { ImageReference } from "../image/room.ts";
import type { Descriptor, Digest, DockerList, OciIndex, Platform } from "../spec/room.ts";
import type { ImageStore } from "../store/room.ts";
import type { AddOptions } from "./add.ts";
import type { AddArtifactOptions } from "./add_artifact.ts";
import type { LabelOptions } from "./label.ts";
import type { NewInstance } from "./new_instance.ts";
import type { PushOptions, PushResult } from "./push.ts";
import type { ListSelection } from "./reference.ts";

/** Options for {@linkcode List.saveToImage}. */
export interface SaveToImageOptions {
  /** Id of the record to write. Default: the record that the list was loaded from, otherwise a new one. */
  imageId?: string | undefined;
  /**
   * Names of a new record; a name without a registry gets `localhost/`. An existing record keeps its names. Default:
   * none.
   */
  names?: readonly string[] | undefined;
  /** Media type to save the list as. Default: see {@linkcode List.serialize}. */
  mimeType?: string | undefined;
}

/**
 * An editable list of images for several platforms, which can be kept in a store and pushed. It can be written as an OCI
 * image index or as a Docker manifest list. Go: `libimage/manifests`, interface `List`.
 *
 * `create`, `loadFromImage` and `List.fromBlob` return one. Look-ups of instances take constant time. Setters throw a
 * `TypeError` for a value of the wrong type; methods that take the digest of an instance throw a `ManifestsError` with
 * code `INSTANCE_NOT_FOUND` if the list does not have it.
 */
export interface List {
  /** Number of instances in the list. */
  readonly size: number;

  /** Media type that {@linkcode serialize} chooses by default. */
  readonly preferredMediaType: string;

  /**
   * Adds an image, or the instances of a list, from any place. Everything is read and checked before the list changes:
   * either all instances are added or none.
   *
   * @param image A reference, or a name such as `docker://quay.io/me/app:1`. A name without a transport means
   * `docker://`.
   * @returns The digest of the instance; of several, the first that is not an attestation.
   * @throws {ManifestsError} With code `NO_MATCHING_PLATFORM`, `INVALID_PLATFORM`, `PLATFORM_MISMATCH` or `NESTED_INDEX`
   * if the image does not fit the options; `NOT_FOUND`, `DIGEST_MISMATCH`, `INVALID_MANIFEST`, `UNAUTHORIZED`, `DENIED`,
   * `NETWORK` or `REGISTRY_ERROR` if it cannot be read; `UNSUPPORTED_TRANSPORT` for an unknown transport.
   * @throws {ManifestsSyntaxError} With code `INVALID_REFERENCE`.
   * @throws {TypeError} If an option is unknown.
   */
  add(image: string | ImageReference, options?: AddOptions): Promise<Digest>;

  /**
   * Adds several images as {@linkcode add} does. They are read concurrently and added in the given order: either all of
   * them are added or none.
   *
   * @returns The digest of the first instance of each image that is not an attestation.
   * @throws {ManifestsError} With code `NO_MATCHING_PLATFORM`, `INVALID_PLATFORM`, `PLATFORM_MISMATCH` or `NESTED_INDEX`
   * if an image does not fit the options; `NOT_FOUND`, `DIGEST_MISMATCH`, `INVALID_MANIFEST`, `UNAUTHORIZED`, `DENIED`,
   * `NETWORK` or `REGISTRY_ERROR` if one cannot be read; `UNSUPPORTED_TRANSPORT` for an unknown transport.
   * @throws {ManifestsSyntaxError} With code `INVALID_REFERENCE`.
   */
  addAll(images: readonly (string | ImageReference)[], options?: AddOptions): Promise<Digest[]>;

  /**
   * Adds an artifact made of files. The files are not copied: they must still exist, unchanged, when the list is pushed.
   *
   * @returns The digest of the artifact's manifest.
   * @throws {ManifestsError} With code `ARTIFACT_UNAVAILABLE` if a file cannot be read.
   * @throws {TypeError} If an option is unknown, or has the wrong type.
   */
  addArtifact(files: readonly string[], options?: AddArtifactOptions): Promise<Digest>;

  /**
   * Adds an instance at the end. An instance with the same digest is replaced: its position, annotations and other
   * properties are lost.
   *
   * @throws {ManifestsSyntaxError} With code `INVALID_DIGEST`.
   * @throws {RangeError} If the size is not a number of bytes.
   * @throws {TypeError} If another member has the wrong type.
   */
  addInstance(instance: NewInstance): void;

  /**
   * Adds all instances of another list at the end, as {@linkcode addInstance} does, with everything that it says about
   * them, the places that they were added from, and the files of artifacts.
   *
   * @throws {TypeError} If `list` is not a list of this module.
   */
  addInstancesOf(list: List): void;

  /**
   * Removes every instance with this digest.
   *
   * @throws {ManifestsError} With code `INSTANCE_NOT_FOUND`.
   */
  remove(digest: string): void;

  /**
   * Removes instances together with their attestations.
   *
   * @returns The digests of the removed attestations that are not in `digests`.
   * @throws {ManifestsError} With code `INSTANCE_NOT_FOUND`; then nothing is removed.
   */
  removeWithAttestations(digests: readonly string[]): Digest[];

  /** Returns the digests of all instances, in the order of the list. */
  instances(): Digest[];

  /**
   * Returns the digests of the instances for a platform. `linux/arm64` also selects `linux/arm64/v8`, if there is no
   * instance without a variant.
   */
  instancesFor(platform: Platform): Digest[];

  /**
   * Returns the digests of the attestations of instances: the entries whose annotation `vnd.docker.reference.digest` is
   * one of these digests.
   */
  attestationsFor(digests: readonly string[]): Digest[];

  /**
   * Returns the place that an instance was added from, such as `docker://quay.io/me/app@sha256:…`: the image, or the list that
   * contained it, by digest. `undefined` if that is not known.
   */
  location(digest: string): string | undefined;

  /**
   * Records a place for all instances of which none is recorded, such as those of a list made with `List.fromBlob`. It
   * must be the place that the index was read from.
   *
   * @param digests The instances at this place. Default: all instances.
   */
  locateInstances(place: ImageReference, digests?: readonly Digest[]): void;

  /** Returns the paths of the files of an artifact; an empty array if the instance was not made of files. */
  files(digest: string): string[];

  /**
   * Returns the digest of the artifact that contains a file. A digest is returned unchanged.
   *
   * @throws {ManifestsError} With code `INSTANCE_NOT_FOUND`.
   */
  instanceByFile(path: string): Digest;

  /** Replaces the URLs from which an instance's manifest can also be downloaded; an empty array removes them. */
  setUrls(digest: string, urls: readonly string[]): void;

  /** Returns the URLs from which an instance's manifest can also be downloaded. */
  urls(digest: string): string[];

  /** Adds annotations to an instance, or, if `digest` is `undefined`, to the index itself. */
  setAnnotations(digest: string | undefined, annotations: Readonly<Record<string, string>>): void;

  /** Removes all annotations of an instance, or, if `digest` is `undefined`, of the index itself. */
  clearAnnotations(digest: string | undefined): void;

  /** Returns the annotations of an instance, or, if `digest` is `undefined`, of the index itself. */
  annotations(digest: string | undefined): Record<string, string>;

  /** Returns the platform of an instance; all members are empty if it has none. */
  platform(digest: string): Platform;

  /**
   * Sets the platform fields that a label has, such as `{ variant: "v7" }`; empty fields and missing ones are left as
   * they are. Unlike the setters, it fails if a field contradicts the one that the instance has.
   *
   * @throws {ManifestsError} With code `PLATFORM_MISMATCH` if one does, and then nothing is changed; or `INSTANCE_NOT_FOUND`.
   * @throws {TypeError} If an option is unknown, or a field has the wrong type.
   */
  label(digest: string, label: Partial<Platform>, options?: LabelOptions): void;

  /** Sets the operating system of an instance. */
  setOs(digest: string, os: string): void;

  /** Returns the operating system of an instance; `""` if it has none. */
  os(digest: string): string;

  /** Sets the architecture of an instance. */
  setArchitecture(digest: string, architecture: string): void;

  /** Returns the architecture of an instance; `""` if it has none. */
  architecture(digest: string): string;

  /** Sets the version of the operating system of an instance. */
  setOsVersion(digest: string, osVersion: string): void;

  /** Returns the version of the operating system of an instance; `""` if it has none. */
  osVersion(digest: string): string;

  /** Sets the variant of an instance's architecture. */
  setVariant(digest: string, variant: string): void;

  /** Returns the variant of an instance's architecture; `""` if it has none. */
  variant(digest: string): string;

  /** Replaces the CPU features of an instance; only a Docker list can store them. */
  setFeatures(digest: string, features: readonly string[]): void;

  /** Returns the CPU features of an instance. */
  features(digest: string): string[];

  /** Replaces the features that an instance requires of its operating system. */
  setOsFeatures(digest: string, osFeatures: readonly string[]): void;

  /** Returns the features that an instance requires of its operating system. */
  osFeatures(digest: string): string[];

  /** Sets the media type of an instance in the OCI form; the Docker form keeps its media type, as in Go. */
  setMediaType(digest: string, mediaType: string): void;

  /** Returns the media type of an instance. */
  mediaType(digest: string): string;

  /** Sets the artifact type of an instance, or, if `digest` is `undefined`, of the index itself. */
  setArtifactType(digest: string | undefined, artifactType: string): void;

  /** Returns the artifact type of an instance, or, if `digest` is `undefined`, of the index itself; `""` if there is none. */
  artifactType(digest: string | undefined): string;

  /**
   * Sets the subject of the index, the manifest that it refers to; `undefined` removes it.
   *
   * @throws {ManifestsSyntaxError} With code `INVALID_DIGEST`.
   * @throws {RangeError} If the size is not a number of bytes.
   * @throws {TypeError} If another member has the wrong type.
   */
  setSubject(subject: Descriptor | undefined): void;

  /**
   * Sets the subject of the index to an image, whose manifest is read to describe it.
   *
   * @throws {ManifestsError} With code `NOT_FOUND`, `DIGEST_MISMATCH`, `INVALID_MANIFEST`, `UNAUTHORIZED`, `DENIED`,
   * `NETWORK` or `REGISTRY_ERROR` if the image cannot be read; `UNSUPPORTED_TRANSPORT` for an unknown transport.
   * @throws {ManifestsSyntaxError} With code `INVALID_REFERENCE`.
   */
  setSubjectFrom(image: string | ImageReference, options?: AddOptions): Promise<Descriptor>;

  /** Returns the subject of the index; `undefined` if it has none. */
  subject(): Descriptor | undefined;

  /** Returns the list as an OCI index. Changes of the returned value do not change the list. */
  ociV1(): OciIndex;

  /** Returns the list as a Docker manifest list. Changes of the returned value do not change the list. */
  docker(): DockerList;

  /**
   * Returns the bytes of the list, equal to those that Go writes.
   *
   * @param mimeType Media type to write. Default: an OCI index if the list has members that only an OCI index can store;
   * otherwise a Docker list if an instance has CPU features or the list is empty; otherwise an OCI index.
   * @throws {ManifestsError} With code `MANIFEST_TYPE_NOT_SUPPORTED`.
   */
  serialize(mimeType?: string): Uint8Array<ArrayBuffer>;

  /**
   * Saves the list in a store in one step: concurrent readers see either the old list or the new one.
   *
   * @returns The id of the record.
   * @throws {ListImageUnknownError} If the record that this list was loaded from was deleted; code `LIST_IMAGE_UNKNOWN`.
   * @throws {ManifestsError} With code `LIST_CHANGED` if another program changed the record after this list was loaded
   * from it; `NAME_IN_USE`, `NOT_A_MANIFEST_LIST`; `STORE_IO`, `STORE_CORRUPT` or `LOCK_UNAVAILABLE` if the store fails.
   * The store is unchanged then.
   * @throws {TypeError} If an option is unknown.
   */
  saveToImage(store: ImageStore, options?: SaveToImageOptions): Promise<string>;

  /**
   * Returns the list as an image that can be copied. Instances are read from the places that they were added from,
   * when they are needed.
   *
   * @param store The store that the list was saved in or loaded from; `undefined` for an unsaved list.
   * @throws {ListImageUnknownError} If the list was neither saved in this store nor loaded from it; code
   * `LIST_IMAGE_UNKNOWN`, Go's `ErrListImageUnknown`.
   */
  reference(store?: ImageStore, selection?: ListSelection): ImageReference;

  /**
   * Pushes the list: first blobs, then the manifests of the instances, then the list itself. If it fails, the destination
   * does not get an index that names missing instances.
   *
   * @param destination A reference, or a name such as `docker://quay.io/me/app:1`. A name without a transport means
   * `docker://`. To `containers-storage:`, only the list is written, without its instances; with
   * `imageListSelection: "system"`, the image for the platform is.
   * @throws {ManifestsError} With code `NETWORK`, `UNAUTHORIZED`, `DENIED`, `REGISTRY_ERROR` or `MANIFEST_REJECTED` if a
   * registry fails; `NOT_FOUND`, `DIGEST_MISMATCH`, `SIZE_MISMATCH` or `ARTIFACT_UNAVAILABLE` if an instance cannot be
   * read; `POLICY_REJECTED` or `POLICY_MISSING`; `CANNOT_MODIFY` if a change is required but not allowed; `CONFLICT`, see
   * `ifMatch`.
   * @throws {TypeError} If an option is unknown, or contradicts another one.
   */
  push(destination: string | ImageReference, options?: PushOptions): Promise<PushResult>;

  /**
   * Returns what {@linkcode push} with the same arguments would do: which blobs would be copied, mounted or recompressed.
   * Manifests are read and the destination is asked for existing blobs; nothing is changed.
   *
   * @throws {ManifestsError} With code `NETWORK`, `UNAUTHORIZED`, `DENIED` or `REGISTRY_ERROR` if a registry fails;
   * `NOT_FOUND`, `DIGEST_MISMATCH` or `ARTIFACT_UNAVAILABLE` if an instance cannot be read; `POLICY_REJECTED` or
   * `POLICY_MISSING`; `CANNOT_MODIFY` if a change is required but not allowed.
   */
  outlinePush(destination: string | ImageReference, options?: PushOptions): Promise<CopyOutline>;
}
