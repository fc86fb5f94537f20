import { type ComposeOptions, type ComposeSource, composeWith, resolveSource } from "../../actions/room.ts";
import { LOCAL_RUNTIME } from "../../system/local/room.ts";
import { type ReportFlags, withReports } from "../ci/report.ts";
import { type ComposedAnnotations, parseAnnotationFile, parseAnnotationFlags } from "../compose/annotations.ts";
import { InputReader } from "../compose/input_reader.ts";
import { type ComposeInputs, type InputFlags, readInputs } from "../compose/inputs.ts";
import { type ComposeReportFlags, describeComposed, reportComposed, reportFailed } from "../compose/report.ts";
import { type CommandContext, resolvePlace } from "../context.ts";
import { loadPolicyOption } from "../engine_options.ts";
import { UsageError } from "../errors.ts";
import { parseDuration, splitPlatforms } from "../flags.ts";
import { count } from "../format/units.ts";
import { note } from "../output.ts";
import { type ProgressFlags, withProgress } from "../progress/mod.ts";
import { openProvenance, type ProvenanceFlags } from "../provenance_options.ts";
import { type CopyingFlags, createCopyOptions } from "../transfer_options.ts";
import { warnOfMismatch } from "./sources.ts";

/** Flags of `compose`. */
export interface ComposeFlags
  extends CopyingFlags, InputFlags, ProvenanceFlags, ComposeReportFlags, ReportFlags, ProgressFlags {
  annotation?: string[];
  annotationsFrom?: string[];
  require?: string[];
  ignoreMissing?: boolean;
  wait?: string;
  append?: boolean;
  replace?: boolean;
  preferIndex?: boolean;
  nested?: boolean;
  attestations?: boolean;
  allowPlatformMismatch?: boolean;
  order?: string;
  artifactType?: string;
  subject?: string;
}

/** Runs `compose SOURCE…`, which makes an index of images and publishes it under all its names. */
export async function compose(operands: string[], given: ComposeFlags, context: CommandContext): Promise<void> {
  // A file for the index is written instead of the names.
  const flags: ComposeFlags & { dryRun: boolean } = {
    ...given,
    dryRun: given.dryRun ?? given.output !== undefined,
    ...given.platform ? { platform: splitPlatforms("--platform", given.platform) } : {},
    ...given.require ? { require: splitPlatforms("--require", given.require) } : {},
  };
  const reader = new InputReader();
  const inputs = await readInputs(operands, flags, reader);
  assertComplete(inputs, flags);
  await using provenance = await openProvenance(flags);
  // The compression that containers.conf adds is for pushes of lists; here, images stay as they are.
  const transfer = await createCopyOptions({ ...flags, all: false }, context, listPlaces(inputs));
  const options: ComposeOptions = {
    ...transfer,
    ...await loadPolicyOption(flags, transfer.systemContext, context),
    ...await readComposition(inputs, flags, reader),
    sources: await resolveSources(inputs.sources, context),
    subject: flags.subject === undefined ? undefined : await resolvePlace(flags.subject, context),
    target: inputs.names[0],
    tags: inputs.names.slice(1),
    dryRun: flags.dryRun,
    provenance,
  };
  // The lines of podman are about one push; here, a line for each name follows.
  const run = () => withProgress(flags, ({ onProgress }) => composeWith(LOCAL_RUNTIME, { ...options, onProgress }));
  try {
    const publish = () => withReports(flags, context, run, (result) => Promise.resolve(describeComposed(result)));
    await reportComposed(flags, await (flags.dryRun ? run() : publish()));
  } catch (error) {
    reportFailed(flags, error);
    throw error;
  }
}

/** Finds sources `containers-storage:NAME` in the store that the flags name. */
async function resolveSources(sources: readonly ComposeSource[], context: CommandContext): Promise<ComposeSource[]> {
  return await Promise.all(
    sources.map(async (source) => {
      const { image } = source;
      return typeof image === "string" ? { ...source, image: await resolvePlace(image, context) } : source;
    }),
  );
}

/** Returns the options that describe the index. */
async function readComposition(inputs: ComposeInputs, flags: ComposeFlags, reader: InputReader) {
  const { annotations, entryAnnotations } = await readAnnotations(flags, reader);
  const { order = inputs.isUnordered ? "platform" : "given" } = flags;
  if (order !== "given" && order !== "platform") {
    throw new UsageError(`unknown order ${JSON.stringify(order)}: choose given or platform`);
  }
  return {
    order,
    annotations: { ...inputs.annotations, ...annotations },
    entryAnnotations,
    platforms: inputs.platforms,
    require: flags.require,
    ignoreMissing: flags.ignoreMissing,
    onMissing: (image: string) => flags.quiet ? undefined : note(`Warning: left out ${image}: it does not exist`),
    wait: flags.wait === undefined ? undefined : parseDuration("--wait", flags.wait),
    append: flags.append,
    replace: flags.replace,
    preferIndex: flags.preferIndex,
    nested: flags.nested,
    attestations: flags.attestations,
    allowPlatformMismatch: flags.allowPlatformMismatch,
    onPlatformMismatch: flags.allowPlatformMismatch ? undefined : warnOfMismatch,
    artifactType: flags.artifactType,
  } as const;
}

async function readAnnotations(flags: ComposeFlags, reader: InputReader): Promise<ComposedAnnotations> {
  const files: ComposedAnnotations[] = [];
  for (const file of flags.annotationsFrom ?? []) {
    const origin = `--annotations-from ${file}`;
    files.push(parseAnnotationFile(await reader.read("--annotations-from", file), origin));
  }
  const ignored = files.reduce((sum, file) => sum + file.ignored, 0);
  if (ignored > 0 && !flags.quiet) {
    note(
      `Warning: ignored ${count(ignored, "annotation")} for image manifests, which only the build can set. ` +
        "For docker/metadata-action, set DOCKER_METADATA_ANNOTATIONS_LEVELS=manifest,index",
    );
  }
  const all = [...files, parseAnnotationFlags(flags.annotation ?? [])];
  return {
    annotations: Object.assign({}, ...all.map(({ annotations }) => annotations)),
    entryAnnotations: all.flatMap(({ entryAnnotations }) => entryAnnotations),
    ignored,
  };
}

/** @throws {UsageError} If the name or the source is missing, or flags contradict each other. */
function assertComplete({ names, sources }: ComposeInputs, flags: ComposeFlags & { dryRun: boolean }): void {
  if (names.length === 0 && !flags.dryRun) throw new UsageError("compose requires a name: add -t NAME, or --dry-run");
  if (names.length === 0 && flags.append) throw new UsageError("--append requires a name: add -t NAME");
  if (sources.length === 0) {
    throw new UsageError("compose requires a source: an image, --sources, --digests, --template, --spec, --as or -f");
  }
  if (flags.replace && !flags.append) throw new UsageError("--replace requires --append");
}

/** Returns the registries that the command uses, so that credentials are not sent to the wrong one. */
function listPlaces({ names, sources }: ComposeInputs) {
  const images = [...names.filter((name) => /[/:]/.test(name)), ...sources.map(({ image }) => String(image))];
  return images.map((image) => ({ registry: resolveSource(LOCAL_RUNTIME, image).dockerReference?.domain }));
}
