import { join } from "@std/path";
import { type ByteStream, OncePerKey, type SignalOptions } from "../../../internal/room.ts";
import {
  createDigester,
  type Digest,
  digestAlgorithm,
  isManifestsError,
  ManifestsError,
  markVerified,
  UNKNOWN_SIZE,
} from "../../../spec/room.ts";
import type { LockingMode } from "../../lock/file_lock.ts";
import type { LayerStore, StoredLayer } from "../../types.ts";
import { explainIo, ioError, isIoError } from "../io_errors.ts";
import type { StoreLocation } from "../layout.ts";
import { LayerFileError, notReproducible } from "./layer_error.ts";
import { isLayerId } from "./layer_records.ts";
import { layersFolder, listLayerRoots, readLayerRecords } from "./layer_roots.ts";
import type { LayerSource } from "./layer_source.ts";
import { readAhead } from "./read_ahead.ts";

/**
 * The layers of a containers/storage store. Records are read under their lock; layers never change and need no lock.
 */
export class ContainersLayers implements LayerStore {
  readonly #location: StoreLocation;
  readonly #mode: LockingMode;
  readonly #roots: readonly string[];

  constructor(location: StoreLocation, mode: LockingMode) {
    this.#location = location;
    this.#mode = mode;
    this.#roots = listLayerRoots(location);
  }

  async listLayers(topLayer: string): Promise<readonly StoredLayer[]> {
    return await explainIo(`list the layers of ${topLayer}`, async () => {
      const records = new OncePerKey<string, ReadonlyMap<string, StoredLayer>>();
      const chain = new Map<string, StoredLayer>();
      for (let id: string | undefined = topLayer; id !== undefined;) {
        const layer: StoredLayer = await this.#find(id, records) ?? unknownLayer(id);
        if (chain.has(id)) {
          throw new ManifestsError("STORE_CORRUPT", `Cannot list layers: layer ${id} is its own ancestor`);
        }
        chain.set(id, layer);
        id = layer.parent;
      }
      return [...chain.values()].reverse();
    });
  }

  async openLayer(layer: StoredLayer, { signal }: SignalOptions = {}): Promise<ByteStream> {
    signal?.throwIfAborted();
    const { id, diffDigest, diffSize } = layer;
    if (!isLayerId(id)) unknownLayer(id);
    if (diffDigest === undefined) throw notReproducible(layer, "the store does not know the digest of its tar archive");
    // Loaded here, because it needs `node:fs`, which takes 20 ms, and most calls only read records.
    const { findLayerSource } = await import("./layer_source.ts");
    const source = await explainIo(
      `find the files of layer ${id}`,
      () => findLayerSource(layer, this.#roots, this.#location.driver),
    );
    const bytes = readVerified(layer, source, { digest: diffDigest, size: diffSize, signal });
    return markVerified(ReadableStream.from(bytes), diffDigest);
  }

  async #find(
    id: string,
    records: OncePerKey<string, ReadonlyMap<string, StoredLayer>>,
  ): Promise<StoredLayer | undefined> {
    const { driver, graphRoot, runRoot } = this.#location;
    for (const root of this.#roots) {
      const layers = await records.get(root, () =>
        readLayerRecords({
          folder: layersFolder(root, driver),
          volatileFolder: root === graphRoot ? join(runRoot, `${driver}-layers`) : undefined,
          mode: this.#mode,
        }));
      const layer = layers.get(id);
      if (layer) return layer;
    }
    return undefined;
  }
}

function unknownLayer(id: string): never {
  throw new ManifestsError("STORE_CORRUPT", `Cannot find layer ${JSON.stringify(id.slice(0, 100))}: layer not known`);
}

interface Expected {
  readonly digest: Digest;
  readonly size: number;
  readonly signal: AbortSignal | undefined;
}

/** Yields the tar archive of a layer. The last chunk is withheld until the digest is verified. */
async function* readVerified(
  layer: StoredLayer,
  source: LayerSource,
  { digest, size, signal }: Expected,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined> {
  const digester = createDigester(digestAlgorithm(digest));
  let count = 0;
  let withheld: Uint8Array<ArrayBuffer> | undefined;
  try {
    for await (const chunk of readAhead(source.read())) {
      signal?.throwIfAborted();
      count += chunk.length;
      if (size !== UNKNOWN_SIZE && count > size) break;
      digester.update(chunk);
      if (withheld) yield withheld;
      withheld = chunk;
    }
    const actual = digester.digest();
    if (actual !== digest || (size !== UNKNOWN_SIZE && count !== size)) {
      const reason = `its tar-split file does not reproduce ${digest}, which can happen with sparse files`;
      throw await source.findBrokenFile(signal) ?? notReproducible(layer, reason);
    }
  } catch (error) {
    throw explainRead(layer, error, signal);
  }
  if (withheld) yield withheld;
}

function explainRead(layer: StoredLayer, error: unknown, signal: AbortSignal | undefined): unknown {
  const ours = isManifestsError(error) || error instanceof Deno.errors.NotCapable;
  if (ours || (signal?.aborted && error === signal.reason)) return error;
  if (error instanceof LayerFileError) return notReproducible(layer, error.message, error);
  if (isIoError(error)) return ioError(`read layer ${layer.id}`, error);
  return notReproducible(layer, `its tar-split file is broken: ${(error as Error).message}`, error);
}
