/** Two registries in memory between which the engine copies, and what is put into them. */
import assert from "node:assert/strict";
import { parseImageName } from "../../mod.ts";
import { type BlobInfoCache, copyImageWith, type CopyOptions } from "../../src/copy/room.ts";
import { RegistryClient, type Repository } from "../../src/registry/room.ts";
import { createMemoryStorage, createRegistry } from "../../src/server/room.ts";
import { acceptAnything } from "../../src/signature/room.ts";
import {
  type Descriptor,
  type Digest,
  digestOf,
  getEntries,
  isIndex,
  MEDIA_TYPES,
  parseManifest,
} from "../../src/spec/room.ts";
import { describe, encode, makeImage, makeTar } from "./images.ts";

export const WANTED = { os: "linux", architecture: "amd64" };
export const TAR = makeTar("file", "content ".repeat(2000));

/** Two registries in memory; a test can change the answers of the source. */
export function createWorld(
  tamper: (request: Request, answer: Response) => Response | Promise<Response> = (_, a) => a,
  refuse: (request: Request) => Response | undefined = () => undefined,
) {
  const registries = Object.fromEntries(
    ["from.example", "to.example"].map((host) => [host, createRegistry({ storage: createMemoryStorage() })]),
  );
  const requests: string[] = [];
  const fetch = async (request: Request): Promise<Response> => {
    const { host, pathname } = new URL(request.url);
    requests.push(`${request.method} ${host}${pathname}`);
    const refusal = host === "to.example" ? refuse(request) : undefined;
    if (refusal) return refusal;
    const answer = await registries[host]!.fetch(request);
    return host === "from.example" ? await tamper(request, answer) : answer;
  };
  const repository = (host: string): Repository =>
    new RegistryClient(host, { fetch: registries[host]!.fetch }).repository("app");
  return {
    from: repository("from.example"),
    to: repository("to.example"),
    requests,
    copy: ({ name = ":1", ...options }: Partial<CopyOptions> & { cache?: BlobInfoCache; name?: string } = {}) =>
      copyImageWith(parseImageName("docker://from.example/app:1"), parseImageName(`docker://to.example/app${name}`), {
        policy: acceptAnything,
        platform: WANTED,
        selection: "all",
        retryDelay: 0,
        ...options,
        ...options.cache ? { openBlobInfoCache: () => Promise.resolve(options.cache!) } : {},
        systemContext: { fetch, ...options.systemContext },
      }),
    uploads: () => requests.filter((request) => /^POST to/.test(request)).length,
  };
}

export async function put(
  repository: Repository,
  bytes: Uint8Array<ArrayBuffer>,
  mediaType: string,
): Promise<Descriptor> {
  const descriptor = describe(mediaType, bytes);
  await repository.putBlob(descriptor, new Blob([bytes]).stream());
  return descriptor;
}

/** Puts an image of layers as they are given, with a configuration that fits. */
export async function putImage(repository: Repository, layers: readonly Descriptor[], options: {
  docker?: boolean;
  config?: unknown;
  diffIds?: readonly Digest[];
} = {}): Promise<Descriptor> {
  const { docker = false, diffIds = layers.map(() => digestOf(TAR)) } = options;
  const config = options.config ?? { ...WANTED, config: {}, rootfs: { type: "layers", diff_ids: diffIds } };
  const mediaType = docker ? MEDIA_TYPES.dockerManifest : MEDIA_TYPES.ociManifest;
  const manifest = encode({
    schemaVersion: 2,
    mediaType,
    config: await put(repository, encode(config), docker ? MEDIA_TYPES.dockerConfig : MEDIA_TYPES.ociConfig),
    layers,
  });
  const digest = await repository.putManifest(digestOf(manifest), manifest, { mediaType });
  return { mediaType, digest, size: manifest.length };
}

export async function putList(repository: Repository, manifests: readonly Descriptor[]): Promise<void> {
  const list = encode({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests });
  await repository.putManifest("1", list, { mediaType: MEDIA_TYPES.ociIndex });
}

export async function readIndex(repository: Repository) {
  const manifest = parseManifest((await repository.getManifest("1")).bytes);
  assert.ok(isIndex(manifest));
  return getEntries(manifest) as readonly Descriptor[];
}

export async function readImage(repository: Repository, digest: string) {
  const manifest = parseManifest((await repository.getManifest(digest)).bytes);
  assert.ok(!isIndex(manifest));
  return manifest;
}

export const platform = (architecture: string) => ({ platform: { os: "linux", architecture } });
export const GZIP = makeImage({ architecture: "amd64", layers: [TAR] }).blobs[0]!.bytes;
