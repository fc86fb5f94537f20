import { gzipSync, zstdCompressSync } from "node:zlib";
import { parseImageName } from "../../mod.ts";
import type { Fetch, ImageReference } from "../../src/image/room.ts";
import { RegistryClient, type Repository } from "../../src/registry/room.ts";
import { createMemoryStorage, createRegistry } from "../../src/server/room.ts";
import { type Descriptor, type Digest, digestOf, MEDIA_TYPES } from "../../src/spec/room.ts";

/** Content of an image for tests. */
export interface TestImageOptions {
  os?: string;
  architecture: string;
  variant?: string;
  /** `os.version` of the configuration. */
  osVersion?: string;
  /** `os.features` of the configuration. */
  osFeatures?: readonly string[];
  /** Contents of the layers before they are compressed; default: one layer that names the architecture. */
  layers?: Uint8Array<ArrayBuffer>[];
  /** Compressions of the layers, used in turn; default: gzip. */
  compressions?: readonly ("gzip" | "zstd" | "none")[];
  /** Members of the configuration that are added or replaced. */
  config?: Record<string, unknown>;
}

/** An image that tests made: real bytes, all digests right. */
export interface TestImage {
  manifest: Uint8Array<ArrayBuffer>;
  digest: Digest;
  blobs: { descriptor: Descriptor; bytes: Uint8Array<ArrayBuffer> }[];
}

export function encode(value: unknown): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));
}

export function describe(mediaType: string, bytes: Uint8Array): Descriptor {
  return { mediaType, digest: digestOf(bytes), size: bytes.length };
}

/** A tar archive with one file, or none. */
export function makeTar(name?: string, content = ""): Uint8Array<ArrayBuffer> {
  const body = encode(content);
  const tar = new Uint8Array(1024 + (name ? 512 + Math.ceil(body.length / 512) * 512 : 0));
  if (!name) return tar;
  const octal = (value: number, width: number) => value.toString(8).padStart(width - 1, "0") + "\0";
  const header = encode(
    name.padEnd(100, "\0") + octal(0o644, 8) + octal(0, 8) + octal(0, 8) + octal(body.length, 12) + octal(0, 12) +
      "        " + "0" + "\0".repeat(100) + "ustar\0" + "00",
  );
  tar.set(header);
  const sum = tar.subarray(0, 512).reduce((a, b) => a + b, 0);
  tar.set(encode(sum.toString(8).padStart(6, "0") + "\0 "), 148);
  tar.set(body, 512);
  return tar;
}

/** Makes an OCI image. */
export function makeImage(options: TestImageOptions): TestImage {
  const { os = "linux", architecture, variant, osVersion, osFeatures, compressions = ["gzip"] } = options;
  const layers = options.layers ?? [makeTar("arch", `${os}/${architecture}/${variant ?? ""}\n`)];
  const config = encode({
    architecture,
    os,
    ...(variant ? { variant } : {}),
    ...(osVersion ? { "os.version": osVersion } : {}),
    ...(osFeatures ? { "os.features": osFeatures } : {}),
    config: {},
    rootfs: { type: "layers", diff_ids: layers.map((layer) => digestOf(layer)) },
    ...options.config,
  });
  const blobs = [
    ...layers.map((layer, i) => {
      const compression = compressions[i % compressions.length]!;
      const bytes = compression === "none"
        ? layer
        : new Uint8Array(compression === "gzip" ? gzipSync(layer) : zstdCompressSync(layer));
      const mediaType = compression === "none" ? MEDIA_TYPES.ociLayer : `${MEDIA_TYPES.ociLayer}+${compression}`;
      return { descriptor: describe(mediaType, bytes), bytes };
    }),
    { descriptor: describe(MEDIA_TYPES.ociConfig, config), bytes: config },
  ];
  const manifest = encode({
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.ociManifest,
    config: blobs.at(-1)!.descriptor,
    layers: blobs.slice(0, -1).map(({ descriptor }) => descriptor),
  });
  return { manifest, digest: digestOf(manifest), blobs };
}

/** Pushes an image with nothing but the registry client. */
export async function pushImage(repository: Repository, image: TestImage, tag: string): Promise<Digest> {
  for (const { descriptor, bytes } of image.blobs) {
    await repository.putBlob(descriptor, new Blob([bytes]).stream() as ReadableStream<Uint8Array<ArrayBuffer>>);
  }
  return await repository.putManifest(tag, image.manifest);
}

/** A client for a registry on loopback. */
export function clientOf(host: string): RegistryClient {
  return new RegistryClient(host, { insecure: true });
}

/** Pushes one image per platform, tagged `<architecture><variant>`; returns their digests. */
export async function pushPlatforms(host: string, path: string, platforms: TestImageOptions[]): Promise<Digest[]> {
  const repository = clientOf(host).repository(path);
  return await Promise.all(
    platforms.map((platform) =>
      pushImage(repository, makeImage(platform), platform.architecture + (platform.variant ?? ""))
    ),
  );
}

/** Images in a registry in memory: one per architecture, one with two layers, and a list. */
export interface MemoryImages {
  /** The image of that name. */
  reference(name: string): ImageReference;
  /** The same image, but its last layer arrives with a byte changed, and not before `until`. */
  broken(name: string, until?: Promise<void>): ImageReference;
  /** Its digest. */
  digest(name: string): Digest;
  /** The digests of its layers without compression. */
  content(name: string): Digest[];
}

/** Makes images that every transport must be able to take. */
export async function createMemoryImages(): Promise<MemoryImages> {
  const registry = createRegistry({ storage: createMemoryStorage() });
  const repository = new RegistryClient("memory.example", { fetch: registry.fetch }).repository("app");
  const noise = crypto.getRandomValues(new Uint8Array(50_000)).toHex();
  const layers: Record<string, Uint8Array<ArrayBuffer>[]> = {
    amd64: [makeTar("arch", "amd64")],
    arm64: [makeTar("arch", "arm64")],
    "two-layers": [makeTar("one", "1"), makeTar("two", noise)],
  };
  const images = new Map(
    Object.entries(layers).map(([name, layers]) => [name, makeImage({ architecture: name, layers })]),
  );
  for (const [name, image] of images) await pushImage(repository, image, name);
  const manifests = ["amd64", "arm64"].map((architecture) => ({
    ...describe(MEDIA_TYPES.ociManifest, images.get(architecture)!.manifest),
    platform: { architecture, os: "linux" },
  }));
  const list = encode({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests });
  await repository.putManifest("list", list);
  const parse = (name: string) => parseImageName(`docker://memory.example/app:${name}`);
  const open = (name: string, breaks?: Digest, until?: Promise<void>): ImageReference => {
    const fetch: Fetch = async (request) => {
      const response = await registry.fetch(request);
      if (breaks === undefined || !request.url.endsWith(breaks) || request.method !== "GET") return response;
      await until;
      const bytes = new Uint8Array(await response.arrayBuffer());
      bytes[bytes.length >> 1]! ^= 1;
      return new Response(bytes, response);
    };
    const reference = parse(name);
    return {
      transport: reference.transport,
      stringWithinTransport: reference.stringWithinTransport,
      dockerReference: reference.dockerReference,
      policyConfigurationIdentity: reference.policyConfigurationIdentity,
      policyConfigurationNamespaces: reference.policyConfigurationNamespaces,
      openSource: (context) => reference.openSource({ ...context, fetch }),
      openDestination: (context) => reference.openDestination(context),
    };
  };
  return {
    reference: (name) => open(name),
    broken: (name, until) => open(name, images.get(name)!.blobs.at(-2)!.descriptor.digest, until),
    digest: (name) => images.get(name)!.digest,
    content: (name) => layers[name]!.map((layer) => digestOf(layer)),
  };
}
