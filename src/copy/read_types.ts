import type { BlobOrigin, InstancePlace } from "../image/room.ts";
import type { Signature } from "../signature/room.ts";
import type { Descriptor, Digest, ParsedImage, ParsedIndex } from "../spec/room.ts";
import { listReachable } from "./walk.ts";

/** Common members of images and indexes that were read. */
export interface ReadManifest {
  /** Digest of the manifest at the source. */
  readonly digest: Digest;
  /** Identifies the manifest at the source. */
  readonly place: InstancePlace;
  /** Existing signatures that are copied with it. */
  readonly signatures: readonly Signature[];
  /** Referrers of the manifest that are copied with it. */
  readonly referrers: readonly ReadNode[];
}

/** An image whose manifest was read. */
export interface ReadImage extends ReadManifest {
  /** Discriminator of images and indexes. */
  readonly kind: "image";
  /** The manifest of the image. */
  readonly manifest: ParsedImage;
  /** Layers as the source returns them; `undefined`: as the manifest describes them. */
  readonly layers: readonly Descriptor[] | undefined;
  /** Repositories from which its blobs can be mounted, by the digest of the blob. */
  readonly origins: ReadonlyMap<Digest, BlobOrigin>;
  /** The index from which the image was chosen for a platform; `undefined`: it was not chosen from an index. */
  readonly chosenFrom?: ParsedIndex | undefined;
}

/** An index that was read, with its selected members. */
export interface ReadIndex extends ReadManifest {
  /** Discriminator of images and indexes. */
  readonly kind: "index";
  /** The manifest of the index. */
  readonly manifest: ParsedIndex;
  /** Instances to copy, without duplicates, in the order of the index; nested indexes are possible. */
  readonly members: readonly ReadNode[];
}

/** A manifest with everything below it. A manifest that several indexes name is one shared object. */
export type ReadNode = ReadImage | ReadIndex;

/** Lists all manifests of a tree without duplicates. */
export function listNodes(top: ReadNode): readonly ReadNode[] {
  return listReachable(top, (node) => [...node.kind === "index" ? node.members : [], ...node.referrers]);
}

/** Lists the blobs of an image as its source returns them. */
export function listImageBlobs(
  { layers, config }: ParsedImage,
  sourceLayers: ReadImage["layers"],
): readonly Descriptor[] {
  return [...sourceLayers ?? layers, ...config ? [config] : []];
}
