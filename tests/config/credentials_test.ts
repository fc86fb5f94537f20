import assert from "node:assert/strict";
import { parseHelperAnswer } from "../../src/config/room.ts";
import { loadCredentials } from "../../src/config/files/room.ts";
import { callConfigFiles, type ConfigCall, writeTree } from "../support/config_files.ts";
import { setVariables } from "../support/environment.ts";
import { folderTest } from "../support/folders.ts";

const auth = (user: string) => ({ auth: btoa(`${user}:pass`) });
const password = (username: string) => ({ username, password: "pass" });

Deno.test("answers of a helper are parsed, and no error contains a secret", () => {
  const rows: [code: number, stdout: string, expected: unknown][] = [
    [0, '{"ServerURL":"x","Username":"u","Secret":"s"}\n', { username: "u", password: "s" }],
    [0, '{"Username":"<token>","Secret":"t"}', { identityToken: "t" }],
    [0, '{"Username":"","Secret":""}', undefined],
    [1, "credentials not found in native keychain\n", undefined],
    [1, "the keychain is locked", /locked/],
    [1, "", /exit code 1/],
    [0, "hunter2", /not JSON/],
    [0, '{"Secret":"hunter2"}', /lacks Username/],
    [0, '["hunter2"]', /lacks Username/],
  ];
  for (const [code, stdout, expected] of rows) {
    const row = JSON.stringify([code, stdout]);
    if (!(expected instanceof RegExp)) {
      assert.deepEqual(parseHelperAnswer({ code, stdout }, "helper"), expected, row);
      continue;
    }
    assert.throws(() => parseHelperAnswer({ code, stdout }, "helper"), (error: Error & { code: string }) => {
      assert.equal(error.code, "CREDENTIAL_HELPER_FAILED", row);
      assert.match(error.message, expected, row);
      assert.doesNotMatch(Deno.inspect(error), /hunter2/);
      return true;
    });
  }
});

folderTest("credentials that only Docker's tools find are found too", async (folder) => {
  await writeTree(folder, {
    "bin/docker-credential-store": `#!/bin/sh
read -r registry
case "$registry" in
https://index.docker.io/v1/) echo '{"Username":"hub","Secret":"pass"}';;
token.test) echo '{"Username":"<token>","Secret":"t"}';;
large.test) head -c 200000 /dev/zero;;
*) echo "credentials not found in native keychain"; exit 1;;
esac`,
    // Ends without reading its standard input.
    "bin/docker-credential-deaf": `#!/bin/sh\necho '{"Username":"deaf","Secret":"pass"}'`,
    "store/.docker/config.json": JSON.stringify({
      credsStore: "store",
      auths: { "a.test": auth("a"), "docker.io": {}, "t.test": { identitytoken: "t" } },
      credHelpers: { "deaf.test": "deaf", "slash.test": "../x", "large.test": "store" },
    }),
    "nostore/.docker/config.json": JSON.stringify({ credsStore: "missing", auths: { "a.test": auth("a") } }),
    "compat.json": JSON.stringify({ auths: { "a.test": auth("compat") } }),
    "legacy.json": JSON.stringify({ "http://a.test/v1": auth("legacy") }),
    "wrong.json": JSON.stringify({ auths: [] }),
    "array.json": "[]",
    "wronghelper.json": JSON.stringify({ credHelpers: { "a.test": 5 } }),
  });
  for (const name of ["store", "deaf"]) await Deno.chmod(`${folder}/bin/docker-credential-${name}`, 0o755);
  const env = (home: string, more: Record<string, string> = {}) => ({
    HOME: `${folder}/${home}`,
    XDG_RUNTIME_DIR: `${folder}/none`,
    PATH: `${folder}/bin:${Deno.env.get("PATH")}`,
    ...more,
  });
  const named = (key: string, file: string) => ({ [key]: `${folder}/${file}` });
  const inline = { DOCKER_AUTH_CONFIG: JSON.stringify({ auths: { "i.test": auth("inline"), "a.test": auth("x") } }) };
  const rows: [name: string, choices: object, env: Record<string, string>, expected: unknown][] = [
    ["docker.io/library/alpine", {}, env("store"), password("hub")],
    ["token.test/x", {}, env("store"), { identityToken: "t" }],
    ["none.test/x", {}, env("store"), undefined],
    ["a.test/x", {}, env("store"), password("a")],
    ["t.test/x", {}, env("store"), { identityToken: "t" }],
    ["deaf.test/x", {}, env("store"), password("deaf")],
    ["slash.test/x", {}, env("store"), "CREDENTIAL_HELPER_FAILED"],
    ["large.test/x", {}, env("store"), "CREDENTIAL_HELPER_FAILED"],
    ["none.test/x", {}, env("nostore"), undefined],
    ["a.test/x", {}, env("nostore"), password("a")],
    ["i.test/x", {}, env("nostore", inline), password("inline")],
    ["a.test/x", {}, env("nostore", inline), password("a")],
    ["i.test/x", {}, env("nostore", { DOCKER_AUTH_CONFIG: "{" }), "CONFIG_FILE_INVALID"],
    ["a.test/x", named("dockerCompatAuthFilePath", "compat.json"), env("store"), password("compat")],
    ["a.test/x", named("legacyFormatAuthFilePath", "legacy.json"), env("store"), password("legacy")],
    ["a.test/x", named("authFilePath", "none.json"), env("store"), "CONFIG_FILE_UNREADABLE"],
    ["a.test/x", {}, env("store", { REGISTRY_AUTH_FILE: `${folder}/none.json` }), "CONFIG_FILE_UNREADABLE"],
    ["a.test/x", named("authFilePath", "wrong.json"), env("store"), "CONFIG_FILE_INVALID"],
    ["a.test/x", named("authFilePath", "array.json"), env("store"), "CONFIG_FILE_INVALID"],
    ["a.test/x", named("authFilePath", "wronghelper.json"), env("store"), "CONFIG_FILE_INVALID"],
  ];
  const calls = rows.map(([name, choices, env]): ConfigCall => ({
    name: "loadCredentials",
    args: [name, choices],
    env,
  }));
  for (const [i, { value, error }] of (await callConfigFiles(calls)).entries()) {
    const [name, choices, , expected] = rows[i]!;
    assert.deepEqual(error ? error.code : value, expected, JSON.stringify([name, choices, error]));
  }
});

folderTest("a helper without run permission is an error that names the permission", async (folder) => {
  await writeTree(folder, { "auth.json": JSON.stringify({ credHelpers: { "a.test": "store" } }) });
  const args = ["a.test/x", { authFilePath: `${folder}/auth.json` }];
  const [outcome] = await callConfigFiles([{ name: "loadCredentials", args }], [`--allow-read=${folder}`]);
  assert.equal(outcome!.error?.code, "CREDENTIAL_HELPER_FAILED");
  assert.match(outcome!.error!.message, /--allow-run=docker-credential-store/);
});

Deno.test("two credential files cannot both be set", async () => {
  await assert.rejects(loadCredentials("a.test/x", { authFilePath: "a", dockerCompatAuthFilePath: "b" }), TypeError);
});

folderTest("concurrent equal requests to a helper share one process", async (folder) => {
  await writeTree(folder, {
    "auth.json": JSON.stringify({ credHelpers: { "a.test": "counting" } }),
    "docker-credential-counting":
      `#!/bin/sh\necho ran >> "${folder}/runs"\nread -r _\necho '{"Username":"u","Secret":"pass"}'`,
  });
  await Deno.chmod(`${folder}/docker-credential-counting`, 0o755);
  using _path = setVariables({ PATH: `${folder}:${Deno.env.get("PATH")}` });
  const choices = { authFilePath: `${folder}/auth.json` };
  const ask = () => Promise.all(Array.from({ length: 8 }, (_, i) => loadCredentials(`a.test/app${i}`, choices)));
  assert.deepEqual(await ask(), Array.from({ length: 8 }, () => password("u")));
  assert.equal(await Deno.readTextFile(`${folder}/runs`), "ran\n");
  // A later request asks the helper again: its credentials may have changed.
  await ask();
  assert.equal(await Deno.readTextFile(`${folder}/runs`), "ran\nran\n");
});
