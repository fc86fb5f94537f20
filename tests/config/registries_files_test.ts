import assert from "node:assert/strict";
import { callConfigFiles, type ConfigCall, writeTree } from "../support/config_files.ts";
import { folderTest } from "../support/folders.ts";

/** Text of a file that is identified by its search registry and an alias. */
const marked = (mark: string) =>
  `unqualified-search-registries = ["${mark}.test"]\n[aliases]\n${mark} = "${mark}.test/x"`;

const TREE = {
  "root/etc/containers/registries.conf": marked("system"),
  "root/etc/containers/registries.conf.d/20.conf": marked("s20"),
  "root/etc/containers/registries.conf.d/10.conf": marked("s10"),
  "root/etc/containers/registries.conf.d/30.txt": marked("never"),
  "root/etc/containers/registries.conf.d/sub.conf/30.conf": marked("never"),
  "home/.config/containers/registries.conf": marked("user"),
  "home/.config/containers/registries.conf.d/u.conf": marked("u"),
  "plain/.config/containers/registries.conf.d/u.conf": marked("u"),
  "given.conf": marked("given"),
  "given.d/a.conf": marked("a"),
  "broken.d/a.conf": "\n[[registry]]\nblocked = true",
  "v1.d/a.conf": '[registries.search]\nregistries = ["a.test"]',
  "not-utf8.d/a.conf": "",
};

folderTest("registries.conf is found in the order of podman and skopeo", async (folder) => {
  await writeTree(folder, TREE);
  await Deno.writeFile(`${folder}/not-utf8.d/a.conf`, Uint8Array.of(0x23, 0xff));
  await Deno.symlink(`${folder}/given.conf`, `${folder}/given.d/b.conf`);
  const root = { rootForImplicitAbsolutePaths: `${folder}/root` };
  const rows: [ConfigCall["args"][0], Record<string, string>, string[]][] = [
    [root, {}, ["system", "s10", "s20"]],
    [root, { HOME: `${folder}/plain` }, ["system", "s10", "s20", "u"]],
    [root, { HOME: `${folder}/home` }, ["user", "u"]],
    [{ rootForImplicitAbsolutePaths: `${folder}/none` }, {}, []],
    [root, { CONTAINERS_REGISTRIES_CONF: `${folder}/given.conf` }, ["given", "s10", "s20"]],
    [root, { REGISTRIES_CONFIG_PATH: `${folder}/given.conf` }, ["given", "s10", "s20"]],
    [
      { ...root, systemRegistriesConfPath: `${folder}/given.conf` },
      { HOME: `${folder}/home`, CONTAINERS_REGISTRIES_CONF: `${folder}/none` },
      ["given", "s10", "s20", "u"],
    ],
    [{ ...root, systemRegistriesConfDirPath: `${folder}/given.d` }, { HOME: `${folder}/home` }, ["user", "a", "given"]],
    [{ ...root, systemRegistriesConfDirPath: `${folder}/none.d` }, {}, ["system"]],
  ];
  const outcomes = await callConfigFiles(
    rows.map(([choices, env]) => ({ name: "loadRegistriesConf", args: [choices], env })),
  );
  for (const [i, [choices, env, marks]] of rows.entries()) {
    const row = JSON.stringify([choices, env]);
    const conf = outcomes[i]!.value as { aliases: [string, string][]; unqualifiedSearchRegistries?: string[] };
    assert.ok(conf, JSON.stringify(outcomes[i]));
    assert.deepEqual(conf.aliases.map(([name]) => name), marks, row);
    assert.deepEqual(conf.unqualifiedSearchRegistries, marks.length > 0 ? [`${marks.at(-1)}.test`] : undefined, row);
  }
});

folderTest("an invalid file, and a missing file that was named, are errors with its path", async (folder) => {
  await writeTree(folder, TREE);
  await Deno.writeFile(`${folder}/not-utf8.d/a.conf`, Uint8Array.of(0x23, 0xff));
  const root = { rootForImplicitAbsolutePaths: `${folder}/root` };
  const load = (choices: object, env = {}): ConfigCall => ({ name: "loadRegistriesConf", args: [choices], env });
  const [missing, missingEnv, broken, version1, notText] = await callConfigFiles([
    load({ systemRegistriesConfPath: `${folder}/none` }),
    load(root, { CONTAINERS_REGISTRIES_CONF: `${folder}/none` }),
    load({ ...root, systemRegistriesConfDirPath: `${folder}/broken.d` }),
    load({ ...root, systemRegistriesConfDirPath: `${folder}/v1.d` }),
    load({ ...root, systemRegistriesConfDirPath: `${folder}/not-utf8.d` }),
  ]);
  for (const outcome of [missing, missingEnv]) {
    assert.equal(outcome!.error?.code, "CONFIG_FILE_UNREADABLE");
    assert.match(outcome!.error!.message, new RegExp(`${folder}/none`));
  }
  const place = (
    { error: { code, path, line, key } = { message: "" } }: typeof missing & object,
  ) => [code, path, line, key];
  assert.deepEqual(place(broken!), ["CONFIG_FILE_INVALID", `${folder}/broken.d/a.conf`, 2, "registry[0]"]);
  assert.deepEqual(place(version1!), ["CONFIG_FILE_INVALID", `${folder}/v1.d/a.conf`, 1, "registries"]);
  assert.deepEqual(place(notText!), ["CONFIG_FILE_INVALID", `${folder}/not-utf8.d/a.conf`, undefined, undefined]);
});

folderTest("default files without read permission are treated as missing", async (folder) => {
  await writeTree(folder, TREE);
  const args = [{ rootForImplicitAbsolutePaths: `${folder}/root` }];
  const [outcome] = await callConfigFiles([{ name: "loadRegistriesConf", args }], []);
  assert.deepEqual(outcome!.value, { registries: [], aliases: [], unknownKeys: [], files: [] });
});

folderTest("the user's aliases are found in the locations of podman", async (folder) => {
  const aliases = (mark: string) => `[aliases]\napp = "${mark}.test/app"\n`;
  const tail = "containers/short-name-aliases.conf";
  await writeTree(folder, {
    [`root/var/cache/${tail}`]: aliases("system"),
    [`cache/${tail}`]: aliases("cache"),
    [`home/.cache/${tail}`]: aliases("home"),
    "given.conf": aliases("given"),
    "broken.conf": '[aliases]\n"a:1" = "x.test/x"',
  });
  const root = { rootForImplicitAbsolutePaths: `${folder}/root` };
  const rootless = { _CONTAINERS_ROOTLESS_UID: "1000" };
  const load = (choices: object, env = {}): ConfigCall => ({ name: "loadShortNameAliases", args: [choices], env });
  const outcomes = await callConfigFiles([
    load({ ...root, userShortNameAliasConfPath: `${folder}/given.conf` }),
    load({ ...root, userShortNameAliasConfPath: `${folder}/none.conf` }),
    load({ userShortNameAliasConfPath: `${folder}/broken.conf` }),
    ...Deno.uid() === 0 ? [load(root)] : [],
    load(root, { ...rootless, HOME: `${folder}/home` }),
    load(root, { ...rootless, HOME: `${folder}/home`, XDG_CACHE_HOME: `${folder}/cache` }),
  ]);
  assert.deepEqual(outcomes.map(({ value, error }) => value ?? [error?.code, error?.line]), [
    [["app", "given.test/app"]],
    [],
    ["CONFIG_FILE_INVALID", 2],
    ...Deno.uid() === 0 ? [[["app", "system.test/app"]]] : [],
    [["app", "home.test/app"]],
    [["app", "cache.test/app"]],
  ]);
});
