import { collectFacts, compareFacts } from "../../actions/room.ts";
import type { Digest } from "../../spec/room.ts";
import { editRemoteList, findInstance, findSource, hasTransport, type List } from "../../system/local/room.ts";
import {
  type CommandContext,
  createSystemContext,
  LocalStore,
  type PlatformFlags,
  type RegistryFlags,
  type StoreOrOpen,
} from "../context.ts";
import { UsageError } from "../errors.ts";
import { parseAnnotations, toFlag } from "../flags.ts";
import { assertFormat, printResult, type ResultFormat } from "../output.ts";
import { type DetailFlags, edit, setDetails } from "./edit.ts";

/** Flags of `annotate`. */
export interface AnnotateFlags extends RegistryFlags, PlatformFlags, DetailFlags, ResultFormat {
  index?: boolean;
  annotation?: string[];
  remove?: string[];
  subject?: string;
}

/** Runs `annotate LIST INSTANCE` and `annotate --index LIST`. A list `docker://…` is edited in its registry. */
export async function annotate(operands: string[], flags: AnnotateFlags, context: CommandContext): Promise<void> {
  const [name, instance] = operands as [string, string?];
  assertFormat(flags);
  const annotations = parseAnnotations(flags.annotation, (pair) => context.persona.formatBadAnnotation(pair, "entry"));
  assertTarget(flags, instance);
  const change = async (list: List, store: StoreOrOpen): Promise<Annotated> => {
    const before = collectFacts(list);
    const digest = instance === undefined
      ? await annotateIndex(list, store, flags, annotations, context)
      : await annotateInstance(list, store, instance, flags, annotations, context);
    const unchanged = compareFacts(before, collectFacts(list)).size === 0 || undefined;
    return { ...(digest ? { instance: digest } : {}), unchanged };
  };
  if (context.persona.name === "manifests" && hasTransport(name)) {
    return await annotateRemote(name, flags, context, change);
  }
  const { imageId, result } = await edit(context, name, change);
  const line = result.instance ? context.persona.formatChanged(imageId, result.instance) : imageId;
  printResult(flags, [line], { id: imageId, ...result });
}

/** Result of a change by `annotate`. */
interface Annotated {
  /** Digest of the changed instance; `undefined` if the list itself was changed. */
  readonly instance?: Digest | undefined;
  /** `true` if the list already had these values. */
  readonly unchanged?: true | undefined;
}

async function annotateRemote(
  name: string,
  flags: AnnotateFlags,
  context: CommandContext,
  change: (list: List, store: StoreOrOpen) => Promise<Annotated>,
): Promise<void> {
  await using store = new LocalStore(context);
  const options = { systemContext: await createSystemContext(flags, context), signal: context.signal };
  let instance: Digest | undefined;
  const { digest, unchanged } = await editRemoteList(name, async (list) => {
    instance = (await change(list, store.open)).instance;
  }, options);
  printResult(flags, [digest], { digest, ...(instance ? { instance } : {}), unchanged });
}

async function annotateIndex(
  list: List,
  store: StoreOrOpen,
  flags: AnnotateFlags,
  annotations: Record<string, string>,
  context: CommandContext,
): Promise<undefined> {
  if (flags.subject) {
    const subject = await findSource(store, flags.subject);
    const systemContext = await createSystemContext(flags, context, [subject]);
    await list.setSubjectFrom(subject.image, { systemContext, signal: context.signal });
  }
  removeAnnotations(list, undefined, flags.remove);
  if (flags.annotation) list.setAnnotations(undefined, annotations);
}

async function annotateInstance(
  list: List,
  store: StoreOrOpen,
  instance: string,
  flags: AnnotateFlags,
  annotations: Record<string, string>,
  context: CommandContext,
): Promise<Digest> {
  const systemContext = await createSystemContext(flags, context);
  const digest = await findInstance(list, instance, { store, systemContext, signal: context.signal });
  if (flags.os) list.setOs(digest, flags.os);
  if (flags.arch) list.setArchitecture(digest, flags.arch);
  // An architecture without a variant clears the variant, which belonged to the previous architecture.
  if (flags.arch || flags.variant) list.setVariant(digest, flags.variant ?? "");
  if (flags.osVersion) list.setOsVersion(digest, flags.osVersion);
  if (flags.osFeatures?.length) list.setOsFeatures(digest, flags.osFeatures);
  removeAnnotations(list, digest, flags.remove);
  setDetails(list, digest, flags, annotations);
  return digest;
}

/** Removes annotations of an instance or, for `undefined`, of the list. Keys that are not set are ignored. */
function removeAnnotations(list: List, digest: Digest | undefined, keys: readonly string[] = []): void {
  const before = list.annotations(digest);
  if (!keys.some((key) => Object.hasOwn(before, key))) return;
  list.clearAnnotations(digest);
  list.setAnnotations(digest, Object.fromEntries(Object.entries(before).filter(([key]) => !keys.includes(key))));
}

function assertTarget(flags: AnnotateFlags, instance: string | undefined): void {
  const index = flags.index || flags.subject !== undefined;
  if (!index && instance === undefined) {
    throw new UsageError("expected an instance digest, image name, or artifact name");
  }
  if (!index) return;
  if (instance !== undefined) {
    throw new UsageError(
      `did not expect image or artifact name ${JSON.stringify(instance)} when modifying the entire index`,
    );
  }
  const names = ["arch", "os", "osVersion", "features", "osFeatures", "variant"] as const;
  const name = names.find((name) => flags[name] !== undefined);
  if (name) throw new UsageError(`--index is not compatible with ${toFlag(name)}`);
}
