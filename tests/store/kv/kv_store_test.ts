/** Behaviour of the KV store in addition to the contract of all stores: chunks, races, faults of the database. */
import assert from "node:assert/strict";
import { create, editList, loadFromImage } from "../../../mod.ts";
import { digestOf } from "../../../src/spec/room.ts";
import { type Kv, openKvStore, type OpenKvStoreOptions } from "../../../src/store/kv/room.ts";
import type { ImageStore } from "../../../src/store/room.ts";
import { checkKvStore, getEntries } from "../../support/kv.ts";
import { abortOnWait, HeldTimers, runPending } from "../../support/timers.ts";

const KEY = ["multiarch", "manifests"];
const CHUNK = 60 * 1024;

/** Returns bytes that differ at each position, so that chunks in wrong order are detected. */
const bytes = (length: number, seed = 0) => Uint8Array.from({ length }, (_, i) => (i ^ (i >> 8) ^ (i >> 16)) + seed);
const manifest = (length: number, seed = 0) => ({ key: "manifest", bytes: bytes(length, seed) });

/** Defines a test with an empty database in memory, which must be consistent at the end. */
function kvTest(name: string, fn: (kv: Deno.Kv) => Promise<void>): void {
  Deno.test(`KV store: ${name}`, async () => {
    using kv = await Deno.openKv(":memory:");
    await fn(kv);
    await checkKvStore(kv);
  });
}

/** Wraps a database so that commits go through `commit`, which may make them or not and return any result. */
function withCommits(kv: Deno.Kv, commit: (make: () => ReturnType<Deno.AtomicOperation["commit"]>) => unknown): Kv {
  return {
    getMany: (keys) => kv.getMany(keys),
    list: (selector, options) => kv.list(selector, options),
    atomic() {
      const atomic = kv.atomic();
      const make = atomic.commit.bind(atomic);
      atomic.commit = async () => await commit(make) as Awaited<ReturnType<typeof make>>;
      return atomic;
    },
  };
}

/** Wraps a database so that it reads through `getMany`. */
function withReads(kv: Deno.Kv, getMany: Kv["getMany"]): Kv {
  return { getMany, list: (selector, options) => kv.list(selector, options), atomic: () => kv.atomic() };
}

kvTest("data of any size is read back, and replacing it leaves no chunks", async (kv) => {
  const store = await openKvStore(kv);
  const { id } = await store.createImage({ data: [] });
  for (const size of [0, 1, CHUNK, CHUNK + 1, 8 * CHUNK, 8 * CHUNK + 1, 4 * 1024 * 1024, 3]) {
    await store.writeBigData(id, [manifest(size), { key: "other", bytes: bytes(size, 7) }]);
    const { data } = (await store.findImage(id, ["manifest", "other"]))!;
    assert.equal(digestOf(data.get("manifest")!), digestOf(bytes(size)), `${size}`);
    assert.equal(digestOf(data.get("other")!), digestOf(bytes(size, 7)), `${size}`);
    await checkKvStore(kv);
    assert.equal((await getEntries(kv, "chunk")).length, 2 * Math.ceil(size / CHUNK));
    assert.deepEqual(await getEntries(kv, "staged"), []);
  }
  await store.deleteImage(id);
  for (const kind of ["image", "name", "chunk"]) assert.deepEqual(await getEntries(kv, kind), []);
});

kvTest("data that is too large is rejected and leaves no chunks", async (kv) => {
  const store = await openKvStore(kv);
  const { id } = await store.createImage({ names: ["localhost/a:1"], data: [manifest(300 * CHUNK)] });
  const more = [{ key: "more", bytes: bytes(101 * CHUNK) }];
  await assert.rejects(store.writeBigData(id, more), { code: "LIMIT_EXCEEDED" });
  await assert.rejects(store.createImage({ data: [manifest(401 * CHUNK)] }), { code: "LIMIT_EXCEEDED" });
  const names = Array.from({ length: 200 }, (_, i) => `localhost/a:${i}`);
  await assert.rejects(store.updateNames(id, "set", names), { code: "LIMIT_EXCEEDED" });
  await assert.rejects(store.updateNames(id, "set", ["x".repeat(513)]), { code: "LIMIT_EXCEEDED" });
  assert.equal(await store.findImage("x".repeat(9999)), undefined);
  assert.equal((await getEntries(kv, "chunk")).length, 300);
  await store.writeBigData(id, [manifest(1)]);
  assert.deepEqual((await store.listImages()).map(({ names }) => names), [["localhost/a:1"]]);
});

kvTest("a read while data is replaced returns the complete new data", async (kv) => {
  const store = await openKvStore(kv);
  const { id } = await store.createImage({ data: [manifest(3 * CHUNK)] });
  let replaced = 0;
  const slow = withReads(kv, async (keys) => {
    const isChunk = keys[0]!.includes("chunk");
    if (isChunk && replaced < 3) await store.writeBigData(id, [manifest(3 * CHUNK, ++replaced)]);
    return await kv.getMany(keys);
  });
  const found = await (await openKvStore(slow)).findImage(id, ["manifest"]);
  assert.equal(replaced, 3);
  assert.equal(digestOf(found!.data.get("manifest")!), digestOf(bytes(3 * CHUNK, 3)));
});

kvTest("a name that moves while it is looked up finds its new record", async (kv) => {
  const store = await openKvStore(kv);
  const { id: before } = await store.createImage({ names: ["a"], data: [] });
  let after: string | undefined;
  const slow = withReads(kv, async (keys) => {
    const entries = await kv.getMany(keys);
    if (keys.length === 2 && after === undefined) {
      after = (await store.createImage({ data: [] })).id;
      await store.updateNames(after, "add", ["a"]);
      await store.deleteImage(before);
    }
    return entries;
  });
  const found = await (await openKvStore(slow)).findImage("a");
  assert.ok(after);
  assert.equal(found?.image.id, after);
});

Deno.test("KV store: a record whose data is lost is corrupt", async () => {
  using kv = await Deno.openKv(":memory:");
  const store = await openKvStore(kv);
  const { id } = await store.createImage({ data: [manifest(2 * CHUNK)] });
  await kv.delete((await getEntries(kv, "chunk"))[1]!.key);
  await assert.rejects(store.findImage(id, ["manifest"]), { code: "STORE_CORRUPT" });
  assert.equal((await store.findImage(id))?.image.id, id);
});

kvTest("of several concurrent claims to a name, one succeeds", async (kv) => {
  const stores = await Promise.all(Array.from({ length: 8 }, () => openKvStore(kv)));
  const created = await Promise.allSettled(stores.map((store) => store.createImage({ names: ["a", "b"], data: [] })));
  const lost = created.filter((result) => result.status === "rejected");
  assert.deepEqual(lost.map(({ reason }) => reason.code), Array(7).fill("NAME_IN_USE"));
  const images = await Promise.all(stores.map((store) => store.createImage({ data: [] })));
  await Promise.all(stores.map((store, i) => store.updateNames(images[i]!.id, "add", [i % 2 ? "a" : "b", "c"])));
  const names = (await stores[0]!.listImages()).flatMap(({ names }) => names);
  assert.deepEqual(names.toSorted(), ["a", "b", "c"]);
});

/** Opens a store; `interfere` is called right before its first commit. */
async function openHurried(kv: Deno.Kv, interfere: () => Promise<unknown>): Promise<ImageStore> {
  let waiting: typeof interfere | undefined;
  const store = await openKvStore(withCommits(kv, async (make) => {
    const first = waiting;
    waiting = undefined;
    await first?.();
    return await make();
  }));
  waiting = interfere;
  return store;
}

for (
  const [title, change, interfere, expected] of [
    [
      "data of a concurrent write is kept",
      (store, [a]) => store.writeBigData(a!, [{ key: "x", bytes: bytes(1) }]),
      (other, [a]) => other.writeBigData(a!, [manifest(5)]),
      ["a 5 1", "b 1"],
    ],
    [
      "a name that another record got concurrently moves",
      (store, [a]) => store.updateNames(a!, "add", ["new"]),
      (other, [, b]) => other.updateNames(b!, "add", ["new"]),
      ["new a 1", "b 1"],
    ],
    [
      "names that another record got concurrently stay when it loses one",
      (store, [a]) => store.updateNames(a!, "add", ["b"]),
      (other, [, b]) => other.updateNames(b!, "add", ["new"]),
      ["b a 1", "new 1"],
    ],
    [
      "a name that another record got concurrently is in use",
      (store) => assert.rejects(store.createImage({ names: ["new"], data: [] }), { code: "NAME_IN_USE" }),
      (other, [a]) => other.updateNames(a!, "add", ["new"]),
      ["new a 1", "b 1"],
    ],
    [
      "data of a concurrent write is deleted with its record",
      (store, [a]) => store.deleteImage(a!),
      (other, [a]) => other.writeBigData(a!, [manifest(9 * CHUNK), { key: "y", bytes: bytes(1) }]),
      ["b 1"],
    ],
    [
      "a conditional delete fails after a concurrent write",
      async (store, [a]) => {
        const ifUnchanged = new Map([["manifest", digestOf(bytes(1))]]);
        await assert.rejects(store.deleteImage(a!, { ifUnchanged }), { code: "LIST_CHANGED" });
      },
      (other, [a]) => other.writeBigData(a!, [manifest(2)]),
      ["a 2", "b 1"],
    ],
    [
      "a lock that another process took concurrently is waited for",
      async (store, [a]) => {
        const lock = store.digestLocker(`sha256:${a}` as never).lock({ signal: abortOnWait() });
        await assert.rejects(lock, { name: "TimeoutError" });
      },
      (other, [a]) => other.digestLocker(`sha256:${a}` as never).lock(),
      ["a 1", "b 1"],
    ],
  ] as [string, Step, Step, string[]][]
) {
  kvTest(title, async (kv) => {
    const other = await openKvStore(kv);
    const ids: string[] = [];
    for (const name of ["a", "b"]) ids.push((await other.createImage({ names: [name], data: [manifest(1)] })).id);
    let held: unknown;
    const hurried = await openHurried(kv, async () => held = await interfere(other, ids));
    await change(hurried, ids);
    const states = (await other.listImages()).map(async ({ id, names }) => {
      const { data } = (await other.findImage(id, ["manifest", "x"]))!;
      return [...names, ...[...data.values()].map(({ length }) => length)].join(" ");
    });
    assert.deepEqual((await Promise.all(states)).toSorted(), expected.toSorted());
    await (held as AsyncDisposable | undefined)?.[Symbol.asyncDispose]();
  });
}

/** A change of a store that has two images. */
type Step = (store: ImageStore, ids: readonly string[]) => Promise<unknown>;

kvTest("a locked database is retried; other failures are reported", async (kv) => {
  let calls = 0;
  const fail = () => {
    if (++calls % 3 > 0) throw new TypeError("database is locked");
  };
  const busy: Kv = {
    ...withCommits(kv, (make) => (fail(), make())),
    getMany: (keys) => Promise.resolve().then(() => (fail(), kv.getMany(keys))),
    list: (selector, options) => (fail(), kv.list(selector, options)),
  };
  const store = await openKvStore(busy);
  const { id } = await store.createImage({ names: ["a"], data: [manifest(9 * CHUNK)] });
  await store.updateNames(id, "add", ["b"]);
  assert.equal((await store.listImages()).length, 1);
  assert.equal((await store.findImage("b", ["manifest"]))?.data.get("manifest")?.length, 9 * CHUNK);
  const cause = new Error("connection lost");
  const broken = await openKvStore(withCommits(kv, () => Promise.reject(cause)));
  await assert.rejects(broken.updateNames(id, "add", ["c"]), { code: "STORE_IO", cause });
});

kvTest("a commit that succeeded although it was reported as failed is made once", async (kv) => {
  const plain = await openKvStore(kv);
  const liar = withCommits(kv, async (make) => {
    await make();
    return { ok: false };
  });
  const store = await openKvStore(liar);
  const { id } = await store.createImage({ names: ["a"], data: [manifest(1)] });
  {
    await using _guard = await store.digestLocker(digestOf(bytes(1))).lock();
    await store.writeBigData(id, [manifest(2)], { ifUnchanged: new Map([["manifest", digestOf(bytes(1))]]) });
  }
  await store.updateNames(id, "add", ["b"]);
  assert.deepEqual((await plain.findImage(id))!.image.names, ["b", "a"]);
  assert.equal((await plain.findImage("a", ["manifest"]))!.data.get("manifest")!.length, 2);
});

kvTest("leftovers of killed processes are removed after a day, and not before", async (kv) => {
  const killed = new Error("killed");
  const mortal = withCommits(kv, (make) => {
    return commits-- > 0 ? make() : Promise.reject(killed);
  });
  let commits = 3;
  const store = await openKvStore(kv);
  await assert.rejects((await openKvStore(mortal)).createImage({ data: [manifest(20 * CHUNK)] }), { cause: killed });
  const left = async () => (await getEntries(kv, "chunk")).length;
  assert.equal(await left(), 16);
  await store.createImage({ data: [manifest(9 * CHUNK)] });
  assert.equal(await left(), 16 + 9);
  const [note] = await getEntries(kv, "staged") as Deno.KvEntry<{ since: number }>[];
  await kv.set(note!.key, { ...note!.value, since: note!.value.since - 25 * 60 * 60 * 1000 });
  await store.createImage({ data: [manifest(9 * CHUNK)] });
  assert.equal(await left(), 9 + 9);
});

kvTest("a save whose blobs are removed before its end fails", async (kv) => {
  let commits = 0;
  const slow = withCommits(kv, async (make) => {
    // The note, two commits of chunks, then the record.
    if (++commits === 4) {
      for (const { key } of [...await getEntries(kv, "staged"), ...await getEntries(kv, "chunk")]) await kv.delete(key);
    }
    return await make();
  });
  await openKvStore(kv);
  const store = await openKvStore(slow);
  await assert.rejects(store.createImage({ data: [manifest(9 * CHUNK)] }), { code: "STORE_IO" });
  assert.deepEqual(await store.listImages(), []);
});

/** Opens a store that renews no heartbeat while `stalled` is true. */
async function openStalling(kv: Deno.Kv, options: OpenKvStoreOptions) {
  const state = { stalled: false, committed: () => {} };
  const commit = async (make: () => Promise<unknown>) => {
    if (state.stalled) throw new Error("stalled");
    const result = await make();
    state.committed();
    return result;
  };
  return { store: await openKvStore(withCommits(kv, commit), options), state };
}

kvTest("a lock is renewed while it is held", async (kv) => {
  const leaseDuration = 36_000;
  using timers = new HeldTimers(leaseDuration / 3);
  const { store, state } = await openStalling(kv, { leaseDuration });
  const digest = digestOf(bytes(1));
  await using _guard = await store.digestLocker(digest).lock();
  const versions = new Set<string | null>();
  for (let renewals = 0; renewals < 3; renewals++) {
    versions.add((await kv.get([...KEY, "lease", digest])).versionstamp);
    const renewed = new Promise<void>((resolve) => state.committed = resolve);
    timers.fire();
    await renewed;
    await runPending();
  }
  assert.equal(versions.size, 3);
  const other = await openKvStore(kv);
  await assert.rejects(other.digestLocker(digest).lock({ signal: abortOnWait() }), { name: "TimeoutError" });
});

kvTest("a stalled holder loses the lock and can change nothing under it", async (kv) => {
  const { store, state } = await openStalling(kv, { leaseDuration: 60 });
  const other = await openKvStore(kv);
  const { id } = await store.createImage({ names: ["a"], data: [manifest(1)] });
  const changes: ((store: ImageStore) => Promise<unknown>)[] = [
    (store) => store.writeBigData(id, [manifest(2)]),
    (store) => store.writeBigData(id, [manifest(9 * CHUNK)]),
    (store) => store.updateNames(id, "add", ["b"]),
    (store) => store.deleteImage(id),
  ];
  const digest = `sha256:${id}` as const;
  {
    await using _lost = await store.digestLocker(digest as never).lock();
    state.stalled = true;
    {
      await using _taken = await other.digestLocker(digest as never).lock();
      const late = new Promise<void>((resolve) => state.committed = resolve);
      state.stalled = false;
      // A late heartbeat does not shorten the lease of the new holder.
      await late;
      const { value } = await kv.get<{ duration: number }>([...KEY, "lease", digest]);
      assert.equal(value?.duration, 15_000);
      for (const change of changes) await assert.rejects(change(store), { code: "LOCK_UNAVAILABLE" });
      await other.writeBigData(id, [manifest(3)]);
    }
    // A lost lock stays lost, even if nobody holds it any more.
    for (const change of changes) await assert.rejects(change(store), { code: "LOCK_UNAVAILABLE" });
  }
  assert.equal((await store.findImage("a", ["manifest"]))!.data.get("manifest")!.length, 3);
  for (const change of changes) await change(store);
});

kvTest("a stalled holder keeps the lock while nobody else requests it", async (kv) => {
  const { store, state } = await openStalling(kv, { leaseDuration: 1 });
  const { id } = await store.createImage({ data: [manifest(1)] });
  await using _guard = await store.digestLocker(`sha256:${id}` as never).lock();
  state.stalled = true;
  // The change takes many times as long as the lease.
  await (await openKvStore(kv)).createImage({ data: [manifest(50 * CHUNK)] });
  state.stalled = false;
  await store.writeBigData(id, [manifest(2)]);
  assert.equal((await store.findImage(id, ["manifest"]))!.data.get("manifest")!.length, 2);
});

kvTest("a lock that expired long ago by the clock is taken at once", async (kv) => {
  const store = await openKvStore(kv);
  const digest = digestOf(bytes(1));
  await kv.set([...KEY, "lock", digest], "dead");
  await kv.set([...KEY, "lease", digest], { duration: 3_600_000, until: Date.now() - 61_000 });
  await using _guard = await store.digestLocker(digest).lock();
});

kvTest("a store has one identity for every opener, and another one below another prefix", async (kv) => {
  const [one, same] = await Promise.all([openKvStore(kv), openKvStore(kv)]);
  const other = await openKvStore(kv, { prefix: ["other"] });
  assert.equal(one.identity, same.identity);
  assert.notEqual(one.identity, other.identity);
  await one.createImage({ names: ["a"], data: [] });
  assert.ok(await same.findImage("a"));
  assert.equal(await other.findImage("a"), undefined);
  assert.deepEqual(await other.listImages(), []);
});

Deno.test("KV store: invalid options and formats are rejected", async () => {
  using kv = await Deno.openKv(":memory:");
  for (const leaseDuration of [0, -1, NaN, Infinity]) {
    await assert.rejects(openKvStore(kv, { leaseDuration }), { name: "RangeError" });
  }
  await kv.set([...KEY, "store"], { format: 2, id: "x" });
  await assert.rejects(openKvStore(kv), { code: "STORE_CORRUPT" });
});

kvTest("an edit of a list takes four reads and three commits, and reads again what others changed", async (kv) => {
  const steps: string[] = [];
  const counted = {
    getMany: (keys: Deno.KvKey[]) => (steps.push("read"), kv.getMany(keys)),
    list: (selector: Deno.KvListSelector, options?: Deno.KvListOptions) => kv.list(selector, options),
    atomic() {
      const atomic = kv.atomic();
      const commit = atomic.commit.bind(atomic);
      atomic.commit = () => (steps.push("commit"), commit());
      return atomic;
    },
  };
  await using store = await openKvStore(counted);
  await using careless = await openKvStore(kv);
  const imageId = await create().saveToImage(store, { names: ["app"] });
  steps.length = 0;
  await editList(store, "app", (list) => list.setAnnotations(undefined, { a: "1" }));
  // The name, the record, the lock with the record, and the items; then the lock, the record, and the lock again.
  assert.deepEqual(steps, ["read", "read", "read", "commit", "read", "commit", "commit"]);

  // A program that ignores the lock changes the list while it is edited.
  const seen: string[] = [];
  await editList(store, "app", async (list) => {
    seen.push(list.annotations(undefined).a!);
    if (seen.length === 1) {
      const { list: other } = await loadFromImage(careless, "app");
      other.setAnnotations(undefined, { a: "2" });
      await other.saveToImage(careless, { imageId });
    }
    list.setAnnotations(undefined, { b: "1" });
  });
  assert.deepEqual(seen, ["1", "2"]);
  const { list } = await loadFromImage(careless, "app");
  assert.deepEqual(list.annotations(undefined), { a: "2", b: "1" });
});
