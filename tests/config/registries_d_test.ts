import assert from "node:assert/strict";
import * as yaml from "yaml";
import { findSignatureStorage, parseRegistriesD } from "../../src/config/room.ts";
import { callConfigFiles, type ConfigCall, writeTree } from "../support/config_files.ts";
import { folderTest } from "../support/folders.ts";

const read = (...texts: string[]) => parseRegistriesD(texts.map((text, i) => [`${i}.yaml`, text] as const), yaml);

Deno.test("each value comes from the most specific section that has it", () => {
  const conf = read(
    `
default-docker:
  lookaside: https://default.test/base
  lookaside-staging: file:///default
docker:
  a.test:
    use-sigstore-attachments: yes
    sigstore: https://a.test/old
  a.test/ns:
    lookaside: file:///ns
    sigstore: https://never.test
  a.test/ns/app:
    use-sigstore-attachments: off
  "*.w.test":
    sigstore-staging: file:///staging
`,
    "",
    "docker:\n  y: &section\n    lookaside: file:///y\n  z:\n    <<: *section\n    use-sigstore-attachments: true\n---\nnever: 1\n",
  );
  const rows: [scopes: string[], read: string, write: string, attachments: boolean][] = [
    [["a.test/ns/app:1", "a.test/ns/app", "a.test/ns", "a.test"], "file:///ns", "file:///ns", false],
    [["a.test/ns/x", "a.test/ns", "a.test"], "file:///ns", "file:///ns", true],
    [["a.test/x", "a.test"], "https://a.test/old", "https://a.test/old", true],
    [["b.w.test/x", "b.w.test", "*.w.test", "*.test"], "https://default.test/base", "file:///staging", false],
    [["c.test/x", "c.test"], "https://default.test/base", "file:///default", false],
    [["y"], "file:///y", "file:///y", false],
    [["z"], "file:///y", "file:///y", true],
  ];
  for (const [scopes, read, write, useSigstoreAttachments] of rows) {
    assert.deepEqual(findSignatureStorage(conf, scopes), { read, write, useSigstoreAttachments }, scopes[0]);
  }
  assert.deepEqual(findSignatureStorage(read(), ["a.test"]), {
    read: undefined,
    write: undefined,
    useSigstoreAttachments: false,
  });
});

Deno.test("an invalid file of registries.d is an error with file, line and key", () => {
  const rows: [texts: string[], path: string, line: number | undefined, key: string | undefined][] = [
    [["docker:\n  a: [\n"], "0.yaml", 3, undefined],
    [["docker:\n  a: {}\n  a: {}\n"], "0.yaml", 3, undefined],
    [["- docker"], "0.yaml", undefined, undefined],
    [["docker: 5"], "0.yaml", 1, "docker"],
    [["docker:\n  a.b: 5"], "0.yaml", 2, "docker.a.b"],
    [["docker:\n  a:\n    use-sigstore-attachments: 'true'"], "0.yaml", 3, "docker.a.use-sigstore-attachments"],
    [["docker:\n  a:\n    lookaside: /plain/path"], "0.yaml", 3, "docker.a.lookaside"],
    [["docker:\n  a:\n    lookaside: ftp://a.test"], "0.yaml", 3, "docker.a.lookaside"],
    [["default-docker:\n  sigstore: https://me:hunter2@a.test"], "0.yaml", 2, "default-docker.sigstore"],
    [["default-docker:\n  lookaside: https://a.test/?token=hunter2"], "0.yaml", 2, "default-docker.lookaside"],
    [["docker:\n  a: {}", "docker:\n  b: {}\n  a: {}"], "1.yaml", 3, "docker.a"],
    [["default-docker: {}", "\ndefault-docker: {}"], "1.yaml", 2, "default-docker"],
  ];
  for (const [texts, path, line, key] of rows) {
    assert.throws(() => read(...texts), (error: Error & Record<string, unknown>) => {
      assert.deepEqual(
        [error.code, error.path, error.line, error.key],
        ["CONFIG_FILE_INVALID", path, line, key],
        texts[0],
      );
      assert.doesNotMatch(Deno.inspect(error), /hunter2/);
      return true;
    });
  }
});

folderTest("only one folder is read: the named one, the user's or the system's", async (folder) => {
  const section = (mark: string) => `docker:\n  ${mark}:\n    lookaside: file:///${mark}\n`;
  await writeTree(folder, {
    "root/etc/containers/registries.d/a.yaml": section("a"),
    "root/etc/containers/registries.d/b.yaml": section("b"),
    "root/etc/containers/registries.d/c.yml": section("never"),
    "home/.config/containers/registries.d/u.yaml": section("u"),
    "given/g.yaml": section("g"),
    "folder/x.yaml/y": "",
  });
  const root = { rootForImplicitAbsolutePaths: `${folder}/root` };
  const rows: [choices: object, env: Record<string, string>, expected: string[] | string][] = [
    [root, {}, ["a", "b"]],
    [root, { HOME: `${folder}/home` }, ["u"]],
    [{ ...root, registriesDirPath: `${folder}/given` }, { HOME: `${folder}/home` }, ["g"]],
    [{ ...root, registriesDirPath: `${folder}/none` }, {}, []],
    [{ rootForImplicitAbsolutePaths: `${folder}/none` }, {}, []],
    [{ registriesDirPath: `${folder}/folder` }, {}, "CONFIG_FILE_UNREADABLE"],
  ];
  const calls = rows.map(([choices, env]): ConfigCall => ({ name: "loadRegistriesD", args: [choices], env }));
  for (const [i, { value, error }] of (await callConfigFiles(calls)).entries()) {
    const sections = (value as { docker: [string, unknown][] } | undefined)?.docker.map(([namespace]) => namespace);
    assert.deepEqual(error?.code ?? sections, rows[i]![2], JSON.stringify([rows[i], error]));
  }
});
