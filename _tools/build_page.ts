/** Bundles the script of the page, in `web/`, into `src/page/script.ts`. */
import { dirname, join } from "@std/path";

/** Path of the bundled script, relative to the root of the checkout. */
export const SCRIPT_PATH = "src/page/script.ts";

/** Bundles the script, and returns the text of the module that contains it. */
export async function buildPageScript(root: string): Promise<string> {
  const args = ["bundle", "--quiet", "--no-check", "--platform", "browser", "--minify", join(root, "web/main.ts")];
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), { args, env: { NO_COLOR: "1" } })
    .output();
  if (!success) throw new Error(`Cannot bundle web/main.ts: ${new TextDecoder().decode(stderr)}`);
  const script = new TextDecoder().decode(stdout).trim();
  // Either of these would end or change the script element of the page.
  if (/<\/script|<!--/i.test(script)) throw new Error("Cannot bundle web/main.ts: its text would end a script element");
  return `// deno-fmt-ignore-file
// deno-lint-ignore-file
/** Script of the page. Generated from \`web/\` by \`deno run -A _tools/build_page.ts\`. */
export const SCRIPT = ${JSON.stringify(script)};
`;
}

if (import.meta.main) {
  const root = dirname(import.meta.dirname!);
  await Deno.writeTextFile(join(root, SCRIPT_PATH), await buildPageScript(root));
}
