/** `login` and `logout` on the same credential files as podman, buildah and skopeo. */
import assert from "node:assert/strict";
import { cli, cliOk } from "../support/cli.ts";
import { folderTest } from "../support/folders.ts";
import { exec, ok } from "../support/peers.ts";
import { CREDENTIALS, startHtpasswdRegistry } from "../support/secure_registries.ts";

const { username, password } = CREDENTIALS;

folderTest("podman, buildah and skopeo use our logins, and we use theirs", async (folder) => {
  await using registry = await startHtpasswdRegistry();
  const { host } = registry;
  const file = `${folder}/auth.json`;
  const env = { HOME: folder, XDG_RUNTIME_DIR: folder, REGISTRY_AUTH_FILE: file, DOCKER_CONFIG: "" };
  const credentials = ["-u", username, "-p", password];
  const at = (key = host) => ["--tls-verify=false", key];
  // podman falls back to plain HTTP, buildah and skopeo need the certificate not to be checked either.
  for (const tool of ["podman", "buildah", "skopeo"]) {
    await Deno.remove(file).catch(() => {});
    assert.equal(await ok([tool, "login", ...credentials, ...at()], env), "Login Succeeded!", tool);
    const theirs = await Deno.readTextFile(file);
    assert.equal(await cliOk(["login", "--get-login", host], env), username);
    assert.match(await cliOk(["login", ...at()], env), /Already logged in/);
    assert.equal(await cliOk(["logout", host], env), `Removed login credentials for ${host}`);
    const refused = await exec([tool, "login", "--get-login", host], env);
    assert.notEqual(refused.code, 0);
    assert.equal(await cliOk(["login", ...credentials, ...at()], env), "Login Succeeded!");
    assert.equal(await Deno.readTextFile(file), theirs);
    assert.match(await ok([tool, "login", ...at()], env), /Already logged in/);
    // A namespace has an entry of its own, in addition to that of its registry.
    await cliOk(["login", ...credentials, ...at(`${host}/ns`)], env);
    assert.equal(await ok([tool, "logout", `${host}/ns`], env), `Removed login credentials for ${host}/ns`);
    assert.equal(await ok([tool, "logout", host], env), `Removed login credentials for ${host}`);
    const gone = await cli(["login", "--get-login", host], env);
    assert.deepEqual([gone.code, gone.stderr], [125, `Error: not logged into ${host}\n`]);
  }
}, ["podman", "buildah", "skopeo", "docker-registry", "openssl"]);
