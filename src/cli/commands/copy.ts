import { keepConnection } from "../../actions/room.ts";
import type { CopyEvent, CopyResult, OutlinedImage } from "../../copy/room.ts";
import { copyImage, type CopyImageOptions, outlineImageCopy, parseImageName } from "../../system/local/room.ts";
import { describeCopies, toCopiedJson } from "../ci/copied.ts";
import { type ReportFlags, withReports } from "../ci/report.ts";
import { type CommandContext, createSystemContext, LocalStore, resolvePlace } from "../context.ts";
import { type PolicyFlags, policyOptions } from "../engine_options.ts";
import { formatError } from "../errors.ts";
import { type ProgressFlags, withProgress } from "../progress/mod.ts";
import { type CopyingFlags, createCopyOptions } from "../transfer_options.ts";
import { note, print } from "../output.ts";
import type { PersonaName } from "../persona.ts";
import { splitPlatforms } from "../flags.ts";
import { chooseSide, hasSideFlags, type SideFlags } from "../side_flags.ts";
import { type CopyJob, listTagCopies } from "./all_tags.ts";
import { printCopied, printOutline } from "./outline.ts";
import { type AnyImage, findAny } from "./places.ts";

/** Flags of `copy`. */
export interface CopyFlags extends CopyingFlags, SideFlags, PolicyFlags, ProgressFlags, ReportFlags {
  allTags?: boolean;
  dryRun?: boolean;
  attestations?: boolean;
  platform?: string[];
  preserveDigests?: boolean;
  removeListSignatures?: boolean;
}

/** Runs `copy SOURCE DESTINATION…`. */
export async function copy(operands: string[], flags: CopyFlags, context: CommandContext): Promise<void> {
  const [source, ...given] = operands as [string, ...string[]];
  const { persona } = context;
  const sides = hasSideFlags(flags);
  const options: CopyImageOptions = {
    ...await createCopyOptions(sides ? chooseSide(flags, "dest") : flags, context),
    ...await policyOptions(flags),
    ...(sides ? { sourceContext: await createSystemContext(chooseSide(flags, "src"), context) } : {}),
    platforms: flags.platform && splitPlatforms("--platform", flags.platform),
    attestations: flags.attestations,
    preserveDigests: flags.preserveDigests,
    removeListSignatures: flags.removeListSignatures,
  };
  await using store = new LocalStore(context);
  const jobs = flags.allTags
    ? await listTagCopies(source, given, options)
    : await toJobs(await findAny(store, source), given, context);
  const [first, second] = jobs;
  const only = second ? undefined : first;
  if (only && flags.dryRun) return printOutline(flags, only.destination, await outline(only, options));
  if (flags.dryRun) return void await runAll(jobs, flags, options, persona.name);
  const publish = async () => {
    const results = only ? [await run(only, flags, options)] : await runAll(jobs, flags, options, persona.name);
    return { digest: results[0]?.digest ?? "", results };
  };
  const destinations = jobs.map(({ destination }) => destination);
  const describe = ({ results }: { results: CopyResult[] }) => describeCopies(destinations, results, options);
  const { results } = await withReports(flags, context, publish, describe);
  if (only) printCopied(flags, results[0]!, persona.name);
}

async function toJobs(
  source: AnyImage,
  destinations: readonly string[],
  context: CommandContext,
): Promise<CopyJob[]> {
  return await Promise.all(
    destinations.map(async (destination) => ({ source, destination, place: await resolvePlace(destination, context) })),
  );
}

/** Runs several copies one after the other. A failed one does not stop the others, and makes the command fail. */
async function runAll(
  jobs: readonly CopyJob[],
  flags: CopyFlags,
  options: CopyImageOptions,
  persona: PersonaName,
): Promise<CopyResult[]> {
  await using _connections = await keepConnections(jobs, options);
  const results: CopyResult[] = [];
  const done: unknown[] = [];
  const failures: string[] = [];
  for (const job of jobs) {
    const { destination } = job;
    try {
      if (flags.dryRun) {
        printOutline(flags, destination, await outline(job, options));
        continue;
      }
      const result = await run(job, flags, options);
      results.push(result);
      // JSON has all results in one document.
      if (!flags.format?.includes("json")) printCopied(flags, result, persona);
      done.push({ destination, ...toCopiedJson(result) });
    } catch (error) {
      options.signal?.throwIfAborted();
      failures.push(formatError(error));
      done.push({ destination, error: formatError(error) });
    }
  }
  if (flags.format?.includes("json") && !flags.dryRun) print(JSON.stringify(done, undefined, 4));
  if (failures.length > 0) {
    throw new Error(`${failures.length} of ${jobs.length} copies failed: ${failures.join("; ")}`);
  }
  return results;
}

/** Keeps what is known of the registries between the copies, so that their tokens are requested once. */
async function keepConnections(jobs: readonly CopyJob[], options: CopyImageOptions): Promise<AsyncDisposable> {
  const { systemContext, sourceContext = systemContext } = options;
  const stack = new AsyncDisposableStack();
  const [first] = jobs;
  if (first) {
    const source = typeof first.source === "string" ? parseImageName(first.source) : first.source;
    stack.use(await keepConnection(source, sourceContext));
  }
  for (const { destination } of jobs) stack.use(await keepConnection(parseImageName(destination), systemContext));
  return stack;
}

async function outline({ source, destination, place = destination }: CopyJob, options: CopyImageOptions) {
  return await outlineImageCopy(source, place, options);
}

async function run(
  { source, destination, place = destination }: CopyJob,
  flags: CopyFlags,
  options: CopyImageOptions,
): Promise<CopyResult> {
  let attestations: string[] = [];
  const result = await withProgress(flags, (view) => {
    const onProgress = (event: CopyEvent) => {
      if (event.type === "planned") attestations = listAttestations(event.images);
      view.onProgress?.(event);
    };
    return copyImage(source, place, { ...options, ...view, onProgress });
  });
  // Without --platform, everything is copied, so there is nothing to explain.
  if (flags.platform && !flags.quiet) { for (const digest of attestations) note(`copied attestation ${digest}`); }
  return result;
}

function listAttestations(images: readonly OutlinedImage[]): string[] {
  return images.filter(({ attests }) => attests !== undefined).map(({ digest }) => digest);
}
