import type { KnownCompression } from "../../room.ts";
import { decodeUtf8, encodeUtf8 } from "../../../internal/room.ts";
import { isObject } from "../../../json/room.ts";
import { type Digest, isDigest, parseReference } from "../../../spec/room.ts";
import type { Row, Value } from "./database.ts";

/** Splits a mount scope into two columns; `undefined`: the other tools store no rows for such scopes. */
export function toScopeColumns(scope: string): { transport: string; host: string } | undefined {
  const host = /^docker:\/\/(.+)$/.exec(scope)?.[1];
  return host === undefined ? undefined : { transport: "docker", host };
}

/** Reads a digest from a column; `undefined`: it is not a valid digest. */
export function readDigest(value: unknown): Digest | undefined {
  return typeof value === "string" && isDigest(value) ? value : undefined;
}

/** Reads the path of a repository, `me/app`, from a column with its full name, `quay.io/me/app`; `undefined`: invalid. */
export function readRepository(value: unknown, host: string): string | undefined {
  if (typeof value !== "string") return undefined;
  try {
    const { domain, path, tag, digest } = parseReference(value);
    return domain === host && tag === undefined && digest === undefined ? path : undefined;
  } catch {
    return undefined;
  }
}

/** Supported algorithms with the name in the column `compressor`; others are treated as unknown. */
const BASE_NAMES: Readonly<Record<KnownCompression["name"], string>> = {
  gzip: "gzip",
  bzip2: "bzip2",
  Xz: "Xz",
  zstd: "zstd",
  "zstd:chunked": "zstd",
  uncompressed: "uncompressed",
};

/** Reads a compression from the columns `compressor`, `variant` and `annotations`; `undefined`: unknown. */
export function readCompression({ compressor, variant, annotations }: Row): KnownCompression | undefined {
  if (variant === "zstd:chunked" && compressor === BASE_NAMES[variant] && annotations instanceof Uint8Array) {
    const read = readAnnotations(annotations);
    if (Object.keys(read).length > 0) return { name: variant, annotations: read };
  }
  return typeof compressor === "string" && isBaseName(compressor) ? { name: compressor, annotations: {} } : undefined;
}

function isBaseName(name: string): name is KnownCompression["name"] {
  return Object.values(BASE_NAMES).includes(name);
}

/** Returns the columns `compressor`, `variant` and `annotations`; the latter two only for a variant. */
export function toCompressionColumns({ name, annotations }: KnownCompression): [Value, Value?, Value?] {
  const base = BASE_NAMES[name];
  return base === name ? [base] : [base, name, encodeUtf8(JSON.stringify(annotations))];
}

function readAnnotations(bytes: Uint8Array): Record<string, string> {
  try {
    const value: unknown = JSON.parse(decodeUtf8(bytes));
    const entries = isObject(value) ? Object.entries(value) : [];
    return Object.fromEntries(entries.filter((entry): entry is [string, string] => typeof entry[1] === "string"));
  } catch {
    return {};
  }
}

/** The time format of go-sqlite3: `2006-01-02 15:04:05.999999999-07:00`, without trailing zeros in the fraction. */
const TIME_REGEXP = /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(\.\d{1,9})?([+-]\d\d:\d\d|Z)$/;

/** Reads a time from a column, in milliseconds since 1970-01-01 UTC with a fraction; 0, the oldest time, if it is invalid. */
export function readTime(value: unknown): number {
  const [, date, time, fraction = "0", zone] = TIME_REGEXP.exec(String(value)) ?? [];
  return (Date.parse(`${date}T${time}${zone}`) || 0) + Number(fraction) * 1000;
}

/** Formats milliseconds since 1970-01-01 UTC for a column, with microseconds. */
export function toTimeColumn(milliseconds: number): string {
  const [, seconds, whole] = /^(.*)\.(\d{3})Z$/.exec(new Date(milliseconds).toISOString())!;
  const microseconds = Math.floor((milliseconds % 1) * 1000);
  return `${seconds!.replace("T", " ")}.${whole}${String(microseconds).padStart(3, "0")}+00:00`;
}
