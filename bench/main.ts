/**
 * Our code beside the real tools, in one run, as ratios. Needs buildah, skopeo and docker-registry, and for `signing`
 * what `deno task oracles` builds. Names of benches as arguments choose some of them.
 */
import { create, List, loadFromImage, openStore } from "../mod.ts";
import { type Algorithm, createRecoder } from "../src/copy/recoding/mod.ts";
import { concatBytes, readChunks } from "../src/internal/mod.ts";
import { encodeTarHeader, tarPadding } from "../src/internal/tar/mod.ts";
import { digestOf } from "../src/spec/mod.ts";
import { buildImages } from "../tests/support/built_images.ts";
import { CLI } from "../tests/support/cli.ts";
import { clientOf, makeImage, pushImage, pushPlatforms } from "../tests/support/images.ts";
import { startDockerRegistry } from "../tests/support/registries.ts";
import { makeStore, type TestStore } from "../tests/support/stores.ts";
import { signing } from "./signing.ts";
import { compare, measured, ok, report, reportAll, startRelay } from "./support.ts";

const systemContext = { dockerInsecureSkipTlsVerify: true, blobInfoCacheDir: "" };
/** Nothing that an earlier run has learnt helps a later one. */
const NO_CACHE = { MANIFESTS_BLOB_INFO_CACHE_DIR: "" };
const SKOPEO = ["skopeo", "copy", "-q", "--all", "--src-tls-verify=false", "--dest-tls-verify=false"];

/** Twelve tiny images in a registry that is 10 ms away, each way. */
async function tiny(): Promise<void> {
  await using registry = await startDockerRegistry();
  await using relay = startRelay(registry.host, 10);
  await using at = await makeStore();
  const platforms = Array.from({ length: 12 }, (_, i) => ({ architecture: "arm64", variant: `x${i}` }));
  const digests = await pushPlatforms(registry.host, "app", platforms);
  const list = create();
  for (const digest of digests) await list.add(`${registry.host}/app@${digest}`, { systemContext });
  await list.push(`${registry.host}/app:list`, { systemContext });
  // For the store, the instances are behind the relay.
  const far = create();
  for (const digest of digests) await far.add(`${relay.host}/app@${digest}`, { systemContext });
  await far.saveToImage(at.store, { names: ["list"] });
  const target = (name: string, run: number) => `docker://${relay.host}/${name}/${run}:1`;
  const samples = await compare(3, [
    {
      name: "manifests push",
      run: (run) =>
        measured([...CLI, ...at.flags, "push", "-q", "--tls-verify=false", "list", target("ours", run)], NO_CACHE),
    },
    {
      name: "buildah manifest push --all",
      run: (run) =>
        measured([
          "buildah",
          ...at.flags,
          "manifest",
          "push",
          "-q",
          "--all",
          "--tls-verify=false",
          "list",
          target("buildah", run),
        ]),
    },
    {
      name: "skopeo copy --all",
      run: (run) => measured([...SKOPEO, `docker://${relay.host}/app:list`, target("skopeo", run)]),
    },
  ]);
  report("Push twelve tiny images to a new repository, 10 ms each way", samples);
}

/** Four images with layers of 120 MB, from one registry to another. */
async function large(): Promise<void> {
  await using from = await startDockerRegistry();
  await using to = await startDockerRegistry();
  await using at = await makeStore();
  const repository = clientOf(from.host).repository("app");
  const list = create();
  for (const architecture of ["amd64", "arm64", "s390x", "ppc64le"]) {
    const layer = new Uint8Array(120_000_000);
    for (let i = 0; i < layer.length; i += 60_000) crypto.getRandomValues(layer.subarray(i, i + 60_000));
    await pushImage(repository, makeImage({ architecture, layers: [layer] }), architecture);
    await list.add(`${from.host}/app:${architecture}`, { systemContext });
  }
  await list.saveToImage(at.store, { names: ["list"] });
  await list.push(`${from.host}/app:list`, { systemContext });
  const target = (name: string, run: number) => `docker://${to.host}/${name}${run}/x:1`;
  const forget = async () => {
    // Each run must move everything: what the registry has is deleted.
    await to.reset();
  };
  const samples = await compare(3, [
    {
      name: "manifests push",
      prepare: forget,
      run: (run) =>
        measured([...CLI, ...at.flags, "push", "-q", "--tls-verify=false", "list", target("ours", run)], NO_CACHE),
    },
    {
      name: "skopeo copy --all",
      prepare: forget,
      run: (run) => measured([...SKOPEO, `docker://${from.host}/app:list`, target("skopeo", run)]),
    },
  ]);
  report("Push four images with 120 MB each from registry to registry", samples);
}

const SIZE = 120_000_000;

/** Bytes that do not get smaller, as of what is compressed already. */
function noise(): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(SIZE);
  for (let i = 0; i < SIZE; i += 60_000) crypto.getRandomValues(bytes.subarray(i, i + 60_000));
  return bytes;
}

/** Bytes that become a third, as programs do: words in a random order, with something new now and then. */
function words(): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(SIZE);
  const store = crypto.getRandomValues(new Uint8Array(40_000));
  const picks = crypto.getRandomValues(new Uint32Array(16_384));
  for (let at = 0, i = 0; at < SIZE; i++) {
    const pick = picks[i % picks.length]! + Math.imul(i, 2654435761) >>> 0;
    const word = store.subarray(pick % 39_000, pick % 39_000 + 6 + (pick >>> 20) % 20).subarray(0, SIZE - at);
    bytes.set(word, at);
    at += word.length;
  }
  return bytes;
}

/** Builds four images with a layer of 120 MB each in a local store, as a list; returns the names. */
async function storeLarge(at: TestStore, content: () => Uint8Array<ArrayBuffer>): Promise<void> {
  const names: string[] = [];
  for (let i = 0; i < 4; i++) {
    const options = { files: { content: content() }, lines: ["COPY content /content"] };
    names.push((await buildImages(at, `large${i}`, options))[i % 2]!);
  }
  await ok(["buildah", ...at.flags, "manifest", "create", "list", ...names]);
}

/** From containers-storage, gzip on the way, to a registry. */
async function storage(): Promise<void> {
  for (const [what, content] of [["a third remains of", words], ["nothing is won on", noise]] as const) {
    await using at = await makeStore("overlay");
    await using to = await startDockerRegistry();
    await storeLarge(at, content);
    const target = (name: string, run: number) => `docker://${to.host}/${name}${run}/x:1`;
    const flags = ["push", "-q", "--tls-verify=false", "list"];
    const samples = await compare(3, [
      {
        name: "manifests push",
        prepare: to.reset,
        run: (run) => measured([...CLI, ...at.flags, ...flags, target("ours", run)], NO_CACHE),
      },
      {
        name: "buildah manifest push --all",
        prepare: to.reset,
        run: (run) => measured(["buildah", ...at.flags, "manifest", ...flags, "--all", target("buildah", run)]),
      },
    ]);
    report(`Push four local images with 120 MB each, of which gzip makes less: ${what} them`, samples);
  }
}

/** Between layouts and registries, with compressed layers. */
async function layouts(): Promise<void> {
  await using registry = await startDockerRegistry();
  await using other = await startDockerRegistry();
  const folder = await Deno.makeTempDir();
  const list = create();
  const repository = clientOf(registry.host).repository("app");
  for (const architecture of ["amd64", "arm64", "s390x", "ppc64le"]) {
    await pushImage(repository, makeImage({ architecture, layers: [noise()] }), architecture);
    await list.add(`${registry.host}/app:${architecture}`, { systemContext });
  }
  await using at = await makeStore();
  await list.saveToImage(at.store, { names: ["remote"] });
  await list.push(`${registry.host}/app:list`, { systemContext });
  await list.push(`oci:${folder}/from:list`, { systemContext });
  const local = create();
  await local.add(`oci:${folder}/from:list`, { all: true });
  await local.saveToImage(at.store, { names: ["local"] });
  const ours = (list: string, target: string) =>
    measured([...CLI, ...at.flags, "push", "-q", "--tls-verify=false", list, target], NO_CACHE);
  report(
    "Push four images with 120 MB each, compressed, from a layout to a registry",
    await compare(3, [
      { name: "manifests push", prepare: other.reset, run: () => ours("local", `docker://${other.host}/x/y:1`) },
      {
        name: "skopeo copy --all",
        prepare: other.reset,
        run: () => measured([...SKOPEO, `oci:${folder}/from:list`, `docker://${other.host}/x/y:1`]),
      },
    ]),
  );
  report(
    "… and from a registry to a layout",
    await compare(3, [
      { name: "manifests push", run: (run) => ours("remote", `oci:${folder}/ours${run}:1`) },
      {
        name: "skopeo copy --all",
        run: (run) => measured([...SKOPEO, `docker://${registry.host}/app:list`, `oci:${folder}/theirs${run}:1`]),
      },
    ]),
  );
  await Deno.remove(folder, { recursive: true });
}

/** What compression costs: algorithms, levels, one layer and two at once. */
async function compression(): Promise<void> {
  const tar = makeArchive(words());
  const rows: [string, Algorithm, number | undefined][] = [
    ["gzip", "gzip", undefined],
    ["gzip, level 6", "gzip", 6],
    ["zstd", "zstd", undefined],
    ["zstd, level 10", "zstd", 10],
    ["zstd:chunked, level 3", "zstd:chunked", 3],
  ];
  using recoder = createRecoder();
  const layer = { digest: digestOf(tar), size: tar.length };
  const run = async (algorithm: Algorithm, level: number | undefined) => {
    const source = new Blob([tar]).stream();
    const { stream } = await recoder.recode(source, { compress: { algorithm, level } }, layer);
    for await (const _ of readChunks(stream));
  };
  await run("zstd", 1);
  reportAll(
    "Compress 120 MB in this process, once and twice at the same time",
    await compare(
      3,
      rows.flatMap(([name, algorithm, level]) => [
        { name, run: () => run(algorithm, level) },
        {
          name: `${name}, two at once`,
          run: async () => void await Promise.all([1, 2].map(() => run(algorithm, level))),
        },
      ]),
    ),
  );
}

/** A tar archive of one file. */
function makeArchive(content: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const header = encodeTarHeader({ name: "content", type: "file", size: content.length });
  return concatBytes([header, content, new Uint8Array(tarPadding(content.length) + 1024)]);
}

/** Processes: start-up counts. */
async function processes(): Promise<void> {
  await using registry = await startDockerRegistry();
  await using at = await makeStore();
  await pushPlatforms(registry.host, "app", [{ architecture: "amd64" }]);
  const image = `docker://${registry.host}/app:amd64`;
  const steps = (tool: string[], name: string, run: number) => [
    [...tool, "create", `${name}${run}`],
    [...tool, "add", "--tls-verify=false", `${name}${run}`, image],
    [...tool, "inspect", `${name}${run}`],
  ];
  const runAll = async (commands: string[][]) => {
    for (const command of commands) await ok(command);
  };
  const samples = await compare(10, [
    { name: "manifests create + add + inspect", run: (run) => runAll(steps([...CLI, ...at.flags], "ours", run)) },
    { name: "buildah manifest …", run: (run) => runAll(steps(["buildah", ...at.flags, "manifest"], "theirs", run)) },
  ]);
  report("create, add and inspect as processes", samples);
  for (
    const [name, args] of [["exists", ["exists"]], ["inspect", ["inspect"]], ["create", ["create", "--amend"]]] as const
  ) {
    const run = (tool: readonly string[]) => async () => void await ok([...tool, ...args, "ours0"]);
    const pair = [
      { name: `manifests ${name}`, run: run([...CLI, ...at.flags]) },
      { name: `buildah manifest ${name}`, run: run(["buildah", ...at.flags, "manifest"]) },
    ];
    report(`${name}, a process of its own`, await compare(20, pair));
  }
}

/** Fills a store with 5,000 lists: one is saved, the others are copies of its record, as so many saves take long. */
async function fill({ root, store }: TestStore): Promise<void> {
  await create().saveToImage(store, { names: ["n0"] });
  const path = `${root}/vfs-images/images.json`;
  const [record] = JSON.parse(await Deno.readTextFile(path));
  const records = Array.from({ length: 5_000 }, (_, i) => ({
    ...record,
    ...(i > 0 ? { id: i.toString(16).padStart(64, "0") } : {}),
    names: [`localhost/n${i}:latest`],
  }));
  await Deno.writeTextFile(path, JSON.stringify(records));
  await Deno.writeFile(`${root}/vfs-images/images.lock`, crypto.getRandomValues(new Uint8Array(64)));
}

/** Long lists and large stores, in this process. */
async function sizes(): Promise<void> {
  const digests = Array.from({ length: 10_000 }, (_, i) => `sha256:${i.toString(16).padStart(64, "0")}`);
  const platform = { os: "linux", architecture: "amd64" };
  const mediaType = "application/vnd.oci.image.manifest.v1+json";
  const list = create();
  const forAll = (change: (digest: string) => void) => () => Promise.resolve(digests.forEach(change));
  reportAll(
    "A list of 10,000 instances",
    await compare(5, [
      { name: "add all", run: forAll((digest) => list.addInstance({ digest, size: 1, mediaType, platform })) },
      { name: "annotate all", run: forAll((digest) => list.setAnnotations(digest, { a: "b" })) },
      { name: "serialize", run: () => Promise.resolve(void list.serialize()) },
      { name: "read again", run: () => Promise.resolve(void List.fromBlob(list.serialize())) },
    ]),
  );
  await using at = await makeStore();
  await fill(at);
  const { root, runRoot, driver, store } = at;
  reportAll(
    "A store of 5,000 lists",
    await compare(5, [
      {
        name: "open and look up",
        run: async () => void await (await openStore({ root, runRoot, driver })).findImage("localhost/n1:latest"),
      },
      { name: "load a list", run: async () => void await loadFromImage(store, "n0") },
      { name: "create a list", run: async (run) => void await create().saveToImage(store, { names: [`x${run}`] }) },
    ]),
  );
  report(
    "exists, as a process, in a store of 5,000 lists",
    await compare(5, [
      { name: "manifests exists", run: async () => void await ok([...CLI, ...at.flags, "exists", "n0"]) },
      {
        name: "buildah manifest exists",
        run: async () => void await ok(["buildah", ...at.flags, "manifest", "exists", "n0"]),
      },
    ]),
  );
}

const BENCHES: Record<string, () => Promise<void>> = {
  tiny,
  large,
  storage,
  layouts,
  compression,
  processes,
  signing,
  sizes,
};
const wanted = Deno.args.length > 0 ? Deno.args : Object.keys(BENCHES);
for (const name of wanted) await BENCHES[name]!();
