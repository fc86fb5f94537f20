import type { InstanceDifference } from "../../list/room.ts";
import { shortDigest } from "./description.ts";
import type { Style } from "./style.ts";
import { sanitize } from "./width.ts";

/** Platform of attestations, which run nowhere. */
const NOWHERE = "unknown/unknown";

/** Formats a difference between two lists as a line, such as `+ linux/arm64 sha256:0123456789ab`. */
export function formatDifference(
  { platform, attestedPlatform, before, after, fields }: InstanceDifference,
  { good, bad, busy }: Style,
): string {
  const name = sanitize(
    attestedPlatform ? `attestation of ${attestedPlatform}` : platform === NOWHERE ? "attestation" : platform || "-",
  );
  if (after === undefined) return bad(`- ${name} ${shortDigest(before!)}`);
  if (before === undefined) return good(`+ ${name} ${shortDigest(after)}`);
  const digests = before === after ? shortDigest(before) : `${shortDigest(before)} -> ${shortDigest(after)}`;
  return busy(`~ ${name} ${digests}${fields.length > 0 ? ` (${sanitize(fields.join(", "))})` : ""}`);
}
