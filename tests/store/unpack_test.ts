/** Parts that unpack layers: folders that stay open, times, and rules for a store. */
import assert from "node:assert/strict";
import { findRights } from "../../src/store/containers_storage/unpack/rights.ts";
import { setHeaderTimes } from "../../src/store/containers_storage/unpack/entry_metadata.ts";
import { AT_FDCWD, loadLibc } from "../../src/store/containers_storage/unpack/libc.ts";
import { findStat } from "../../src/store/containers_storage/unpack/nodes.ts";
import { findRules } from "../../src/store/containers_storage/unpack/rules.ts";
import { Tree } from "../../src/store/containers_storage/unpack/tree.ts";
import { setVariables } from "../support/environment.ts";
import { folderTest } from "../support/folders.ts";
import { peerTest } from "../support/peers.ts";

folderTest("a tree keeps at most 64 folders open", async (folder) => {
  for (let i = 0; i < 200; i++) await Deno.mkdir(`${folder}/${i}`);
  const libc = loadLibc() as { close: (fd: number) => number };
  const { close } = libc;
  let closed = 0;
  libc.close = (fd) => {
    closed++;
    return close(fd);
  };
  try {
    {
      using tree = new Tree(folder);
      for (let i = 0; i < 200; i++) tree.place(`${i}/file`);
      assert.equal(closed, 200 - 64);
    }
    assert.equal(closed, 201);
  } finally {
    libc.close = close;
  }
});

folderTest(
  "a file has at least the time of access that its modification had, and no time before 1970",
  async (folder) => {
    const path = `${folder}/file`;
    await Deno.writeTextFile(path, "");
    const place = { fd: AT_FDCWD, name: path };
    const rows: [accessed: [number, number] | undefined, modified: [number, number], expected: [number, number][]][] = [
      [undefined, [100, 5], [[100, 5], [100, 5]]],
      [[200, 0], [100, 5], [[200, 0], [100, 5]]],
      [[50, 0], [100, 5], [[100, 5], [100, 5]]],
      [[100, 4], [100, 5], [[100, 5], [100, 5]]],
      [[-5, 7], [-9, 3], [[0, 0], [0, 0]]],
    ];
    const toTime = ([seconds, nanoseconds]: [number, number]) => ({ seconds, nanoseconds });
    for (const [accessed, modified, expected] of rows) {
      setHeaderTimes(place, { accessTime: accessed && toTime(accessed), modTime: toTime(modified) });
      const stat = findStat(place)!;
      assert.deepEqual([stat.accessed, stat.modified], expected.map(toTime));
    }
  },
);

peerTest("of several values of a driver's option, the last one applies that is for the driver", ["root"], async () => {
  const rows: [options: string[], expected: boolean][] = [
    [[], false],
    [["vfs.ignore_chown_errors=true"], true],
    [["ignore_chown_errors = true "], true],
    [["overlay.ignore_chown_errors=true"], false],
    [["vfs.ignore_chown_errors=true", "vfs.ignore_chown_errors=false"], false],
    [["vfs.ignore_chown_errors=false", "vfs2.ignore_chown_errors=true", "overlay.ignore_chown_errors=false"], true],
  ];
  for (const [layerOptions, expected] of rows) {
    const location = {
      graphRoot: "/none",
      runRoot: "/none",
      driver: "vfs",
      additionalImageStores: [],
      realRoot: "/none",
      driverOptions: [],
      layerOptions,
    };
    assert.equal((await findRules(location, "[vfs@/none]")).ignoresOwnerErrors, expected, layerOptions.join());
  }
});

peerTest("root of a user namespace, as podman announces it, has limited rights", ["root"], () => {
  for (
    const [name, value] of [["_CONTAINERS_ROOTLESS_UID", "1000"], ["_CONTAINERS_USERNS_CONFIGURED", "done"]] as const
  ) {
    using _variables = setVariables({ [name]: value });
    assert.deepEqual(findRights("store"), { limited: true });
  }
  return Promise.resolve();
});
