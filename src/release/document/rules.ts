/** Texts of a rule that editors show. */
interface Described {
  /** Description of the value, one or two sentences. */
  readonly description: string;
  /** Example values that editors offer. Default: none. */
  readonly examples?: readonly unknown[];
}

/** The form of a text. */
export interface TextFormat {
  /** Noun phrase for messages, as in `a tag, such as 1.2.3`. */
  readonly name: string;
  /** Regular expression of the whole text, also for texts with variables (`${NAME}`). */
  readonly pattern: string;
  /** Checks the text without variables more closely. Throws, or returns `false`, for a wrong one. Default: no check. */
  readonly check?: (text: string) => unknown;
  /** The text may be a secret by mistake: messages do not quote it. Default: `false`. */
  readonly isSecret?: boolean;
}

/** A text in which variables are replaced. */
export interface TextRule extends Described {
  readonly kind: "text";
  /** Form of the text. Default: any. */
  readonly format?: TextFormat;
  /** The only allowed texts. Default: any. */
  readonly choices?: readonly string[];
  /** Text as it stands in the file: variables are not replaced. Default: `false`. */
  readonly isLiteral?: boolean;
  /** The value may be missing (null), as in `NAME:`. Default: `false`. */
  readonly mayBeEmpty?: boolean;
}

/** Rule for a value that is `true` or `false`. */
export interface FlagRule extends Described {
  readonly kind: "flag";
}

/** Rule for a value that must be one particular number. */
export interface NumberRule extends Described {
  readonly kind: "number";
  readonly value: number;
}

/** Rule for a list, all of whose items follow one rule. */
export interface ListRule extends Described {
  readonly kind: "list";
  readonly items: Rule;
  /** An empty sequence is an error. Default: `false`. */
  readonly isFilled?: boolean;
}

/** A mapping with known keys. */
export interface TableRule extends Described {
  readonly kind: "table";
  readonly members: Readonly<Record<string, Rule>>;
  /** Keys that must be given. Default: none. */
  readonly required?: readonly string[];
  /** Sets of keys of which exactly one must be given, and the others not at all. Default: none. */
  readonly alternatives?: readonly (readonly (readonly string[])[])[];
}

/** A mapping whose keys users choose. */
export interface MapRule extends Described {
  readonly kind: "map";
  readonly keys: TextFormat;
  readonly values: Rule;
}

/** A value of one of several kinds, of which the kind in the file chooses one. */
export interface EitherRule extends Described {
  readonly kind: "either";
  readonly options: readonly (TextRule | ListRule | TableRule)[];
}

/** A rule for a value. The check of files and the JSON Schema for editors are made from the same rules. */
export type Rule = TextRule | FlagRule | NumberRule | ListRule | TableRule | MapRule | EitherRule;

/** The value that a rule yields. Members of a table are optional unless `required` names them. */
export type ValueOf<R> = R extends { kind: "text"; mayBeEmpty: true } ? string | null
  : R extends { kind: "text"; choices: readonly (infer C)[] } ? C
  : R extends { kind: "text" } ? string
  : R extends { kind: "flag" } ? boolean
  : R extends { kind: "number"; value: infer V } ? V
  : R extends { kind: "list"; items: infer I } ? readonly ValueOf<I>[]
  : R extends { kind: "map"; values: infer V } ? Readonly<Record<string, ValueOf<V>>>
  : R extends { kind: "either"; options: readonly (infer O)[] } ? ValueOf<O>
  : R extends { kind: "table"; members: infer M; required: readonly (infer N)[] }
    ? { readonly [K in keyof M & N]: ValueOf<M[K]> } & { readonly [K in Exclude<keyof M, N>]?: ValueOf<M[K]> }
  : R extends { kind: "table"; members: infer M } ? { readonly [K in keyof M]?: ValueOf<M[K]> }
  : never;
