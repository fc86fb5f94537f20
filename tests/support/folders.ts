import { peerTest } from "./peers.ts";

/** A test with a folder of its own, which goes with it; `tools` are the real ones that it needs. */
export function folderTest(name: string, fn: (folder: string) => Promise<void>, tools: string[] = []): void {
  peerTest(name, tools, async () => {
    const folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "test-" }));
    try {
      await fn(folder);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}
