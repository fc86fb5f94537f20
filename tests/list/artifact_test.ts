import assert from "node:assert/strict";
import { type AddArtifactOptions, create, createMemoryStore, loadFromImage } from "../../mod.ts";
import { digestOf } from "../../src/spec/room.ts";
import { clientOf, encode } from "../support/images.ts";
import { startEmbedded } from "../support/registries.ts";

const D = "sha256:48dfb7edad7861ce55e6a9995a4f8df5f92befada714fe5e1848358e70d1e392";
const L = "sha256:6c46b61e07e9970db0c8be6684bbb053d66f87e91d00fa72333129f9e553c830";
const E = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
/** The worked example of an artifact of one file. */
const INDEX =
  `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"${D}","size":479,"artifactType":"application/vnd.unknown.artifact.v1"}]}`;
const MANIFEST =
  `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","artifactType":"application/vnd.unknown.artifact.v1","config":{"mediaType":"application/vnd.oci.empty.v1+json","digest":"${E}","size":2,"data":"e30="},"layers":[{"mediaType":"text/plain","digest":"${L}","size":12,"annotations":{"org.opencontainers.image.title":"f1"}}]}`;

async function withFile(fn: (path: string, folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/f1`, "hello amd64\n");
    await fn(`${folder}/f1`, folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const text = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes);

Deno.test("addArtifact() writes the manifest, the index and artifacts.json that libimage writes", async () => {
  await withFile(async (path) => {
    const list = create();
    assert.equal(await list.addArtifact([path]), D);
    assert.equal(text(list.serialize()), INDEX);
    await using store = createMemoryStore();
    const id = await list.saveToImage(store);
    const { data } = (await store.findImage(id, ["artifacts.json", "instances.json"]))!;
    const quoted = JSON.stringify(MANIFEST);
    assert.equal(
      text(data.get("artifacts.json")),
      `{"manifests":{"${D}":${quoted}},"files":{"${D}":["${path}"]},"config":{"${D}":"${E}"},"layers":{"${D}":["${L}"]},"detached":{"${L}":"${path}"},"blobs":{"${E}":"e30="}}`,
    );
    assert.equal(text(data.get("instances.json")), `{"":"${id}"}`);
    const loaded = (await loadFromImage(store, id)).list;
    assert.deepEqual(loaded.files(D), [path]);
    assert.equal(loaded.instanceByFile(path), D);
    assert.equal(loaded.instanceByFile(D), D);
    assert.throws(() => loaded.instanceByFile("/none"), { code: "INSTANCE_NOT_FOUND" });
    loaded.remove(D);
    assert.deepEqual(loaded.files(D), []);
  });
});

Deno.test("an artifact without files has the empty descriptor as its layer", async () => {
  assert.equal(
    await create().addArtifact([]),
    "sha256:1bb053792feb8d8d590001c212f2defad9277e091d2aa868cde2879ff41abb1b",
  );
});

Deno.test("the descriptor of a configuration keeps its annotations, URLs, artifact type and platform", async () => {
  const config = {
    mediaType: "application/x-config",
    data: encode('{"a":1}'),
    urls: ["https://example.com/c"],
    annotations: { b: "2", a: "1" },
    platform: { os: "linux", architecture: "arm64", variant: "v8" },
    artifactType: "application/x-kind",
  };
  const members = (embedded: string) =>
    `"urls":["https://example.com/c"],"annotations":{"a":"1","b":"2"},${embedded}` +
    `"platform":{"architecture":"arm64","os":"linux","variant":"v8"},"artifactType":"application/x-kind"}`;
  const start = `"config":{"mediaType":"application/x-config","digest":"${digestOf(config.data)}","size":7,`;
  const manifestOf = async (files: string[], options: AddArtifactOptions) => {
    const list = create();
    const digest = await list.addArtifact(files, options);
    await using store = createMemoryStore();
    const id = await list.saveToImage(store);
    const { data } = (await store.findImage(id, ["artifacts.json"]))!;
    return JSON.parse(text(data.get("artifacts.json"))).manifests[digest] as string;
  };
  const inline = await manifestOf([], { config });
  assert.ok(inline.includes(start + members('"data":"eyJhIjoxfQ==",')), inline);
  await withFile(async (_, folder) => {
    const configFile = `${folder}/config.json`;
    await Deno.writeFile(configFile, config.data);
    const inFile = await manifestOf([], { config, configFile });
    assert.ok(inFile.includes(start + members("")), inFile);
    assert.match(await manifestOf([], { config, configFile, configType: "t" }), /"config":\{"mediaType":"t"/);
    assert.match(
      await manifestOf([], { configFile }),
      /"config":\{"mediaType":"application\/vnd.oci.image.config.v1\+json"/,
    );
  });
});

Deno.test("options that are not known, or of the wrong type, are refused", async () => {
  const list = create();
  const data = encode("{}");
  const bad: Record<string, unknown>[] = [
    { layerMediaType: "text/plain" },
    { annotation: { a: "b" } },
    { constructor: 5 },
    { artifactType: 5 },
    { layerType: {} },
    { configType: [] },
    { annotations: { a: 5 } },
    { platform: { os: 5 } },
    { config: { mediaType: 5, data } },
    { config: { mediaType: "t" } },
    { config: { mediaType: "t", data: "{}" } },
    { config: { mediaType: "t", data, urls: "abc" } },
    { config: { mediaType: "t", data, annotations: ["a"] } },
  ];
  for (const options of bad) {
    await assert.rejects(list.addArtifact([], options as AddArtifactOptions), TypeError, Deno.inspect(options));
  }
  assert.equal(list.size, 0);
  await list.addArtifact([], { layerType: undefined, unknown: undefined } as AddArtifactOptions);
});

Deno.test("an artifact is pushed with its files, its configuration and its subject", async () => {
  await using registry = startEmbedded();
  const systemContext = { dockerInsecureSkipTlsVerify: true };
  await withFile(async (path, folder) => {
    await Deno.writeTextFile(`${folder}/big.bin`, "\0".repeat(3_000_000));
    await Deno.writeTextFile(`${folder}/config.json`, '{"a":1}');
    const about = create();
    const subject = await about.addArtifact([]);
    await about.push(`${registry.host}/art:subject`, { systemContext });
    const list = create();
    const digest = await list.addArtifact([path, `${folder}/big.bin`, path], {
      artifactType: "application/x-test",
      configFile: `${folder}/config.json`,
      configType: "application/json",
      annotations: { k: "v" },
      excludeTitles: true,
      subject: `docker://${registry.host}/art@${subject}`,
      platform: { os: "linux", architecture: "amd64" },
      systemContext,
    });
    const { instances } = await list.push(`${registry.host}/art:1`, { systemContext });
    assert.equal(instances.get(digest), digest);
    const pushed = JSON.parse(text((await clientOf(registry.host).repository("art").getManifest(digest)).bytes));
    assert.deepEqual(pushed.layers.map((l: { mediaType: string }) => l.mediaType), [
      "text/plain",
      "application/octet-stream",
      "text/plain",
    ]);
    assert.equal(pushed.config.digest, digestOf(encode('{"a":1}')));
    assert.deepEqual([pushed.artifactType, pushed.annotations, pushed.subject.digest], [
      "application/x-test",
      { k: "v" },
      subject,
    ]);
    assert.equal(pushed.layers[0].annotations, undefined);
  });
});

Deno.test("a file that changed or vanished since it was added is not pushed", async () => {
  await using registry = startEmbedded();
  const options = { systemContext: { dockerInsecureSkipTlsVerify: true }, maxRetries: 0 };
  await withFile(async (path) => {
    const list = create();
    await list.addArtifact([path]);
    await Deno.writeTextFile(path, "HELLO amd64\n");
    await assert.rejects(list.push(`${registry.host}/a:1`, options), { code: "DIGEST_MISMATCH" });
    await Deno.remove(path);
    await assert.rejects(list.push(`${registry.host}/a:1`, options), { code: "ARTIFACT_UNAVAILABLE" });
    await assert.rejects(create().addArtifact([path]), { code: "ARTIFACT_UNAVAILABLE" });
    assert.equal(await clientOf(registry.host).repository("a").headManifest("1"), undefined);
  });
});
