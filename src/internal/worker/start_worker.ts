/**
 * Starts a worker, which must send one message when it is ready. Returns `undefined` if the runtime does not support
 * workers, or if the program may not read their files. Never prompts for a permission.
 *
 * @param root Folder with all files that the worker imports.
 */
export async function startWorker(url: URL, root: URL): Promise<Worker | undefined> {
  if (!mayLoad(root)) return undefined;
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

/** Whether the worker's files may be read: Deno would otherwise prompt for the permission. */
function mayLoad(root: URL): boolean {
  const { Deno: deno } = globalThis as { Deno?: { permissions: { querySync(what: object): { state: string } } } };
  if (!deno || root.protocol !== "file:") return true;
  return deno.permissions.querySync({ name: "read", path: root }).state === "granted";
}
