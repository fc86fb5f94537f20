/** The output, files and refusals of `compose`. */
import assert from "node:assert/strict";
import { createMemoryStorage, createRegistry } from "../../src/server/room.ts";
import { cli, cliOk } from "../support/cli.ts";
import { folderTest } from "../support/folders.ts";
import { clientOf, makeImage, pushImage } from "../support/images.ts";
import { ok, peerTest } from "../support/peers.ts";
import { serve, startDockerRegistry, startEmbedded } from "../support/registries.ts";

const INSECURE = "--tls-verify=false";

/** Pushes images with the tags `amd64` and `arm64` to `app`. */
async function pushImages(host: string): Promise<void> {
  const repository = clientOf(host).repository("app");
  for (const architecture of ["amd64", "arm64"]) {
    await pushImage(repository, makeImage({ architecture }), architecture);
  }
}

folderTest("compose prints references by digest, and the changes of names on stderr", async (folder) => {
  await using registry = startEmbedded();
  const { host } = registry;
  await pushImages(host);
  const names = ["-t", `${host}/app:1`, "-t", "latest", "-t", `${host}/copy:1`];
  const sources = [`${host}/app:amd64`, `${host}/app:arm64`];
  const first = await cli(["compose", INSECURE, ...names, ...sources]);
  const { digest } = (await clientOf(host).repository("app").headManifest("1"))!;
  const short = digest.slice(0, 19);
  assert.deepEqual(first, {
    code: 0,
    stdout: `${host}/app@${digest}\n${host}/copy@${digest}\n`,
    stderr: `+ ${host}/app:1 ${short}\n+ ${host}/app:latest ${short}\n+ ${host}/copy:1 ${short}\n`,
  });
  const again = await cli(["compose", INSECURE, "-q", "--format", "json", ...names, ...sources]);
  const result = JSON.parse(again.stdout);
  assert.deepEqual([again.stderr, result.unchanged, result.digest], ["", true, digest]);
  const states = result.published.map(({ state }: { state: string }) => state);
  assert.deepEqual(states, ["unchanged", "unchanged", "unchanged"]);
  // A dry run prints exact bytes, also without a name; a file gets the same.
  const dry = await cli(["compose", INSECURE, "--dry-run", ...names, sources[0]!]);
  assert.match(dry.stderr, new RegExp(`^~ ${host}/app:1 ${short} -> sha256:`));
  assert.equal(JSON.parse(dry.stdout).manifests.length, 1);
  // Platforms can be separated as in the settings of CI systems; a single ignored annotation is one.
  const annotations = `${folder}/annotations`;
  await Deno.writeTextFile(annotations, "manifest:a=b\n");
  const lists = ["--platform", "linux/amd64, linux/arm64", "--require", "\n linux/amd64\n linux/arm64\n"];
  const lines = await cli(["compose", INSECURE, ...names, "--annotations-from", annotations, ...lists, ...sources]);
  assert.deepEqual([lines.code, lines.stdout], [0, first.stdout]);
  assert.match(lines.stderr, /^Warning: ignored 1 annotation for image manifests/);
  for (const flag of ["--require", "--platform"]) {
    const { code, stderr } = await cli(["compose", INSECURE, ...names, flag, "", ...sources]);
    assert.deepEqual([code, stderr], [125, `Error: ${flag} is empty: name a platform, such as linux/amd64\n`]);
  }
  const file = `${folder}/index.json`;
  const { stdout } = await cli(["compose", INSECURE, "-o", file, ...sources]);
  assert.equal(stdout, `${digest}\n`);
  assert.deepEqual(
    await Deno.readFile(file),
    (await clientOf(host).repository("app").getManifest("1")).bytes,
  );
});

folderTest("compose checks images against the policy that --signature-policy names", async (folder) => {
  await using registry = startEmbedded();
  const { host } = registry;
  await pushImages(host);
  const policy = `${folder}/policy.json`;
  const compose = (...targets: string[]) =>
    cli([
      "compose",
      INSECURE,
      "--signature-policy",
      policy,
      ...targets.flatMap((name) => ["-t", name]),
      `${host}/app:amd64`,
    ]);
  await Deno.writeTextFile(policy, '{"default":[{"type":"reject"}]}');
  // In the repository of the image, in another one, and in both.
  for (const targets of [["app:1"], ["copy:1"], ["app:1", "copy:1"]]) {
    const refused = await compose(...targets.map((name) => `${host}/${name}`));
    assert.deepEqual([refused.code, /rejected by policy/.test(refused.stderr)], [125, true], refused.stderr);
  }
  assert.equal(await clientOf(host).repository("app").headManifest("1"), undefined);
  await Deno.writeTextFile(policy, '{"default":[{"type":"insecureAcceptAnything"}]}');
  assert.equal((await compose(`${host}/copy:1`)).code, 0);
});

folderTest(
  "two registries, of which one fails: the exit code, the text and the JSON say what was published",
  async (folder) => {
    await using healthy = startEmbedded();
    await pushImages(healthy.host);
    const { fetch } = createRegistry({ storage: createMemoryStorage() });
    await using broken = serve((request) =>
      request.method === "PUT" ? new Response("out of order", { status: 500 }) : fetch(request)
    );
    const names = ["-t", `${healthy.host}/app:1`, "-t", "latest", "-t", `${broken.host}/app:1`];
    const digestfile = `${folder}/digest`;
    const args = [
      "compose",
      INSECURE,
      "--retry",
      "0",
      "--digestfile",
      digestfile,
      ...names,
      `${healthy.host}/app:amd64`,
    ];
    const text = await cli(args);
    assert.deepEqual([text.code, text.stdout], [125, ""]);
    assert.match(text.stderr, new RegExp(`Failed: ${broken.host}/app:1. Not written: ${healthy.host}/app:1, `));
    const json = await cli([...args, "--format", "json"]);
    assert.equal(json.code, 125);
    const { error, published } = JSON.parse(json.stdout);
    assert.equal(error.code, "REGISTRY_ERROR");
    assert.deepEqual(published.map(({ state }: { state: string }) => state), ["skipped", "skipped", "failed"]);
    assert.equal(await clientOf(healthy.host).repository("app").headManifest("1"), undefined);
    await assert.rejects(Deno.stat(digestfile), Deno.errors.NotFound);
  },
);

folderTest("compose warns about annotations of manifests in a file, and refuses typed ones", async (folder) => {
  await using registry = startEmbedded();
  const { host } = registry;
  await pushImages(host);
  const file = `${folder}/metadata.json`;
  await Deno.writeTextFile(file, JSON.stringify({ annotations: ["manifest:a=b", "manifest:c=d", "index:a=b"] }));
  const target = ["-t", `${host}/app:1`, `${host}/app:amd64`];
  const { code, stderr } = await cli(["compose", INSECURE, "--annotations-from", file, ...target]);
  assert.equal(code, 0);
  assert.equal(stderr.match(/Warning: ignored 2 annotations .*ANNOTATIONS_LEVELS=manifest,index/g)?.length, 1, stderr);
  const rows: [args: string[], message: RegExp][] = [
    [["--annotation", "manifest:a=b", ...target], /annotate it when the image is built/],
    [["--format", "v2s2", "--annotation", "a=b", ...target], /Docker manifest list with annotations/],
    [["--replace", ...target], /--replace requires --append/],
    [["--order", "size", ...target], /choose given or platform/],
    [["--wait", "soon", ...target], /must be a duration/],
    [["-t", `${host}/app:1`], /requires a source/],
    [[`${host}/app:amd64`], /requires a name/],
    [
      ["--creds", "me:secret", "-t", `${host}/app:1`, "-t", "two.example/app:1", `${host}/app:amd64`],
      /must name a registry/,
    ],
  ];
  const results = await Promise.all(rows.map(([args]) => cli(["compose", INSECURE, ...args])));
  results.forEach(({ code, stderr }, i) => {
    assert.equal(code, 125);
    assert.match(stderr, rows[i]![1]);
  });
});

peerTest("skopeo reads what compose published to docker-registry, whole; a repeated call writes nothing", [
  "docker-registry",
  "skopeo",
], async () => {
  await using source = startEmbedded();
  await using registry = await startDockerRegistry();
  await pushImages(source.host);
  const names = ["-t", `${registry.host}/app:1`, "-t", "latest", "-t", `${source.host}/copy:1`];
  const sources = [`${source.host}/app:amd64`, `${source.host}/app:arm64`];
  const printed = await cliOk(["compose", "-q", INSECURE, ...names, ...sources]);
  const folder = await Deno.makeTempDir();
  try {
    const image = `docker://${registry.host}/app:latest`;
    await ok(["skopeo", "copy", "--all", "--src-tls-verify=false", "--insecure-policy", image, `dir:${folder}`]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  const again = await cliOk(["compose", "-q", INSECURE, "--format", "json", ...names, ...sources]);
  const { unchanged, digest } = JSON.parse(again);
  assert.equal(unchanged, true);
  assert.equal(printed, `${registry.host}/app@${digest}\n${source.host}/copy@${digest}`);
});
