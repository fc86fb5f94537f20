/** Which registries are asked, with a `registries.conf`: the same ones that skopeo asks, with the same result. */
import assert from "node:assert/strict";
import { create, fetchManifest, isManifestsError, type SystemContext } from "../../mod.ts";
import { writeTree } from "../support/config_files.ts";
import { folderTest } from "../support/folders.ts";
import { makeImage, makeTar } from "../support/images.ts";
import { exec } from "../support/peers.ts";
import { type RecordedRegistry, startRecorded } from "../support/recorded_registries.ts";

/** The requests of a tool by registry, and its result. */
interface Outcome {
  asked: string[];
  got: string;
}

/** Reads an image with skopeo, whose configuration is below a home, or with this module. */
type Read = (image: string) => Promise<string>;

const withSkopeo = (home: string): Read => async (image) => {
  const { code, stdout, stderr } = await exec(["skopeo", "inspect", "--raw", `docker://${image}`], { HOME: home });
  if (code === 0) return stdout;
  return /is blocked in/.test(stderr) ? "blocked" : /invalid reference/.test(stderr) ? "no reference" : "failed";
};

const withModule = (context: SystemContext): Read => async (image) => {
  try {
    const { bytes } = await fetchManifest(`docker://${image}`, { systemContext: context });
    return new TextDecoder().decode(bytes);
  } catch (error) {
    if (!isManifestsError(error)) throw error;
    return error.code === "REGISTRY_BLOCKED"
      ? "blocked"
      : error.code === "CONFIG_FILE_INVALID"
      ? "no reference"
      : "failed";
  }
};

async function observe(registries: Record<string, RecordedRegistry>, read: Read, image: string): Promise<Outcome> {
  for (const { asked } of Object.values(registries)) asked.length = 0;
  const got = await read(image);
  const asked = Object.entries(registries).flatMap(([name, { asked }]) =>
    [...new Set(asked)].map((what) => `${name} ${what}`)
  );
  return { asked, got };
}

const contextOf = (home: string): SystemContext => ({
  systemRegistriesConfPath: `${home}/.config/containers/registries.conf`,
  systemRegistriesConfDirPath: `${home}/.config/containers/registries.conf.d`,
});

folderTest("the same registries are contacted as by skopeo, with the same result", async (home) => {
  await using real = startRecorded();
  await using mirror = startRecorded();
  await using other = startRecorded();
  const registries = { real, mirror, other };
  const [one, two] = [makeImage({ architecture: "amd64" }), makeImage({ architecture: "arm64" })];
  await real.put("ns/app", "1", one);
  await real.put("ns/only", "1", one);
  await mirror.put("m/app", "1", two);
  await mirror.put("m/app", "digest", one);
  await other.put("app", "1", two);
  await real.put("app", "1", one);
  await real.put("x", "1", one);
  await other.put("moved", "1", one);
  const closed = "127.0.0.1:1";
  await writeTree(`${home}/.config/containers`, {
    "registries.conf": `
      [[registry]]
      prefix = "mirrored.test/ns"
      location = "${real.host}/ns"
      insecure = true
      [[registry.mirror]]
      location = "${closed}"
      insecure = true
      [[registry.mirror]]
      location = "${mirror.host}/m"
      insecure = true

      [[registry]]
      prefix = "bydigest.test"
      location = "${real.host}/ns"
      insecure = true
      mirror-by-digest-only = true
      [[registry.mirror]]
      location = "${mirror.host}/m"
      insecure = true

      [[registry]]
      prefix = "modes.test"
      location = "${real.host}/ns"
      insecure = true
      [[registry.mirror]]
      location = "${mirror.host}/m"
      insecure = true
      pull-from-mirror = "digest-only"
      [[registry.mirror]]
      location = "${other.host}"
      insecure = true
      pull-from-mirror = "tag-only"

      [[registry]]
      prefix = "down.test"
      location = "${real.host}/none"
      insecure = true
      [[registry.mirror]]
      location = "${closed}"
      insecure = true

      [[registry]]
      prefix = "*.wild.test"
      location = "${real.host}"
      insecure = true

      [[registry]]
      prefix = "*.path.test"
      location = "${real.host}/ns"
      insecure = true

      [[registry]]
      prefix = "secure.test"
      location = "${real.host}/secure"

      [[registry]]
      location = "blocked.test"
      blocked = true

      [[registry]]
      location = "mirrorblocked.test"
      blocked = true
      [[registry.mirror]]
      location = "${mirror.host}/m"
      insecure = true

      [[registry]]
      prefix = "tagged.test/app:1"
      location = "${real.host}/app"
      insecure = true

      [[registry]]
      prefix = "docker.io"
      location = "${other.host}"
      insecure = true

      [[registry]]
      prefix = "docker.io/library"
      location = "${real.host}"
      insecure = true
      `,
    "registries.conf.d/50-drop-in.conf": `
      [[registry]]
      prefix = "dropped.test"
      location = "${other.host}"
      insecure = true`,
  });
  const rows: [image: string, asked: string[], got: unknown][] = [
    ["mirrored.test/ns/app:1", ["mirror m/app:1 -"], two],
    [`mirrored.test/ns/app@${one.digest}`, [`mirror m/app:${one.digest} -`], one],
    ["mirrored.test/ns/only:1", ["real ns/only:1 -", "mirror m/only:1 -"], one],
    ["mirrored.test/ns/none:1", ["real ns/none:1 -", "mirror m/none:1 -"], "failed"],
    ["bydigest.test/app:1", ["real ns/app:1 -"], one],
    [`bydigest.test/app@${one.digest}`, [`mirror m/app:${one.digest} -`], one],
    ["modes.test/app:1", ["other app:1 -"], two],
    [`modes.test/app@${one.digest}`, [`mirror m/app:${one.digest} -`], one],
    ["modes.test/only:1", ["real ns/only:1 -", "other only:1 -"], one],
    ["down.test/x:1", ["real none/x:1 -"], "failed"],
    ["a.wild.test/app:1", ["real app:1 -"], one],
    ["a.b.wild.test/app:1", ["real app:1 -"], one],
    ["a.path.test:99/app:1", [], "no reference"],
    ["secure.test/app:1", [], "failed"],
    ["blocked.test/x:1", [], "blocked"],
    ["blocked.test:5000/x:1", [], "blocked"],
    ["alpine:none", ["real alpine:none -"], "failed"],
    ["app:1", ["real app:1 -"], one],
    ["docker.io/me/app:1", ["other me/app:1 -"], "failed"],
    ["dropped.test/moved:1", ["other moved:1 -"], one],
    ["tagged.test/app:1", [], "failed"],
  ];
  const text = new TextDecoder();
  for (const [image, asked, got] of rows) {
    const expected = { asked, got: typeof got === "string" ? got : text.decode((got as typeof one).manifest) };
    assert.deepEqual(await observe(registries, withSkopeo(home), image), expected, `skopeo ${image}`);
    assert.deepEqual(await observe(registries, withModule(contextOf(home)), image), expected, image);
  }
  // skopeo pulls these all the same, because it only looks at the entry of the place that it asks.
  assert.equal(await withModule(contextOf(home))("mirrorblocked.test/app:1"), "blocked");
}, ["skopeo"]);

folderTest("destinations are not rewritten, but blocked and insecure apply, as with skopeo", async (home) => {
  await using real = startRecorded();
  await using other = startRecorded();
  const blocked = real.host.replace("127.0.0.1", "localhost");
  await writeTree(`${home}/.config/containers`, {
    "registries.conf": `
      [[registry]]
      prefix = "${real.host}"
      location = "${other.host}"
      insecure = true
      [[registry]]
      prefix = "${real.host}/blocked"
      location = "elsewhere.test"
      blocked = true
      [[registry]]
      prefix = "${blocked}"
      location = "elsewhere.test:5000"`,
  });
  const list = create();
  await list.addArtifact([]);
  const rows: [image: string, ok: boolean, code: string | undefined][] = [
    [`${real.host}/app:1`, true, undefined],
    [`${real.host}/blocked/app:1`, false, "REGISTRY_BLOCKED"],
    [`${blocked}/app:1`, false, "NETWORK"],
  ];
  await list.push(`dir:${home}/image`);
  for (const [image, ok, code] of rows) {
    const copied = await exec(["skopeo", "copy", "--all", `dir:${home}/image`, `docker://${image}`], { HOME: home });
    assert.equal(copied.code === 0, ok, `skopeo ${image}: ${copied.stderr}`);
    const push = list.push(`docker://${image}`, { systemContext: contextOf(home), maxRetries: 0 });
    await (code ? assert.rejects(push, { code }, image) : push);
  }
  // Both asked the host that the name says, and nobody the location.
  assert.ok(real.asked.some((what) => what.startsWith("app:1 ")));
  assert.deepEqual(other.asked, []);
}, ["skopeo"]);

folderTest("each mirror and registry gets the credentials for its own name", async (home) => {
  const access = { scheme: "basic", users: { real: "1", mirror: "2", given: "3" } } as const;
  await using real = startRecorded({ access });
  await using mirror = startRecorded({ access });
  const mirrorHost = mirror.host.replace("127.0.0.1", "localhost");
  await mirror.put("app", "1");
  await real.put("app", "2");
  const authFilePath = `${home}/auth.json`;
  await writeTree(home, {
    "auth.json": JSON.stringify({
      auths: { [`${real.host}/app`]: { auth: btoa("real:1") }, [`${mirrorHost}/app`]: { auth: btoa("mirror:2") } },
    }),
    ".config/containers/registries.conf": `
      [[registry]]
      location = "${real.host}"
      insecure = true
      [[registry.mirror]]
      location = "${mirrorHost}"
      insecure = true`,
  });
  const given = { username: "given", password: "3" };
  const rows: [tag: string, context: SystemContext, flags: string[], asked: string[]][] = [
    ["1", { authFilePath }, ["--authfile", authFilePath], ["mirror app:1 mirror:2"]],
    ["2", { authFilePath }, ["--authfile", authFilePath], ["real app:2 real:1", "mirror app:2 mirror:2"]],
    // The credentials for the registry are not sent to the mirror.
    [
      "2",
      { authFilePath, dockerAuthConfig: given },
      ["--authfile", authFilePath, "--creds", "given:3"],
      ["real app:2 given:3", "mirror app:2 mirror:2"],
    ],
  ];
  const registries = { real, mirror };
  for (const [tag, context, flags, asked] of rows) {
    const image = `${real.host}/app:${tag}`;
    const skopeo: Read = async (image) =>
      (await exec(["skopeo", "inspect", "--raw", ...flags, `docker://${image}`], { HOME: home })).stderr;
    assert.deepEqual(await observe(registries, skopeo, image), { asked, got: "" }, `skopeo ${tag} ${flags}`);
    const ours = await observe(registries, withModule({ ...contextOf(home), ...context }), image);
    assert.deepEqual(ours.asked, asked, `${tag} ${flags}`);
    assert.notEqual(ours.got, "failed");
  }
}, ["skopeo"]);

folderTest(
  "after a mirror fails, the rest of an image is read from its registry, under the name that was given",
  async (home) => {
    await using real = startRecorded();
    await using broken = startRecorded();
    const image = makeImage({ architecture: "amd64", layers: [makeTar("a", "1"), makeTar("b", "2")] });
    await real.put("ns/app", "1", image);
    // The mirror has the manifest, but its blobs were collected.
    await broken.putManifest("app", "1", image);
    await writeTree(home, {
      ".config/containers/registries.conf": `
      [[registry]]
      prefix = "mirrored.test/ns"
      location = "${real.host}/ns"
      insecure = true
      [[registry.mirror]]
      location = "${broken.host}"
      insecure = true`,
    });
    const systemContext = contextOf(home);
    const list = create();
    const digest = await list.add("docker://mirrored.test/ns/app:1", { systemContext });
    assert.equal(digest, image.digest);
    assert.equal(list.architecture(digest), "amd64");
    assert.ok(broken.asked.includes("app:1 -"));
    const { instances } = await list.push(`dir:${home}/out`, { systemContext });
    assert.equal(instances.size, 1);
    await assert.rejects(fetchManifest("docker://mirrored.test/ns/none:1", { systemContext }), (error: Error) => {
      assert.ok(isManifestsError(error, "NOT_FOUND"));
      assert.ok(error.message.includes("mirrored.test/ns/none:1"));
      assert.match(error.message, new RegExp(`Mirrors also failed: ${broken.host}/none:1: .*404`));
      return true;
    });
  },
);
