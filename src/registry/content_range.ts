/** What a part of a blob says of itself (RFC 9110 §14.4). */
export interface ContentRange {
  /** First byte. */
  readonly first: number;
  /** Last byte, inclusive. */
  readonly last: number;
  /** Size of the whole in bytes; `undefined` where the server does not say. */
  readonly size: number | undefined;
}

/** Reads a `Content-Range` header; `undefined` where it is none, is sent twice, or contradicts itself. */
export function findContentRange(header: string | null): ContentRange | undefined {
  const match = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/.exec(header?.trim() ?? "");
  if (!match) return undefined;
  const [first, last] = [Number(match[1]), Number(match[2])];
  const size = match[3] === "*" ? undefined : Number(match[3]);
  return first > last || (size !== undefined && last >= size) ? undefined : { first, last, size };
}
