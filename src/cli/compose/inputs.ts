import type { ComposeSource } from "../../actions/room.ts";
import { expandTemplate, parseSpecFile, type SpecFile, type TemplateStyle } from "../../release/room.ts";
import { isDigest, isTag, parseReference } from "../../spec/room.ts";
import { readDigestFolder } from "../../system/local/room.ts";
import { UsageError } from "../errors.ts";
import { listAutoTags } from "./auto_tags.ts";
import { parseDescriptorFile } from "./descriptor.ts";
import { InputReader } from "./input_reader.ts";
import { parseNames } from "./names.ts";

/** Flags of `compose` that name the index and its sources. */
export interface InputFlags {
  tag?: string[];
  tags?: string[];
  tagsFrom?: string[];
  sources?: string[];
  sourcesFrom?: string[];
  repository?: string;
  autoTag?: boolean;
  ref?: string;
  digests?: string[];
  template?: string;
  templateStyle?: string;
  spec?: string;
  file?: string[];
  as?: string[];
  platform?: string[];
}

/** The index to compose, as the operands and flags of a command line describe it. */
export interface ComposeInputs {
  /** Full names of the index. Empty: none is given. */
  readonly names: readonly string[];
  /** Sources of the index, in the order of operands and flags. */
  readonly sources: readonly ComposeSource[];
  /** Annotations of a spec file. */
  readonly annotations: Readonly<Record<string, string>>;
  /** Sort the entries by platform: the order of the sources means nothing. */
  readonly isUnordered: boolean;
  /** Platforms to take from the sources. `undefined`: all. */
  readonly platforms: readonly string[] | undefined;
}

/**
 * Reads the names and sources that operands, flags and files describe.
 *
 * @throws {UsageError} If the flags contradict each other, or a file has another form.
 * @throws {Error} If a file cannot be read.
 */
export async function readInputs(
  operands: readonly string[],
  flags: InputFlags,
  reader: InputReader = new InputReader(),
): Promise<ComposeInputs> {
  const spec = flags.spec === undefined ? undefined : await readSpec(flags.spec, reader);
  const listed = await readNames(flags.tags, flags.tagsFrom, "tags", reader);
  const given = [...flags.tag ?? [], ...listed, ...spec?.names ?? []];
  const named = given.map((name) => isTag(name) && flags.repository ? `${flags.repository}:${name}` : name);
  assertNames(named);
  const names = flags.autoTag ? addAutoTags(named, flags) : named;
  const repository = flags.repository ?? findRepository(names);
  const complete = (image: string) => completeSource(image, flags.repository, repository);
  const sources = [
    ...operands.map((image) => ({ image })),
    ...(await readNames(flags.sources, flags.sourcesFrom, "sources", reader)).map((image) => ({ image })),
    ...(flags.as ?? []).map(parseAs),
    ...await Promise.all(
      (flags.file ?? []).map(async (file) => parseDescriptorFile(await reader.read("-f", file), `-f ${file}`)),
    ),
    ...expandTemplates(flags),
    ...spec?.sources ?? [],
  ].map((source) => ({ ...source, image: complete(source.image) }));
  const digests = await Promise.all((flags.digests ?? []).map(readDigestFolder));
  return {
    names,
    sources: [...sources, ...digests.flat().map((digest) => ({ image: complete(digest) }))],
    annotations: spec?.annotations ?? {},
    isUnordered: flags.digests !== undefined,
    platforms: flags.template === undefined ? flags.platform : undefined,
  };
}

async function readSpec(file: string, reader: InputReader): Promise<SpecFile> {
  return await parseSpecFile(await reader.read("--spec", file), file);
}

/** Reads the names in a pair of flags such as `--tags` and `--tags-from`. */
async function readNames(
  texts: readonly string[] = [],
  files: readonly string[] = [],
  member: "tags" | "sources",
  reader: InputReader,
): Promise<string[]> {
  const flag = `--${member}-from`;
  const read = await Promise.all(
    files.map(async (file) => parseNames(await reader.read(flag, file), member, `${flag} ${file}`)),
  );
  return [...texts.flatMap((text) => parseNames(text, member, `--${member}`)), ...read.flat()];
}

/** Adds the tags for a Git reference, in the repository of the first name. A name without a tag only names that. */
function addAutoTags(names: readonly string[], { repository, ref }: InputFlags): string[] {
  const [first] = names;
  const target = repository ?? (first === undefined ? undefined : parseReference(withoutTransport(first)).name);
  if (target === undefined) throw new UsageError("--auto-tag requires --repository, or a name");
  if (ref === undefined) throw new UsageError("--auto-tag requires --ref, such as refs/tags/v1.2.3");
  const tagged = names.filter((name) => isTag(name) || parseReference(withoutTransport(name)).tag !== undefined);
  return [...tagged, ...listAutoTags(ref).map((tag) => `${target}:${tag}`)];
}

function withoutTransport(name: string): string {
  return name.replace(/^docker:\/\//, "");
}

/** Checks that the first name has a repository, in which all bare tags are. */
function assertNames([first]: readonly string[]): void {
  if (first === undefined || !isTag(first)) return;
  throw new UsageError(`${JSON.stringify(first)} is only a tag: add --repository, or write the full name first`);
}

/** Finds the repository of all names; `undefined` if they are in several. */
function findRepository(names: readonly string[]): string | undefined {
  const repositories = new Set(
    names.filter((name) => !isTag(name)).map((name) => {
      const { name: repository } = parseReference(withoutTransport(name));
      return repository;
    }),
  );
  return repositories.size === 1 ? [...repositories][0] : undefined;
}

/**
 * Completes a source that is a digest, or, with `--repository`, a tag.
 *
 * @param given Repository that the user named.
 * @param repository That repository, or else the one of all names.
 */
function completeSource(image: string, given: string | undefined, repository: string | undefined): string {
  if (given !== undefined && isTag(image)) return `${given}:${image}`;
  if (!isDigest(image)) return image;
  if (repository !== undefined) return `${repository}@${image}`;
  throw new UsageError(`the repository of ${image} is not known: add --repository`);
}

function parseAs(text: string): ComposeSource & { readonly image: string } {
  const at = text.indexOf("=");
  if (at > 0 && at < text.length - 1) return { platform: text.slice(0, at), image: text.slice(at + 1) };
  throw new UsageError(
    `--as must be PLATFORM=SOURCE, such as linux/arm/v7=quay.io/me/app:arm, but is ${JSON.stringify(text)}`,
  );
}

const STYLES: readonly string[] = ["braces", "manifest-tool"] satisfies TemplateStyle[];

function expandTemplates(
  { template, templateStyle = "braces", platform = [] }: InputFlags,
): (ComposeSource & { readonly image: string })[] {
  if (!STYLES.includes(templateStyle)) {
    throw new UsageError(`unknown template style ${JSON.stringify(templateStyle)}: choose one of ${STYLES.join(", ")}`);
  }
  if (template === undefined) return [];
  if (platform.length === 0) throw new UsageError("--template requires --platform, once for each image");
  const images = platform.map((expectedPlatform) => {
    try {
      return { image: expandTemplate(template, expectedPlatform, templateStyle as TemplateStyle), expectedPlatform };
    } catch (error) {
      throw new UsageError(`--template ${JSON.stringify(template)}: ${(error as Error).message}`);
    }
  });
  const [first, second] = images;
  if (first && second && first.image === second.image) {
    throw new UsageError(`--template ${JSON.stringify(template)} names one image for all platforms: use {arch} in it`);
  }
  return images;
}
