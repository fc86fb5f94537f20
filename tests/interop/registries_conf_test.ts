/** Which registries are asked, with a `registries.conf`: the same ones that skopeo asks, with the same result. */
import assert from "node:assert/strict";
import { create, fetchManifest, isManifestsError, type SystemContext } from "../../mod.ts";
import { writeTree } from "../support/config_files.ts";
import { folderTest } from "../support/folders.ts";
import { makeImage } from "../support/images.ts";
import { exec } from "../support/peers.ts";
import { type RecordedRegistry, startRecorded } from "../support/recorded_registries.ts";
import { startDockerRegistry } from "../support/registries.ts";

/** What a tool did: which registries it asked for what, and what it got. */
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

folderTest("the registries that skopeo asks are asked, with the same result", async (home) => {
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
