import type { KnownCompression } from "../../room.ts";
import { decodeUtf8, encodeUtf8 } from "../../../internal/room.ts";
import { isObject } from "../../../json/room.ts";
import { type Digest, isDigest, parseReference } from "../../../spec/room.ts";
import type { Row, Value } from "./database.ts";

/** A mount scope as two columns; `undefined` for those that the real tools have no rows of. */
export function findPlace(scope: string): { transport: string; host: string } | undefined {
  const host = /^docker:\/\/(.+)$/.exec(scope)?.[1];
  return host === undefined ? undefined : { transport: "docker", host };
}

/** A digest, where a column holds one. */
export function findDigest(value: unknown): Digest | undefined {
  return typeof value === "string" && isDigest(value) ? value : undefined;
}

/** A repository's path, `me/app`, where a column holds its whole name, `quay.io/me/app`. */
export function findRepository(value: unknown, host: string): string | undefined {
  if (typeof value !== "string") return undefined;
  try {
    const { domain, path, tag, digest } = parseReference(value);
    return domain === host && tag === undefined && digest === undefined ? path : undefined;
  } catch {
    return undefined;
  }
}

/** The algorithms that may be read; others are as good as not known. */
const BASE_NAMES: Readonly<Record<KnownCompression["name"], string>> = {
  gzip: "gzip",
  bzip2: "bzip2",
  Xz: "Xz",
  zstd: "zstd",
  "zstd:chunked": "zstd",
  uncompressed: "uncompressed",
};

/** A compression of its columns `compressor`, `variant` and `annotations`; `undefined` where it is not known. */
export function findCompression({ compressor, variant, annotations }: Row): KnownCompression | undefined {
  if (variant === "zstd:chunked" && compressor === BASE_NAMES[variant] && annotations instanceof Uint8Array) {
    const read = readAnnotations(annotations);
    if (Object.keys(read).length > 0) return { name: variant, annotations: read };
  }
  return typeof compressor === "string" && isBaseName(compressor) ? { name: compressor, annotations: {} } : undefined;
}

function isBaseName(name: string): name is KnownCompression["name"] {
  return Object.values(BASE_NAMES).includes(name);
}

/** A compression as the columns `compressor`, `variant` and `annotations`; the latter two only for a variant. */
export function compressionColumns({ name, annotations }: KnownCompression): [Value, Value?, Value?] {
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

/** What go-sqlite3 writes: `2006-01-02 15:04:05.999999999-07:00`, without zeros at the fraction's end. */
const TIME_REGEXP = /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(\.\d{1,9})?([+-]\d\d:\d\d|Z)$/;

/** Milliseconds since 1970, with a fraction; 0, longest ago, where a column holds no time. */
export function readTime(value: unknown): number {
  const [, date, time, fraction = "0", zone] = TIME_REGEXP.exec(String(value)) ?? [];
  return (Date.parse(`${date}T${time}${zone}`) || 0) + Number(fraction) * 1000;
}

/** Milliseconds since 1970 as the column has them, to the microsecond. */
export function timeColumn(milliseconds: number): string {
  const [, seconds, whole] = /^(.*)\.(\d{3})Z$/.exec(new Date(milliseconds).toISOString())!;
  const microseconds = Math.floor((milliseconds % 1) * 1000);
  return `${seconds!.replace("T", " ")}.${whole}${String(microseconds).padStart(3, "0")}+00:00`;
}
