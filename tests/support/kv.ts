/** KV databases in files, what is in them, and programs that work on them. */
import assert from "node:assert/strict";
import { digestOf } from "../../src/spec/room.ts";
import type { KvRecord } from "../../src/store/kv/record.ts";

/** URL of a server for Deno KV, such as `denokv`, whose content tests delete; `undefined`: they use memory and files. */
export const KV_URL: string | undefined = Deno.env.get("DENO_KV_URL");

/** Opens an empty database: that of `DENO_KV_URL`, or one in memory. */
export async function openTestKv(): Promise<Deno.Kv> {
  const kv = await Deno.openKv(KV_URL ?? ":memory:");
  for await (const { key } of kv.list({ prefix: [] })) await kv.delete(key);
  return kv;
}

/** Opens a database in a file. Another process that opens it at the same moment locks it for a moment. */
export async function openKvFile(path: string): Promise<Deno.Kv> {
  for (;;) {
    try {
      return await Deno.openKv(path);
    } catch (error) {
      if (!/locked/.test((error as Error).message)) throw error;
    }
  }
}

const PREFIX = ["multiarch", "manifests"];

/** All entries of a store of one kind, such as `chunk`. */
export async function getEntries(kv: Deno.Kv, kind: string): Promise<Deno.KvEntry<unknown>[]> {
  return await Array.fromAsync(kv.list({ prefix: [...PREFIX, kind] }));
}

/** Checks that a store is whole: all data is there, names lead to their records, and no chunk is left that nobody knows. */
export async function checkKvStore(kv: Deno.Kv): Promise<void> {
  const chunks = new Map(
    (await getEntries(kv, "chunk")).map(({ key, value }) => [`${String(key[3])}/${String(key[4])}`, value]),
  );
  const records = await getEntries(kv, "image") as Deno.KvEntry<KvRecord>[];
  for (const { value: { items } } of records) {
    for (const { key, blob, chunks: count, digest } of items) {
      const names = Array.from({ length: count }, (_, i) => `${blob}/${i}`);
      const parts = names.map((name) => chunks.get(name) as Uint8Array<ArrayBuffer>);
      assert.equal(digestOf(new Uint8Array(await new Blob(parts).arrayBuffer())), digest, key);
      for (const name of names) chunks.delete(name);
    }
  }
  const staged = (await getEntries(kv, "staged")) as Deno.KvEntry<Pick<KvRecord, "items">>[];
  for (const { value: { items } } of staged) {
    for (const { blob, chunks: count } of items) for (let i = 0; i < count; i++) chunks.delete(`${blob}/${i}`);
  }
  assert.deepEqual([...chunks.keys()], [], "chunks that no record has");
  const owners = (await getEntries(kv, "name")).map(({ key, value }) => `${key[3] as string} ${value}`);
  const named = records.flatMap(({ key, value }) => value.names.map((name) => `${name} ${key[3] as string}`));
  assert.deepEqual(owners.toSorted(), named.toSorted());
}

/** A digest that stands for the n-th instance. */
export const instanceDigest = (n: number): string => `sha256:${n.toString(16).padStart(64, "0")}`;

/** Starts `kv_worker.ts`. */
export function spawnKvWorker(path: string, ...args: string[]): Deno.ChildProcess {
  return spawnWorker("kv_worker.ts", path, ...args);
}

/** Starts a program of this folder. */
export function spawnWorker(name: string, ...args: string[]): Deno.ChildProcess {
  const [config, worker] = ["../../deno.json", `./${name}`].map((at) => new URL(at, import.meta.url).pathname);
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--config", config!, worker!, ...args],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

/** Waits until a worker prints something. */
export async function firstOutput(worker: Deno.ChildProcess): Promise<void> {
  const reader = worker.stdout.getReader();
  await reader.read();
  reader.releaseLock();
}

/** Reads the rest of a stream. */
async function readText(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<string> {
  return await new Blob(await Array.fromAsync(stream)).text();
}

/** Kills workers, each of which must still be at work. */
export async function killAll(workers: readonly Deno.ChildProcess[]): Promise<void> {
  for (const worker of workers) {
    try {
      worker.kill("SIGKILL");
    } catch {
      // It ended before: its outcome tells why.
    }
  }
  assert.deepEqual(await Promise.all(workers.map(outcomeOf)), workers.map(() => undefined));
}

/** Waits for the end of a worker and returns its output; `undefined` if it was killed. */
export async function outcomeOf(worker: Deno.ChildProcess): Promise<string | undefined> {
  await worker.stdin.close().catch(() => {});
  const [stdout, stderr, { code, signal }] = await Promise.all([
    readText(worker.stdout),
    readText(worker.stderr),
    worker.status,
  ]);
  if (signal === "SIGKILL") return undefined;
  assert.equal(code, 0, stderr);
  return stdout.trim();
}
