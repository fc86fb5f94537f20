/** The part of `AsyncLocalStorage` that is used here. */
interface AsyncStorage<T> {
  getStore(): T | undefined;
  run<R>(store: T, callback: () => R): R;
}

/** The part of `process` that is used here: Deno, Node since 20.16 and Bun have it. */
interface Process {
  readonly getBuiltinModule?: (name: string) => { AsyncLocalStorage?: new <T>() => AsyncStorage<T> } | undefined;
}

/** An edit whose callback has not ended, and the edit in whose callback it was started. */
interface RunningEdit {
  readonly list: string;
  readonly outer: RunningEdit | undefined;
  isRunning: boolean;
}

/** Holds the edit in whose callback the code runs; `undefined` in browsers, which cannot detect a nested edit. */
let current: AsyncStorage<RunningEdit> | undefined;
let isCreated = false;

/** Returns the storage of running edits. It is created by the first edit, because it takes Deno 20 ms. */
function getRunningEdits(): AsyncStorage<RunningEdit> | undefined {
  if (isCreated) return current;
  const { process } = globalThis as { process?: Process };
  const { AsyncLocalStorage } = process?.getBuiltinModule?.("node:async_hooks") ?? {};
  isCreated = true;
  return current = AsyncLocalStorage && new AsyncLocalStorage();
}

/**
 * Asserts that the code does not run inside the callback of an edit of the same list: it would wait forever for a lock
 * that its own caller holds.
 *
 * @param list The store's identity and the id of the list's record.
 * @throws {TypeError} If it runs inside such a callback.
 */
export function assertNotEditing(list: string, name: string): void {
  for (let edit = current?.getStore(); edit; edit = edit.outer) {
    if (!edit.isRunning || edit.list !== list) continue;
    throw new TypeError(
      `Cannot edit list ${JSON.stringify(name)}: this call is inside the callback of editList for the same list: ` +
        "change the list that the callback received",
    );
  }
}

/** Runs an edit's callback, so that {@linkcode assertNotEditing} knows of it. */
export async function runEdit<T>(list: string, callback: () => T | Promise<T>): Promise<T> {
  const current = getRunningEdits();
  if (!current) return await callback();
  const edit: RunningEdit = { list, outer: current.getStore(), isRunning: true };
  try {
    return await current.run(edit, async () => await callback());
  } finally {
    edit.isRunning = false;
  }
}
