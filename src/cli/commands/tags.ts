import { Semaphore } from "../../internal/room.ts";
import { openRepository } from "../../system/local/room.ts";
import { type CommandContext, createSystemContext, type RegistryFlags } from "../context.ts";
import { UsageError } from "../errors.ts";
import { parseCount } from "../flags.ts";
import { compareNaturally, compareText, compareVersions } from "../format/natural_order.ts";
import { formatTable } from "../format/table.ts";
import { assertFormat, print, printResult, type ResultFormat } from "../output.ts";
import { createEmptyError } from "./all_tags.ts";

/** Flags of `tags`. */
export interface TagsFlags extends RegistryFlags, ResultFormat {
  all?: boolean;
  digests?: boolean;
  exclude?: string;
  limit?: string;
  match?: string;
  sort?: string;
}

/** Tags under which signatures, attestations and referrers of a digest are stored: they are not for people. */
const DIGEST_TAG = /^sha(256|384|512)-[0-9a-f]{64,128}(\.|$)/;

/** Maximum number of digests that are requested at the same time. */
const MAX_PARALLEL = 8;

const ORDERS: Readonly<Record<string, ((a: string, b: string) => number) | undefined>> = {
  natural: compareNaturally,
  name: compareText,
  semver: compareVersions,
  registry: undefined,
};

/** Runs `tags REPOSITORY`. */
export async function tags([name]: string[], flags: TagsFlags, context: CommandContext): Promise<void> {
  assertFormat(flags);
  const filter = createFilter(flags);
  const order = parseOrder(flags.sort);
  const limit = flags.limit === undefined ? Infinity : parseCount("--limit", flags.limit);
  const systemContext = await createSystemContext(flags, context);
  using repository = await openRepository(name!, { systemContext, signal: context.signal });
  const listed = await Array.fromAsync(repository.listTags());
  if (listed.length === 0) throw createEmptyError(String(repository.name));
  const chosen = order(listed.filter(filter)).slice(0, limit);
  const value = { repository: String(repository.name), tags: chosen };
  if (!flags.digests) return printResult(flags, chosen, value);
  const slots = new Semaphore(MAX_PARALLEL);
  const digests = await Promise.all(chosen.map((tag) => slots.run(() => repository.findDigest(tag), context.signal)));
  // A tag that was deleted in the meantime has no digest.
  const rows = chosen.map((tag, i) => [tag, digests[i] ?? "-"]);
  if (flags.format === "json") {
    return printResult(flags, [], {
      ...value,
      digests: Object.fromEntries(rows.filter(([, digest]) => digest !== "-")),
    });
  }
  const [, ...lines] = formatTable(["", ""], rows);
  for (const line of lines) print(line);
}

/** Returns the function that sorts the tags. A dash before the name of an order reverses it. */
function parseOrder(sort = "natural"): (tags: readonly string[]) => string[] {
  const name = sort.replace(/^-/, "");
  if (!Object.hasOwn(ORDERS, name)) {
    throw new UsageError(
      `unknown order ${JSON.stringify(sort)}: choose one of ${
        Object.keys(ORDERS).join(", ")
      }, with "-" before it to reverse it`,
    );
  }
  const compare = ORDERS[name];
  return (tags) => {
    const sorted = compare ? tags.toSorted(compare) : [...tags];
    return sort.startsWith("-") ? sorted.reverse() : sorted;
  };
}

function createFilter({ all, match, exclude }: TagsFlags): (tag: string) => boolean {
  const [included, excluded] = [parsePattern("--match", match), parsePattern("--exclude", exclude)];
  return (tag) => (all || !DIGEST_TAG.test(tag)) && (included?.test(tag) ?? true) && !excluded?.test(tag);
}

function parsePattern(flag: string, text: string | undefined): RegExp | undefined {
  if (text === undefined) return undefined;
  try {
    return new RegExp(text, "v");
  } catch {
    throw new UsageError(
      `invalid argument ${JSON.stringify(text)} for "${flag}" flag: it must be a regular expression`,
    );
  }
}
