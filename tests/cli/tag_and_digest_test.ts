/** Names with both a tag and a digest, as build systems hand them over: a reader takes the digest. */
import assert from "node:assert/strict";
import { copyImage, create, describeImage, parseImageName } from "../../mod.ts";
import { acceptAnything } from "../../src/signature/room.ts";
import { dropTagOfDigest } from "../../src/spec/room.ts";
import { cliHere } from "../support/cli.ts";
import { clientOf, pushPlatforms } from "../support/images.ts";
import { startEmbedded } from "../support/registries.ts";
import { makeStore } from "../support/stores.ts";

const DIGEST = `sha256:${"0123456789abcdef".repeat(4)}`;

Deno.test("only names in registries lose their tag", () => {
  const rows: [name: string, expected: string][] = [
    [`app:1@${DIGEST}`, `app@${DIGEST}`],
    [`docker://localhost:5000/app:1@${DIGEST}`, `docker://localhost:5000/app@${DIGEST}`],
    [`localhost:5000/app@${DIGEST}`, `localhost:5000/app@${DIGEST}`],
    ["app:1", "app:1"],
    [`oci:folder:1@${DIGEST}`, `oci:folder:1@${DIGEST}`],
    [`containers-storage:localhost/app:1@${DIGEST}`, `containers-storage:localhost/app:1@${DIGEST}`],
    [`docker-daemon:app:1@${DIGEST}`, `docker-daemon:app:1@${DIGEST}`],
  ];
  for (const [name, expected] of rows) assert.equal(dropTagOfDigest(name), expected);
});

Deno.test("commands and functions that read an image accept a tag with a digest", async () => {
  await using registry = startEmbedded();
  await using at = await makeStore();
  const { host } = registry;
  const [digest] = await pushPlatforms(host, "app", [{ architecture: "amd64" }]);
  // As for crane, the tag need not exist.
  const image = `docker://${host}/app:none@${digest}`;
  const insecure = "--tls-verify=false";
  const policy = `${at.folder}/policy.json`;
  await Deno.writeTextFile(policy, '{"default":[{"type":"insecureAcceptAnything"}]}');
  const rows = [
    ["digest", image],
    ["digest", `${host}/app:none@${digest}`],
    ["inspect", "--raw", image],
    ["inspect", "--config", image],
    ["validate", image],
    ["verify", "--signature-policy", policy, image],
    ["copy", "-q", "--insecure-policy", image, `dir:${at.folder}/dir`],
    ["create", "list", image],
    ["add", "list", image],
    ["compose", "-q", "-t", `${host}/made:1`, "--subject", image, image],
    ["diff", `docker://${host}/made:1`, `docker://${host}/made:1`],
    ["append", `docker://${host}/made:1`, image],
    ["annotate", "--index", "--subject", image, `docker://${host}/made:1`],
    ["tag", image, "tagged"],
  ];
  for (const [command, ...args] of rows) {
    const { code, stderr, stdout } = await cliHere([...at.flags, command!, insecure, ...args]);
    assert.equal(code, 0, `${command} ${args.join(" ")}: ${stderr}`);
    if (command === "digest") assert.equal(stdout.trim(), digest);
  }
  assert.equal((await clientOf(host).repository("app").headManifest("tagged"))?.digest, digest);

  const systemContext = { dockerInsecureSkipTlsVerify: true };
  assert.equal((await describeImage(image, { systemContext })).digest, digest);
  assert.equal(await create().add(image, { systemContext }), digest);
  const options = { systemContext, signaturePolicy: acceptAnything };
  assert.equal((await copyImage(image, `dir:${at.folder}/dir`, options)).digest, digest);

  // A name that is written or deleted must be unambiguous.
  assert.throws(() => parseImageName(image), { code: "INVALID_REFERENCE" });
  const writes = [["compose", "-t", image, image], ["copy", "--insecure-policy", image, image], ["delete", image]];
  for (const [command, ...args] of writes) {
    const { code, stderr } = await cliHere([...at.flags, command!, insecure, ...args]);
    assert.equal(code, 125);
    assert.match(stderr, /both a tag and digest/);
  }
});
