/** Rooms of `src/` that have no tests of their own in `tests/`, where tests mirror `src/`. */
const TESTED_ELSEWHERE: Readonly<Record<string, string>> = {
  // Read and verified through lists and copies.
  image: "list",
  // Reached only through a list or the embedded registry.
  transport: "list",
  server: "registry",
  errors: "spec",
  kv: "store",
  actions: "system",
};

/** The rooms without tests. */
export async function unmirrored(root: URL): Promise<string[]> {
  const missing: string[] = [];
  for await (const { name } of Deno.readDir(new URL("src/", root))) {
    const folder = new URL(`tests/${TESTED_ELSEWHERE[name] ?? name}/`, root);
    const files = await Array.fromAsync(Deno.readDir(folder)).catch(() => []);
    if (!files.some((file) => file.name.endsWith("_test.ts"))) missing.push(name);
  }
  return missing;
}
