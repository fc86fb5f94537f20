/** A program that changes lists in a KV store, and can kill itself: `kv_worker.ts <database> <lease in ms> <task> <argument>`. */
import { create, editList, isManifestsError, type List } from "../../mod.ts";
import { openKvStore } from "../../src/store/kv/room.ts";
import { instanceDigest, openKvFile } from "./kv.ts";

const [path, lease, task, argument] = Deno.args as [string, string, string, string];
using kv = await openKvFile(path);
const print = (line: unknown) => Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
const number = Number(argument);
/** The number means something else for "add" and "churn". */
const killAt = ["add", "churn"].includes(task) ? undefined : number;
let steps = 0;

/** Kills the process at a step: before it or, for a commit, also during it. */
function step(): void {
  if (++steps === killAt) Deno.kill(Deno.pid, "SIGKILL");
}

const mortal = {
  getMany: (keys: Deno.KvKey[]) => (step(), kv.getMany(keys)),
  list: (selector: Deno.KvListSelector, options?: Deno.KvListOptions) => (step(), kv.list(selector, options)),
  atomic() {
    const atomic = kv.atomic();
    const commit = atomic.commit.bind(atomic);
    atomic.commit = async () => {
      step();
      const committing = commit();
      step();
      return await committing;
    };
    return atomic;
  },
};

await using store = await openKvStore(mortal, { leaseDuration: Number(lease) });

const add = (n: number) => (list: List) =>
  void list.addInstance({
    digest: instanceDigest(n),
    size: n,
    mediaType: "m",
    platform: { os: "linux", architecture: `${n}` },
  });

/** So large that it is written before its record. */
const grow = (list: List) => list.setAnnotations(undefined, { large: "x".repeat(700_000) });

const tasks: Record<string, () => Promise<unknown>> = {
  add: () => editList(store, "app", add(number)),
  edit: () => editList(store, "app", add(99)),
  grow: () => editList(store, "app", grow),
  shrink: () => editList(store, "app", (list) => list.clearAnnotations(undefined)),
  create: () => create().saveToImage(store, { names: ["new"] }),
  async createLarge() {
    const list = create();
    grow(list);
    await list.saveToImage(store, { names: ["new"] });
  },
  rename: async () => await store.updateNames(await idOf("app"), "add", ["localhost/new:latest"]),
  delete: async () => await store.deleteImage(await idOf("new")),
  async stall() {
    await editList(store, "app", async (list) => {
      print("held");
      await Deno.stdin.read(new Uint8Array(1));
      add(99)(list);
    }).catch((error) => {
      if (!isManifestsError(error)) throw error;
      print(error.code);
    });
  },
  async churn() {
    for (let n = number;; n++) {
      try {
        await editList(store, "app", add(n));
        await (n % 2 ? tasks.grow!() : tasks.shrink!());
      } catch (error) {
        // On a busy machine the others may have waited for too long.
        if (!isManifestsError(error, "LOCK_UNAVAILABLE")) throw error;
      }
      print(n);
    }
  },
};

async function idOf(name: string): Promise<string> {
  return (await store.findImage(`localhost/${name}:latest`))!.image.id;
}

await tasks[task]!();
if (task !== "stall") print(steps);
