import assert from "node:assert/strict";
import { changeRecord, Database, type Kv, type Revised } from "../../src/kv/room.ts";

interface Counter extends Revised {
  readonly count: number;
}

const KEY = ["counter"];
const increment = (counter: Counter | undefined) => ({ record: { count: (counter?.count ?? 0) + 1 } });

/** The database `kv`, with another way to commit. */
function withCommit(kv: Kv, commit: (make: () => Promise<{ ok: boolean }>) => Promise<{ ok: boolean }>): Kv {
  return {
    getMany: (keys) => kv.getMany(keys),
    list: (selector, options) => kv.list(selector, options),
    atomic: () => {
      const atomic = kv.atomic();
      const make = atomic.commit.bind(atomic);
      atomic.commit = () => commit(make);
      return atomic;
    },
  };
}

Deno.test("a change is decided again on the record that a faster writer left", async () => {
  using kv = await Deno.openKv(":memory:");
  const db = new Database(kv);
  const seen: (number | undefined)[] = [];
  const changed = await changeRecord<Counter>(db, KEY, {
    decide: async (counter) => {
      seen.push(counter?.count);
      if (seen.length === 1) await changeRecord<Counter>(db, KEY, { decide: increment });
      return increment(counter);
    },
  });
  assert.deepEqual(seen, [undefined, 1]);
  assert.equal(changed?.count, 2);
});

Deno.test("a commit that was made although it was reported as failed is not made twice", async () => {
  using kv = await Deno.openKv(":memory:");
  const lying = withCommit(kv, async (make) => {
    await make();
    return { ok: false };
  });
  const changed = await changeRecord<Counter>(new Database(lying), KEY, { decide: increment });
  assert.equal(changed?.count, 1);
  assert.equal((await kv.get<Counter>(KEY)).value?.count, 1);
});

Deno.test("a record is deleted, and nothing is written if the decision throws", async () => {
  using kv = await Deno.openKv(":memory:");
  const db = new Database(kv);
  await changeRecord<Counter>(db, KEY, { decide: increment });
  const decide = () => {
    throw new RangeError("no");
  };
  await assert.rejects(changeRecord<Counter>(db, KEY, { decide }), RangeError);
  assert.equal((await kv.get<Counter>(KEY)).value?.count, 1);
  assert.equal(await changeRecord<Counter>(db, KEY, { decide: () => ({ record: undefined }) }), undefined);
  assert.equal((await kv.get(KEY)).value, null);
});

Deno.test("a busy database is asked again; other failures have a code", async () => {
  using kv = await Deno.openKv(":memory:");
  const commits = [new Error("database is locked"), new Error("value too large (max 65536 bytes)")];
  const failing = withCommit(kv, (make) => commits.length > 0 ? Promise.reject(commits.shift()!) : make());
  const db = new Database(failing);
  await assert.rejects(changeRecord<Counter>(db, KEY, { decide: increment }), { code: "LIMIT_EXCEEDED" });
  assert.equal((await changeRecord<Counter>(db, KEY, { decide: increment }))?.count, 1);
  commits.push(new Error("disk I/O error"));
  await assert.rejects(changeRecord<Counter>(db, KEY, { decide: increment }), { code: "STORE_IO" });
});
