/** Rooms of `src/` whose tests are in the folder of another room. `tests/` mirrors `src/` for all other rooms. */
const TESTED_ELSEWHERE: Readonly<Record<string, string>> = {
  // Lists and copies read and verify images.
  image: "list",
  // Lists, the embedded registry and the other rooms here use these rooms.
  transport: "list",
  server: "registry",
  errors: "spec",
  kv: "store",
  actions: "system",
};

/** Finds the rooms without tests. */
export async function findUntestedRooms(root: URL): Promise<string[]> {
  const missing: string[] = [];
  for await (const { name } of Deno.readDir(new URL("src/", root))) {
    const folder = new URL(`tests/${TESTED_ELSEWHERE[name] ?? name}/`, root);
    const files = await Array.fromAsync(Deno.readDir(folder)).catch(() => []);
    if (!files.some((file) => file.name.endsWith("_test.ts"))) missing.push(name);
  }
  return missing;
}
