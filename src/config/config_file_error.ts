import { type ErrorCode, ManifestsError, type ManifestsErrorOptions } from "../spec/room.ts";

/** Position in a configuration file. */
export interface ConfigFilePlace {
  /** Path of the configuration file. */
  readonly path: string;
  /** Line number, starting at 1; `undefined` if it is not known. */
  readonly line?: number | undefined;
  /** The key, such as `registry[1].mirror[0].location`; `undefined` for the file as a whole. */
  readonly key?: string | undefined;
}

/** Thrown when a configuration file is invalid. Code: `CONFIG_FILE_INVALID`. */
export class ConfigFileError extends ManifestsError {
  /** Name of the error class. */
  override readonly name: string = "ConfigFileError";
  /** Path of the configuration file. */
  readonly path: string;
  /** Line number, starting at 1; `undefined` if it is not known. */
  readonly line: number | undefined;
  /** The key, such as `registry[1].mirror[0].location`; `undefined` for the file as a whole. */
  readonly key: string | undefined;

  /** Creates the error with the message `Cannot read <file>:<line>: <key> <problem>`. */
  constructor(place: ConfigFilePlace, problem: string, options?: ManifestsErrorOptions) {
    const { path, line, key } = place;
    const at = line === undefined ? path : `${path}:${line}`;
    const code: ErrorCode = "CONFIG_FILE_INVALID";
    super(code, `Cannot read ${at}: ${key === undefined ? "" : `${key} `}${problem}`, options);
    this.path = path;
    this.line = line;
    this.key = key;
  }
}
