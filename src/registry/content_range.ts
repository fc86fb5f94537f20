/** Byte range of a partial response (RFC 9110 §14.4). */
export interface ContentRange {
  /** Offset of the first byte. */
  readonly first: number;
  /** Offset of the last byte, inclusive. */
  readonly last: number;
  /** Size of the whole content in bytes; `undefined` if the server does not report it. */
  readonly size: number | undefined;
}

/** Reads a `Content-Range` header; `undefined` if it is missing, invalid, sent twice, or contradicts itself. */
export function findContentRange(header: string | null): ContentRange | undefined {
  const match = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/.exec(header?.trim() ?? "");
  if (!match) return undefined;
  const [first, last] = [Number(match[1]), Number(match[2])];
  const size = match[3] === "*" ? undefined : Number(match[3]);
  return first > last || (size !== undefined && last >= size) ? undefined : { first, last, size };
}
