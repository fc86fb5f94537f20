import { describeImageWith, readFirst, readManifestWith, type VisitedManifest } from "../../actions/room.ts";
import { decodeUtf8 } from "../../internal/room.ts";
import { isObject } from "../../json/room.ts";
import {
  type Descriptor,
  type Digest,
  hasImageConfig,
  isAttestation,
  isIndex,
  MAX_CONFIG_SIZE,
  type ParsedManifest,
  readBlob,
} from "../../spec/room.ts";
import { type DescribeImageOptions, LOCAL_RUNTIME } from "../../system/local/room.ts";
import { formatError } from "../errors.ts";
import { createDescriptionJson } from "../format/description_json.ts";
import type { AnyImage } from "./places.ts";

/** A document that was read, and the images that it can be. */
export interface FoundDocument {
  /** Name to show. Default: the reference of the image. */
  readonly name?: string;
  /** The index or manifest, as JSON text. */
  readonly text: string;
  /** Images of which the first that can be read is described. */
  readonly images: readonly AnyImage[];
}

/** Maximum size of an attestation, in bytes: SBOMs of large images have some megabytes. */
const MAX_STATEMENT_SIZE = 64 * 1024 * 1024;

/** Describes an image as the JSON of `inspect --format json`. */
export async function describeAsJson(
  { name, text, images }: FoundDocument,
  { attestations = false }: { attestations?: boolean },
  call: DescribeImageOptions,
): Promise<Record<string, unknown>> {
  return await readFirst(images, async (from) => {
    const configurations = new Map<Digest, unknown>();
    const problems = new Map<Digest, string>();
    const predicates = new Map<string, Map<string, unknown>>();
    const blobs = new Map<Digest, number>();
    const visit = async (visited: VisitedManifest, signal?: AbortSignal) => {
      const { attests, digest } = visited.instance;
      for (const blob of listBlobs(visited.manifest)) blobs.set(blob.digest, blob.size);
      try {
        if (isAttestation(visited.instance)) {
          if (attestations && attests) predicates.set(attests, await readPredicates(visited, signal));
        } else {
          const configuration = await readConfiguration(visited, signal);
          if (configuration !== undefined) configurations.set(digest, configuration);
        }
      } catch (error) {
        // The rest of the list is described, as in a table.
        signal?.throwIfAborted();
        problems.set(digest, formatError(error));
      }
    };
    const image = await describeImageWith(LOCAL_RUNTIME, from, { ...call, visit });
    return createDescriptionJson({
      document: JSON.parse(text),
      documentSize: (await readManifestWith(LOCAL_RUNTIME, from, call)).manifest.bytes.length,
      blobs,
      name: name ?? String(from),
      image,
      configurations,
      predicates,
      problems,
    });
  }, call.signal);
}

/** Reads the configuration of an image; `undefined` if it is not an image. */
async function readConfiguration(
  { manifest, source, place }: VisitedManifest,
  signal: AbortSignal | undefined,
): Promise<unknown> {
  if (isIndex(manifest) || !hasImageConfig(manifest) || !manifest.config) return undefined;
  const { config } = manifest;
  return parse(await readBlob(await source.getBlob(config, { ...place, signal }), config, MAX_CONFIG_SIZE, signal));
}

/** Reads the predicates of an attestation, by their in-toto types. */
async function readPredicates(
  { manifest, source, place }: VisitedManifest,
  signal: AbortSignal | undefined,
): Promise<Map<string, unknown>> {
  const predicates = new Map<string, unknown>();
  for (const layer of isIndex(manifest) ? [] : manifest.layers) {
    const bytes = await readBlob(await source.getBlob(layer, { ...place, signal }), layer, MAX_STATEMENT_SIZE, signal);
    const statement = parse(bytes);
    if (isObject(statement)) predicates.set(String(statement.predicateType), statement.predicate);
  }
  return predicates;
}

function listBlobs(manifest: ParsedManifest): Descriptor[] {
  return isIndex(manifest) ? [] : [...manifest.layers, ...(manifest.config ? [manifest.config] : [])];
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(decodeUtf8(bytes));
  } catch {
    return undefined;
  }
}
