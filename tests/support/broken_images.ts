/** Images of which something is wrong, and some that only look so, in a registry that hands out anything. */
import { gzipSync } from "node:zlib";
import { type Descriptor, type Digest, digestOf, MEDIA_TYPES as T } from "../../src/spec/room.ts";
import { describe, encode, makeTar } from "./images.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** A registry that serves any content under any digest. */
export interface BrokenRegistry {
  fetch: (request: Request) => Response;
  /** Requests, such as `HEAD blobs`. */
  requests: string[];
}

/** A repository that is being filled. */
export interface BrokenRepository {
  /** Keeps a blob, also under the digest of other content. */
  blob(mediaType: string, content: Bytes, digest?: Digest): Descriptor;
  /** Keeps a manifest, also under the digest of another one. */
  manifest(mediaType: string, value: unknown, digest?: Digest): Descriptor;
}

/** An image, and what must be said of it. */
export interface BrokenImage {
  name: string;
  /** Fills a repository; what it returns gets the tag. */
  build(at: BrokenRepository): Descriptor;
  /** The only problem that must be reported; `undefined` if the image is valid. */
  problem?: RegExp;
  /** Whether that takes reading everything. */
  full?: boolean;
}

const LAYER = makeTar("file", "content");
const GZIP = new Uint8Array(gzipSync(LAYER));
const ENTRY = { platform: { os: "linux", architecture: "amd64" } };

function makeConfig(more: Record<string, unknown> = {}): Bytes {
  const rootfs = { type: "layers", "diff_ids": [digestOf(LAYER)] };
  return encode({ architecture: "amd64", os: "linux", config: {}, rootfs, ...more });
}

interface Parts {
  config?: Bytes;
  layer?: Partial<Descriptor>;
  manifest?: Record<string, unknown>;
  docker?: boolean;
  /** Do not keep the layer. */
  isForeign?: boolean;
}

/** An image of one layer, of which parts are replaced. */
function image(at: BrokenRepository, parts: Parts = {}): Descriptor {
  const { config = makeConfig(), layer, manifest, docker = false, isForeign = false } = parts;
  const type = docker ? T.dockerManifest : T.ociManifest;
  const layers = isForeign ? [] : [{ ...at.blob(docker ? T.dockerLayerGzip : T.ociLayerGzip, GZIP), ...layer }];
  return at.manifest(type, {
    schemaVersion: 2,
    mediaType: type,
    config: at.blob(docker ? T.dockerConfig : T.ociConfig, config),
    layers,
    ...manifest,
  });
}

function index(at: BrokenRepository, entries: unknown, more: Record<string, unknown> = {}): Descriptor {
  return at.manifest(T.ociIndex, { schemaVersion: 2, mediaType: T.ociIndex, manifests: entries, ...more });
}

const OTHER = digestOf(encode("other"));
const attestation = (of: Digest) => ({
  platform: { os: "unknown", architecture: "unknown" },
  annotations: { "vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": of },
});

/** A layer that is not in the registry, but at the URLs of an image. */
export const FOREIGN_LAYER: Bytes = GZIP;

/** The images, by what is said of them. */
export const BROKEN_IMAGES: readonly BrokenImage[] = [
  { name: "an image", build: (at) => image(at) },
  { name: "a Docker image", build: (at) => image(at, { docker: true }) },
  { name: "an index", build: (at) => index(at, [{ ...image(at), ...ENTRY }]) },
  { name: "an index without entries", build: (at) => index(at, []) },
  {
    name: "an index with an attestation",
    build: (at) => {
      const amd64 = image(at);
      const config = makeConfig({ os: "unknown", architecture: "unknown" });
      return index(at, [{ ...amd64, ...ENTRY }, { ...image(at, { config }), ...attestation(amd64.digest) }]);
    },
  },
  {
    name: "a layer in a compression that is only passed on",
    build: (at) => {
      const xz = Uint8Array.of(0xfd, ..."7zXZ".split("").map((c) => c.charCodeAt(0)), 0, 1, 2, 3);
      return image(at, { manifest: { layers: [at.blob("application/vnd.example.layer.tar+xz", xz)] } });
    },
  },
  {
    name: "a blob twice",
    build: (at) => {
      const layer = at.blob(T.ociLayerGzip, GZIP);
      const config = makeConfig({ rootfs: { type: "layers", diff_ids: [digestOf(LAYER), digestOf(LAYER)] } });
      return image(at, { config, manifest: { layers: [layer, layer] } });
    },
  },
  {
    name: "an entry without the variant that its architecture implies",
    build: (at) => index(at, [{ ...image(at, { config: makeConfig({ variant: "v1" }) }), ...ENTRY }]),
  },
  {
    name: "an entry with a variant of which the configuration says nothing",
    build: (at) => index(at, [{ ...image(at), platform: { ...ENTRY.platform, variant: "v2" } }]),
  },
  {
    name: "an entry without a variant that its configuration has",
    build: (at) => index(at, [{ ...image(at, { config: makeConfig({ variant: "v2" }) }), ...ENTRY }]),
    problem: /variant "v2", but the list has none/,
  },
  {
    name: "an entry without an os.version that its configuration has",
    build: (at) => index(at, [{ ...image(at, { config: makeConfig({ "os.version": "10.0" }) }), ...ENTRY }]),
    problem: /os\.version "10\.0", but the list has none/,
  },
  {
    name: "a foreign layer",
    build: (at) => {
      const layer = { ...describe(T.ociNondistributableLayerGzip, FOREIGN_LAYER), urls: ["https://layers.example/1"] };
      return image(at, { manifest: { layers: [layer] }, isForeign: true });
    },
  },
  {
    name: "a layer with URLs that is not foreign",
    build: (at) => {
      const layer = { ...describe(T.ociLayerGzip, FOREIGN_LAYER), urls: ["https://layers.example/1"] };
      return image(at, { manifest: { layers: [layer] }, isForeign: true });
    },
    problem: new RegExp(digestOf(GZIP)),
  },
  {
    name: "a manifest that is not there",
    build: (at) => index(at, [{ ...image(at), ...ENTRY, digest: OTHER }]),
    problem: /not found|unknown|404/i,
  },
  {
    name: "another manifest under the digest",
    build: (at) => {
      const entry = { ...image(at), digest: OTHER };
      at.manifest(T.ociManifest, { schemaVersion: 2, mediaType: T.ociManifest, layers: [] }, OTHER);
      return index(at, [{ ...entry, ...ENTRY }]);
    },
    problem: /digest differs/,
  },
  {
    name: "another size of a manifest",
    build: (at) => index(at, [{ ...image(at), ...ENTRY, size: 7 }]),
    problem: /7 bytes/,
  },
  {
    name: "another type of a manifest",
    build: (at) => index(at, [{ ...image(at), ...ENTRY, mediaType: T.dockerManifest }]),
    problem: /media type/,
  },
  {
    name: "another architecture",
    build: (at) => index(at, [{ ...image(at), platform: { os: "linux", architecture: "arm64" } }]),
    problem: /configuration says.*linux\/amd64/,
  },
  {
    name: "another variant",
    build: (at) => {
      const entry = image(at, { config: makeConfig({ variant: "v2" }) });
      return index(at, [{ ...entry, platform: { ...ENTRY.platform, variant: "v3" } }]);
    },
    problem: /variant/,
  },
  {
    name: "another variant than the one that the architecture implies",
    build: (at) => {
      const entry = image(at, { config: makeConfig({ architecture: "arm64", variant: "v8" }) });
      return index(at, [{ ...entry, platform: { os: "linux", architecture: "arm64", variant: "v9" } }]);
    },
    problem: /variant "v8", but the list says "v9"/,
  },
  {
    name: "another os.version",
    build: (at) => {
      const entry = image(at, { config: makeConfig({ os: "windows", "os.version": "10.0.1" }) });
      return index(at, [{ ...entry, platform: { os: "windows", architecture: "amd64", "os.version": "10.0.2" } }]);
    },
    problem: /os\.version/,
  },
  {
    name: "a Docker entry without a platform",
    build: (at) => {
      const manifests = [image(at, { docker: true })];
      return at.manifest(T.dockerList, { schemaVersion: 2, mediaType: T.dockerList, manifests });
    },
    problem: /no platform/,
  },
  {
    name: "a Docker entry with an empty platform",
    build: (at) => {
      const manifests = [{ ...image(at, { docker: true }), platform: { os: "", architecture: "" } }];
      return at.manifest(T.dockerList, { schemaVersion: 2, mediaType: T.dockerList, manifests });
    },
    problem: /no platform/,
  },
  {
    name: "data of an entry that is not its content",
    build: (at) => index(at, [{ ...image(at), ...ENTRY, data: btoa("other") }]),
    problem: /data of the entry/,
  },
  {
    name: "data of a layer that is not its content",
    build: (at) => image(at, { layer: { data: btoa("other") as unknown as Bytes } }),
    problem: /data of layer 1/,
  },
  {
    name: "data of the right size that is not the configuration",
    build: (at) => {
      const config = makeConfig();
      const wrong = config.slice().fill(32);
      const data = btoa(new TextDecoder().decode(wrong));
      return image(at, { manifest: { config: { ...at.blob(T.ociConfig, config), data } } });
    },
    problem: /data of the configuration/,
  },
  ...[[undefined, "no schemaVersion"], [1, "1"], ["2", '"2"'], [3, "3"]].flatMap(([schemaVersion, said]) => [
    {
      name: `schemaVersion ${said} of an index`,
      build: (at: BrokenRepository) => index(at, [{ ...image(at), ...ENTRY }], { schemaVersion }),
      problem: new RegExp(`${said}.*must be 2`),
    },
    {
      name: `schemaVersion ${said} of a manifest`,
      build: (at: BrokenRepository) => index(at, [{ ...image(at, { manifest: { schemaVersion } }), ...ENTRY }]),
      problem: new RegExp(`${said}.*must be 2`),
    },
  ]),
  { name: "an index without manifests", build: (at) => index(at, undefined), problem: /no manifests/ },
  { name: "an index whose manifests are null", build: (at) => index(at, null), problem: /no manifests/ },
  {
    name: "a Docker list without manifests",
    build: (at) => at.manifest(T.dockerList, { schemaVersion: 2, mediaType: T.dockerList }),
    problem: /no manifests/,
  },
  {
    name: "a manifest without layers",
    build: (at) => {
      const config = makeConfig({ rootfs: { type: "layers", diff_ids: [] } });
      return image(at, { config, manifest: { layers: undefined } });
    },
    problem: /no layers/,
  },
  {
    name: "a manifest whose layers are null",
    build: (at) => {
      const config = makeConfig({ rootfs: { type: "layers", diff_ids: [] } });
      return image(at, { config, manifest: { layers: null } });
    },
    problem: /no layers/,
  },
  {
    name: "a manifest without a configuration",
    build: (at) => image(at, { manifest: { config: undefined } }),
    problem: /no configuration/,
  },
  {
    name: "a layer without a mediaType",
    build: (at) => image(at, { layer: { mediaType: "" } }),
    problem: /layer 1 has no mediaType/,
  },
  {
    name: "an entry without a mediaType",
    build: (at) => index(at, [{ ...image(at), ...ENTRY, mediaType: undefined }]),
    problem: /entry has no mediaType/,
  },
  {
    name: "an artifact with an empty configuration and no type",
    build: (at) => image(at, { manifest: { config: at.blob(T.ociEmpty, encode("{}")) } }),
    problem: /artifactType/,
  },
  {
    name: "an attestation of an image that is gone",
    build: (at) => {
      const config = makeConfig({ os: "unknown", architecture: "unknown" });
      return index(at, [{ ...image(at), ...ENTRY }, { ...image(at, { config }), ...attestation(OTHER) }]);
    },
    problem: new RegExp(`attestation of ${OTHER}`),
  },
  {
    name: "two images for one platform",
    build: (at) => index(at, [image(at), image(at, { docker: true })].map((entry) => ({ ...entry, ...ENTRY }))),
    problem: /same platform/,
  },
  {
    name: "a layer that is not there",
    build: (at) => image(at, { layer: { digest: OTHER } }),
    problem: new RegExp(`${OTHER}.*not there|${OTHER}.*unknown`, "i"),
  },
  {
    name: "a configuration that is not there",
    build: (at) => image(at, { manifest: { config: { ...at.blob(T.ociConfig, makeConfig()), digest: OTHER } } }),
    problem: new RegExp(OTHER),
  },
  { name: "another size of a layer", build: (at) => image(at, { layer: { size: 7 } }), problem: /bytes/ },
  {
    name: "another content of a configuration",
    build: (at) => {
      const config = makeConfig();
      const parts = image(at, { config });
      at.blob(T.ociConfig, config.slice().fill(32), digestOf(config));
      return parts;
    },
    problem: /digest differs/,
  },
  {
    name: "a configuration that is not JSON",
    build: (at) => image(at, { config: encode("{") }),
    problem: /configuration/,
  },
  {
    name: "a configuration that names more layers",
    build: (at) => image(at, { config: makeConfig({ rootfs: { diff_ids: [digestOf(LAYER), OTHER] } }) }),
    problem: /names 2 layers/,
  },
  {
    name: "another content of a layer",
    build: (at) => {
      const parts = image(at);
      const wrong = GZIP.slice();
      wrong[wrong.length >> 1]! ^= 1;
      at.blob(T.ociLayerGzip, wrong, digestOf(GZIP));
      return parts;
    },
    problem: new RegExp(digestOf(GZIP)),
    full: true,
  },
  {
    name: "another diff_id",
    build: (at) => image(at, { config: makeConfig({ rootfs: { diff_ids: [OTHER] } }) }),
    problem: /layer 1 has the content/,
    full: true,
  },
  {
    name: "a layer that cannot be decompressed",
    build: (at) => {
      const cut = GZIP.slice(0, GZIP.length - 20);
      return image(at, { manifest: { layers: [at.blob(T.ociLayerGzip, cut)] } });
    },
    problem: new RegExp(digestOf(GZIP.slice(0, GZIP.length - 20))),
    full: true,
  },
];

/** Creates a registry that serves each image of {@linkcode BROKEN_IMAGES} as tag `1` of repository `case<its position>`. */
export function createBrokenRegistry(): BrokenRegistry {
  const stored = new Map<string, { bytes: Bytes; mediaType: string; digest: Digest }>();
  const requests: string[] = [];
  for (const [i, { build }] of BROKEN_IMAGES.entries()) {
    const keep = (kind: string) => (mediaType: string, bytes: Bytes, digest = digestOf(bytes)): Descriptor => {
      stored.set(`/v2/case${i}/${kind}/${digest}`, { bytes, mediaType, digest });
      return { ...describe(mediaType, bytes), digest };
    };
    const manifest = keep("manifests");
    const { digest } = build({
      blob: keep("blobs"),
      manifest: (mediaType, value, digest) => manifest(mediaType, encode(value), digest),
    });
    stored.set(`/v2/case${i}/manifests/1`, stored.get(`/v2/case${i}/manifests/${digest}`)!);
  }
  return { requests, fetch: (request) => answer(stored, request, requests) };
}

function answer(
  stored: ReadonlyMap<string, { bytes: Bytes; mediaType: string; digest: Digest }>,
  request: Request,
  requests: string[],
): Response {
  const { pathname } = new URL(request.url);
  if (pathname === "/v2/") return new Response("{}");
  requests.push(`${request.method} ${pathname.split("/").at(-2)}`);
  const found = stored.get(pathname);
  if (!found) {
    const code = pathname.includes("/blobs/") ? "BLOB_UNKNOWN" : "MANIFEST_UNKNOWN";
    return Response.json({ errors: [{ code, message: "not found" }] }, { status: 404 });
  }
  return new Response(request.method === "HEAD" ? null : found.bytes, {
    headers: {
      "content-type": found.mediaType,
      "content-length": `${found.bytes.length}`,
      "docker-content-digest": found.digest,
    },
  });
}
