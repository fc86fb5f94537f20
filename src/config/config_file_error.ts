import { type ErrorCode, ManifestsError, type ManifestsErrorOptions } from "../spec/room.ts";

/** Where in a configuration file something is. */
export interface ConfigFilePlace {
  /** The file. */
  readonly path: string;
  /** Its line, from 1; `undefined` where it cannot be told. */
  readonly line?: number | undefined;
  /** The key, as in `registry[1].mirror[0].location`; `undefined` where the file as a whole is meant. */
  readonly key?: string | undefined;
}

/** A configuration file that cannot be used as it stands, with the place that is wrong. */
export class ConfigFileError extends ManifestsError {
  /** Error name. */
  override readonly name: string = "ConfigFileError";
  /** The file. */
  readonly path: string;
  /** Its line, from 1; `undefined` where it cannot be told. */
  readonly line: number | undefined;
  /** The key, as in `registry[1].mirror[0].location`; `undefined` where the file as a whole is meant. */
  readonly key: string | undefined;

  /** Creates the error; `problem` completes "Cannot read the file as …". Code: `CONFIG_FILE_INVALID`. */
  constructor(place: ConfigFilePlace, problem: string, options?: ManifestsErrorOptions) {
    const { path, line, key } = place;
    const at = line === undefined ? path : `${path}:${line}`;
    const code: ErrorCode = "CONFIG_FILE_INVALID";
    super(code, `Cannot read ${at} as ${key === undefined ? "" : `${key} `}${problem}`, options);
    this.path = path;
    this.line = line;
    this.key = key;
  }
}
