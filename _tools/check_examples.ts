/**
 * Checks that each published function and class has a runnable `@example`, and that no `@throws` hides codes behind
 * "and others" or "the codes of": `deno run -A _tools/check_examples.ts`. Error classes need no example, because users only catch them.
 */
import { fromFileUrl } from "@std/path";

/** Tag of a doc comment, as `deno doc --json` prints it. */
interface Tag {
  kind: string;
  doc?: string;
}

/** Member of a class or interface. */
interface Member {
  name: string;
  jsDoc?: { tags?: Tag[] };
}

/** Declaration of a published name, as `deno doc --json` prints it; only the members that are read here. */
interface Declaration {
  kind: string;
  location: { filename: string; line: number };
  jsDoc?: { tags?: Tag[] };
  def?: { extends?: string; methods?: Member[] };
}

/** Output of `deno doc --json`; only the members that are read here. */
interface Documentation {
  nodes: Record<string, { symbols: { name: string; declarations: Declaration[] }[] }>;
}

/** Returns whether an example is TypeScript that imports this package by its name, so that `deno test --doc` runs it. */
function isRunnable({ kind, doc = "" }: Tag): boolean {
  return kind === "example" && /^```ts\n[^]*from "@multiarch\/manifests[^]*^```$/m.test(doc);
}

/** Returns whether a `@throws` refers to further codes, which a user would have to look up, instead of naming them. */
function hidesCodes({ kind, doc = "" }: Tag): boolean {
  return kind === "throws" && /\bothers\b|\b(codes|those|a code) of\b/.test(doc);
}

/** Returns the problems of a declaration: each as the end of a sentence that begins with its name. */
function findProblems({ kind, jsDoc, def }: Declaration): string[] {
  const tags = jsDoc?.tags ?? [];
  const isError = kind === "class" && def?.extends?.endsWith("Error");
  const needsExample = (kind === "function" || kind === "class") && !isError;
  return [
    ...(needsExample && !tags.some(isRunnable) ? ["has no @example that imports the package by name"] : []),
    ...(tags.some(hidesCodes) ? ["must name each code that it throws"] : []),
    ...(def?.methods ?? []).filter((method) => method.jsDoc?.tags?.some(hidesCodes)).map((method) =>
      `must name each code that its method ${method.name} throws`
    ),
  ];
}

/** Checks what the given modules publish. Returns the problems, each as one line, without duplicates. */
export async function checkExamples(modules: readonly string[]): Promise<string[]> {
  const args = ["doc", "--json", ...modules];
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), { args }).output();
  const decoder = new TextDecoder();
  if (!success) throw new Error(`Cannot read the documentation: deno doc: ${decoder.decode(stderr)}`);
  const { nodes }: Documentation = JSON.parse(decoder.decode(stdout));
  const problems = Object.values(nodes).flatMap(({ symbols }) => symbols).flatMap(({ name, declarations }) =>
    declarations.flatMap((declaration) => {
      const { filename, line } = declaration.location;
      return findProblems(declaration).map((problem) => `${fromFileUrl(filename)}:${line}: ${name} ${problem}`);
    })
  );
  return [...new Set(problems)];
}

/** Lists the published modules of a checkout; the command line, `./cli`, has its help instead. */
export async function listFaces(root: URL): Promise<string[]> {
  const { exports } = JSON.parse(await Deno.readTextFile(new URL("deno.json", root)));
  return Object.values<string>(exports).filter((file) => file.endsWith("/mod.ts")).map((file) =>
    fromFileUrl(new URL(file, root))
  );
}

if (import.meta.main) {
  const problems = await checkExamples(await listFaces(new URL("../", import.meta.url)));
  for (const problem of problems) await Deno.stderr.write(new TextEncoder().encode(`${problem}\n`));
  if (problems.length > 0) Deno.exit(1);
}
