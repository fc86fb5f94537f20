import type { FetchHandle } from "./pool.ts";

/** Returns a handle that calls `open` when the first request is sent, and never if none is sent. */
export function lazyFetch(open: () => Promise<FetchHandle>): FetchHandle {
  let opening: Promise<FetchHandle> | undefined;
  return {
    fetch: async (request) => await (await (opening ??= open())).fetch(request),
    close: () => void opening?.then((handle) => handle.close(), () => {}),
  };
}
