import { deriveListWith, type EditInternals, editRemoteListWith, previewEditWith } from "../../actions/room.ts";
import type { CopyResult } from "../../copy/room.ts";
import { diffIndexes } from "../../list/room.ts";
import { isTag, MEDIA_TYPES, type ParsedIndex, parseManifest } from "../../spec/room.ts";
import {
  type EditRemoteListOptions,
  fetchManifest,
  type List,
  LOCAL_RUNTIME,
  parseImageName,
} from "../../system/local/room.ts";
import { UsageError } from "../errors.ts";
import { formatDifference } from "../format/difference.ts";
import { createStyle } from "../format/style.ts";
import { note, printResult, type ResultFormat, writeBytes } from "../output.ts";
import { type ProgressFlags, withProgress } from "../progress/mod.ts";

/** Flags of the commands that edit lists in registries. */
export interface RemoteEditFlags extends ResultFormat, ProgressFlags {
  dryRun?: boolean;
  tag?: string;
}

/** An edit of a list in a registry. */
export interface RemoteEdit extends Pick<EditInternals, "ignoreOrder" | "prepare"> {
  /** Name of the list, with its registry. */
  readonly remote: string;
  /** Changes the list; called again if another writer was faster. */
  edit(list: List): unknown;
}

/**
 * Edits a list in a registry; with `--tag`, under another name; with `--dry-run`, only shows the result.
 *
 * @returns `undefined` for a dry run, whose result is printed.
 */
export async function runRemoteEdit(
  { remote, edit, ...internals }: RemoteEdit,
  flags: RemoteEditFlags,
  options: EditRemoteListOptions,
): Promise<CopyResult | undefined> {
  const target = flags.tag === undefined ? undefined : resolveTarget(remote, flags.tag);
  if (flags.dryRun) return void await preview({ remote, edit, ...internals }, target, flags, options);
  return await withProgress(
    flags,
    (view) =>
      target === undefined
        ? editRemoteListWith(LOCAL_RUNTIME, remote, edit, { ...options, ...view, ...internals })
        : deriveListWith(LOCAL_RUNTIME, remote, target, edit, { ...options, ...view, prepare: internals.prepare }),
  );
}

/** Returns the name under which the edited list is written: a tag in the same repository, or a whole name. */
function resolveTarget(remote: string, tag: string): string {
  if (!isTag(tag)) return tag;
  const { transport, dockerReference } = parseImageName(remote);
  if (transport === "docker") return `docker://${dockerReference!.name}:${tag}`;
  throw new UsageError(`--tag ${tag} requires a list in a registry: write the whole name of the new list`);
}

/** Prints the bytes of the edited index to standard output, and what differs from the existing one to standard error. */
async function preview(
  { remote, edit, ...internals }: RemoteEdit,
  newName: string | undefined,
  flags: RemoteEditFlags,
  options: EditRemoteListOptions,
): Promise<void> {
  const target = newName ?? remote;
  const previewing = { ...options, ...internals, target: newName };
  const { bytes, digest, unchanged } = await previewEditWith(LOCAL_RUNTIME, remote, edit, previewing);
  const before = await fetchManifest(remote, options).catch((error) => {
    if (options.create) return parseManifest(EMPTY_INDEX);
    throw error;
  });
  const difference = diffIndexes(before as ParsedIndex, parseManifest(bytes) as ParsedIndex);
  if (flags.format === "json") {
    const { fields, instances } = difference;
    return printResult(flags, [], { dryRun: true, target, digest, unchanged, fields, instances });
  }
  for (const line of difference.instances.map((instance) => formatDifference(instance, PLAIN))) note(line);
  note(`dry run: nothing was written to ${target}`);
  writeBytes(bytes);
}

/** Notes on standard error have no colors. */
const PLAIN = createStyle({ isTerminal: false, env: () => undefined });

const EMPTY_INDEX = new TextEncoder().encode(
  JSON.stringify({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests: [] }),
);
