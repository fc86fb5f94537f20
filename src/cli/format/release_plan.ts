import { groupBy } from "../../internal/room.ts";
import type { ListDifference } from "../../list/room.ts";
import type { PlannedRelease, PlannedTag, PlanSummary, ReleasePlan, TagAction } from "../../release/room.ts";
import { shortDigest } from "./description.ts";
import { formatDifference } from "./difference.ts";
import type { Style } from "./style.ts";
import { count } from "./units.ts";
import { sanitize } from "./width.ts";

/** Marks at the beginning of a tag's line. */
const MARKS: Readonly<Record<TagAction, string>> = {
  add: "+",
  move: "~",
  keep: "=",
  hold: "=",
  drift: "!",
  refuse: "!",
  delete: "-",
  forget: "-",
  leave: "?",
};

/** Formats a plan: the releases with their tags and the differences by platform. */
export function formatPlan({ releases }: ReleasePlan, style: Style): string[] {
  return releases.flatMap((release) => formatRelease(release, style));
}

function formatRelease(release: PlannedRelease, style: Style): string[] {
  const { name, index, entries, missing, tags } = release;
  const platforms = entries.map(({ platform }) => platform).filter((platform) =>
    !/^(unknown\/unknown)?$/.test(platform)
  );
  const content = index === undefined ? "not in the file any more" : `${index} (${platforms.join(", ")})`;
  return [
    style.bold(sanitize(`${name}: ${content}`)),
    ...missing.map((image) => style.dim(`  optional source not found: ${sanitize(image)}`)),
    ...groupTags(tags).flatMap((group) => formatGroup(group, style)),
  ];
}

/** Groups tags of one step and one difference that follow each other, so that the difference is shown once. */
function groupTags(tags: readonly PlannedTag[]): PlannedTag[][] {
  const groups = groupBy(tags, ({ action, from, reason }) => `${action} ${from} ${reason}`);
  return [...groups.values()];
}

function formatGroup(tags: readonly PlannedTag[], style: Style): string[] {
  return [...tags.map((tag) => formatTag(tag, style)), ...formatChanges(tags[0]!.difference, style)];
}

/** Formats the line of a tag, as in `~ quay.io/me/app:latest sha256:0123… -> sha256:4567…`. */
function formatTag(tag: PlannedTag, { good, bad, busy, dim }: Style): string {
  const { action, reference, from, to, recorded, reason } = tag;
  const line = `${MARKS[action]} ${sanitize(reference)}`;
  const current = from ? shortDigest(from) : "no tag";
  switch (action) {
    case "add":
      return good(line);
    case "move":
      return busy(`${line} ${current} -> ${shortDigest(to!)}`);
    case "keep":
      return dim(line);
    case "hold":
      return dim(`${line} stays: ${reason}`);
    case "drift":
      return bad(`${line} drift: published ${shortDigest(recorded!)}, found ${current}`);
    case "refuse":
      return bad(`${line} ${reason}: found ${current}, not ${shortDigest(to!)}`);
    case "delete":
      return bad(`${line} ${current}`);
    case "forget":
      return dim(`${line} is deleted already`);
    case "leave":
      return dim(`${line} is not in the file any more: --prune deletes it`);
  }
}

function formatChanges({ instances, fields }: ListDifference, style: Style): string[] {
  return [
    ...instances.map((instance) => `    ${formatDifference(instance, style)}`),
    ...fields.map((field) => style.busy(`    ~ ${sanitize(field)}`)),
  ];
}

/** Formats the number of tags by their steps, as in `1 to add, 2 to move, 3 unchanged`. */
export function formatSummary(summary: PlanSummary, isDone = false): string {
  const { add, move, keep, hold, drift, refuse, leave } = summary;
  const verb = (infinitive: string, participle: string) => isDone ? participle : `to ${infinitive}`;
  const parts = [
    `${add} ${verb("add", "added")}`,
    `${move} ${verb("move", "moved")}`,
    ...(summary.delete > 0 ? [`${summary.delete} ${verb("delete", "deleted")}`] : []),
    `${keep + hold} unchanged`,
    ...(drift > 0 ? [`${drift} drifted`] : []),
    ...(refuse > 0 ? [`${refuse} immutable`] : []),
    ...(leave > 0 ? [`${count(leave, "old tag")}`] : []),
  ];
  return `${isDone ? "Applied" : "Plan"}: ${parts.join(", ")}.`;
}
