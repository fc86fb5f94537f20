/** `compose --provenance` and `verify` on the command line. */
import assert from "node:assert/strict";
import { cli, cliOk } from "../support/cli.ts";
import { folderTest } from "../support/folders.ts";
import { clientOf, pushPlatforms } from "../support/images.ts";
import { startEmbedded } from "../support/registries.ts";

const HTTP = "--tls-verify=false";
/** Variables of a job, and none of the machine that runs the test. */
const JOB = {
  GITHUB_ACTIONS: "true",
  GITHUB_SERVER_URL: "https://git.example",
  GITHUB_REPOSITORY: "me/app",
  GITHUB_WORKFLOW_REF: "me/app/.github/workflows/release.yml@refs/tags/v1",
  GITHUB_RUN_ID: "7",
  GITHUB_RUN_ATTEMPT: "2",
  GITHUB_SHA: "abc",
  GITHUB_REF: "refs/tags/v1",
};
const BUILDER = `https://git.example/${JOB.GITHUB_WORKFLOW_REF}`;

folderTest("an index gets provenance of its CI job, which verify accepts by key and builder", async (folder) => {
  await using registry = startEmbedded();
  const image = (tag: string) => `docker://${registry.host}/app:${tag}`;
  await pushPlatforms(registry.host, "app", [{ architecture: "amd64" }, { architecture: "arm64" }]);
  await Deno.writeTextFile(`${folder}/pass`, "secret\n");
  for (const name of ["ours", "other"]) {
    await cliOk([
      "generate-sigstore-key",
      "--output-prefix",
      `${folder}/${name}`,
      "--passphrase-file",
      `${folder}/pass`,
    ]);
  }
  const sources = ["amd64", "arm64"].map((tag) => image(tag));
  const key = ["--provenance", `${folder}/ours.private`, "--provenance-passphrase-file", `${folder}/pass`];
  await cliOk(["compose", HTTP, "-q", ...key, "--provenance-children", "-t", image("1"), ...sources], JOB);

  const verify = (...flags: string[]) => cli(["verify", HTTP, ...flags, image("1")]);
  const pub = (name: string) => ["--key", `${folder}/${name}.pub`];
  const accepted = await verify("--provenance", ...pub("other"), ...pub("ours"), "--builder-id", BUILDER);
  assert.equal(accepted.code, 0, accepted.stderr);
  assert.match(accepted.stdout, /^accepted bundle sha256:[0-9a-f]{12} by key sha256:[0-9a-f]{12}\n$/);
  const { attestations: [found] } = JSON.parse((await verify("--provenance", ...pub("ours"), "--format=json")).stdout);
  assert.deepEqual(found.predicate.runDetails.builder.id, BUILDER);
  assert.equal(
    found.predicate.runDetails.metadata.invocationId,
    "https://git.example/me/app/actions/runs/7/attempts/2",
  );
  assert.deepEqual(found.predicate.buildDefinition.resolvedDependencies[0], {
    uri: "git+https://git.example/me/app@refs/tags/v1",
    digest: { gitCommit: "abc" },
  });
  assert.equal(found.predicate.buildDefinition.externalParameters.tags[0], `${registry.host}/app:1`);
  const { manifests } = JSON.parse(
    new TextDecoder().decode((await clientOf(registry.host).repository("app").getManifest("1")).bytes),
  );
  const child = `docker://${registry.host}/app@${manifests[0].digest}`;
  await cliOk(["verify", HTTP, "--provenance", ...pub("ours"), child]);

  const refusals: [flags: string[], message: RegExp][] = [
    [["--provenance", ...pub("other")], /^refused bundle .*: cryptographic signature verification failed\n$/],
    [["--provenance", ...pub("ours"), "--builder-id", "https://ci.example/*"], /builder "https:.*" is not accepted\n$/],
    [["--attestation", "spdxjson", ...pub("ours")], /has no attestation https:\/\/spdx.dev\/Document\n$/],
  ];
  for (const [flags, message] of refusals) {
    const { code, stdout } = await verify(...flags);
    assert.equal(code, 1);
    assert.match(stdout, message);
  }
  const accepting = await verify("--attestation", "slsaprovenance1", ...pub("ours"));
  assert.equal(accepting.code, 0, accepting.stderr);
});

folderTest("without --provenance, verify checks signatures against the policy", async (folder) => {
  await using registry = startEmbedded();
  const name = `docker://${registry.host}/app:amd64`;
  await pushPlatforms(registry.host, "app", [{ architecture: "amd64" }]);
  for (
    const [type, code, message] of [["insecureAcceptAnything", 0, /^accepted sha256:/], [
      "reject",
      1,
      /^refused sha256:.*rejected by policy/,
    ]] as const
  ) {
    await Deno.writeTextFile(`${folder}/policy.json`, JSON.stringify({ default: [{ type }] }));
    const found = await cli(["verify", HTTP, "--signature-policy", `${folder}/policy.json`, name]);
    assert.equal(found.code, code, found.stderr);
    assert.match(found.stdout, message);
  }
});

Deno.test("flags of verify and compose that contradict each other are usage errors", async () => {
  const wrong: [args: string[], message: RegExp][] = [
    [["verify", "--provenance", "docker://h/a"], /--provenance requires --key/],
    [["verify", "--attestation", "spdx", "docker://h/a"], /--attestation requires --key/],
    [
      ["verify", "--provenance", "--attestation", "spdx", "--key", "k", "docker://h/a"],
      /--provenance may not be used with --attestation/,
    ],
    [["verify", "--key", "k", "docker://h/a"], /--key requires --provenance or --attestation/],
    [
      ["verify", "--attestation", "spdx", "--key", "k", "--builder-id", "b", "docker://h/a"],
      /--builder-id requires --provenance/,
    ],
    [["verify", "--provenance", "--key", "/missing.pub", "docker://h/a"], /Cannot read public key "\/missing.pub"/],
    [["compose", "-t", "h/a:1", "--builder-id", "b", "h/a:2"], /--builder-id requires --provenance/],
    [
      ["compose", "-t", "h/a:1", "--provenance", "k", "--provenance-as", "text", "h/a:2"],
      /unknown --provenance-as "text"/,
    ],
  ];
  for (const [args, message] of wrong) {
    const { code, stderr } = await cli(args);
    assert.notEqual(code, 0);
    assert.match(stderr, message);
  }
});
