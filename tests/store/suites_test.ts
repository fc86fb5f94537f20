import { createMemoryStore } from "../../src/store/room.ts";
import { openKvStore } from "../../src/store/kv/room.ts";
import { runStoreSuite } from "../contracts/store_suite.ts";
import { openTestKv } from "../support/kv.ts";
import { makeStore } from "../support/stores.ts";

runStoreSuite("memory store", () => {
  const store = createMemoryStore();
  return Promise.resolve({ store, [Symbol.asyncDispose]: () => store[Symbol.asyncDispose]() });
});
runStoreSuite("KV store", async () => {
  const kv = await openTestKv();
  return { store: await openKvStore(kv), [Symbol.asyncDispose]: () => Promise.resolve(kv.close()) };
});
for (const driver of ["vfs", "overlay"]) runStoreSuite(`containers-storage on ${driver}`, () => makeStore(driver));
