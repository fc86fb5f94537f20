/** `registry serve` with passwords and TLS, used by real clients. */
import assert from "node:assert/strict";
import { parseHtpasswd } from "../../src/server/room.ts";
import { CLI, cli } from "../support/cli.ts";
import { makeImage } from "../support/images.ts";
import { exec, ok, peerTest } from "../support/peers.ts";
import { folderTest } from "../support/folders.ts";
import { makeCertificates } from "../support/secure_registries.ts";

/** Passwords "secret:1" and "π", by all prefixes that bcrypt hashes have. */
const HASH = "$04$I5K/ETbru8zj2Ei/e7zlie7zNkEDH8IgyuG4O4EeiqElvr1XZoUWi";
const HTPASSWD = `# users\n\nme:$2b${HASH}\r\nyou:$2y${HASH}\nold:$2a${HASH}\n`;

async function serveRegistry(args: string[]) {
  const child = new Deno.Command(CLI[0]!, {
    args: [...CLI.slice(1), "registry", "serve", "--port", "0", ...args],
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const base = new URL((await reader.read()).value!.trim());
  return {
    base,
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await child.status;
      await reader.cancel();
    },
  };
}

/** Writes an image as a layout. */
async function writeLayout(folder: string) {
  const { manifest, digest, blobs } = makeImage({ architecture: "amd64" });
  await Deno.mkdir(`${folder}/blobs/sha256`, { recursive: true });
  const write = (digest: string, bytes: Uint8Array) =>
    Deno.writeFile(`${folder}/blobs/${digest.replace(":", "/")}`, bytes);
  for (const { descriptor, bytes } of blobs) await write(descriptor.digest, bytes);
  await write(digest, manifest);
  const mediaType = "application/vnd.oci.image.manifest.v1+json";
  const entry = { mediaType, digest, size: manifest.length };
  await Deno.writeTextFile(`${folder}/index.json`, JSON.stringify({ schemaVersion: 2, manifests: [entry] }));
  await Deno.writeTextFile(`${folder}/oci-layout`, '{"imageLayoutVersion":"1.0.0"}');
}

peerTest("skopeo and our own client push and pull with a password over TLS", ["skopeo", "openssl"], async () => {
  await using certificates = await makeCertificates();
  const { folder } = certificates;
  await Deno.writeTextFile(`${folder}/htpasswd`, HTPASSWD);
  await Deno.mkdir(`${folder}/ca`);
  await Deno.copyFile(`${folder}/ca.crt`, `${folder}/ca/ca.crt`);
  const tls = ["--tls-cert", `${folder}/tls.crt`, "--tls-key", `${folder}/tls.key`];
  await using registry = await serveRegistry([...tls, "--htpasswd", `${folder}/htpasswd`, `${folder}/data`]);
  const { base } = registry;
  assert.equal(base.protocol, "https:");
  await writeLayout(`${folder}/image`);
  const policy = ["--insecure-policy", "copy", "-q"];
  const app = `docker://${base.host}/team/app:1`;
  const push = (creds: string[]) =>
    exec(["skopeo", ...policy, "--dest-cert-dir", `${folder}/ca`, ...creds, `oci:${folder}/image`, app]);
  for (const creds of [[], ["--dest-creds", "me:wrong"], ["--dest-creds", "he:secret:1"]]) {
    assert.match((await push(creds)).stderr, /authentication required|unauthorized/, `${creds}`);
  }
  assert.equal((await push(["--dest-creds", "me:secret:1"])).stderr, "");
  await ok(["skopeo", "inspect", "--cert-dir", `${folder}/ca`, "--creds", "you:secret:1", app]);
  await ok([
    "skopeo",
    ...policy,
    "--src-cert-dir",
    `${folder}/ca`,
    "--src-creds",
    "old:secret:1",
    app,
    `dir:${folder}/out`,
  ]);
  const inspect = (creds: string) => cli(["inspect", "--cert-dir", `${folder}/ca`, "--creds", creds, app]);
  assert.match((await inspect("me:secret:1")).stdout, /"layers"/);
  assert.match((await inspect("me:secret")).stderr, /401|UNAUTHORIZED|authentication required/i);
});

Deno.test("an htpasswd file must have users with bcrypt", async () => {
  const check = parseHtpasswd(HTPASSWD, "users");
  // Twice: what was checked is remembered.
  for (let i = 0; i < 2; i++) {
    for (const user of ["me", "you", "old"]) assert.equal(await check(user, "secret:1"), true);
    for (const [user, password] of [["me", "secret"], ["he", "secret:1"], ["", ""], ["__proto__", "x"]] as const) {
      assert.equal(await check(user, password), false);
    }
  }
  const code = "CONFIG_FILE_INVALID";
  assert.throws(() => parseHtpasswd("me:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=", "users"), {
    code,
    message: /"me".*htpasswd -B/,
  });
  assert.throws(() => parseHtpasswd("a:$2b$04$short\n", "users"), { code });
  assert.throws(() => parseHtpasswd("\nno colon", "users"), { code, message: /line 2/ });
  assert.throws(() => parseHtpasswd("# nobody\n", "users"), { code, message: /no users/ });
});

folderTest("serve fails with an error that names an invalid password file or TLS file", async (folder) => {
  await Deno.writeTextFile(`${folder}/bad`, "nothing");
  const rows: [args: string[], problem: RegExp][] = [
    [["--tls-cert", `${folder}/bad`], /--tls-cert and --tls-key must be used together/],
    [["--tls-key", `${folder}/bad`], /--tls-cert and --tls-key must be used together/],
    [["--tls-cert", `${folder}/none`, "--tls-key", `${folder}/bad`], /Cannot read the file of --tls-cert/],
    [["--tls-cert", `${folder}/bad`, "--tls-key", `${folder}/bad`], /Cannot listen on/],
    [["--htpasswd", `${folder}/none`], /Cannot read the file of --htpasswd/],
    [["--htpasswd", `${folder}/bad`], /line 1 is not USER:HASH/],
  ];
  for (const [args, problem] of rows) {
    const { code, stderr } = await cli(["registry", "serve", "--port", "0", ...args, `${folder}/data`]);
    assert.equal(code, 125);
    assert.match(stderr, problem);
  }
  await assert.rejects(Deno.stat(`${folder}/data`), Deno.errors.NotFound);
});
