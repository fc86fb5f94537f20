/** Reports of pushes and copies to the files of CI systems, as a job sees them. */
import assert from "node:assert/strict";
import { cli, cliHere, cliOk } from "../../support/cli.ts";
import { readGithubOutputs } from "../../support/github.ts";
import { clientOf, pushPlatforms } from "../../support/images.ts";
import { serve, startEmbedded } from "../../support/registries.ts";
import { makeStore } from "../../support/stores.ts";

const PLATFORMS = [{ architecture: "amd64" }, { architecture: "arm64", variant: "v8" }];
const INSECURE = "--tls-verify=false";

/** The files of a step, and the environment with which the runner starts it. */
async function makeStep(folder: string, before = "") {
  const [output, summary] = [`${folder}/output`, `${folder}/summary`];
  await Deno.writeTextFile(output, before);
  await Deno.writeTextFile(summary, before);
  return { output, summary, env: { GITHUB_ACTIONS: "true", GITHUB_OUTPUT: output, GITHUB_STEP_SUMMARY: summary } };
}

Deno.test("a push reports outputs, a summary, files and masks to a step of GitHub Actions", async () => {
  await using at = await makeStore();
  await using registry = startEmbedded();
  await pushPlatforms(registry.host, "app", PLATFORMS);
  const image = (tag: string) => `docker://${registry.host}/app:${tag}`;
  await cliOk([...at.flags, "create", INSECURE, "list", image("amd64"), image("arm64v8")]);
  // Another program left the last line without its end.
  const { output, summary, env } = await makeStep(at.folder, "before=1");
  const file = (name: string) => `${at.folder}/${name}`;
  const push = ["push", INSECURE, "--creds", "me:s3cret%", "list", `${registry.host}/out:1`];
  const files = ["--digestfile", file("digest"), "--referencefile", file("reference"), "--gitlab-dotenv", file("env")];
  const { stdout, stderr } = await cli([...at.flags, ...push, ...files, "--format", "json"], env);
  const digest = (await clientOf(registry.host).repository("out").headManifest("1"))!.digest;
  const reference = `${registry.host}/out@${digest}`;
  const { json, ...outputs } = readGithubOutputs(await Deno.readTextFile(output));
  assert.deepEqual(outputs, { before: "1", digest, reference, references: reference, tags: `${registry.host}/out:1` });
  assert.deepEqual(JSON.parse(json!), JSON.parse(stdout));
  const text = await Deno.readTextFile(summary);
  assert.match(text, new RegExp(`^before=1\n### Published \`${digest}\``));
  assert.match(text, /^\| linux\/amd64 \| `sha256:[0-9a-f]{64}` \| \d+ B \| {2}\|$/m);
  assert.match(text, /^\| linux\/arm64\/v8 \| /m);
  assert.equal(await Deno.readTextFile(file("digest")), digest);
  assert.equal(await Deno.readTextFile(file("reference")), reference);
  assert.equal(
    await Deno.readTextFile(file("env")),
    `MANIFESTS_DIGEST=${digest}\nMANIFESTS_REFERENCE=${reference}\nMANIFESTS_REFERENCES=${reference}\n` +
      `MANIFESTS_TAGS=${registry.host}/out:1\n`,
  );
  const lines = stderr.split("\n");
  assert.deepEqual(lines.slice(0, 2), ["::add-mask::s3cret%25", `::add-mask::${btoa("me:s3cret%")}`]);
  assert.ok(![text, json, ...lines.slice(2)].some((part) => part!.includes("s3cret")));

  // Nothing was changed, and nothing is reported.
  await cliOk([...at.flags, ...push.toSpliced(2, 2), "--github=false", "-q"], env);
  await cliOk([...at.flags, ...push.toSpliced(2, 2), "-q"], { ...env, GITHUB_ACTIONS: "" });
  await cliOk([...at.flags, ...push.toSpliced(2, 2), "-q"], { ...env, MANIFESTS_PERSONA: "podman" });
  assert.deepEqual(await Deno.readTextFile(summary), text);
  const copied = ["copy", INSECURE, "--insecure-policy", "-q", "--referencefile", file("copied")];
  await cliOk([...copied, `docker://${reference}`, `docker://${registry.host}/out:1`], env);
  assert.equal((await Deno.readTextFile(summary)).match(/^### Published `sha256:/gm)?.length, 2);
  assert.equal(await Deno.readTextFile(file("copied")), reference);
});

Deno.test("copies to several destinations are one report", async () => {
  await using at = await makeStore();
  await using from = startEmbedded();
  await using to = startEmbedded();
  await pushPlatforms(from.host, "app", PLATFORMS);
  const { output, env } = await makeStep(at.folder);
  const destinations = [`docker://${to.host}/a:1`, `oci:${at.folder}/layout:1`, `docker://${to.host}/b:2`];
  const creds = ["--dest-creds", "me:s3cret"];
  const copy = ["copy", INSECURE, "--insecure-policy", "-q", "--format", "json", ...creds];
  const { stdout, stderr } = await cli([...copy, `docker://${from.host}/app:amd64`, ...destinations], env);
  const { digest, references, tags, json } = readGithubOutputs(await Deno.readTextFile(output));
  assert.equal(references, `${to.host}/a@${digest}\n${to.host}/b@${digest}`);
  assert.equal(tags, `${to.host}/a:1\n${to.host}/b:2`);
  assert.deepEqual(JSON.parse(json!), JSON.parse(stdout));
  assert.match(stderr, /^::add-mask::s3cret$/m);
});

Deno.test("a failed push is an annotation, quotes no command of the registry, and leaves no files", async () => {
  await using at = await makeStore();
  // A body of a registry that tries to give commands to the runner.
  const message = "no\n::set-output name=digest::evil\r\n ##[add-path]/evil 100%";
  await using registry = serve(() => Response.json({ errors: [{ code: "DENIED", message }] }, { status: 403 }));
  await cliOk([...at.flags, "create", "list"]);
  const { output, summary, env } = await makeStep(at.folder);
  const files = ["--digestfile", `${at.folder}/digest`, "--gitlab-dotenv", `${at.folder}/env`];
  const push = ["push", INSECURE, "--retry=0", ...files, "list", `${registry.host}/out:1`];
  const { code, stderr, stdout } = await cli([...at.flags, ...push], env);
  assert.equal(code, 125);
  const commands = `${stdout}${stderr}`.split(/\r\n|\r|\n/).filter((line) => /^\s*::|##\[/.test(line));
  assert.equal(commands.length, 1, stderr);
  assert.match(commands[0]!, /^::error title=manifests push::Cannot .*denied.*100%25/i);
  assert.match(stderr, /^Error: Cannot /m);
  for (const file of [output, summary]) assert.equal(await Deno.readTextFile(file), "");
  for (const file of ["digest", "env"]) await assert.rejects(Deno.stat(`${at.folder}/${file}`), Deno.errors.NotFound);
  const unparsed = await cli(["push", "--nonsense"], env);
  assert.match(unparsed.stderr, /^::error title=manifests push::unknown flag: --nonsense$/m);
  const plain = await cli([...at.flags, ...push, "--github=false"], env);
  assert.doesNotMatch(plain.stderr, /^::|##\[/m);
  assert.match(plain.stderr, /^Error: Cannot /m);
});

Deno.test("files that cannot be written are reported before anything is published", async () => {
  await using at = await makeStore();
  await using registry = startEmbedded();
  await cliOk([...at.flags, "create", "list"]);
  const push = ["push", INSECURE, "-q", "list", `${registry.host}/out:1`];
  const rows: [flags: string[], env: Record<string, string>, message: RegExp][] = [
    [["--github"], { GITHUB_OUTPUT: "" }, /^Error: --github requires the variable GITHUB_OUTPUT/],
    [
      ["--github"],
      { GITHUB_OUTPUT: "/nowhere/output" },
      /Error: Cannot write "\/nowhere\/output" for GITHUB_OUTPUT: /,
    ],
    [["--gitlab-dotenv", "/nowhere/env"], {}, /^Error: Cannot write "\/nowhere\/env" for --gitlab-dotenv: /],
    [
      ["--referencefile", "/nowhere/reference"],
      {},
      /^Error: Cannot write "\/nowhere\/reference" for --referencefile: /,
    ],
  ];
  for (const [flags, env, text] of rows) {
    const { code, stderr } = await cli([...at.flags, ...push, ...flags], env);
    assert.equal(code, 125);
    assert.match(stderr, text);
  }
  await pushPlatforms(registry.host, "app", PLATFORMS);
  const compose = ["compose", INSECURE, "-t", `${registry.host}/out:1`, `${registry.host}/app:amd64`];
  for (const flag of ["--metadata-file", "--output"]) {
    const { code, stderr } = await cli([...compose, "-q", flag, "/nowhere/x"]);
    assert.deepEqual([code, stderr.split(": ")[1]], [125, `Cannot write "/nowhere/x" for ${flag}`]);
  }
  assert.equal(await clientOf(registry.host).repository("out").headManifest("1"), undefined);
});

Deno.test("several releases, or copies of different images, have no digest in common", async () => {
  await using at = await makeStore();
  await using registry = startEmbedded();
  const { host } = registry;
  await pushPlatforms(host, "app", PLATFORMS);
  const names = ["one", "two"];
  const releases = Object.fromEntries(
    names.map((name, i) => [name, { to: [`${host}/${name}:1`], sources: [`${host}/app:${["amd64", "arm64v8"][i]}`] }]),
  );
  const file = `${at.folder}/manifests.yaml`;
  await Deno.writeTextFile(file, JSON.stringify({ version: 1, releases }));
  const dotenv = `${at.folder}/env`;
  const apply = ["release", "apply", "-q", INSECURE, "--file", file, "--gitlab-dotenv", dotenv];
  const run = async (args: string[]) => {
    const { output, env } = await makeStep(at.folder);
    const { code, stderr } = await cliHere(args, env);
    assert.equal(code, 0, stderr);
    return readGithubOutputs(await Deno.readTextFile(output));
  };
  const { json: _, ...several } = await run(apply);
  const [one, two] = await Promise.all(
    names.map(async (name) => (await clientOf(host).repository(name).headManifest("1"))!.digest),
  );
  const references = [`${host}/one@${one}`, `${host}/two@${two}`], tags = [`${host}/one:1`, `${host}/two:1`];
  assert.deepEqual({ ...several, digests: JSON.parse(several.digests!) }, {
    digests: { one, two },
    references: references.join("\n"),
    tags: tags.join("\n"),
  });
  assert.equal(
    await Deno.readTextFile(dotenv),
    `MANIFESTS_REFERENCES=${references.join(" ")}\nMANIFESTS_TAGS=${tags.join(" ")}\n`,
  );
  const { digest, reference, digests } = await run([...apply, "two"]);
  assert.deepEqual([digest, reference, JSON.parse(digests!)], [two, references[1], { two }]);

  const copy = [
    "copy",
    "-q",
    INSECURE,
    "--insecure-policy",
    "--all-tags",
    `docker://${host}/app`,
    `docker://${host}/to`,
  ];
  const copied = await run(copy);
  assert.deepEqual([copied.digest, copied.reference], [undefined, undefined]);
  assert.equal(copied.references!.split("\n").length, PLATFORMS.length);
});
