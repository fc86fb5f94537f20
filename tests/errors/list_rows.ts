/** Errors of texts, documents and lists. */
import { create, fetchManifest, List, parseDigest, parseImageName } from "../../mod.ts";
import { digestOf, MEDIA_TYPES, parsePlatform } from "../../src/spec/room.ts";
import { composeIndex } from "../../src/system/remote/room.ts";
import { describe, encode, makeImage, makeTar, pushImage } from "../support/images.ts";
import { type ErrorRows, type ErrorWorld, HOST, IMAGE, MISSING } from "./world.ts";

const ENTRY = describe(MEDIA_TYPES.ociManifest, IMAGE.manifest);

/** Bytes of an index. */
function encodeIndex(manifests: unknown, more: Record<string, unknown> = {}): Uint8Array<ArrayBuffer> {
  return encode({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests, ...more });
}

/** Reads an image of a registry that answers with these bytes. */
async function read({ answeringFirst }: ErrorWorld, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  const headers = { "docker-content-digest": digestOf(bytes) };
  const systemContext = answeringFirst(({ url }) =>
    url.endsWith("/manifests/broken") ? new Response(bytes, { headers }) : undefined
  );
  await fetchManifest(`${HOST}/app:broken`, { systemContext });
}

/** Puts an index with one entry for `linux/<architecture>` into the registry, and adds from it for `linux/amd64`. */
async function add(world: ErrorWorld, tag: string, entry = ENTRY, architecture = "amd64"): Promise<void> {
  const index = encodeIndex([{ ...entry, platform: { os: "linux", architecture } }]);
  await world.repository().putManifest(tag, index);
  const systemContext = { ...world.systemContext, osChoice: "linux", architectureChoice: "amd64" };
  await create().add(`${HOST}/app:${tag}`, { systemContext, all: tag === "mislabeled" });
}

export const LIST_ROWS: ErrorRows = {
  INVALID_DIGEST: () => parseDigest("sha256:abc"),
  INVALID_PLATFORM: () => parsePlatform("linux/amd64/v1/more"),
  INVALID_REFERENCE: () => parseImageName("docker://registry.example/Upper:1"),
  TRANSPORT_NOT_SUPPORTED: () => parseImageName("tarball:image.tar"),
  UNSUPPORTED_TRANSPORT: () => parseImageName("bogus://image"),

  AMBIGUOUS_MANIFEST: (world) => read(world, encodeIndex([], { layers: [] })),
  INVALID_JSON: (world) => read(world, encode('{"schemaVersion": 2,')),
  INVALID_MANIFEST: (world) => read(world, encode({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociManifest })),
  NOT_A_MANIFEST_LIST: () => List.fromBlob(IMAGE.manifest),
  MANIFEST_TYPE_NOT_SUPPORTED: () => create().serialize("text/plain"),
  LIMIT_EXCEEDED: ({ answering }) =>
    fetchManifest(`${HOST}/app:large`, {
      systemContext: answering(() => Promise.resolve(new Response(new Uint8Array(5 * 1024 * 1024)))),
    }),

  INSTANCE_NOT_FOUND: () => create().remove(MISSING),
  DUPLICATE_PLATFORM: async (world) => {
    for (const name of ["a", "b"]) {
      await pushImage(world.repository(), makeImage({ architecture: "amd64", layers: [makeTar(name)] }), name);
    }
    const sources = [`${HOST}/app:a`, `${HOST}/app:b`];
    await composeIndex({ target: `${HOST}/app:both`, sources, systemContext: world.systemContext });
  },
  NO_MATCHING_PLATFORM: (world) => add(world, "arm64", ENTRY, "arm64"),
  PLATFORM_MISMATCH: (world) => add(world, "mislabeled", ENTRY, "arm64"),
  NESTED_INDEX: async (world) => {
    const inner = encodeIndex([]);
    await world.repository().putManifest("inner", inner);
    await add(world, "outer", describe(MEDIA_TYPES.ociIndex, inner));
  },
  ARTIFACT_UNAVAILABLE: ({ folder }) => create().addArtifact([`${folder}/sbom.json`]),
};
