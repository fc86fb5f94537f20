import { ConfigFileError } from "../../config/room.ts";

/** A value of a document with its position. */
export type Tree = ScalarTree | ListTree | TableTree;

/** Position of a value: the file, its line from 1, and the keys that lead to it. */
export interface Place {
  /** Path of the file, for messages. */
  readonly path: string;
  /** Line of the value, or of its key. */
  readonly line: number;
  /** Keys that lead to the value, as in `releases.app.tags[1]`; `""` for the document. */
  readonly key: string;
}

/** A text, number, boolean or null, with its position. */
export interface ScalarTree extends Place {
  readonly kind: "scalar";
  /** The value as YAML 1.2 defines it. */
  readonly value: string | number | bigint | boolean | null;
  /** The value as it stands in the file, without quotes. */
  readonly source: string;
  /** Whether the value has no quotes, so that YAML chooses its type. */
  readonly isPlain: boolean;
}

/** A list of values, with its position. */
export interface ListTree extends Place {
  readonly kind: "list";
  readonly items: readonly Tree[];
}

/** A table of values by key, with its position. */
export interface TableTree extends Place {
  readonly kind: "table";
  readonly members: ReadonlyMap<string, Tree>;
}

/** Throws a {@linkcode ConfigFileError} that names the position of a value. */
export function failAt({ path, line, key }: Place, problem: string): never {
  throw new ConfigFileError({ path, line, key: key || undefined }, problem);
}
