import { encodeBase64, encodeUtf8 } from "../../internal/room.ts";
import type { CommandContext } from "../context.ts";
import { splitCredentials } from "../credentials.ts";
import { toFlag } from "../flags.ts";
import { note } from "../output.ts";
import { writeCommand } from "../stderr.ts";
import { findGithubFiles, type GithubFiles } from "./environment.ts";
import { formatDotenv, formatGithubOutputs } from "./output_files.ts";
import type { Publication } from "./publication.ts";
import { formatSummary } from "./summary.ts";
import { formatMasks } from "./workflow_commands.ts";

/** Flags of the commands that publish, about the files to which the result is reported. */
export interface ReportFlags {
  creds?: string[];
  srcCreds?: string;
  destCreds?: string;
  digestfile?: string;
  github?: boolean;
  gitlabDotenv?: string;
  metadataFile?: string;
  referencefile?: string;
}

/** Flags that name a file to write. `--metadata-file` is opened here, and written by `compose`. */
const FILE_FLAGS = ["digestfile", "referencefile", "gitlabDotenv", "metadataFile"] as const;

/**
 * Publishes something and reports it to the files that the flags or the CI system name. All files are opened before, so
 * that one that cannot be written is reported at once, and written afterwards, so that a digest in a file means that the
 * list exists. If the publication fails, files that did not exist before are removed.
 *
 * @param describe Returns the parts of the report that take requests. Called only if something is to be reported.
 * @throws {UsageError} `--github` is given outside of a step of GitHub Actions.
 */
export async function withReports<T extends { readonly digest: string }>(
  flags: ReportFlags,
  { persona }: Pick<CommandContext, "persona">,
  publish: () => Promise<T>,
  describe: (result: T) => Promise<Publication>,
): Promise<T> {
  const { digestfile, referencefile, gitlabDotenv } = flags;
  const github = await findGithubFiles(flags.github, persona.name);
  const result = await withFiles(flags, async () => {
    if (github) await prepareGithub(github, flags);
    const published = await publish();
    if (digestfile !== undefined) await Deno.writeTextFile(digestfile, published.digest);
    return published;
  });
  if (github || gitlabDotenv !== undefined || referencefile !== undefined) {
    await report(await describe(result), flags, github);
  }
  return result;
}

/** Opens the files of flags, runs a function, and removes the files that are new if it fails. */
async function withFiles<T>(flags: ReportFlags, run: () => Promise<T>): Promise<T> {
  const created: string[] = [];
  try {
    for (const flag of FILE_FLAGS) {
      const file = flags[flag];
      if (file !== undefined && await writeNamed(toFlag(flag), file, openFile)) created.push(file);
    }
    return await run();
  } catch (error) {
    for (const file of created) await Deno.remove(file).catch(() => {});
    throw error;
  }
}

/** Writes a file that a flag or a variable names. An error has both names. */
export async function writeNamed<T>(source: string, file: string, write: (file: string) => Promise<T>): Promise<T> {
  try {
    return await write(file);
  } catch (error) {
    const reason = (error as Error).message;
    throw new Error(`Cannot write ${JSON.stringify(file)} for ${source}: ${reason}`, { cause: error });
  }
}

/** Opens a file for writing and returns whether it is new. */
async function openFile(file: string): Promise<boolean> {
  try {
    (await Deno.open(file, { write: true, createNew: true })).close();
    return true;
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    (await Deno.open(file, { write: true, create: true })).close();
    return false;
  }
}

/** Checks that the files of the step can be written, and masks the passwords of the command line in the log. */
async function prepareGithub({ output, summary }: GithubFiles, flags: ReportFlags): Promise<void> {
  const open = async (file: string) => (await Deno.open(file, { append: true, create: true })).close();
  await writeNamed("GITHUB_OUTPUT", output, open);
  if (summary !== undefined) await writeNamed("GITHUB_STEP_SUMMARY", summary, open);
  const creds = [...flags.creds ?? [], flags.srcCreds, flags.destCreds].filter((text) => text !== undefined);
  for (const text of creds) {
    const { username, password } = splitCredentials(text);
    if (!password) continue;
    const secrets = [password, encodeBase64(encodeUtf8(`${username}:${password}`))];
    secrets.flatMap(formatMasks).forEach(writeCommand);
  }
}

async function report(publication: Publication, flags: ReportFlags, github: GithubFiles | undefined): Promise<void> {
  const { digest, digests, references, tags, json } = publication;
  const reference = references[0] ?? "";
  // Several indexes have no digest in common. A value that is missing is noticed; the first one, or "", would not be.
  const one: Record<string, string> = digest === undefined ? {} : { digest, reference };
  if (flags.referencefile !== undefined) await Deno.writeTextFile(flags.referencefile, reference);
  if (flags.gitlabDotenv !== undefined) {
    const values = { ...one, references: references.join(" "), tags: tags.join(" ") };
    const variables = Object.fromEntries(
      Object.entries(values).map(([name, value]) => [`MANIFESTS_${name.toUpperCase()}`, value]),
    );
    const { text, leftOut } = formatDotenv(variables, (await Deno.stat(flags.gitlabDotenv)).size);
    await append(flags.gitlabDotenv, text);
    if (leftOut.length > 0) note(`Warning: left out ${leftOut.join(", ")}: GitLab accepts reports of at most 5 KiB`);
  }
  if (!github) return;
  const outputs: Record<string, string> = {
    ...one,
    ...(digests ? { digests: JSON.stringify(digests) } : {}),
    references: references.join("\n"),
    tags: tags.join("\n"),
    json: JSON.stringify(json),
  };
  await append(github.output, formatGithubOutputs(outputs, `ghadelimiter_${crypto.randomUUID()}`));
  if (github.summary !== undefined) await append(github.summary, formatSummary(publication));
}

/** Appends text to a file, on a line of its own even if another program left the last line without its end. */
async function append(file: string, text: string): Promise<void> {
  const before = await Deno.readTextFile(file);
  const separator = before === "" || before.endsWith("\n") ? "" : "\n";
  await Deno.writeTextFile(file, separator + text, { append: true });
}
