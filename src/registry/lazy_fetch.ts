import type { FetchHandle } from "./pool.ts";

/**
 * Returns a handle that calls `open` when the first request is sent, and never if none is sent.
 */
export function lazyFetch(open: () => Promise<FetchHandle>): FetchHandle {
  let opening: Promise<FetchHandle> | undefined;
  let closed = false;
  return {
    fetch: async (request) => {
      const handle = await (opening ??= open());
      if (closed) handle.close();
      return await handle.fetch(request);
    },
    close: () => {
      closed = true;
      opening?.then((handle) => handle.close(), () => {});
    },
  };
}
