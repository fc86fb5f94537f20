import type {
  DestinationAbilities,
  ImageDestination,
  ImageReference,
  InstanceOptions,
  NewBlob,
  OpenDestinationOptions,
  SystemContext,
} from "../../image/room.ts";
import {
  type ByteStream,
  type CallOptions,
  compactChunk,
  concatBytes,
  mapStream,
  type SignalOptions,
} from "../../internal/room.ts";
import {
  type Descriptor,
  type Digest,
  digestHex,
  ManifestsError,
  ManifestsSyntaxError,
  MAX_CONFIG_SIZE,
  MEDIA_TYPES,
  type NamedReference,
  type ParsedImage,
  parseManifest,
} from "../../spec/room.ts";
import { type ArchiveTarget, findTarget } from "../archive/target.ts";
import { type ArchiveWriter, openArchiveWriter } from "../archive/writer.ts";
import { encodeItem } from "./items.ts";
import { encodeRepositories, legacyMembers } from "./legacy.ts";
import { parseTaggedName } from "./name.ts";
import type { DockerArchiveReference } from "./reference.ts";

/** Permissions of all members, as in c/image's archives. */
const MODE = 0o444;

const layerMember = (digest: Digest) => `${digestHex(digest)}.tar`;
const configMember = (digest: Digest) => `${digestHex(digest)}.json`;

/** Opens a new archive for writing. Images cannot be added to an existing archive. */
export async function openDockerArchiveDestination(
  reference: DockerArchiveReference,
  context: SystemContext = {},
  options: OpenDestinationOptions = {},
): Promise<ImageDestination> {
  const { image } = reference;
  if (image && "position" in image) {
    throw new ManifestsSyntaxError(
      "INVALID_REFERENCE",
      `Cannot write to ${reference}: a destination must not contain a manifest index @${image.position}`,
    );
  }
  const additional = context.dockerArchiveAdditionalTags ?? [];
  const names = [...image ? [image.name] : [], ...additional.map((name) => parseTaggedName(name))];
  const target = await findUnusedTarget(reference.path);
  const writer = await openArchiveWriter(target, context, options);
  // Another process may have created the file since this one was opened.
  const beforePublish = () => findUnusedTarget(reference.path);
  return new DockerArchiveDestination({ reference, writer, names, beforePublish });
}

async function findUnusedTarget(path: string): Promise<ArchiveTarget> {
  const target = await findTarget(path);
  if (target.size === 0) return target;
  throw new ManifestsError(
    "DESTINATION_IN_USE",
    `Cannot write archive ${JSON.stringify(path)}: docker-archive doesn't support modifying existing images`,
  );
}

/** Options for {@linkcode DockerArchiveDestination}. */
interface DockerArchiveDestinationOptions {
  /** Reference that the destination reports as its own. */
  readonly reference: ImageReference;
  /** Writer of the archive, which the destination owns. */
  readonly writer: ArchiveWriter;
  /** Names of the image in the archive. */
  readonly names: readonly NamedReference[];
  /** Called before the complete archive is published; may throw. Default: nothing is called. */
  readonly beforePublish?: () => Promise<unknown>;
}

/** An archive in the format of `docker save`, open for writing. */
export class DockerArchiveDestination implements ImageDestination {
  readonly reference: ImageReference;
  readonly abilities: DestinationAbilities = {
    manifestTypes: [MEDIA_TYPES.dockerManifest],
    layerCompression: "decompress",
    parallelBlobs: false,
  };
  readonly #writer: ArchiveWriter;
  readonly #names: readonly NamedReference[];
  readonly #beforePublish: (() => Promise<unknown>) | undefined;
  /** Written configurations by digest. The legacy members, which are written last, need parts of them. */
  readonly #configs = new Map<Digest, Uint8Array>();
  #image: { config: Digest; layers: readonly Digest[] } | undefined;

  constructor({ reference, writer, names, beforePublish }: DockerArchiveDestinationOptions) {
    this.reference = reference;
    this.#writer = writer;
    this.#names = names;
    this.#beforePublish = beforePublish;
  }

  findBlob(descriptor: Descriptor): Promise<number | undefined> {
    return Promise.resolve(this.#writer.findBlob(descriptor));
  }

  async putBlob(blob: NewBlob, stream: ByteStream, { signal }: CallOptions = {}): Promise<void> {
    if (blob.role === "layer") {
      await this.#writer.putBlob(blob, stream, { getName: layerMember, mode: MODE, signal });
      return;
    }
    const parts: Uint8Array[] = [];
    const collected = collectStream(stream, parts, String(this.reference));
    const { digest } = await this.#writer.putBlob(blob, collected, { getName: configMember, mode: MODE, signal });
    this.#configs.set(digest, concatBytes(parts));
  }

  // deno-lint-ignore require-await
  async putManifest(
    bytes: Uint8Array<ArrayBuffer>,
    mediaType: string,
    { instance }: InstanceOptions = {},
  ): Promise<void> {
    if (instance !== undefined || mediaType !== MEDIA_TYPES.dockerManifest) {
      throw new ManifestsError(
        "MANIFEST_REJECTED",
        `Cannot write a manifest to ${this.reference}: the archive accepts only one Docker schema 2 manifest, not ${
          instance === undefined ? JSON.stringify(mediaType) : `instance ${instance}`
        }`,
      );
    }
    const { config, layers } = parseManifest(bytes, mediaType) as ParsedImage;
    if (!config) {
      throw new ManifestsError(
        "CONVERSION_NOT_SUPPORTED",
        `Cannot write to ${this.reference}: the manifest has no configuration, so it is not an image`,
      );
    }
    const missing = [config, ...layers].find((blob) => this.#writer.findBlob(blob) === undefined);
    if (missing || !this.#configs.has(config.digest)) {
      const { digest } = missing ?? config;
      throw new ManifestsError("NOT_FOUND", `Cannot write to ${this.reference}: blob ${digest} has not been written`);
    }
    this.#image = { config: config.digest, layers: layers.map(({ digest }) => digest) };
  }

  async commit({ signal }: SignalOptions = {}): Promise<void> {
    if (!this.#image) throw new TypeError(`Cannot write ${this.reference}: its manifest has not been written`);
    const { config, layers } = this.#image;
    const legacy = legacyMembers(layers, { config: this.#configs.get(config)!, mode: MODE, getFile: layerMember });
    const item = {
      config: configMember(config),
      repoTags: [...new Set(this.#names.map(String))],
      layers: layers.map(layerMember),
    };
    await this.#writer.putEntries([
      ...legacy.members,
      { name: "manifest.json", type: "file", mode: MODE, content: encodeItem(item) },
      { name: "repositories", type: "file", mode: MODE, content: encodeRepositories(this.#names, legacy.topId) },
    ]);
    await this.#beforePublish?.();
    await this.#writer.publish({ signal });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#writer[Symbol.asyncDispose]();
  }
}

/** Collects the chunks of a stream in `parts`, up to the maximum size of a configuration. */
function collectStream(stream: ByteStream, parts: Uint8Array[], what: string): ByteStream {
  let size = 0;
  return mapStream(stream, {
    chunk(bytes) {
      size += bytes.length;
      if (size > MAX_CONFIG_SIZE) {
        throw new ManifestsError(
          "LIMIT_EXCEEDED",
          `Cannot write the configuration of ${what}: it has more than ${MAX_CONFIG_SIZE} bytes`,
        );
      }
      parts.push(compactChunk(bytes));
      return bytes;
    },
  });
}
