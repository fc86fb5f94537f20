/** The embedded registry driven by skopeo, and what we push read by skopeo. */
import assert from "node:assert/strict";
import { create } from "../../mod.ts";
import { openDirectoryStorage } from "../../src/server/directory/room.ts";
import { clientOf, pushPlatforms } from "../support/images.ts";
import { exec, ok, peerTest } from "../support/peers.ts";
import { startDockerRegistry, startEmbedded } from "../support/registries.ts";

const systemContext = { dockerInsecureSkipTlsVerify: true };
const PLATFORMS = [{ architecture: "amd64" }, { architecture: "arm64", variant: "v8" }];

peerTest(
  "skopeo reads and copies a list that was pushed here to docker-registry",
  ["skopeo", "docker-registry"],
  async () => {
    await using from = startEmbedded();
    await using to = await startDockerRegistry();
    const list = create();
    for (const digest of await pushPlatforms(from.host, "app", PLATFORMS)) {
      await list.add(`${from.host}/app@${digest}`, { systemContext });
    }
    const { digest } = await list.push(`${to.host}/dst:1`, { systemContext });
    const image = `docker://${to.host}/dst:1`;
    assert.equal(
      await ok([
        "skopeo",
        "inspect",
        "--tls-verify=false",
        "--override-arch",
        "arm64",
        "--format",
        "{{.Architecture}}",
        image,
      ]),
      "arm64",
    );
    const raw = await ok(["skopeo", "inspect", "--raw", "--tls-verify=false", image]);
    assert.deepEqual(new TextEncoder().encode(raw), list.serialize());
    const folder = await Deno.makeTempDir();
    await ok(["skopeo", "copy", "--all", "--src-tls-verify=false", image, `dir:${folder}/out`]);
    assert.equal(await ok(["skopeo", "manifest-digest", `${folder}/out/manifest.json`]), digest);
    await Deno.remove(folder, { recursive: true });
  },
);

for (const kind of ["memory", "directory"]) {
  peerTest(`skopeo copies lists into, within and out of the embedded registry (${kind})`, ["skopeo"], async () => {
    const folder = await Deno.makeTempDir();
    {
      using storage = kind === "directory" ? await openDirectoryStorage(`${folder}/data`) : undefined;
      await using registry = startEmbedded(storage ? { storage } : {});
      await using from = startEmbedded();
      const list = create();
      for (const digest of await pushPlatforms(from.host, "app", PLATFORMS)) {
        await list.add(`${from.host}/app@${digest}`, { systemContext });
      }
      const { digest } = await list.push(`${from.host}/list:1`, { systemContext });
      const flags = ["--all", "--src-tls-verify=false", "--dest-tls-verify=false"];
      const [first, second] = [`docker://${registry.host}/one/two:1`, `docker://${registry.host}/three:1`];
      await ok(["skopeo", "copy", ...flags, `docker://${from.host}/list:1`, first]);
      await ok(["skopeo", "copy", ...flags, first, second]);
      await ok(["skopeo", "copy", ...flags, second, `dir:${folder}/out`]);
      assert.equal(await ok(["skopeo", "manifest-digest", `${folder}/out/manifest.json`]), digest);
      const tags = JSON.parse(await ok(["skopeo", "list-tags", "--tls-verify=false", first.slice(0, -2)])).Tags;
      assert.deepEqual(tags, ["1"]);
      await ok(["skopeo", "delete", "--tls-verify=false", second]);
      assert.equal(await clientOf(registry.host).repository("three").headManifest("1"), undefined);
      assert.deepEqual(registry.errors, []);
    }
    await Deno.remove(folder, { recursive: true });
  });
}

for (const scheme of ["basic", "bearer"] as const) {
  peerTest(`skopeo logs in to the embedded registry (${scheme})`, ["skopeo"], async () => {
    await using registry = startEmbedded({ access: { scheme, users: { me: "pass" } } });
    const inspect = (creds: string) =>
      exec(["skopeo", "list-tags", "--tls-verify=false", "--creds", creds, `docker://${registry.host}/none`]);
    assert.match((await inspect("me:wrong")).stderr, /unauthorized|authentication required/i);
    assert.match((await inspect("me:pass")).stderr, /404/);
  });
}

peerTest("credentials from a login of skopeo are found here", ["skopeo"], async () => {
  await using registry = startEmbedded({ access: { scheme: "bearer", users: { me: "pass" } } });
  const folder = await Deno.makeTempDir();
  const authFilePath = `${folder}/auth.json`;
  await ok([
    "skopeo",
    "login",
    "--tls-verify=false",
    "--authfile",
    authFilePath,
    "-u",
    "me",
    "-p",
    "pass",
    registry.host,
  ]);
  const context = { ...systemContext, authFilePath };
  const list = create();
  const digest = await list.addArtifact([]);
  await list.push(`${registry.host}/app:1`, { systemContext: context });
  assert.equal(await create().add(`${registry.host}/app@${digest}`, { systemContext: context }), digest);
  const nobody = { ...systemContext, dockerAuthConfig: {} };
  await assert.rejects(create().add(`${registry.host}/app:1`, { systemContext: nobody }), { code: "UNAUTHORIZED" });
  await Deno.remove(folder, { recursive: true });
});
