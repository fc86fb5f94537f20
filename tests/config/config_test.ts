import assert from "node:assert/strict";
import { findCredentials, parseAuthFile, parseStorageConf } from "../../src/config/room.ts";
import { loadCredentials } from "../../src/config/files/room.ts";
import { encode } from "../support/images.ts";
import { ok, peerTest } from "../support/peers.ts";

const auth = (text: string) => ({ auth: btoa(text) });

Deno.test("credentials are found by the most specific key", () => {
  const file = parseAuthFile(
    encode({
      auths: {
        "quay.io": auth("host:1"),
        "quay.io/me": auth("me:2"),
        "quay.io/me/app": auth("app:3\0\0"),
        "https://index.docker.io/v1/": auth("hub:4:x"),
        "plain.example": { username: "u", password: "p" },
        "token.example": { identitytoken: "t" },
      },
    }),
    "auth.json",
  );
  const rows: [string, unknown][] = [
    ["quay.io/other", { username: "host", password: "1" }],
    ["quay.io/me/x", { username: "me", password: "2" }],
    ["quay.io/me/app", { username: "app", password: "3" }],
    ["docker.io/library/alpine", { username: "hub", password: "4:x" }],
    ["plain.example/x", { username: "u", password: "p" }],
    ["token.example/x", { identityToken: "t" }],
    ["none.example/x", undefined],
    ["quay.iox/me", undefined],
  ];
  for (const [name, expected] of rows) assert.deepEqual(findCredentials(file, name), expected, name);
});

Deno.test("an invalid entry in a credential file is an error only for its registry", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/auth.json`;
  const choices = { authFilePath: path };
  const good = auth("me:1");
  const bad = [5, { auth: 5 }, { auth: "%" }, { auth: [] }, { identitytoken: {} }, { username: 1, password: "p" }];
  for (const entry of bad) {
    for (const key of ["bad.test", "https://bad.test/v1/", "bad.test/ns", "a.test/other"]) {
      await Deno.writeTextFile(path, JSON.stringify({ auths: { [key]: entry, "a.test": good } }));
      assert.deepEqual(await loadCredentials("a.test/x", choices), { username: "me", password: "1" }, key);
    }
  }
  await Deno.writeTextFile(
    path,
    JSON.stringify({
      auths: { "a.test": good, "a.test/ns": { auth: "%" } },
      credHelpers: { "b.test": 5 },
      credsStore: 5,
    }),
  );
  assert.deepEqual(await loadCredentials("a.test/x", choices), { username: "me", password: "1" });
  for (const name of ["a.test/ns/app", "b.test/x", "c.test/x"]) {
    await assert.rejects(loadCredentials(name, choices), { code: "CONFIG_FILE_INVALID" }, name);
  }
  await Deno.writeTextFile(path, JSON.stringify({ "http://bad.test/v1": { auth: "%" }, "http://a.test/v1": good }));
  assert.deepEqual(await loadCredentials("a.test/x", { legacyFormatAuthFilePath: path }), {
    username: "me",
    password: "1",
  });
  await Deno.remove(folder, { recursive: true });
});

Deno.test("the error for a credential file that is not proper JSON gives the reason once", () => {
  const utf8 = new TextEncoder();
  const rows: [bytes: Uint8Array, message: string][] = [
    [utf8.encode('{"auths":{},"auths":{}}'), 'Cannot read auth.json: key "auths" occurs twice in an object'],
    [Uint8Array.of(0x22, 0xff, 0x22), "Cannot read auth.json: not UTF-8"],
    [utf8.encode("{"), "Cannot read auth.json:1: it is not JSON"],
  ];
  for (const [bytes, message] of rows) assert.throws(() => parseAuthFile(bytes, "auth.json"), { message });
});

Deno.test("an invalid credential file is an error with its path and without its secrets", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/auth.json`;
  const rows: [text: string, line: number | undefined, key: string | undefined][] = [
    ["", 1, undefined],
    ["{\n", 2, undefined],
    ['{\n  "auths": hunter2\n}', 2, undefined],
    ['{"auths":{"a":1,\n"a":2}}', undefined, undefined],
    ["[]", undefined, undefined],
    ['{\n"auths": []}', 2, "auths"],
    ['{"auths":{\n"quay.io":{\n"auth":"hunter2%"}}}', 3, "auths.quay.io.auth"],
    ['{"auths":{\n"quay.io":{"auth":["hunter2"]}}}', 2, "auths.quay.io.auth"],
    ['{"credHelpers":{"quay.io":5}}', 1, "credHelpers.quay.io"],
    ['{"credsStore":{}}', 1, "credsStore"],
  ];
  for (const [text, line, key] of rows) {
    await Deno.writeTextFile(path, text);
    await assert.rejects(
      loadCredentials("quay.io/x", { authFilePath: path }),
      (error: Error & Record<string, unknown>) => {
        assert.deepEqual(
          [error.code, error.path, error.line, error.key],
          ["CONFIG_FILE_INVALID", path, line, key],
          `${text} ${error.message}`,
        );
        assert.ok(error.message.includes(path));
        assert.doesNotMatch(Deno.inspect(error), /hunter2/);
        return true;
      },
    );
  }
  await Deno.remove(path);
  await assert.rejects(loadCredentials("quay.io/x", { authFilePath: path }), { code: "CONFIG_FILE_UNREADABLE" });
  await Deno.remove(folder, { recursive: true });
});

Deno.test("storage.conf is parsed, and invalid keys are named", () => {
  const parse = JSON.parse;
  const conf = parseStorageConf(
    '{"storage":{"driver":"vfs","graphroot":"/g","runroot":"","options":{"additionalimagestores":["/a"]}}}',
    parse,
    "storage.conf",
  );
  assert.deepEqual(conf, { driver: "vfs", graphRoot: "/g", additionalImageStores: ["/a"] });
  assert.deepEqual(parseStorageConf("{}", parse, "x"), {});
  for (
    const text of [
      "{",
      '{"storage":5}',
      '{"storage":{"driver":5}}',
      '{"storage":{"options":{"additionalimagestores":"/a"}}}',
    ]
  ) {
    assert.throws(() => parseStorageConf(text, parse, "/etc/storage.conf"), {
      code: "CONFIG_FILE_INVALID",
      message: /\/etc\/storage\.conf/,
    });
  }
});

peerTest("the store is found where buildah finds it", ["buildah", "root"], async () => {
  const folder = await Deno.makeTempDir();
  const write = async (name: string, text: string) => {
    await Deno.mkdir(`${folder}/${name}`.replace(/\/[^/]*$/, ""), { recursive: true });
    await Deno.writeTextFile(`${folder}/${name}`, text);
  };
  const conf = (root: string, driver = "vfs") =>
    `[storage]\ndriver="${driver}"\ngraphroot="${folder}/${root}"\nrunroot="${folder}/${root}-run"\n`;
  await write("a.conf", conf("a"));
  await write("xdg/containers/storage.conf", conf("b"));
  await write("c.conf", conf("c", "overlay2").replace(folder, "$ROOTS"));
  const rows: Record<string, string>[] = [
    { CONTAINERS_STORAGE_CONF: `${folder}/a.conf` },
    { XDG_CONFIG_HOME: `${folder}/xdg` },
    { XDG_CONFIG_HOME: `${folder}/xdg`, CONTAINERS_STORAGE_CONF: `${folder}/a.conf` },
    { CONTAINERS_STORAGE_CONF: `${folder}/c.conf`, STORAGE_DRIVER: "vfs", ROOTS: folder },
  ];
  for (const env of rows) {
    const info = JSON.parse(await ok(["buildah", "info"], env)).store;
    const script = `
      const { findStore } = await import("${new URL("../../src/config/files/room.ts", import.meta.url).href}");
      console.log(JSON.stringify(await findStore({})));`;
    const args = ["eval", "--config", new URL("../../deno.json", import.meta.url).pathname, script];
    const found = JSON.parse(await ok([Deno.execPath(), ...args], env));
    assert.deepEqual(
      [found.driver, found.graphRoot, found.runRoot],
      [info.GraphDriverName, info.GraphRoot, info.RunRoot],
      JSON.stringify(env),
    );
  }
  await Deno.remove(folder, { recursive: true });
});
