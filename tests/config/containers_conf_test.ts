import assert from "node:assert/strict";
import { parse } from "smol-toml";
import { parseContainersConf, parseStorageConf } from "../../src/config/room.ts";
import { callConfigFiles, type ConfigCall, writeTree } from "../support/config_files.ts";
import { folderTest } from "../support/folders.ts";

Deno.test("the keys of containers.conf that concern images are read", () => {
  const text = `
    [containers]
    log_size_max = -1
    [engine]
    add_compression = ["zstd", "zstd:chunked"]
    compression_format = "zstd"
    compression_level = 3
    image_copy_tmp_dir = "/tmp"
    image_default_transport = "docker://"
    image_parallel_copies = 0
    retry = 5
    retry_delay = "2s"`;
  const conf = parseContainersConf(text, parse, "c.conf");
  assert.deepEqual(conf, {
    addCompression: ["zstd", "zstd:chunked"],
    compressionFormat: "zstd",
    compressionLevel: 3,
    imageCopyTmpDir: "/tmp",
    imageDefaultTransport: "docker://",
    imageParallelCopies: 0,
    retry: 5,
    retryDelay: "2s",
  });
  const after = '[engine]\nadd_compression = ["gzip", {append = true}]\nretry = 1\ncompression_format = ""';
  assert.deepEqual(parseContainersConf(after, parse, "d.conf", conf), {
    ...conf,
    addCompression: ["zstd", "zstd:chunked", "gzip"],
    retry: 1,
  });
  const rows: [text: string, line: number, key: string][] = [
    ["[engine]\nretry = -1", 2, "engine.retry"],
    ["[engine]\n\ncompression_level = 1.5", 3, "engine.compression_level"],
    ['[engine]\nadd_compression = "gzip"', 2, "engine.add_compression"],
    ["engine = 5", 1, "engine"],
  ];
  for (const [text, line, key] of rows) {
    assert.throws(() => parseContainersConf(text, parse, "/c.conf"), {
      code: "CONFIG_FILE_INVALID",
      path: "/c.conf",
      line,
      key,
    });
  }
});

Deno.test("arrays of a later storage.conf replace earlier ones, or are appended with { append = true }", () => {
  const storage = (stores: string) => `[storage]\n[storage.options]\nadditionalimagestores = ${stores}`;
  const first = parseStorageConf(storage('["/a"]') + '\n[storage.options.overlay]\nmountopt = "nodev"', parse, "a");
  assert.deepEqual(first, { additionalImageStores: ["/a"] });
  assert.deepEqual(parseStorageConf(storage('["/b"]'), parse, "b", first), { additionalImageStores: ["/b"] });
  assert.deepEqual(parseStorageConf(storage('["/b", {append = true}]'), parse, "b", first), {
    additionalImageStores: ["/a", "/b"],
  });
  assert.throws(() => parseStorageConf('[storage]\ndriver = "vfs"\nrunroot = 1', parse, "s.conf"), {
    path: "s.conf",
    line: 3,
    key: "storage.runroot",
  });
});

folderTest("containers.conf is read from all its locations, and the last one takes precedence", async (folder) => {
  const retry = (count: number) => `[engine]\nretry = ${count}\nadd_compression = ["c${count}", {append = true}]`;
  await writeTree(folder, {
    "root/usr/share/containers/containers.conf": retry(1),
    "root/etc/containers/containers.conf": retry(2),
    "root/etc/containers/containers.conf.d/b.conf": retry(4),
    "root/etc/containers/containers.conf.d/a.conf": retry(3),
    "home/.config/containers/containers.conf": retry(5),
    "home/.config/containers/containers.conf.d/x.conf": retry(6),
    "xdg/containers/containers.conf": retry(7),
    "given.conf": retry(8),
    "override.conf": retry(9),
  });
  const root = { rootForImplicitAbsolutePaths: `${folder}/root` };
  const rows: [env: Record<string, string>, retries: number[] | string][] = [
    [{}, [1, 2, 3, 4]],
    [{ HOME: `${folder}/home` }, [1, 2, 3, 4, 5, 6]],
    [{ HOME: `${folder}/home`, XDG_CONFIG_HOME: `${folder}/xdg` }, [1, 2, 3, 4, 7]],
    [{ HOME: `${folder}/home`, CONTAINERS_CONF: `${folder}/given.conf` }, [8]],
    [{ CONTAINERS_CONF_OVERRIDE: `${folder}/override.conf` }, [1, 2, 3, 4, 9]],
    [{ CONTAINERS_CONF: `${folder}/given.conf`, CONTAINERS_CONF_OVERRIDE: `${folder}/override.conf` }, [8, 9]],
    [{ CONTAINERS_CONF: `${folder}/none.conf` }, "CONFIG_FILE_UNREADABLE"],
  ];
  const calls = rows.map(([env]): ConfigCall => ({ name: "loadContainersConf", args: [root], env }));
  for (const [i, { value, error }] of (await callConfigFiles(calls)).entries()) {
    const [env, retries] = rows[i]!;
    const expected = typeof retries === "string"
      ? retries
      : { retry: retries.at(-1), addCompression: retries.map((count) => `c${count}`) };
    assert.deepEqual(error?.code ?? value, expected, JSON.stringify(env));
  }
});
