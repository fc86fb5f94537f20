/** Finds the rooms without tests of their own: `tests/` mirrors `src/`. */
export async function findUntestedRooms(root: URL): Promise<string[]> {
  const missing: string[] = [];
  for await (const { name } of Deno.readDir(new URL("src/", root))) {
    const folder = new URL(`tests/${name}/`, root);
    const files = await Array.fromAsync(Deno.readDir(folder)).catch(() => []);
    if (!files.some((file) => file.name.endsWith("_test.ts"))) missing.push(name);
  }
  return missing;
}
