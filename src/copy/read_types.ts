import type { BlobOrigin, InstancePlace } from "../image/room.ts";
import type { Signature } from "../signature/room.ts";
import type { Descriptor, Digest, ParsedImage, ParsedIndex } from "../spec/room.ts";
import { listReachable } from "./walk.ts";

/** What is known of every manifest that will be copied. */
export interface ReadManifest {
  /** Its digest. */
  readonly digest: Digest;
  /** What to ask the source for. */
  readonly place: InstancePlace;
  /** Its signatures that go with it. */
  readonly signatures: readonly Signature[];
  /** The manifests about it that go with it. */
  readonly referrers: readonly ReadNode[];
}

/** An image whose manifest has been read. */
export interface ReadImage extends ReadManifest {
  /** Tells it from an index. */
  readonly kind: "image";
  /** Its manifest. */
  readonly manifest: ParsedImage;
  /** The layers as the source gives them, where those are not the manifest's. */
  readonly layers: readonly Descriptor[] | undefined;
  /** Where its blobs are, by digest, as far as the source says. */
  readonly origins: ReadonlyMap<Digest, BlobOrigin>;
}

/** An index that has been read, with what is copied of it. */
export interface ReadIndex extends ReadManifest {
  /** Tells it from an image. */
  readonly kind: "index";
  /** The index. */
  readonly manifest: ParsedIndex;
  /** The instances to copy, in the order of the index and each once; one may be an index in its turn. */
  readonly members: readonly ReadNode[];
}

/** A manifest with everything below it. One that several indexes name is one object. */
export type ReadNode = ReadImage | ReadIndex;

/** All that is in a tree, each once. */
export function listNodes(top: ReadNode): readonly ReadNode[] {
  return listReachable(top, (node) => [...node.kind === "index" ? node.members : [], ...node.referrers]);
}

/** The blobs of an image as its source gives them. */
export function blobsOf({ layers, config }: ParsedImage, given: ReadImage["layers"]): readonly Descriptor[] {
  return [...given ?? layers, ...config ? [config] : []];
}
