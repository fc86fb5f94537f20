/**
 * The main job in a few seconds, on a registry of this process and a temporary store: make images, create a list, add,
 * annotate, save, load again, push, and show what the registry has.
 */
import { gzipSync } from "node:zlib";
import { create, editList, loadFromImage, openStore } from "./mod.ts";
import { RegistryClient } from "./src/registry/room.ts";
import { createMemoryStorage, createRegistry } from "./src/server/room.ts";
import { digestOf, formatPlatform, MEDIA_TYPES } from "./src/spec/room.ts";

const PLATFORMS = [
  { os: "linux", architecture: "amd64" },
  { os: "linux", architecture: "arm64", variant: "v8" },
  { os: "linux", architecture: "arm", variant: "v7" },
  { os: "linux", architecture: "s390x" },
];

const encode = (value: unknown) => new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));

function say(text: string): void {
  Deno.stdout.writeSync(encode(`${text}\n`));
}

/** Pushes a real image of one layer and returns its name. */
async function pushImage(host: string, platform: (typeof PLATFORMS)[number]): Promise<string> {
  const repository = new RegistryClient(host, { insecure: true }).repository("demo/app");
  const content = encode(`hello from ${formatPlatform(platform)}\n`);
  const layer = new Uint8Array(gzipSync(content));
  const config = encode({ ...platform, config: {}, rootfs: { type: "layers", diff_ids: [digestOf(content)] } });
  const describe = (mediaType: string, bytes: Uint8Array) => ({
    mediaType,
    digest: digestOf(bytes),
    size: bytes.length,
  });
  const [layerDescriptor, configDescriptor] = [
    describe(MEDIA_TYPES.ociLayerGzip, layer),
    describe(MEDIA_TYPES.ociConfig, config),
  ];
  await repository.putBlob(layerDescriptor, new Blob([layer]).stream());
  await repository.putBlob(configDescriptor, new Blob([config]).stream());
  const manifest = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.ociManifest,
    config: configDescriptor,
    layers: [layerDescriptor],
  };
  const tag = [platform.architecture, platform.variant].filter(Boolean).join("-");
  await repository.putManifest(tag, encode(manifest));
  return `docker://${host}/demo/app:${tag}`;
}

async function main(): Promise<void> {
  const registry = createRegistry({ storage: createMemoryStorage() });
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, registry.fetch);
  const host = `127.0.0.1:${server.addr.port}`;
  const folder = await Deno.makeTempDir({ prefix: "manifests-demo-" });
  const systemContext = { dockerInsecureSkipTlsVerify: true };
  try {
    say(`A registry listens on ${host}.`);
    const images = await Promise.all(PLATFORMS.map((platform) => pushImage(host, platform)));
    say(`Pushed ${images.length} single-platform images:\n${images.map((image) => `  ${image}`).join("\n")}`);

    await using store = await openStore({ root: `${folder}/root`, runRoot: `${folder}/run`, driver: "vfs" });
    const list = create();
    for (const image of images.slice(0, 3)) await list.add(image, { systemContext });
    const imageId = await list.saveToImage(store, { names: ["demo"] });
    say(
      `\nSaved the list localhost/demo:latest as ${
        imageId.slice(0, 12)
      } in the store of podman and buildah at ${folder}/root.`,
    );

    await editList(store, "demo", async (list) => {
      const digest = await list.add(images[3]!, { systemContext });
      list.setAnnotations(digest, { "org.example.tier": "mainframe" });
      list.setAnnotations(undefined, { "org.opencontainers.image.title": "demo" });
    });
    say("Added one more image and annotated the list, as one transaction.");

    const loaded = (await loadFromImage(store, "demo")).list;
    const started = performance.now();
    let mounted = 0;
    const result = await loaded.push(`docker://${host}/demo/release:1.0`, {
      store,
      systemContext,
      onProgress: (event) => {
        if (event.type === "blob-done" && event.outcome === "mounted") mounted++;
      },
    });
    const took = Math.round(performance.now() - started);
    say(
      `Pushed to ${host}/demo/release:1.0 in ${took} ms: ${result.instances.size} images, ${mounted} blobs mounted, no byte sent twice.`,
    );

    const { bytes, digest } = await new RegistryClient(host, { insecure: true }).repository("demo/release").getManifest(
      "1.0",
    );
    say(`\n${result.mediaType}\n${digest}${digest === result.digest ? "  (what push returned)" : ""}`);
    for (const entry of JSON.parse(new TextDecoder().decode(bytes)).manifests) {
      say(`  ${formatPlatform(entry.platform).padEnd(16)} ${entry.digest}  ${entry.size} bytes`);
    }
    if (digest !== result.digest) throw new Error("The registry has another list than push returned");
  } finally {
    await server.shutdown();
    await Deno.remove(folder, { recursive: true });
  }
}

await main();
