/**
 * Our code beside the real tools, in one run, as ratios. Needs buildah, skopeo and docker-registry. Names of benches as
 * arguments choose some of them.
 */
import { create, List, loadFromImage, openStore } from "../mod.ts";
import { CLI } from "../tests/support/cli.ts";
import { clientOf, makeImage, pushImage, pushPlatforms } from "../tests/support/images.ts";
import { startDockerRegistry } from "../tests/support/registries.ts";
import { makeStore, type TestStore } from "../tests/support/stores.ts";
import { compare, measured, ok, report, reportAll, startRelay } from "./support.ts";

const systemContext = { dockerInsecureSkipTlsVerify: true };
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
      run: (run) => measured([...CLI, ...at.flags, "push", "-q", "--tls-verify=false", "list", target("ours", run)]),
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
      run: (run) => measured([...CLI, ...at.flags, "push", "-q", "--tls-verify=false", "list", target("ours", run)]),
    },
    {
      name: "skopeo copy --all",
      prepare: forget,
      run: (run) => measured([...SKOPEO, `docker://${from.host}/app:list`, target("skopeo", run)]),
    },
  ]);
  report("Push four images with 120 MB each from registry to registry", samples);
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

const BENCHES: Record<string, () => Promise<void>> = { tiny, large, processes, sizes };
const wanted = Deno.args.length > 0 ? Deno.args : Object.keys(BENCHES);
for (const name of wanted) await BENCHES[name]!();
