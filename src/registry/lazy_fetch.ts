import type { FetchHandle } from "./pool.ts";

/**
 * A way to send requests that is opened when the first one is sent; `open` is not called where none is.
 *
 * @example
 * ```ts
 * import { lazyFetch } from "@multiarch/manifests/registry";
 * import assert from "node:assert/strict";
 *
 * const handle = lazyFetch(() => Promise.resolve({ fetch: () => Promise.resolve(new Response("hi")), close() {} }));
 * assert.equal(await (await handle.fetch(new Request("https://registry.example/"))).text(), "hi");
 * handle.close();
 * ```
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
