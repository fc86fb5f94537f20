import type { ImageReference, SystemContext } from "../image/room.ts";
import { type Digest, isIndex, ManifestsError } from "../spec/room.ts";
import type { List } from "../list/room.ts";
import { readManifestWith } from "./fetch_manifest.ts";
import { resolveImage, type Runtime } from "./runtime.ts";

/** Options for {@linkcode readList}. */
export interface ReadListOptions {
  /** Access to the list: credentials, TLS, configuration files. Default: `{}`. */
  systemContext?: SystemContext | undefined;
  /** Aborts the call, which then rejects with the signal's reason. Default: no signal. */
  signal?: AbortSignal | undefined;
}

/** A list that was read from a registry or another place. */
export interface ReadList {
  /** The list, ready to be edited and pushed. */
  readonly list: List;
  /** Digest of the manifest that was read. */
  readonly digest: Digest;
  /** Media type of the manifest that was read. */
  readonly mediaType: string;
  /** Bytes of the manifest that was read. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Reads a list from any place: `readList` for any runtime. */
export async function readListWith(
  runtime: Runtime,
  image: string | ImageReference,
  options: ReadListOptions = {},
): Promise<ReadList> {
  const named = resolveImage(runtime, image);
  const { digest, manifest: found } = await readManifestWith(runtime, named, options);
  if (!isIndex(found)) {
    throw new ManifestsError(
      "NOT_A_MANIFEST_LIST",
      `Cannot edit ${named}: it is not a list, but has the type ${found.mediaType}`,
    );
  }
  const list = runtime.parseList(found.bytes);
  list.locateInstances(named);
  return { list, digest, mediaType: found.mediaType, bytes: found.bytes };
}
