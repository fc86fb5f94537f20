/** Root folder of this module, which a program must be allowed to read before it can start a worker. */
const ROOT = new URL("../../..", import.meta.url);

/**
 * Starts a worker, which must send one message when it is ready. Returns `undefined` if the runtime does not support
 * workers, or if the program may not read their files. Never prompts for a permission.
 */
export async function startWorker(url: URL): Promise<Worker | undefined> {
  if (!mayLoad(url)) return undefined;
  try {
    const worker = new Worker(url, { type: "module" });
    const isReady = await new Promise<boolean>((resolve) => {
      worker.onmessage = () => resolve(true);
      worker.onerror = (event) => {
        event.preventDefault();
        resolve(false);
      };
    });
    if (isReady) return worker;
    worker.terminate();
  } catch {
    // This runtime does not support workers.
  }
  return undefined;
}

/** Whether the worker's file may be read: Deno would otherwise prompt for the permission. */
function mayLoad(url: URL): boolean {
  const { Deno: deno } = globalThis as { Deno?: { permissions: { querySync(what: object): { state: string } } } };
  if (!deno || url.protocol !== "file:") return true;
  return deno.permissions.querySync({ name: "read", path: ROOT }).state === "granted";
}
