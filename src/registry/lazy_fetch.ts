import type { FetchHandle } from "./pool.ts";

/**
 * A way to send requests that is opened when the first one is sent; `open` is not called where none is.
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
