/** Lock files: their text, their faults, and changes at the same time. */
import assert from "node:assert/strict";
import { openLockFile } from "../../src/release/files/room.ts";
import {
  EMPTY_LOCK,
  findLocked,
  formatReleaseLock,
  parseReleaseLock,
  type ReleaseLock,
  withLocked,
} from "../../src/release/room.ts";
import { digestOf } from "../../src/spec/room.ts";
import { encode } from "../support/images.ts";
import { folderTest } from "../support/folders.ts";

const [ONE, TWO] = [digestOf(encode("one")), digestOf(encode("two"))];

Deno.test("a lock file is sorted, ends with a newline, and is read as it was written", async () => {
  const lock: ReleaseLock = {
    version: 1,
    releases: {
      web: { tags: { "b:2": ONE, "b:1": TWO }, sources: { z: ONE, a: TWO }, index: ONE, converted: { [TWO]: ONE } },
      app: { tags: {}, sources: { a: ONE } },
    },
  };
  const text = formatReleaseLock(lock);
  assert.match(text, /^\{\n {2}"releases": \{\n {4}"app": [^]*"web": [^]*"version": 1\n\}\n$/);
  assert.deepEqual(Object.keys(JSON.parse(text).releases.web.tags), ["b:1", "b:2"]);
  assert.deepEqual(await parseReleaseLock(text), lock);
  assert.equal(formatReleaseLock(await parseReleaseLock(text)), text);
});

Deno.test("a fault of a lock file is reported with its line", async () => {
  const rows: [string, string][] = [
    ['{ "version": 2, "releases": {} }', ':1: version must be 1, but is "2"'],
    ['{ "version": 1 }', ':1: lacks the key "releases"'],
    [
      '{\n "version": 1,\n "releases": { "app": { "sources": {}, "tags": { "a:1": "latest" } } }\n}',
      ':3: releases.app.tags.a:1 must be a digest, such as sha256:…: current value is "latest"',
    ],
    ['{ "version": 1, "releases": {}, "extra": 1 }', ":1: extra is not a known key: use one of version, releases"],
    ["", ": it is empty"],
  ];
  for (const [text, message] of rows) {
    await assert.rejects(parseReleaseLock(text, "lock.json"), { message: `Cannot read lock.json${message}` }, text);
  }
});

Deno.test("a record without content is removed", () => {
  const lock = withLocked(EMPTY_LOCK, "app", { sources: { a: ONE }, tags: {} });
  assert.deepEqual(findLocked(lock, "app").sources, { a: ONE });
  assert.deepEqual(withLocked(lock, "app", { sources: {}, tags: {} }), EMPTY_LOCK);
  assert.deepEqual(findLocked(lock, "constructor"), { sources: {}, tags: {} });
});

folderTest(
  "changes of a lock file at the same time are all kept, and an unchanged file is not written",
  async (folder) => {
    const path = `${folder}/manifests.yaml.lock.json`;
    assert.deepEqual(await openLockFile(path).read(), EMPTY_LOCK);
    await Promise.all(
      Array.from(
        { length: 12 },
        (_, i) => openLockFile(path).update((lock) => withLocked(lock, `r${i}`, { sources: { a: ONE }, tags: {} })),
      ),
    );
    assert.equal(Object.keys((await openLockFile(path).read()).releases).length, 12);
    assert.deepEqual(
      (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name),
      ["manifests.yaml.lock.json"],
    );
    const { ino } = await Deno.stat(path);
    await openLockFile(path).update((lock) => ({ ...lock }));
    assert.equal((await Deno.stat(path)).ino, ino);
    await assert.rejects(openLockFile(`${folder}/none/lock.json`).update((lock) => lock), {
      code: "TRANSPORT_IO",
      message: /^Cannot use the lock file ".*none\/lock\.json": /,
    });
  },
);
