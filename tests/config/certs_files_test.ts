import assert from "node:assert/strict";
import { callConfigFiles, type ConfigCall, writeTree } from "../support/config_files.ts";
import { folderTest } from "../support/folders.ts";

const pem = (mark: string) => `-----BEGIN CERTIFICATE-----\n${mark}\n-----END CERTIFICATE-----\n`;

folderTest("certificates come from the first folder for exactly this host and port", async (folder) => {
  await writeTree(folder, {
    "home/.config/containers/certs.d/a.test/ca.crt": pem("home"),
    "root/etc/containers/certs.d/a.test/ca.crt": pem("containers"),
    "root/etc/containers/certs.d/a.test:5000/b.crt": pem("b"),
    "root/etc/containers/certs.d/a.test:5000/a.crt": pem("a"),
    "root/etc/containers/certs.d/a.test:5000/README.crt": "no certificate",
    "root/etc/docker/certs.d/d.test/two.cert": "two cert",
    "root/etc/docker/certs.d/d.test/two.key": "two key",
    "root/etc/docker/certs.d/d.test/one.cert": "one cert",
    "root/etc/docker/certs.d/d.test/one.key": "one key",
    "root/etc/containers/certs.d/nokey.test/client.cert": "",
    "root/etc/containers/certs.d/nocert.test/client.key": "",
    "root/etc/containers/certs.d/empty.test/readme.txt": "",
    "all/ca.crt": pem("all"),
    "perhost/a.test/ca.crt": pem("perhost"),
  });
  const root = { rootForImplicitAbsolutePaths: `${folder}/root` };
  const ca = (...marks: string[]) => ({ caCerts: marks.map(pem) });
  const rows: [host: string, choices: object, env: Record<string, string>, expected: unknown][] = [
    ["a.test", root, { HOME: `${folder}/home` }, ca("home")],
    ["a.test", root, {}, ca("containers")],
    ["a.test:5000", root, { HOME: `${folder}/home` }, ca("a", "b")],
    ["a.test:5001", root, {}, undefined],
    ["A.test", root, {}, undefined],
    ["d.test", root, {}, { caCerts: [], cert: "one cert", key: "one key" }],
    ["empty.test", root, {}, undefined],
    ["none.test", { ...root, dockerCertPath: `${folder}/all` }, {}, ca("all")],
    ["a.test", { ...root, dockerPerHostCertDirPath: `${folder}/perhost` }, {}, ca("perhost")],
    ["a.test:5000", { ...root, dockerPerHostCertDirPath: `${folder}/perhost` }, {}, undefined],
    ["a.test", { ...root, dockerCertPath: `${folder}/none` }, {}, undefined],
    ["nokey.test", root, {}, ["CONFIG_FILE_INVALID", `${folder}/root/etc/containers/certs.d/nokey.test/client.cert`]],
    ["nocert.test", root, {}, ["CONFIG_FILE_INVALID", `${folder}/root/etc/containers/certs.d/nocert.test/client.key`]],
  ];
  const calls = rows.map(([host, choices, env]): ConfigCall => ({
    name: "loadCertificates",
    args: [host, choices],
    env,
  }));
  for (const [i, { value, error }] of (await callConfigFiles(calls)).entries()) {
    const [host, choices, env, expected] = rows[i]!;
    assert.deepEqual(error ? [error.code, error.path] : value, expected, JSON.stringify([host, choices, env, error]));
  }
});
