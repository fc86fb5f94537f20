/** Credential files that are changed: what is kept, how they are written, and concurrent changes. */
import assert from "node:assert/strict";
import { eraseAllCredentials, eraseCredentials, saveCredentials } from "../../src/config/files/room.ts";
import { parseCredentialKey } from "../../src/config/room.ts";
import { folderTest } from "../support/folders.ts";

const ME = { username: "me", password: "secret:1" };
const AUTH = btoa("me:secret:1");
const read = async (path: string) => JSON.parse(await Deno.readTextFile(path));

folderTest("members that only other tools know are kept", async (folder) => {
  const authFilePath = `${folder}/auth.json`;
  const file = {
    detachKeys: "ctrl-e,e",
    HttpHeaders: { "X-<A>": "&" },
    big: 12345678901234567890n,
    credHelpers: { "other.example": "x" },
    auths: {
      "a.example": { auth: "b2xkOm9sZA==", identitytoken: "t", email: "me@a.example" },
      "b.example": { auth: "YTpi" },
    },
  };
  const text = JSON.stringify(file, (_, value) => typeof value === "bigint" ? "BIG" : value);
  await Deno.writeTextFile(authFilePath, text.replace('"BIG"', String(file.big)));
  const options = { choices: { authFilePath }, helpers: [] };
  assert.equal(await saveCredentials("a.example", ME, options), authFilePath);
  const written = await read(authFilePath);
  assert.deepEqual([written.detachKeys, written.HttpHeaders, written.credHelpers], [
    file.detachKeys,
    file.HttpHeaders,
    file.credHelpers,
  ]);
  assert.match(await Deno.readTextFile(authFilePath), /"big": 12345678901234567890,/);
  assert.deepEqual(written.auths, {
    "a.example": { auth: AUTH, email: "me@a.example" },
    "b.example": { auth: "YTpi" },
  });
  assert.equal(await eraseCredentials("a.example", options), true);
  assert.deepEqual((await read(authFilePath)).auths, { "b.example": { auth: "YTpi" } });
  assert.equal(await eraseCredentials("a.example", options), false);
});

folderTest("a file is written as podman writes it, with mode 0600 in a folder with mode 0700", async (folder) => {
  const authFilePath = `${folder}/new/containers/auth.json`;
  const options = { choices: { authFilePath }, helpers: [] };
  for (const key of ["b.example:5000", "a.example/ns"]) await saveCredentials(key, ME, options);
  assert.equal(
    await Deno.readTextFile(authFilePath),
    `{\n\t"auths": {\n\t\t"a.example/ns": {\n\t\t\t"auth": "${AUTH}"\n\t\t},\n\t\t"b.example:5000": {\n\t\t\t"auth": "${AUTH}"\n\t\t}\n\t}\n}`,
  );
  assert.equal((await Deno.stat(authFilePath)).mode! & 0o777, 0o600);
  assert.equal((await Deno.stat(`${folder}/new/containers`)).mode! & 0o777, 0o700);
  await Deno.chmod(authFilePath, 0o644);
  await eraseAllCredentials(options);
  assert.deepEqual(await read(authFilePath), { auths: {} });
  assert.equal((await Deno.stat(authFilePath)).mode! & 0o777, 0o600);
});

folderTest("concurrent changes of one file lose nothing", async (folder) => {
  const authFilePath = `${folder}/auth.json`;
  const options = { choices: { authFilePath }, helpers: [] };
  await saveCredentials("old.example", ME, options);
  const keys = Array.from({ length: 12 }, (_, i) => `r${i}.example`);
  await Promise.all([
    ...keys.map((key) => saveCredentials(key, ME, options)),
    eraseCredentials("old.example", options),
  ]);
  assert.deepEqual(Object.keys((await read(authFilePath)).auths), keys.toSorted());
});

folderTest("a link is followed, and a damaged file is not touched", async (folder) => {
  const authFilePath = `${folder}/link.json`;
  await Deno.mkdir(`${folder}/real`);
  await Deno.symlink("real/auth.json", authFilePath);
  const options = { choices: { authFilePath }, helpers: [] };
  await saveCredentials("a.example", ME, options);
  await saveCredentials("b.example", ME, options);
  assert.ok((await Deno.lstat(authFilePath)).isSymlink);
  assert.deepEqual(Object.keys((await read(`${folder}/real/auth.json`)).auths), ["a.example", "b.example"]);
  for (const text of ["", "{", "[]", '{"auths": []}']) {
    await Deno.writeTextFile(`${folder}/real/auth.json`, text);
    await assert.rejects(saveCredentials("a.example", ME, options), { code: "CONFIG_FILE_INVALID" }, text);
    await assert.rejects(eraseCredentials("a.example", options), { code: "CONFIG_FILE_INVALID" }, text);
    assert.equal(await Deno.readTextFile(`${folder}/real/auth.json`), text);
  }
  await Deno.writeTextFile(`${folder}/real/auth.json`, '{"auths": {"a.example": 5}}');
  await saveCredentials("a.example", ME, options);
  assert.deepEqual((await read(authFilePath)).auths, { "a.example": { auth: AUTH } });
});

folderTest("Docker's file has Docker's keys, and all spellings of a registry are deleted", async (folder) => {
  const dockerCompatAuthFilePath = `${folder}/config.json`;
  const options = { choices: { dockerCompatAuthFilePath }, helpers: [] };
  for (const key of ["docker.io", "a.example"]) await saveCredentials(key, ME, options);
  assert.deepEqual(Object.keys((await read(dockerCompatAuthFilePath)).auths), [
    "a.example",
    "https://index.docker.io/v1/",
  ]);
  await assert.rejects(saveCredentials("a.example/ns", ME, options), { code: "CREDENTIALS_NOT_SAVED" });
  assert.equal(await eraseCredentials("docker.io", options), true);
  const auths = { "https://a.example/v1/": {}, "http://a.example": {}, "a.example": {}, "a.example/ns": {} };
  await Deno.writeTextFile(dockerCompatAuthFilePath, JSON.stringify({ auths }));
  assert.equal(
    await eraseCredentials("a.example", { choices: { authFilePath: dockerCompatAuthFilePath }, helpers: [] }),
    true,
  );
  assert.deepEqual(Object.keys((await read(dockerCompatAuthFilePath)).auths), ["a.example/ns"]);
});

Deno.test("the place of credentials is a registry or a namespace in it", () => {
  const rows: [text: string, key: string | undefined, registry?: string][] = [
    ["quay.io", "quay.io", "quay.io"],
    ["localhost:5000", "localhost:5000", "localhost:5000"],
    ["quay.io/me/", "quay.io/me", "quay.io"],
    ["quay.io/me/app", "quay.io/me/app", "quay.io"],
    ["https://quay.io/v2/", "quay.io", "quay.io"],
    ["http://localhost:5000", "localhost:5000", "localhost:5000"],
    ["quay.io/me/app:1", undefined],
    [`quay.io/me/app@sha256:${"0".repeat(64)}`, undefined],
    ["me/app", undefined],
    ["", undefined],
    ["quay io", undefined],
    ["user@quay.io", undefined],
  ];
  for (const [text, key, registry] of rows) {
    if (key === undefined) assert.throws(() => parseCredentialKey(text), { code: "INVALID_REFERENCE" }, text);
    else assert.deepEqual(parseCredentialKey(text), { key, registry }, text);
  }
});
