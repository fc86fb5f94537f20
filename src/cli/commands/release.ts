import { resolveSource } from "../../actions/room.ts";
import {
  applyFile,
  type ApplyOptions,
  assertApplicable,
  createReleaseSchema,
  hasChanges,
  lockFile,
  planFile,
  type PlannedTag,
  type ReleaseFile,
  type ReleasePlan,
} from "../../release/room.ts";
import { createReleaseHost, type LoadedReleaseFile, openLockFile, readReleaseFile } from "../../release/files/room.ts";
import { isManifestsError } from "../../spec/room.ts";
import { LOCAL_RUNTIME } from "../../system/local/room.ts";
import { describeReleases, getOnlyDigest } from "../ci/released.ts";
import { type ReportFlags, withReports } from "../ci/report.ts";
import { type CommandContext, createSystemContext, openLocalStore, type RegistryFlags } from "../context.ts";
import { loadPolicyOption } from "../engine_options.ts";
import { ExitError, formatError, UsageError } from "../errors.ts";
import { toFlag } from "../flags.ts";
import { formatPlan, formatSummary } from "../format/release_plan.ts";
import { assertFormat, getStdoutStyle, print, printResult, type ResultFormat } from "../output.ts";
import { type ProgressFlags, withProgress } from "../progress/mod.ts";
import { type RetryFlags, retryOptions } from "../retry_options.ts";
import { warnOfMismatch } from "./sources.ts";

/** Exit codes of `release`, which pipelines tell apart. */
const EXIT_FAILURE = 1, EXIT_CHANGES = 2, EXIT_DRIFT = 3;

/** Flags of `release`. */
export interface ReleaseFlags
  extends RegistryFlags, RetryFlags, ResultFormat, ProgressFlags, Omit<ReportFlags, "creds"> {
  file?: string;
  var?: string[];
  to?: string[];
  update?: boolean;
  frozen?: boolean;
  force?: boolean;
  prune?: boolean;
  detailedExitcode?: boolean;
  signaturePolicy?: string;
}

/** A verb of `release`. */
interface Verb {
  /** Flags that it does not take, although `release` knows them. */
  readonly rejects: readonly (keyof ReleaseFlags)[];
  /** Runs the verb for the named releases; all if none is named. */
  run(names: readonly string[], flags: ReleaseFlags, context: CommandContext): Promise<void>;
}

/** Flags that only `apply` takes. */
const APPLY_ONLY = ["digestfile", "referencefile", "github", "gitlabDotenv", "signaturePolicy"] as const;

const VERBS: Readonly<Record<string, Verb>> = {
  plan: { rejects: APPLY_ONLY, run: showPlan },
  lock: { rejects: ["frozen", "force", "prune", "detailedExitcode", ...APPLY_ONLY], run: lock },
  apply: { rejects: ["detailedExitcode"], run: apply },
  schema: {
    rejects: ["file", "var", "to", "update", "frozen", "force", "prune", "detailedExitcode", ...APPLY_ONLY],
    run: () => Promise.resolve(print(JSON.stringify(createReleaseSchema(), undefined, 2))),
  },
};

/** Runs `release plan|lock|apply|schema [RELEASE…]`. Ends with 1 for errors, and with 3 for tags that others changed. */
export async function release(operands: string[], flags: ReleaseFlags, context: CommandContext): Promise<void> {
  try {
    const [name, ...names] = operands as [string, ...string[]];
    const verb = Object.hasOwn(VERBS, name) ? VERBS[name]! : undefined;
    if (!verb) {
      throw new UsageError(
        `unknown command ${JSON.stringify(`release ${name}`)}: use ${Object.keys(VERBS).join(", ")}`,
      );
    }
    assertFormat(flags);
    assertFlags(name, names, verb, flags);
    await verb.run(names, flags, context);
  } catch (error) {
    if (error instanceof ExitError || error instanceof Deno.errors.BrokenPipe || context.signal.aborted) throw error;
    throw new ExitError(isManifestsError(error, "TAG_DRIFTED") ? EXIT_DRIFT : EXIT_FAILURE, formatError(error));
  }
}

function assertFlags(name: string, names: readonly string[], { rejects }: Verb, flags: ReleaseFlags): void {
  if (name === "schema" && names.length > 0) throw new UsageError("release schema takes no releases");
  const rejected = rejects.find((flag) => flags[flag] !== undefined);
  if (rejected) throw new UsageError(`release ${name} does not take ${toFlag(rejected)}`);
  if (flags.update && flags.frozen) throw new UsageError("--update may not be used with --frozen");
}

async function showPlan(names: readonly string[], flags: ReleaseFlags, context: CommandContext): Promise<void> {
  const loaded = await load(names, flags);
  const { host, lock, options } = await open(loaded, names, flags, context);
  const plan = await planFile(host, loaded.file, await lock.read(), options);
  printResult(flags, [...formatPlan(plan, getStdoutStyle()), formatSummary(plan.summary)], plan);
  assertApplicable(plan);
  if (flags.detailedExitcode && hasChanges(plan.summary)) throw new ExitError(EXIT_CHANGES);
}

async function lock(names: readonly string[], flags: ReleaseFlags, context: CommandContext): Promise<void> {
  const loaded = await load(names, flags);
  const { host, lock, options } = await open(loaded, names, flags, context);
  await lockFile(host, loaded.file, lock, options);
  printResult(flags, [loaded.lockPath], { lockFile: loaded.lockPath, ...await lock.read() });
}

async function apply(names: readonly string[], flags: ReleaseFlags, context: CommandContext): Promise<void> {
  const loaded = await load(names, flags);
  const count = names.length || loaded.file.releases.length;
  if (count > 1 && (flags.digestfile ?? flags.referencefile) !== undefined) {
    throw new UsageError(`--digestfile and --referencefile are for one release, but the file has ${count}: name one`);
  }
  const { host, lock, options } = await open(loaded, names, flags, context);
  const policy = await loadPolicyOption(flags, options.systemContext ?? {}, context);
  const written: string[] = [];
  const isJson = flags.format === "json";
  let plan: ReleasePlan | undefined;
  const onPlan = (planned: ReleasePlan) => {
    plan = planned;
    if (!isJson) { for (const line of formatPlan(planned, getStdoutStyle())) print(line); }
  };
  const publish = () =>
    withProgress(flags, async ({ onProgress }) => {
      const watch = {
        transfer: { onProgress, onPlatformMismatch: warnOfMismatch, ...policy },
        onPlan,
        onTag: ({ reference }: PlannedTag) => written.push(reference),
      };
      const done = await applyFile(host, loaded.file, lock, { ...options, ...watch });
      return { plan: done, digest: getOnlyDigest(done) ?? "" };
    });
  try {
    await withReports(flags, context, publish, ({ plan }) => describeReleases(plan, options));
    if (!isJson) print(formatSummary(plan!.summary, true));
  } catch (error) {
    if (!isJson && written.length > 0) print(`Written before the error: ${written.join(", ")}`);
    throw error;
  } finally {
    // A failed run reports what it wrote, too.
    if (isJson && plan) print(JSON.stringify({ ...plan, written }, undefined, 4));
  }
}

/** Reads the release file that the flags name, and checks the names of releases. */
async function load(names: readonly string[], flags: ReleaseFlags): Promise<LoadedReleaseFile> {
  const file = names.find((name) => /\.(ya?ml|json)$/.test(name));
  if (file !== undefined) {
    throw new UsageError(`${JSON.stringify(file)} is not the name of a release: name the file with --file ${file}`);
  }
  return await readReleaseFile({ path: flags.file, variables: parseVariables(flags.var), to: flags.to });
}

function parseVariables(pairs: readonly string[] = []): Record<string, string> {
  return Object.fromEntries(pairs.map((pair) => {
    const at = pair.indexOf("=");
    if (at < 1) throw new UsageError(`--var must be NAME=VALUE, but is ${JSON.stringify(pair)}`);
    return [pair.slice(0, at), pair.slice(at + 1)];
  }));
}

/** Opens the host and the lock of a file, with the options that the flags give. */
async function open(
  { file, folder, lockPath }: LoadedReleaseFile,
  names: readonly string[],
  flags: ReleaseFlags,
  context: CommandContext,
) {
  const { update, frozen, force, prune } = flags;
  const { signal } = context;
  const systemContext = {
    ...await createSystemContext(flags, context, listPlaces(file)),
    ...await retryOptions(flags),
  };
  const options: ApplyOptions = { names, update, frozen, force, prune, systemContext, signal };
  const usesStore = listSources(file).some((image) => image.startsWith("containers-storage:"));
  await using store = usesStore ? await openLocalStore(context) : undefined;
  return { host: createReleaseHost(folder, store), lock: openLockFile(lockPath, { signal }), options };
}

/** Returns the registries that a file uses, so that credentials are not sent to the wrong one. */
function listPlaces(file: ReleaseFile) {
  const images = [...file.releases.flatMap(({ targets }) => targets), ...listSources(file)];
  return images.map((image) => ({ registry: resolveSource(LOCAL_RUNTIME, image).dockerReference?.domain }));
}

function listSources({ releases }: ReleaseFile): string[] {
  return releases.flatMap(({ sources }) => sources.map(({ image }) => image));
}
